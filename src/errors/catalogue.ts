/**
 * Every way a request can fail, and what each becomes on the wire.
 *
 * Codes and meanings of the exchange: Microsoft identity platform, "Error handling in Microsoft Entra authentication".
 * `npm run docs` writes docs/errors.md from this table.
 */
interface Entry {
  /** What the caller reads: ASCII, one sentence or more. */
  readonly text: string
  /** What an operator or a developer does about it: for docs/errors.md and the operators' commands. */
  readonly fix: string
}
/** Ends the request: a status and a JSON-RPC error. A 401 or 403 carries a Bearer challenge (RFC 6750 section 3). */
export interface HttpEntry extends Entry {
  readonly kind: 'http'
  readonly status: number
  /** The `error` of the Bearer challenge. */
  readonly challenge?: 'invalid_request' | 'invalid_token' | 'insufficient_scope' | 'insufficient_claims'
}
/** The OAuth proxy's: JSON (RFC 6749 section 5.2), a redirect to the client, or a page, by who waits for it. */
interface OAuthEntry extends Entry {
  readonly kind: 'oauth'
  readonly status: number
  readonly error: OAuthErrorCode
}
/** A tool result with `isError`, so that the agent can act on it. */
interface ToolEntry extends Entry {
  readonly kind: 'tool'
  /** Whether the same call may succeed later without anybody doing anything. */
  readonly retryable: boolean
  /** What to do where nobody said how long to wait. */
  readonly retryHint?: string
}
export type CatalogueEntry = HttpEntry | OAuthEntry | ToolEntry

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

const http = (status: number, text: string, fix: string, challenge?: HttpEntry['challenge']): HttpEntry => ({
  kind: 'http',
  status,
  text,
  fix,
  ...(challenge !== undefined && { challenge }),
})
const invalidToken = (text: string, fix: string) => http(401, text, fix, 'invalid_token')
const forbidden = (text: string, fix: string) => http(403, text, fix, 'insufficient_scope')
const oauth = (status: number, error: OAuthErrorCode, text: string, fix: string): OAuthEntry => ({
  kind: 'oauth',
  status,
  error,
  text,
  fix,
})
const tool = (text: string, fix: string): ToolEntry => ({ kind: 'tool', retryable: false, text, fix })
const retryable = (text: string, fix: string, retryHint?: string): ToolEntry => ({
  kind: 'tool',
  retryable: true,
  text,
  fix,
  ...(retryHint !== undefined && { retryHint }),
})

const signIn = 'Sign in again and send the new access token.'
const startAgain = 'Go back to the application and sign in again.'
const exchangeDown = 'Token exchange with Microsoft Entra is unavailable.'

const checkClient = 'Check that the client sends what the MCP transport specifies.'
const checkOAuthClient = 'Check that the client sends what RFC 6749 and RFC 7636 specify.'
const newSignIn = 'Sign in again.'
const newToken = 'Get a new token: sign in again.'
const rightToken = 'Request api://<GRAPH_CLIENT_ID>/access_as_user in the tenant GRAPH_TENANT_ID.'
const readLog = 'Search the server log for the request id.'
const tryAgainOrReadLog = 'Try again; if it persists, search the server log for the request id.'
const addAgain = 'Remove the server from the application and add it again.'
const entraStatus = 'Try again; if it persists, check the AADSTS code in the log event sign_in_failure.'
const consent = 'Have an administrator open the link, or grant consent in the Entra admin center; doctor verifies it.'
const correctArguments = 'Correct the arguments; tools/list describes what each tool takes.'

