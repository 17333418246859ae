import type { answers, Reason } from '../../src/errors/index.ts'

/** The reasons that a call can end in, as its answer names them; those of a sign-in come by other ways. */
type CallReason = {
  [Name in Reason]: (typeof answers)[Name] extends { readonly as: 'oauth' } ? never : Name
}[Reason]

const anew = 'Get a new token: sign in again.'
const rightToken =
  'Ask for api://<GRAPH_CLIENT_ID>/access_as_user in the tenant of GRAPH_TENANT_ID: the command token does.'
const readLog = 'Look for the request id in the log of the server.'
const tryAgain = 'Try again; if it lasts, look for the request id in the log of the server.'
const ourFault = 'This command sent something that the server does not take: check that both are of the same version.'
const ask = 'Correct the arguments; call --list shows what each tool takes.'
const consent =
  'An administrator opens the link, or grants consent to the permissions named above in the Entra admin center; doctor says whether it is there.'

/** What an operator does about each reason. The compiler holds it against `src/errors/index.ts`. */
const mends: Readonly<Record<CallReason, string>> = {
  origin_refused: 'Add the origin to MCP_ALLOWED_ORIGINS of the server.',
  not_found: 'Check the address: the MCP endpoint is /mcp.',
  method_not_allowed: ourFault,
  not_acceptable: ourFault,
  body_too_large: 'Send shorter arguments.',
  media_type_unsupported: ourFault,
  content_encoding_unsupported: ourFault,
  invalid_json: ourFault,
  batch_refused: ourFault,
  bad_request: ourFault,
  headers_too_large: 'Hand over the access token alone, or one with fewer groups in it.',
  request_timeout: tryAgain,
  rate_limited: 'Wait as long as it says; RATE_LIMIT_USER_MAX and RATE_LIMIT_MAX of the server set the limits.',
  overloaded: 'Wait as long as it says; if it lasts, the server needs more replicas.',
  call_cancelled: 'Run it again.',
  internal: readLog,

  missing_token: 'Sign in: see --help for the ways to a token.',
  malformed_authorization: 'Hand over the token alone, in one line, without "Bearer".',
  token_too_long: 'Have the app registration put fewer groups into tokens, or none.',
  malformed_token: 'Hand over an access token of Entra, whole: three parts with dots between them.',
  algorithm_refused: rightToken,
  unknown_key: rightToken,
  bad_signature: 'The token was changed on its way, or belongs to another tenant: get a new one.',
  keys_unavailable: 'The server cannot fetch the signing keys: check its way to ENTRA_AUTHORITY_HOST.',
  wrong_issuer: rightToken,
  wrong_tenant: rightToken,
  wrong_audience: rightToken,
  graph_audience: rightToken,
  id_token: 'Hand over the access token, not the ID token.',
  missing_claim: rightToken,
  expired: anew,
  not_yet_valid: 'Compare the clocks of the server and of Entra: doctor does.',
  lifetime_refused: rightToken,
  key_bound_token: 'Get a plain bearer token: this one is bound to a key of the application that asked for it.',
  app_only: 'Sign in as a user: a token of an application cannot be exchanged.',
  missing_scope: rightToken,
  client_not_allowed: 'Add the application that asked for the token to MCP_ALLOWED_CLIENT_IDS of the server.',

  claims_required: 'Entra wants more proof, such as MFA: sign in again with the claims of the challenge.',
  assertion_refused: anew,
  access_blocked: 'A Conditional Access policy blocks this user: ask an administrator, or sign in as somebody else.',
  user_not_allowed: "Assign the user under the enterprise application's Users and groups, or sign in as somebody else.",
  credential_unavailable: 'The server cannot get at its credential: GET /readyz says what is missing, and its log why.',
  credential_refused: 'Entra refuses the credential of the server: doctor says what is wrong with it.',
  exchange_misconfigured: 'Check GRAPH_CLIENT_ID, GRAPH_TENANT_ID and GRAPH_OBO_SCOPES of the server: doctor does.',
  exchange_throttled: 'Entra limits the server: wait, and try again.',
  exchange_unavailable: tryAgain,
  user_consent_required: consent,
  admin_consent_required: consent,

  graph_claims_required: 'Sign in again: Graph no longer takes this sign-in.',
  graph_token_refused:
    'Check the delegated permission and its consent, GRAPH_OBO_SCOPES and GRAPH_BASE_URL: doctor does.',
  graph_forbidden:
    'Give the user the role named above; it can take some minutes to take effect. Where they have it, the app lacks the permission.',
  graph_not_found:
    'Check the id: posts expire and leave the Message Center. getMessages lists those that this user may see.',
  graph_bad_request: ask,
  graph_throttled: 'Wait as long as it says: the whole tenant shares this limit.',
  graph_quota_exceeded: 'Wait as long as it says: the whole tenant shares what Graph allows.',
  graph_unavailable: tryAgain,
  graph_timeout: 'Try again, or ask for less.',
  graph_answer_invalid: tryAgain,
  graph_answer_too_large: 'Ask for fewer messages at once.',
  graph_link_refused: 'Check GRAPH_BASE_URL of the server: Graph named a page of another host.',

  invalid_input: ask,
  accessToken_disabled: 'Leave accessToken out: the server gets its own from your sign-in.',
  sign_in_required: 'Sign in: see --help for the ways to a token.',
}

/** What to do about an answer that names no reason: a 5xx never does, and others are not this server's. */
function mendOfStatus(status: number): string {
  switch (status) {
    case 403:
      return 'Set PUBLIC_BASE_URL of the server to the address that clients use.'
    case 404:
      return 'Check the address: no MCP server answers there.'
    case 502:
    case 504:
      return 'What stands in front of the server does not reach it: check that it runs and is ready.'
    case 503:
      return `The server lives but cannot serve: Entra refuses its credential or cannot be reached. ${readLog} doctor tries both.`
    default:
      return readLog
  }
}

/** @param reason as an answer names it, which may be one of another version's */
export function mendOf(reason: string | undefined, status?: number): string {
  if (reason !== undefined && Object.hasOwn(mends, reason)) return mends[reason as CallReason]
  return mendOfStatus(status ?? 0)
}
