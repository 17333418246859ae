import * as oauth from 'oauth4webapi'
import { OperatorError } from '../shared/operator-error.ts'

/** Remediation by OAuth error code (RFC 6749 sections 4.1.2.1 and 5.2, RFC 7591, RFC 8707). */
const nextByError: Readonly<Record<string, string>> = {
  access_denied: 'Run it again and allow it on both pages; if Entra denied it, ask an administrator of the tenant.',
  interaction_required: 'Run it again without prompt=none.',
  invalid_client:
    'Omit --client-id to register a new client, or check it against GRAPH_CLIENT_ID or MCP_OAUTH_CLIENT_ID.',
  invalid_grant: 'Run it again: a code is valid once and for a short time.',
  invalid_redirect_uri: 'Allow http://localhost in MCP_OAUTH_REDIRECT_URI_PREFIXES of the server.',
  invalid_scope: 'Check MCP_OAUTH_SCOPES of the server against its metadata.',
  invalid_target: 'Check PUBLIC_BASE_URL of the server: it does not serve this address.',
  server_error: 'Search the server log for entra_sign_in_failed or credential_rejected.',
  temporarily_unavailable: 'Try again in a minute; if it persists, the server log has the error from Entra.',
  too_many_requests: 'Wait a minute and run it again.',
}

/**
 * The error of a strict OAuth client, with its remediation.
 *
 * @param what what failed, as the subject of a sentence: "The registration"
 */
export function oauthError(error: unknown, what: string): unknown {
  if (error instanceof OperatorError) return error
  if (error instanceof oauth.AuthorizationResponseError || error instanceof oauth.ResponseBodyError) {
    const description = error.error_description === undefined ? '' : `: ${error.error_description.slice(0, 500)}`
    const next = nextByError[error.error] ?? 'The server log has the reason.'
    return new OperatorError(`${what} failed with ${error.error}${description}`, next, {
      cause: error,
      code: error.error,
    })
  }
  if (error instanceof oauth.WWWAuthenticateChallengeError) {
    return new OperatorError(`${what} failed with ${error.status}.`, nextByError['invalid_client'] ?? '', {
      cause: error,
      code: 'invalid_client',
    })
  }
  if (error instanceof oauth.OperationProcessingError) return processingError(error, what)
  if (error instanceof Error && error.name === 'TimeoutError') {
    return new OperatorError(
      `${what} timed out.`,
      'Try again; if it persists, check the proxy in front of the server.',
      { code: 'ETIMEDOUT' },
    )
  }
  return error
}

function processingError(error: oauth.OperationProcessingError, what: string): OperatorError {
  const options = { cause: error }
  const response = error.cause instanceof Response ? error.cause : undefined
  switch (error.code) {
    case oauth.RESPONSE_IS_NOT_JSON:
    case oauth.PARSE_ERROR:
      return new OperatorError(
        `${what}: the response is not JSON but ${response?.headers.get('content-type') ?? 'of no content type'}.`,
        'Check the address, and any proxy in front of the server.',
        options,
      )
    case oauth.RESPONSE_IS_NOT_CONFORM:
      return new OperatorError(
        `${what} failed with HTTP ${response?.status ?? 'an unexpected response'}.`,
        response?.status === 403
          ? 'Check PUBLIC_BASE_URL of the server: it rejects other host names.'
          : 'Check the address of the server, and its log.',
        options,
      )
    case oauth.JSON_ATTRIBUTE_COMPARISON:
      return new OperatorError(
        `${what} names another server than the one requested.`,
        'Set PUBLIC_BASE_URL of the server to the address that clients use; doctor shows its value.',
        options,
      )
    default:
      return new OperatorError(
        `${what} violates the standard: ${error.message}.`,
        'A strict client fails here. Check for proxies between this machine and the server.',
        options,
      )
  }
}
