import { quotable } from './quotable.ts'

/**
 * Every way a call can fail, and the one place that says what a caller is told about it.
 *
 * `http` answers end the request with a status and a JSON-RPC error, and 401 and 403 carry a Bearer challenge
 * (RFC 6750 section 3). `tool` answers are tool results with `isError`, so that the agent can act on them. `oauth`
 * answers are those of the OAuth proxy, for clients that sign in and the people who use them.
 * Codes and meanings: Microsoft identity platform, "Error handling in Microsoft Entra authentication".
 */
interface HttpAnswer {
  readonly as: 'http'
  readonly status: number
  /** The `error` of a Bearer challenge. */
  readonly oauth?: 'invalid_request' | 'invalid_token' | 'insufficient_scope' | 'insufficient_claims'
  readonly text: string
}
/** An answer of the OAuth proxy: JSON (RFC 6749 section 5.2), a redirect to the client, or a page, by who waits for it. */
interface OAuthAnswer {
  readonly as: 'oauth'
  readonly status: number
  readonly error: OAuthErrorCode
  readonly text: string
}
interface ToolAnswer {
  readonly as: 'tool'
  /** Whether the same call may succeed later without anybody doing anything. */
  readonly retryable: boolean
  readonly text: string
  /** What to do where nobody said how long to wait. */
  readonly again?: string
}

/** RFC 6749 sections 4.1.2.1 and 5.2, RFC 7591 section 3.2.2, RFC 8707 section 2, OpenID Connect Core 3.1.2.6. */
export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'invalid_scope'
  | 'invalid_target'
  | 'invalid_redirect_uri'
  | 'invalid_client_metadata'
  | 'unsupported_grant_type'
  | 'unsupported_response_type'
  | 'request_not_supported'
  | 'request_uri_not_supported'
  | 'access_denied'
  | 'interaction_required'
  | 'server_error'
  | 'temporarily_unavailable'
  | 'too_many_requests'

const http = (status: number, text: string, oauth?: HttpAnswer['oauth']): HttpAnswer => ({
  as: 'http',
  status,
  text,
  ...(oauth !== undefined && { oauth }),
})
const invalidToken = (text: string) => http(401, text, 'invalid_token')
const forbidden = (text: string) => http(403, text, 'insufficient_scope')
const oauth = (status: number, error: OAuthErrorCode, text: string): OAuthAnswer => ({
  as: 'oauth',
  status,
  error,
  text,
})
const tool = (text: string): ToolAnswer => ({ as: 'tool', retryable: false, text })
const retryable = (text: string, again?: string): ToolAnswer => ({
  as: 'tool',
  retryable: true,
  text,
  ...(again !== undefined && { again }),
})

const signIn = 'Sign in again and send the new access token.'
const startAgain = 'Go back to the application and sign in again.'
const entraTrouble = 'The server cannot exchange tokens with Microsoft Entra at the moment.'