/** What each reason becomes on the wire. Its keys are the union {@link Reason}: no other error is sent. */
export const catalogue = {
  // The request.
  host_not_allowed: http(
    403,
    'Host not allowed.',
    'Set PUBLIC_BASE_URL of the server to the address that clients use.',
  ),
  origin_not_allowed: http(403, 'Origin not allowed.', 'Add the origin to MCP_ALLOWED_ORIGINS of the server.'),
  not_found: http(404, 'Not found. The MCP endpoint is POST /mcp.', 'Check the address.'),
  method_not_allowed: http(405, 'Method not allowed: this server is stateless and serves POST only.', checkClient),
  not_acceptable: http(406, 'Accept must allow application/json.', checkClient),
  body_too_large: http(413, 'Request body too large.', 'Send shorter arguments.'),
  media_type_unsupported: http(415, 'Content-Type must be application/json.', checkClient),
  content_encoding_unsupported: http(
    415,
    'Unsupported Content-Encoding. Send the request body uncompressed.',
    checkClient,
  ),
  invalid_json: http(400, 'The request body is not valid JSON.', checkClient),
  batch_not_supported: http(400, 'JSON-RPC batches are not supported. Send one message per request.', checkClient),
  bad_request: http(400, 'Malformed request.', checkClient),
  headers_too_large: http(
    431,
    'Request headers too large: the limit is 32 KB in total.',
    'Send the access token only, or one with fewer group claims.',
  ),
  request_timeout: http(408, 'Request timed out before it was complete.', tryAgainOrReadLog),
  rate_limited: http(
    429,
    'Too many requests.',
    'Wait for the time in Retry-After. RATE_LIMIT_USER_MAX and RATE_LIMIT_MAX of the server set the limits.',
  ),
  overloaded: http(503, 'Server overloaded.', 'Wait for the time in Retry-After; if it persists, add replicas.'),
  call_cancelled: http(499, 'The client closed the connection before the response.', 'Repeat the call.'),
  internal: http(500, 'Internal server error. The server log has the details under this request id.', readLog),

  // The caller's token (RFC 6750, RFC 9068, Microsoft "Access tokens: validate").
  missing_token: http(
    401,
    'Authentication required. Send "Authorization: Bearer" with an Entra access token for this API.',
    'Sign in; the challenge names where.',
  ),
  malformed_authorization: http(
    400,
    'Malformed Authorization header. Send exactly one "Authorization: Bearer <token>".',
    'Send the token on one line, once.',
    'invalid_request',
  ),
  token_too_long: http(
    431,
    'Bearer token too long: the limit is 16 KB. A token with many groups becomes shorter when the app registration ' +
      'emits only groups assigned to the application, or none.',
    'Have the app registration emit fewer groups in tokens, or none.',
  ),
  malformed_token: invalidToken('The bearer token is not a signed JWT.', 'Send the whole Entra access token.'),
  algorithm_not_supported: invalidToken('Unsupported token algorithm. Only RS256 is accepted.', rightToken),
  unknown_key: invalidToken(`The token is not signed with a key of this tenant. ${signIn}`, rightToken),
  bad_signature: invalidToken(
    `Token signature verification failed. ${signIn}`,
    'Get a new token: this one was changed, or belongs to another tenant.',
  ),
  keys_unavailable: http(
    503,
    'Signing keys of the tenant are unavailable.',
    'Check the network path from the server to ENTRA_AUTHORITY_HOST.',
  ),
  wrong_issuer: invalidToken('Wrong issuer: the token was not issued by this tenant.', rightToken),
  wrong_tenant: invalidToken('Wrong tenant: the token belongs to another tenant.', rightToken),
  wrong_audience: invalidToken('Wrong audience. Request a token for this API from Entra.', rightToken),
  graph_audience: invalidToken(
    'Wrong audience: this is a Microsoft Graph token, and a server that accepted it would be a confused deputy. ' +
      'Send a token for this API; the server exchanges it for Graph itself.',
    rightToken,
  ),
  id_token: invalidToken(
    'This is an ID token. Send an access token for this API.',
    'Send the access token, not the ID token.',
  ),
  missing_claim: invalidToken('The token lacks a required claim.', rightToken),
  expired: invalidToken(`Token expired. ${signIn}`, newToken),
  not_yet_valid: invalidToken(
    'Token not valid yet. Check the clocks.',
    'Compare the clocks of the server and of Entra: doctor does.',
  ),
  lifetime_too_long: invalidToken('Token lifetime exceeds what Entra issues.', rightToken),
  key_bound_token: invalidToken(
    'Key-bound tokens (claim cnf) are not supported. Request a bearer token from Entra.',
    'Request a plain bearer token.',
  ),
  app_only: forbidden(
    'App-only token: On-Behalf-Of needs a signed-in user. Sign in as a user.',
    'Sign in as a user; a token of an application cannot be exchanged.',
  ),
  missing_scope: forbidden('Missing required scope. Request the scopes named in the challenge.', rightToken),
  client_not_allowed: http(
    403,
    'This client application is not allowed to call this API. Ask the operator of the server to allow it.',
    'Add the application to MCP_ALLOWED_CLIENT_IDS of the server.',
  ),

  // The exchange (On-Behalf-Of).
  claims_required: http(
    401,
    'Entra requires additional claims, such as MFA. Sign in again with these claims.',
    'Sign in again with the claims of the challenge.',
    'insufficient_claims',
  ),
  assertion_rejected: invalidToken(`Token expired or revoked. ${signIn}`, newToken),
  access_blocked: http(
    403,
    'Access blocked by a Conditional Access policy of the tenant. Ask an administrator.',
    'Change the Conditional Access policy, or sign in as another user.',
  ),
  user_not_allowed: http(
    403,
    'User not allowed: not assigned to the application, not in the tenant, or disabled. Ask an administrator.',
    "Assign the user under the enterprise application's Users and groups.",
  ),
  credential_rejected: http(
    503,
    exchangeDown,
    'Entra rejects the credential of the server: run doctor, or read the log event obo_failure.',
  ),
  credential_unavailable: http(
    503,
    exchangeDown,
    'The server cannot load its credential: see GET /readyz and the log event credential_unavailable.',
  ),
  exchange_misconfigured: http(
    500,
    'The server is not configured for this tenant. Its log has the details.',
    'Check GRAPH_CLIENT_ID, GRAPH_TENANT_ID and GRAPH_OBO_SCOPES: doctor does.',
  ),
  exchange_throttled: http(503, 'Microsoft Entra throttles token requests.', 'Wait for the time in Retry-After.'),
  exchange_unavailable: http(503, exchangeDown, tryAgainOrReadLog),
  user_consent_required: tool(
    'Consent required: you have not consented to the Microsoft Graph permissions of this server. ' +
      'Open the link, sign in and accept.',
    consent,
  ),
  admin_consent_required: tool(
    'Admin consent required: an administrator of your tenant has to consent to this server first. ' +
      'Send them the link.',
    consent,
  ),

  // The OAuth proxy: the request.
  parameter_repeated: oauth(400, 'invalid_request', 'Duplicate parameter.', checkOAuthClient),
  parameter_missing: oauth(400, 'invalid_request', 'Missing required parameter.', checkOAuthClient),
  oauth_request_malformed: oauth(400, 'invalid_request', 'Malformed request.', checkOAuthClient),
  client_unknown: oauth(
    401,
    'invalid_client',
    'Unknown client. Remove this server from the application and add it again.',
    addAgain,
  ),
  client_document_invalid: oauth(
    400,
    'invalid_client',
    'Invalid client metadata document.',
    'Correct the document that the client id names.',
  ),
  client_document_unavailable: oauth(
    400,
    'invalid_client',
    'Client metadata document not available.',
    'Check that the client id is a public https URL and is answered without a redirect.',
  ),
  client_document_pending: oauth(
    503,
    'temporarily_unavailable',
    'Client metadata document temporarily unavailable.',
    'Try again; if it persists, check the host of the client id.',
  ),
  client_authentication_failed: oauth(
    401,
    'invalid_client',
    'Client authentication failed: the client secret is missing, wrong or unexpected.',
    addAgain,
  ),
  redirect_not_listed: oauth(
    400,
    'invalid_request',
    'Redirect URI not allowed on this server. The server log tells its operator how to add it.',
    'Add the redirect URI to MCP_OAUTH_REDIRECT_URI_PREFIXES: allowLine of the log event sign_in_failure is the line.',
  ),
  redirect_not_registered: oauth(
    400,
    'invalid_request',
    'Redirect URI not registered for this application. Remove this server from the application and add it again.',
    addAgain,
  ),
  response_type_not_supported: oauth(
    400,
    'unsupported_response_type',
    'Unsupported response_type. Supported: code.',
    checkOAuthClient,
  ),
  response_mode_not_supported: oauth(
    400,
    'invalid_request',
    'Unsupported response_mode. Supported: query.',
    checkOAuthClient,
  ),
  request_object_not_supported: oauth(
    400,
    'request_not_supported',
    'Request objects are not supported. Send plain parameters.',
    checkOAuthClient,
  ),
  request_uri_not_supported: oauth(
    400,
    'request_uri_not_supported',
    'request_uri is not supported. Send plain parameters.',
    checkOAuthClient,
  ),
  pkce_required: oauth(
    400,
    'invalid_request',
    'PKCE required: send a code_challenge with code_challenge_method=S256.',
    checkOAuthClient,
  ),
  scope_not_supported: oauth(
    400,
    'invalid_scope',
    'Unsupported scope.',
    'Request the scopes of the protected resource metadata.',
  ),
  resource_invalid: oauth(
    400,
    'invalid_target',
    'Wrong resource: it is not this server.',
    'Send the resource of the protected resource metadata, or none.',
  ),
  redirect_uris_not_allowed: oauth(
    400,
    'invalid_redirect_uri',
    'None of the redirect URIs is allowed on this server.',
    'Add one to MCP_OAUTH_REDIRECT_URI_PREFIXES: allowLine of the log event sign_in_failure is the line.',
  ),
  client_metadata_invalid: oauth(
    400,
    'invalid_client_metadata',
    'Invalid client metadata.',
    'Correct the registration request (RFC 7591).',
  ),

  // The OAuth proxy: the user and Entra.
  consent_needed: oauth(
    400,
    'interaction_required',
    'User consent required. Retry without prompt=none.',
    'Have the client open a browser.',
  ),
  consent_denied: oauth(400, 'access_denied', 'The user denied access.', newSignIn),
  form_required: oauth(
    415,
    'invalid_request',
    'Content-Type must be application/x-www-form-urlencoded.',
    checkOAuthClient,
  ),
  consent_unconfirmed: oauth(
    400,
    'access_denied',
    'The box was not ticked. Go back, tick it, and allow again.',
    newSignIn,
  ),
  consent_form_rejected: oauth(
    403,
    'access_denied',
    `This form belongs to another browser, or the sign-in has expired. ${startAgain}`,
    newSignIn,
  ),
  sign_in_expired: oauth(400, 'access_denied', `Sign-in expired. ${startAgain}`, newSignIn),
  sign_in_elsewhere: oauth(
    403,
    'access_denied',
    `This sign-in was started in another browser, or is already complete. ${startAgain}`,
    newSignIn,
  ),
  entra_interaction_required: oauth(
    400,
    'interaction_required',
    'Microsoft Entra requires user interaction. Retry without prompt=none.',
    'Have the client open a browser.',
  ),
  entra_sign_in_denied: oauth(
    400,
    'access_denied',
    'Microsoft Entra denied the sign-in, or the user cancelled it.',
    'Check the AADSTS code in the log event sign_in_failure.',
  ),
  entra_sign_in_failed: oauth(
    400,
    'server_error',
    'Microsoft Entra rejected the sign-in request of this server.',
    'Run doctor: it checks the app registration.',
  ),
  entra_sign_in_unavailable: oauth(
    400,
    'temporarily_unavailable',
    'Microsoft Entra sign-in is unavailable.',
    entraStatus,
  ),

  // The OAuth proxy: codes and refresh tokens.
  grant_type_not_supported: oauth(
    400,
    'unsupported_grant_type',
    'Unsupported grant_type. Supported: authorization_code, refresh_token.',
    checkOAuthClient,
  ),
  code_invalid: oauth(
    400,
    'invalid_grant',
    'Invalid authorization code: it was not issued to this client for this redirect URI.',
    newSignIn,
  ),
  code_expired: oauth(400, 'invalid_grant', 'Authorization code expired. Sign in again.', newSignIn),
  code_used: oauth(400, 'invalid_grant', 'Authorization code already used. Sign in again.', newSignIn),
  verifier_mismatch: oauth(
    400,
    'invalid_grant',
    'PKCE verification failed: code_verifier does not match code_challenge.',
    checkOAuthClient,
  ),
  refresh_token_invalid: oauth(400, 'invalid_grant', 'Refresh token invalid or revoked. Sign in again.', newSignIn),
  redirect_withdrawn: oauth(
    400,
    'invalid_grant',
    'The redirect URI of this sign-in is no longer allowed. Sign in again.',
    'Add it to MCP_OAUTH_REDIRECT_URI_PREFIXES again, or sign in with another.',
  ),
  refresh_token_reused: oauth(
    400,
    'invalid_grant',
    'Refresh token reused: the sign-in was revoked. Sign in again.',
    'Sign in again; if it persists, look for a client that stores an old refresh token, or for a theft.',
  ),
  grant_rejected: oauth(
    400,
    'invalid_grant',
    'Microsoft Entra no longer accepts this sign-in. Sign in again.',
    newSignIn,
  ),

  // Graph.
  graph_claims_required: http(
    401,
    'Microsoft Graph requires additional claims. Sign in again with these claims.',
    'Sign in again with the claims of the challenge.',
    'insufficient_claims',
  ),
  graph_token_rejected: tool(
    'Microsoft Graph rejected the access token. Sign in again; if it persists, check the permissions of the app registration.',
    'Check the delegated permission and its consent, GRAPH_OBO_SCOPES and GRAPH_BASE_URL: doctor does.',
  ),
  graph_forbidden: tool(
    'Microsoft Graph denied access for your account.',
    'Assign the user the role that the error names; it takes effect within minutes. If they have it, the app lacks the permission.',
  ),
  graph_not_found: tool(
    'Message not found: posts expire and leave the Message Center, and some accounts cannot see all of them. ' +
      'Do not retry this id. Look for a newer post on the same subject with getMessages.',
    'Check the id: posts expire. getMessages lists those that this user can read.',
  ),
  graph_bad_request: tool('Microsoft Graph rejected the query.', correctArguments),
  graph_throttled: retryable(
    'Microsoft Graph throttles requests.',
    'Wait for the time named: the whole tenant shares this limit.',
  ),
  graph_quota_exceeded: retryable(
    'Microsoft Graph quota of this tenant exhausted.',
    'Wait for the time named: the whole tenant shares the quota.',
  ),
  graph_unavailable: retryable('Microsoft Graph is unavailable.', tryAgainOrReadLog, 'Try again.'),
  graph_timeout: retryable('Microsoft Graph timed out.', 'Try again, or ask for less.', 'Try again, or ask for less.'),
  graph_response_invalid: retryable('Microsoft Graph sent an invalid response.', tryAgainOrReadLog, 'Try again.'),
  graph_response_too_large: tool(
    'Response of Microsoft Graph too large. Ask for fewer messages with "top".',
    'Ask for fewer messages at once.',
  ),
  graph_link_rejected: tool(
    'Microsoft Graph named a next page on another host. The server does not follow it.',
    'Check GRAPH_BASE_URL of the server.',
  ),

  // The tool's input.
  invalid_input: tool('Invalid arguments.', correctArguments),
  accessToken_disabled: tool(
    'The argument "accessToken" is disabled on this server. Sign in instead: the server gets a Graph token ' +
      'On-Behalf-Of. (For local use an operator can set ALLOW_MCP_ACCESS_TOKEN_ARG=true.)',
    'Leave accessToken out.',
  ),
  sign_in_required: tool(
    'Authentication required: this tool reads Microsoft Graph as you. Sign in and call it again.',
    newSignIn,
  ),
} as const satisfies Record<string, CatalogueEntry>

export type Reason = keyof typeof catalogue

/** The entry of a reason, by its general type. */
export function entryOf(reason: Reason): CatalogueEntry {
  return catalogue[reason]
}

/** Whether the same request may succeed later without anybody doing anything. */
export function isRetryable(entry: CatalogueEntry): boolean {
  switch (entry.kind) {
    case 'tool':
      return entry.retryable
    case 'oauth':
      return entry.error === 'temporarily_unavailable'
    case 'http':
      return [408, 429, 499, 503].includes(entry.status)
  }
}
