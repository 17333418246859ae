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
  /** What to do where no wait is known. */
  readonly retryHint?: string | undefined
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

// What several texts and fixes have in common.
const signIn = 'Sign in again and send the new access token.'
const startAgain = 'Go back to the application and sign in again.'
const exchangeDown = 'Token exchange with Microsoft Entra is unavailable.'
const checkClient = 'Check that the client sends what the MCP transport specifies.'
const checkOAuthClient = 'Check that the client sends what RFC 6749 and RFC 7636 specify.'
const newSignIn = 'Sign in again.'
const newClaims = 'Sign in again with the claims of the challenge.'
const newToken = 'Get a new token: sign in again.'
const rightToken = 'Request api://<GRAPH_CLIENT_ID>/access_as_user in the tenant GRAPH_TENANT_ID.'
const wait = 'Wait for the time in Retry-After'
const tryAgainOrReadLog = 'Try again; if it persists, search the server log for the request id.'
const addAgain = 'Remove the server from the application and add it again.'
const allowLine = 'to MCP_OAUTH_REDIRECT_URI_PREFIXES: allowLine of the log event sign_in_failure is the line.'
const openBrowser = 'Have the client open a browser.'
const consent = 'Have an administrator open the link, or grant consent in the Entra admin center; doctor verifies it.'
const correctArguments = 'Correct the arguments; tools/list describes what each tool takes.'

// Each kind of error, with the fix that most of its reasons share.
const http = (status: number, text: string, fix = checkClient): HttpEntry => ({ kind: 'http', status, text, fix })
const denied = (text: string, fix: string) => http(403, text, fix)
const unavailable = (text: string, fix: string) => http(503, text, fix)
const challenge =
  (status: number, error: NonNullable<HttpEntry['challenge']>) =>
  (text: string, fix = rightToken): HttpEntry => ({ ...http(status, text, fix), challenge: error })
const malformedHeader = challenge(400, 'invalid_request')
const invalidToken = challenge(401, 'invalid_token')
const claimsRequired = challenge(401, 'insufficient_claims')
const insufficientScope = challenge(403, 'insufficient_scope')

const oauth = (error: OAuthErrorCode, text: string, fix = checkOAuthClient, status = 400): OAuthEntry => ({
  kind: 'oauth',
  status,
  error,
  text,
  fix,
})
const invalidRequest = (text: string, fix?: string, status?: number) => oauth('invalid_request', text, fix, status)
const invalidClient = (text: string, fix: string) => oauth('invalid_client', text, fix)
const unauthenticated = (text: string) => oauth('invalid_client', text, addAgain, 401)
const accessDenied = (text: string, status?: number) => oauth('access_denied', text, newSignIn, status)
const invalidGrant = (text: string, fix = newSignIn) => oauth('invalid_grant', text, fix)

const tool = (text: string, fix = correctArguments): ToolEntry => ({ kind: 'tool', retryable: false, text, fix })
const retryable = (text: string, fix: string, retryHint?: string): ToolEntry => ({
  ...tool(text, fix),
  retryable: true,
  retryHint,
})