/** What each reason becomes on the wire. The keys are the union {@link Reason}; nothing else may be answered. */
export const answers = {
  // The request as such.
  origin_refused: http(403, 'This server does not answer requests from that Origin.'),
  not_found: http(404, 'There is nothing here. The MCP endpoint is POST /mcp.'),
  method_not_allowed: http(405, 'Only POST is served here: this server is stateless.'),
  not_acceptable: http(406, 'Accept must allow application/json.'),
  body_too_large: http(413, 'The request body is larger than this server takes.'),
  media_type_unsupported: http(415, 'Content-Type must be application/json.'),
  content_encoding_unsupported: http(415, 'Send the request body uncompressed, without Content-Encoding.'),
  invalid_json: http(400, 'The request body is not valid JSON.'),
  batch_refused: http(400, 'JSON-RPC batches are not served: send one message a request.'),
  bad_request: http(400, 'The request is malformed.'),
  headers_too_large: http(431, 'The request headers are longer than this server takes, which is 32 KB in all.'),
  request_timeout: http(408, 'The request did not arrive in time.'),
  rate_limited: http(429, 'Too many requests.'),
  overloaded: http(503, 'This server has more to do than it can at the moment.'),
  call_cancelled: http(499, 'The client went away before its answer.'),
  internal: http(500, 'Something went wrong on the server. Its log has the details under this request id.'),

  // The caller's token (RFC 6750, RFC 9068, Microsoft "Access tokens: validate").
  missing_token: http(401, 'Sign in: send "Authorization: Bearer" with an Entra access token for this API.'),
  malformed_authorization: http(400, 'Send exactly one "Authorization: Bearer <token>" header.', 'invalid_request'),
  token_too_long: http(
    431,
    'The bearer token is longer than this server takes, which is 16 KB. A token with many groups becomes shorter when ' +
      'the app registration names only groups assigned to the application, or none.',
  ),
  malformed_token: invalidToken('The bearer token is not a signed JWT.'),
  algorithm_refused: invalidToken('The token must be signed with RS256.'),
  unknown_key: invalidToken(`The token is not signed by a key of this tenant. ${signIn}`),
  bad_signature: invalidToken(`The signature of the token does not hold. ${signIn}`),
  keys_unavailable: http(503, 'The signing keys of the tenant cannot be fetched at the moment.'),
  wrong_issuer: invalidToken('The token was not issued by this tenant.'),
  wrong_tenant: invalidToken('The token belongs to another tenant.'),
  wrong_audience: invalidToken('The token was issued for another API. Ask Entra for a token for this API.'),
  graph_audience: invalidToken(
    'This is a Microsoft Graph token. A server that accepted it would be a confused deputy: ' +
      'send a token issued for this API, and the server exchanges it for Graph itself.',
  ),
  id_token: invalidToken('This is an ID token. Send an access token for this API.'),
  missing_claim: invalidToken('The token lacks a claim that this API needs.'),
  expired: invalidToken(`The token has expired. ${signIn}`),
  not_yet_valid: invalidToken('The token is not valid yet. Check the clocks.'),
  lifetime_refused: invalidToken('The token claims a lifetime that Entra does not give.'),
  key_bound_token: invalidToken(
    'The token is bound to a key, by its claim cnf, and the server cannot verify that key. Ask Entra for a bearer token.',
  ),
  app_only: forbidden('This token has no signed-in user. On-Behalf-Of needs one: sign in as a user.'),
  missing_scope: forbidden('The token lacks a scope that this API needs. Ask for the scopes named in the challenge.'),
  client_not_allowed: http(403, 'This client application may not call this API. Ask its operator to allow it.'),

  // The exchange (On-Behalf-Of).
  claims_required: http(
    401,
    'Entra asks for more proof, such as MFA. Sign in again with these claims.',
    'insufficient_claims',
  ),
  assertion_refused: invalidToken(`Entra no longer accepts this token. ${signIn}`),
  access_blocked: http(403, 'A Conditional Access policy of the tenant blocks this access. Ask an administrator.'),
  user_not_allowed: http(
    403,
    'Entra does not let this user in: not assigned, not in the tenant, or disabled. Ask an administrator.',
  ),
  credential_refused: http(503, entraTrouble),
  credential_unavailable: http(503, entraTrouble),
  exchange_misconfigured: http(
    500,
    'The server is not configured for this tenant. Its operator finds the details in the log.',
  ),
  exchange_throttled: http(503, 'Microsoft Entra limits token requests at the moment.'),
  exchange_unavailable: http(503, entraTrouble),
  user_consent_required: tool(
    'You have not consented to what this server does for you at Microsoft Graph. Open the link, sign in and accept.',
  ),
  admin_consent_required: tool(
    'An administrator of your tenant has to consent to this server first. Send the link to one.',
  ),

  // Signing in through the OAuth proxy: the request.
  parameter_repeated: oauth(400, 'invalid_request', 'A parameter is given more than once.'),
  parameter_missing: oauth(400, 'invalid_request', 'A parameter is missing.'),
  oauth_request_malformed: oauth(400, 'invalid_request', 'The request is malformed.'),
  client_unknown: oauth(
    401,
    'invalid_client',
    'This client is not known here, or no longer. Remove this server from the application and add it again.',
  ),
  client_document_refused: oauth(400, 'invalid_client', 'The document that the client id names cannot be used.'),
  client_document_unavailable: oauth(400, 'invalid_client', 'The document that the client id names cannot be fetched.'),
  client_document_awaited: oauth(
    503,
    'temporarily_unavailable',
    'The document that the client id names cannot be fetched at the moment.',
  ),
  client_secret_refused: oauth(
    401,
    'invalid_client',
    'The client secret is missing or wrong, or this client has none.',
  ),
  redirect_not_listed: oauth(
    400,
    'invalid_request',
    'The redirect URI is not on the list of this server. Its operator finds in the log how to add it.',
  ),
  redirect_not_registered: oauth(
    400,
    'invalid_request',
    'The redirect URI is not one of this application. Remove this server from the application and add it again.',
  ),
  response_type_refused: oauth(400, 'unsupported_response_type', 'Only response_type=code is served.'),
  response_mode_refused: oauth(400, 'invalid_request', 'Only response_mode=query is served.'),
  request_object_refused: oauth(400, 'request_not_supported', 'Send plain parameters: request objects are not served.'),
  request_uri_refused: oauth(400, 'request_uri_not_supported', 'Send plain parameters: request_uri is not served.'),
  pkce_required: oauth(400, 'invalid_request', 'PKCE is required: a code_challenge with code_challenge_method=S256.'),
  scope_refused: oauth(400, 'invalid_scope', 'A scope is not one of this API.'),
  resource_refused: oauth(400, 'invalid_target', 'The resource is not this server.'),
  redirect_uris_refused: oauth(400, 'invalid_redirect_uri', 'None of the redirect URIs is allowed on this server.'),
  client_metadata_refused: oauth(400, 'invalid_client_metadata', 'The client cannot be registered like this.'),

  // Signing in: the person and Entra.
  consent_needed: oauth(400, 'interaction_required', 'The user has to be asked first: leave prompt=none out.'),
  consent_denied: oauth(400, 'access_denied', 'The user did not allow it.'),
  form_required: oauth(415, 'invalid_request', 'Content-Type must be application/x-www-form-urlencoded.'),
  consent_unconfirmed: oauth(400, 'access_denied', 'The box was not ticked. Go back, tick it, and allow again.'),
  consent_form_refused: oauth(
    403,
    'access_denied',
    `This form is not of this browser, or the sign-in is over. ${startAgain}`,
  ),
  sign_in_expired: oauth(400, 'access_denied', `This sign-in took too long. ${startAgain}`),
  sign_in_elsewhere: oauth(
    403,
    'access_denied',
    `This sign-in was not started in this browser, or it is finished already. ${startAgain}`,
  ),
  entra_interaction_required: oauth(400, 'interaction_required', 'Entra has to ask the user: leave prompt=none out.'),
  entra_sign_in_refused: oauth(400, 'access_denied', 'The sign-in was refused or cancelled at Microsoft Entra.'),
  entra_sign_in_failed: oauth(400, 'server_error', 'Microsoft Entra did not take the sign-in request of this server.'),
  entra_sign_in_unavailable: oauth(
    400,
    'temporarily_unavailable',
    'Microsoft Entra cannot sign users in at the moment.',
  ),

  // Signing in: codes and refresh tokens.
  grant_type_refused: oauth(
    400,
    'unsupported_grant_type',
    'Only grant_type=authorization_code and grant_type=refresh_token are served.',
  ),
  code_refused: oauth(
    400,
    'invalid_grant',
    'The code is not one that this server gave this client for this redirect URI.',
  ),
  code_expired: oauth(400, 'invalid_grant', 'The code has expired. Sign in again.'),
  code_used: oauth(400, 'invalid_grant', 'The code has been used. Sign in again.'),
  verifier_refused: oauth(400, 'invalid_grant', 'The code_verifier does not belong to the code_challenge.'),
  refresh_token_refused: oauth(
    400,
    'invalid_grant',
    'The refresh token is not one of this client, or it was revoked. Sign in again.',
  ),
  redirect_withdrawn: oauth(
    400,
    'invalid_grant',
    'The redirect URI that this sign-in went to is no longer allowed. Sign in again.',
  ),
  refresh_token_reused: oauth(
    400,
    'invalid_grant',
    'The refresh token was used before. For safety, its sign-in has ended. Sign in again.',
  ),
  grant_refused: oauth(400, 'invalid_grant', 'Microsoft Entra does not accept it any more. Sign in again.'),

  // Graph.
  graph_claims_required: http(
    401,
    'Microsoft Graph asks for more proof. Sign in again with these claims.',
    'insufficient_claims',
  ),
  graph_token_refused: tool(
    'Microsoft Graph did not accept the token. Sign in again; if it lasts, check the permissions of the app registration.',
  ),
  graph_forbidden: tool('Microsoft Graph does not allow your account to do this.'),
  graph_not_found: tool(
    'There is no such message: posts expire and leave the Message Center, and some accounts may not see all of them. ' +
      'Asking for it again does not help. Look for a newer post on the same subject with getMessages.',
  ),
  graph_bad_request: tool('Microsoft Graph did not understand the query.'),
  graph_throttled: retryable('Microsoft Graph limits requests at the moment.'),
  graph_budget_spent: retryable('Microsoft Graph takes a limited number of calls from each tenant.'),
  graph_unavailable: retryable('Microsoft Graph did not answer properly.', 'Try again.'),
  graph_timeout: retryable('Microsoft Graph took too long to answer.', 'Try again, or ask for less.'),
  graph_answer_invalid: retryable('Microsoft Graph answered something that is not what it documents.', 'Try again.'),
  graph_answer_too_large: tool('The answer of Microsoft Graph is too large. Ask for fewer messages with "top".'),
  graph_link_refused: tool('Microsoft Graph named a next page outside of Graph. The server does not follow it.'),

  // The tool's input.
  invalid_input: tool('The arguments do not fit.'),
  accessToken_disabled: tool(
    'The argument "accessToken" is switched off on this server. Sign in instead: the server gets the Graph token ' +
      'On-Behalf-Of. (For a local run an operator may set ALLOW_MCP_ACCESS_TOKEN_ARG=true.)',
  ),
  sign_in_required: tool('This tool reads Microsoft Graph as you. Sign in and call it again.'),
} as const satisfies Record<string, HttpAnswer | OAuthAnswer | ToolAnswer>

