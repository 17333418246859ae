import type { answers, Reason } from '../../src/errors/index.ts'

/** Reasons that a call can fail with; those of the OAuth endpoints are reported differently. */
type CallReason = {
  [Name in Reason]: (typeof answers)[Name] extends { readonly as: 'oauth' } ? never : Name
}[Reason]

const signInAgain = 'Get a new token: sign in again.'
const rightToken =
  'Request a token for api://<GRAPH_CLIENT_ID>/access_as_user in the tenant GRAPH_TENANT_ID: run the command token.'
const readLog = 'Search the server log for the request id.'
const tryAgain = 'Try again; if it persists, search the server log for the request id.'
const versionMismatch =
  'The server rejected the request itself: check that this command and the server have the same version.'
const fixArguments = 'Correct the arguments; call --list shows what each tool takes.'
const consent =
  'Have an administrator open the link, or grant consent to the permissions above in the Entra admin center; doctor checks it.'

/** What to do about each reason; the compiler checks that none of `src/errors/index.ts` is missing. */
const remediations: Readonly<Record<CallReason, string>> = {
  origin_refused: 'Add the origin to MCP_ALLOWED_ORIGINS of the server.',
  not_found: 'Check the address: the MCP endpoint is /mcp.',
  method_not_allowed: versionMismatch,
  not_acceptable: versionMismatch,
  body_too_large: 'Send shorter arguments.',
  media_type_unsupported: versionMismatch,
  content_encoding_unsupported: versionMismatch,
  invalid_json: versionMismatch,
  batch_refused: versionMismatch,
  bad_request: versionMismatch,
  headers_too_large: 'Send the access token alone, or one with fewer groups.',
  request_timeout: tryAgain,
  rate_limited: 'Wait; RATE_LIMIT_USER_MAX and RATE_LIMIT_MAX of the server set the limits.',
  overloaded: 'Wait; if it persists, the server needs more replicas.',
  call_cancelled: 'Run it again.',
  internal: readLog,

  missing_token: 'Sign in: --help lists the ways to get a token.',
  malformed_authorization: 'Pass the token alone, on one line, without "Bearer".',
  token_too_long: 'Configure the app registration to put fewer groups into tokens, or none.',
  malformed_token: 'Pass a complete Entra access token: three parts separated by dots.',
  algorithm_refused: rightToken,
  unknown_key: rightToken,
  bad_signature: 'The token was modified, or belongs to another tenant: get a new one.',
  keys_unavailable: 'The server cannot fetch the signing keys: check its connection to ENTRA_AUTHORITY_HOST.',
  wrong_issuer: rightToken,
  wrong_tenant: rightToken,
  wrong_audience: rightToken,
  graph_audience: rightToken,
  id_token: 'Pass the access token, not the ID token.',
  missing_claim: rightToken,
  expired: signInAgain,
  not_yet_valid: 'Compare the clocks of the server and Entra: run doctor.',
  lifetime_refused: rightToken,
  key_bound_token: 'Get a plain bearer token: this one is bound to a key of the application that requested it.',
  app_only: 'Sign in as a user: a token of an application cannot be exchanged.',
  missing_scope: rightToken,
  client_not_allowed: 'Add the application that requested the token to MCP_ALLOWED_CLIENT_IDS of the server.',

  claims_required: 'Entra requires more authentication, such as MFA: sign in again with the claims of the challenge.',
  assertion_refused: signInAgain,
  access_blocked: 'A Conditional Access policy blocks this user: ask an administrator, or sign in as another user.',
  user_not_allowed: "Assign the user under the enterprise application's Users and groups, or sign in as another user.",
  credential_unavailable: 'The server cannot read its credential: GET /readyz names it, the server log has the cause.',
  credential_refused: 'Entra rejected the credential of the server: run doctor.',
  exchange_misconfigured: 'Check GRAPH_CLIENT_ID, GRAPH_TENANT_ID and GRAPH_OBO_SCOPES of the server: run doctor.',
  exchange_throttled: 'Entra throttles the server: wait, and try again.',
  exchange_unavailable: tryAgain,
  user_consent_required: consent,
  admin_consent_required: consent,

  graph_claims_required: 'Sign in again: Graph no longer accepts this sign-in.',
  graph_token_refused:
    'Check the delegated permission and its consent, GRAPH_OBO_SCOPES and GRAPH_BASE_URL: run doctor.',
  graph_forbidden:
    'Assign the user the role named above; it takes effect within minutes. If they have it, the app lacks the permission.',
  graph_not_found: 'Check the id: posts expire. getMessages lists those that this user can read.',
  graph_bad_request: fixArguments,
  graph_throttled: 'Wait: the whole tenant shares this limit.',
  graph_budget_spent: 'Wait: the whole tenant shares the quota of Graph.',
  graph_unavailable: tryAgain,
  graph_timeout: 'Try again, or request less.',
  graph_answer_invalid: tryAgain,
  graph_answer_too_large: 'Request fewer messages at once.',
  graph_link_refused: 'Check GRAPH_BASE_URL of the server: the next-page link of Graph points to another host.',

  invalid_input: fixArguments,
  accessToken_disabled: 'Remove accessToken: the server gets its own from your sign-in.',
  sign_in_required: 'Sign in: --help lists the ways to get a token.',
}

/** For a response without a reason: a 5xx has none, and others are not this server's. */
function remediationForStatus(status: number): string {
  switch (status) {
    case 403:
      return 'Set PUBLIC_BASE_URL of the server to the address that clients use.'
    case 404:
      return 'Check the address: there is no MCP server.'
    case 502:
    case 504:
      return 'The proxy in front of the server cannot reach it: check that it is running and ready.'
    case 503:
      return `The server is running but cannot serve: Entra rejected its credential or is unreachable. ${readLog} doctor tests both.`
    default:
      return readLog
  }
}

/** @param reason of the response; a server of another version may have others */
export function remediationFor(reason: string | undefined, status?: number): string {
  if (reason !== undefined && Object.hasOwn(remediations, reason)) return remediations[reason as CallReason]
  return remediationForStatus(status ?? 0)
}