/** What each reason becomes on the wire. Its keys are the union {@link Reason}: no other error is sent. */
export const catalogue = {
  // The request.
  host_not_allowed: denied('Host not allowed.', 'Set PUBLIC_BASE_URL of the server to the address that clients use.'),
  origin_not_allowed: denied('Origin not allowed.', 'Add the origin to MCP_ALLOWED_ORIGINS of the server.'),
  not_found: http(404, 'Not found. The MCP endpoint is POST /mcp.', 'Check the address.'),
  method_not_allowed: http(405, 'Method not allowed: this server is stateless and serves POST only.'),
  not_acceptable: http(406, 'Accept must allow application/json.'),
  body_too_large: http(413, 'Request body too large.', 'Send shorter arguments.'),
  media_type_unsupported: http(415, 'Content-Type must be application/json.'),
  content_encoding_unsupported: http(415, 'Unsupported Content-Encoding. Send the request body uncompressed.'),
  invalid_json: http(400, 'The request body is not valid JSON.'),
  batch_not_supported: http(400, 'JSON-RPC batches are not supported. Send one message per request.'),
  bad_request: http(400, 'Malformed request.'),
  headers_too_large: http(
    431,
    'Request headers too large: the limit is 32 KB in total.',
    'Send the access token only, or one with fewer group claims.',
  ),
  request_timeout: http(408, 'Request timed out before it was complete.', tryAgainOrReadLog),
  rate_limited: http(
    429,
    'Too many requests.',
    `${wait}. RATE_LIMIT_USER_MAX and RATE_LIMIT_MAX of the server set the limits.`,
  ),
  overloaded: unavailable('Server overloaded.', `${wait}; if it persists, add replicas.`),
  call_cancelled: http(499, 'The client closed the connection before the response.', 'Repeat the call.'),
  internal: http(
    500,
    'Internal server error. The server log has the details under this request id.',
    'Search the server log for the request id.',
  ),

  // The caller's token (RFC 6750, RFC 9068, Microsoft "Access tokens: validate").
  missing_token: http(
    401,
    'Authentication required. Send "Authorization: Bearer" with an Entra access token for this API.',
    'Sign in; the challenge names where.',
  ),
  malformed_authorization: malformedHeader(
    'Malformed Authorization header. Send exactly one "Authorization: Bearer <token>".',
    'Send the token on one line, once.',
  ),
  token_too_long: http(
    431,
    'Bearer token too long: the limit is 16 KB. A token with many groups becomes shorter when the app registration ' +
      'emits only groups assigned to the application, or none.',
    'Have the app registration emit fewer groups in tokens, or none.',
  ),
  malformed_token: invalidToken('The bearer token is not a signed JWT.', 'Send the whole Entra access token.'),
  algorithm_not_supported: invalidToken('Unsupported token algorithm. Only RS256 is accepted.'),
  unknown_key: invalidToken(`The token is not signed with a key of this tenant. ${signIn}`),
  bad_signature: invalidToken(
    `Token signature verification failed. ${signIn}`,
    'Get a new token: this one was changed, or belongs to another tenant.',
  ),
  keys_unavailable: unavailable(
    'Signing keys of the tenant are unavailable.',
    'Check the network path from the server to ENTRA_AUTHORITY_HOST.',
  ),
  wrong_issuer: invalidToken('Wrong issuer: the token was not issued by this tenant.'),
  wrong_tenant: invalidToken('Wrong tenant: the token belongs to another tenant.'),
  wrong_audience: invalidToken('Wrong audience. Request a token for this API from Entra.'),
  graph_audience: invalidToken(
    'Wrong audience: this is a Microsoft Graph token, and a server that accepted it would be a confused deputy. ' +
      'Send a token for this API; the server exchanges it for Graph itself.',
  ),
  id_token: invalidToken(
    'This is an ID token. Send an access token for this API.',
    'Send the access token, not the ID token.',
  ),
  missing_claim: invalidToken('The token lacks a required claim.'),
  expired: invalidToken(`Token expired. ${signIn}`, newToken),
  not_yet_valid: invalidToken(
    'Token not valid yet. Check the clocks.',
    'Compare the clocks of the server and of Entra: doctor does.',
  ),
  lifetime_too_long: invalidToken('Token lifetime exceeds what Entra issues.'),
  key_bound_token: invalidToken(
    'Key-bound tokens (claim cnf) are not supported. Request a bearer token from Entra.',
    'Request a plain bearer token.',
  ),
  app_only: insufficientScope(
    'App-only token: On-Behalf-Of needs a signed-in user. Sign in as a user.',
    'Sign in as a user; a token of an application cannot be exchanged.',
  ),
  missing_scope: insufficientScope('Missing required scope. Request the scopes named in the challenge.'),
  client_not_allowed: denied(
    'This client application is not allowed to call this API. Ask the operator of the server to allow it.',
    'Add the application to MCP_ALLOWED_CLIENT_IDS of the server.',
  ),

  // The exchange (On-Behalf-Of).
  claims_required: claimsRequired(
    'Entra requires additional claims, such as MFA. Sign in again with these claims.',
    newClaims,
  ),
  assertion_rejected: invalidToken(`Token expired or revoked. ${signIn}`, newToken),
  access_blocked: denied(
    'Access blocked by a Conditional Access policy of the tenant. Ask an administrator.',
    'Change the Conditional Access policy, or sign in as another user.',
  ),
  user_not_allowed: denied(
    'User not allowed: not assigned to the application, not in the tenant, or disabled. Ask an administrator.',
    "Assign the user under the enterprise application's Users and groups.",
  ),
  credential_rejected: unavailable(
    exchangeDown,
    'Entra rejects the credential of the server: run doctor, or read the log event obo_failure.',
  ),
  credential_unavailable: unavailable(
    exchangeDown,
    'The server cannot load its credential: see GET /readyz and the log event credential_unavailable.',
  ),
  exchange_misconfigured: http(
    500,
    'The server is not configured for this tenant. Its log has the details.',
    'Check GRAPH_CLIENT_ID, GRAPH_TENANT_ID and GRAPH_OBO_SCOPES: doctor does.',
  ),
  exchange_throttled: unavailable('Microsoft Entra throttles token requests.', `${wait}.`),
  exchange_unavailable: unavailable(exchangeDown, tryAgainOrReadLog),
  user_consent_required: tool(
    'Consent required: you have not consented to the Microsoft Graph permissions of this server. ' +
      'Open the link, sign in and accept.',
    consent,
  ),
  admin_consent_required: tool(
    'Admin consent required: an administrator of your tenant has to consent to this server first. Send them the link.',
    consent,
  ),

  // The OAuth proxy: the request.
  parameter_repeated: invalidRequest('Duplicate parameter.'),
  parameter_missing: invalidRequest('Missing required parameter.'),
  oauth_request_malformed: invalidRequest('Malformed request.'),
  client_unknown: unauthenticated('Unknown client. Remove this server from the application and add it again.'),
  client_document_invalid: invalidClient(
    'Invalid client metadata document.',
    'Correct the document that the client id names.',
  ),
  client_document_unavailable: invalidClient(
    'Client metadata document not available.',
    'Check that the client id is a public https URL and is answered without a redirect.',
  ),
  client_document_pending: oauth(
    'temporarily_unavailable',
    'Client metadata document temporarily unavailable.',
    'Try again; if it persists, check the host of the client id.',
    503,
  ),
  client_authentication_failed: unauthenticated(
    'Client authentication failed: the client secret is missing, wrong or unexpected.',
  ),
  redirect_not_listed: invalidRequest(
    'Redirect URI not allowed on this server. The server log tells its operator how to add it.',
    `Add the redirect URI ${allowLine}`,
  ),
  redirect_not_registered: invalidRequest(
    'Redirect URI not registered for this application. Remove this server from the application and add it again.',
    addAgain,
  ),
  response_type_not_supported: oauth('unsupported_response_type', 'Unsupported response_type. Supported: code.'),
  response_mode_not_supported: invalidRequest('Unsupported response_mode. Supported: query.'),
  request_object_not_supported: oauth(
    'request_not_supported',
    'Request objects are not supported. Send plain parameters.',
  ),
  request_uri_not_supported: oauth('request_uri_not_supported', 'request_uri is not supported. Send plain parameters.'),
  pkce_required: invalidRequest('PKCE required: send a code_challenge with code_challenge_method=S256.'),
  scope_not_supported: oauth(
    'invalid_scope',
    'Unsupported scope.',
    'Request the scopes of the protected resource metadata.',
  ),
  resource_invalid: oauth(
    'invalid_target',
    'Wrong resource: it is not this server.',
    'Send the resource of the protected resource metadata, or none.',
  ),
  redirect_uris_not_allowed: oauth(
    'invalid_redirect_uri',
    'None of the redirect URIs is allowed on this server.',
    `Add one ${allowLine}`,
  ),
  client_metadata_invalid: oauth(
    'invalid_client_metadata',
    'Invalid client metadata.',
    'Correct the registration request (RFC 7591).',
  ),

  // The OAuth proxy: the user and Entra.
  consent_needed: oauth('interaction_required', 'User consent required. Retry without prompt=none.', openBrowser),
  consent_denied: accessDenied('The user denied access.'),
  form_required: invalidRequest('Content-Type must be application/x-www-form-urlencoded.', checkOAuthClient, 415),
  consent_unconfirmed: accessDenied('The box was not ticked. Go back, tick it, and allow again.'),
  consent_form_rejected: accessDenied(
    `This form belongs to another browser, or the sign-in has expired. ${startAgain}`,
    403,
  ),
  sign_in_expired: accessDenied(`Sign-in expired. ${startAgain}`),
  sign_in_elsewhere: accessDenied(
    `This sign-in was started in another browser, or is already complete. ${startAgain}`,
    403,
  ),
  entra_interaction_required: oauth(
    'interaction_required',
    'Microsoft Entra requires user interaction. Retry without prompt=none.',
    openBrowser,
  ),
  entra_sign_in_denied: oauth(
    'access_denied',
    'Microsoft Entra denied the sign-in, or the user cancelled it.',
    'Check the AADSTS code in the log event sign_in_failure.',
  ),
  entra_sign_in_failed: oauth(
    'server_error',
    'Microsoft Entra rejected the sign-in request of this server.',
    'Run doctor: it checks the app registration.',
  ),
  entra_sign_in_unavailable: oauth(
    'temporarily_unavailable',
    'Microsoft Entra sign-in is unavailable.',
    'Try again; if it persists, check the AADSTS code in the log event sign_in_failure.',
  ),

  // The OAuth proxy: codes and refresh tokens.
  grant_type_not_supported: oauth(
    'unsupported_grant_type',
    'Unsupported grant_type. Supported: authorization_code, refresh_token.',
  ),
  code_invalid: invalidGrant('Invalid authorization code: it was not issued to this client for this redirect URI.'),
  code_expired: invalidGrant('Authorization code expired. Sign in again.'),
  code_used: invalidGrant('Authorization code already used. Sign in again.'),
  verifier_mismatch: invalidGrant(
    'PKCE verification failed: code_verifier does not match code_challenge.',
    checkOAuthClient,
  ),
  refresh_token_invalid: invalidGrant('Refresh token invalid or revoked. Sign in again.'),
  redirect_withdrawn: invalidGrant(
    'The redirect URI of this sign-in is no longer allowed. Sign in again.',
    'Add it to MCP_OAUTH_REDIRECT_URI_PREFIXES again, or sign in with another.',
  ),
  refresh_token_reused: invalidGrant(
    'Refresh token reused: the sign-in was revoked. Sign in again.',
    'Sign in again; if it persists, look for a client that stores an old refresh token, or for a theft.',
  ),
  step_up_required: invalidGrant(
    'Microsoft Entra requires more of this sign-in, such as MFA. Sign in again.',
    'Sign in again: Entra is asked for what it requires.',
  ),
  grant_rejected: invalidGrant('Microsoft Entra no longer accepts this sign-in. Sign in again.'),

  // Graph.
  graph_claims_required: claimsRequired(
    'Microsoft Graph requires additional claims. Sign in again with these claims.',
    newClaims,
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
  graph_bad_request: tool('Microsoft Graph rejected the query.'),
  graph_action_failed: tool(
    'Microsoft Graph did not change the messages.',
    'Look for the ids with getMessages: posts expire.',
  ),
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

  // The roadmap.
  roadmap_unavailable: retryable(
    'The Microsoft 365 roadmap is unavailable.',
    'Try again; if it persists, check the network path from the server to ROADMAP_URL, or set it to off.',
    'Try again.',
  ),
  roadmap_timeout: retryable(
    'The Microsoft 365 roadmap timed out.',
    'Try again, or ask for fewer items.',
    'Try again, or ask for fewer items.',
  ),
  roadmap_response_invalid: retryable(
    'The Microsoft 365 roadmap sent an invalid response.',
    'Try again; if it persists, check ROADMAP_URL, or set it to off.',
    'Try again.',
  ),

  // The tool's input.
  invalid_input: tool('Invalid arguments.'),
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