export type Reason = keyof typeof answers

/** What may accompany a reason. All of it may be shown to the caller, except `cause` and `allowLine`, which only the log sees. */
export interface FailureDetails {
  /** A sentence that adds to the answer's text: which field, which scope, what Graph said. */
  readonly detail?: string
  /** The request parameter that it is about. */
  readonly parameter?: string
  readonly retryAfterSeconds?: number
  /** A claims request, as JSON text, that a new sign-in has to carry (Microsoft "Claims challenges"). */
  readonly claims?: string
  /** Where somebody can mend it, such as the admin-consent page. */
  readonly link?: string
  /** The redirect URI that was rejected, and what would allow it: for the log. */
  readonly redirectUri?: string
  readonly allowLine?: string
  /** Graph's `request-id`, which Microsoft's support asks for. */
  readonly graphRequestId?: string
  /** Entra's error code, such as `AADSTS65004` (Microsoft, "Microsoft Entra authentication and authorization error codes"). */
  readonly aadsts?: string
  readonly cause?: unknown
}

/** When to come again where nobody said when it will be better. RFC 9110 section 15.6.4 lets a 503 say it; here all do. */
const usualWaitSeconds = 2

/** A call that ended in one of the known reasons. */
export class Failure extends Error {
  readonly reason: Reason
  readonly details: FailureDetails
  readonly #isWaitNamed: boolean
  constructor(reason: Reason, details: FailureDetails = {}) {
    super(details.detail ?? reason, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'Failure'
    this.reason = reason
    const answer: HttpAnswer | OAuthAnswer | ToolAnswer = answers[reason]
    const isPassing = answer.as === 'http' && answer.status === 503
    this.details = isPassing ? { retryAfterSeconds: usualWaitSeconds, ...details } : details
    this.#isWaitNamed = details.retryAfterSeconds !== undefined
  }
  /** The wait that somebody named: none where `details` have the usual one. */
  get namedWaitSeconds(): number | undefined {
    return this.#isWaitNamed ? this.details.retryAfterSeconds : undefined
  }
}

/** The text for a caller: the reason's own sentence and what is known beyond it, on one line. */
export function failureText({ reason, details }: Failure): string {
  const answer: HttpAnswer | OAuthAnswer | ToolAnswer = answers[reason]
  const text = details.parameter === undefined ? answer.text : answer.text.replace(/\.$/, `: ${details.parameter}.`)
  const parts: (string | undefined)[] = [text, details.detail]
  if (details.retryAfterSeconds !== undefined) parts.push(`Try again in ${details.retryAfterSeconds} s.`)
  else if (answer.as === 'tool') parts.push(answer.again)
  if (details.link !== undefined) parts.push(details.link)
  if (details.aadsts !== undefined) parts.push(`(${details.aadsts})`)
  if (details.graphRequestId !== undefined) parts.push(`(Graph request id ${details.graphRequestId})`)
  return parts.filter((part) => part !== undefined).join(' ')
}

/** The reason behind whatever was thrown, Fastify's own errors included; what is unknown is `internal`. */
export function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  const { code, statusCode } = (error ?? {}) as { code?: unknown; statusCode?: unknown }
  const reason = typeof code === 'string' && Object.hasOwn(fastifyReasons, code) ? fastifyReasons[code] : undefined
  if (reason !== undefined) return new Failure(reason, { cause: error })
  if (code === 'FST_ERR_VALIDATION')
    return new Failure('bad_request', { detail: `It is not JSON-RPC: ${(error as Error).message}.` })
  const isCallersFault = typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500
  return new Failure(isCallersFault ? 'bad_request' : 'internal', { cause: error })
}

/** The reason behind whatever was thrown where OAuth is spoken: malformed requests are told apart from malformed JSON-RPC. */
export function toOAuthFailure(error: unknown): Failure {
  const { code } = (error ?? {}) as { code?: unknown }
  if (code === 'FST_ERR_VALIDATION') {
    return new Failure('oauth_request_malformed', { detail: `It is this: ${(error as Error).message}.` })
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new Failure('oauth_request_malformed', {
      detail: 'Its Content-Type is not the one that this endpoint takes.',
    })
  }
  return toFailure(error)
}

const fastifyReasons: Readonly<Record<string, Reason>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'media_type_unsupported',
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid_json',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid_json',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'bad_request',
}

/** JSON-RPC 2.0 section 5.1, with -32000 for everything that only this server defines. */
function jsonRpcCode(reason: Reason): number {
  switch (reason) {
    case 'invalid_json':
      return -32700
    case 'batch_refused':
    case 'bad_request':
      return -32600
    case 'internal':
      return -32603
    default:
      return -32000
  }
}

/** A failure as a JSON-RPC error. A 5xx does not say why: the log does, under the same request id. */
export function jsonRpcError(failure: Failure, requestId: string, id: string | number | null = null) {
  const { status } = httpAnswer(failure)
  return {
    jsonrpc: '2.0' as const,
    id,
    error: {
      code: jsonRpcCode(failure.reason),
      message: failureText(failure),
      data: {
        ...(status < 500 && { reason: failure.reason }),
        ...(failure.details.retryAfterSeconds !== undefined && {
          retryAfterSeconds: failure.details.retryAfterSeconds,
        }),
        requestId,
      },
    },
  }
}

/** A failure as an OAuth error (RFC 6749 section 5.2): its status and body. */
export function oauthError(failure: Failure): {
  status: number
  body: { error: OAuthErrorCode; error_description: string }
} {
  const answer: HttpAnswer | OAuthAnswer | ToolAnswer = answers[failure.reason]
  const error_description = quotable(failureText(failure))
  if (answer.as === 'oauth') return { status: answer.status, body: { error: answer.error, error_description } }
  const { status } = httpAnswer(failure)
  return { status, body: { error: oauthCode(status), error_description } }
}

function oauthCode(status: number): OAuthErrorCode {
  if (status === 429) return 'too_many_requests'
  if (status === 503) return 'temporarily_unavailable'
  return status >= 500 ? 'server_error' : 'invalid_request'
}

/** The HTTP side of a failure; a reason meant for a tool result that ends up here is the server's own fault. */
export function httpAnswer({ reason }: Failure): HttpAnswer {
  const answer = answers[reason]
  return answer.as === 'http' ? answer : answers.internal
}
