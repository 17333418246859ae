import * as oauth from 'oauth4webapi'
import { OperatorError } from '../shared/operator-error.ts'

/** What to do about an OAuth error, by its code (RFC 6749 sections 4.1.2.1 and 5.2, RFC 7591, RFC 8707). */
const nextByError: Readonly<Record<string, string>> = {
  access_denied: 'Run it again and allow it on both pages; where Entra said no, ask an administrator of the tenant.',
  interaction_required: 'Run it again without prompt=none.',
  invalid_client: 'Leave --client-id out to register anew, or check it against GRAPH_CLIENT_ID or MCP_OAUTH_CLIENT_ID.',
  invalid_grant: 'Run it again: a code is good once and for a short time.',
  invalid_redirect_uri: 'Allow http://localhost in MCP_OAUTH_REDIRECT_URI_PREFIXES of the server.',
  invalid_scope: 'Check MCP_OAUTH_SCOPES of the server against its metadata.',
  invalid_target: 'Check PUBLIC_BASE_URL of the server: it does not know itself under this address.',
  server_error: 'The log of the server has the reason: look for entra_sign_in_failed or credential_rejected.',
  temporarily_unavailable: 'Try again in a minute; if it lasts, the log of the server says what Entra answered.',
  too_many_requests: 'Wait a minute and run it again.',
}

/**
 * What a strict client found wrong, as something to act on.
 *
 * @param doing what was under way, as the subject of a sentence: "The registration"
 */
export function oauthTrouble(error: unknown, doing: string): unknown {
  if (error instanceof OperatorError) return error
  if (error instanceof oauth.AuthorizationResponseError || error instanceof oauth.ResponseBodyError) {
    const words = error.error_description === undefined ? '' : `: ${error.error_description.slice(0, 500)}`
    const next = nextByError[error.error] ?? 'The log of the server has the reason.'
    return new OperatorError(`${doing} was refused with ${error.error}${words}`, next, { cause: error })
  }
  if (error instanceof oauth.WWWAuthenticateChallengeError) {
    return new OperatorError(`${doing} was answered with ${error.status}.`, nextByError['invalid_client'] ?? '', {
      cause: error,
    })
  }
  if (error instanceof oauth.OperationProcessingError) return processingTrouble(error, doing)
  if (error instanceof Error && error.name === 'TimeoutError') {
    return new OperatorError(
      `${doing} broke off half-way.`,
      'Try again; if it lasts, look at what stands in front of the server.',
    )
  }
  return error
}

function processingTrouble(error: oauth.OperationProcessingError, doing: string): OperatorError {
  const options = { cause: error }
  const answer = error.cause instanceof Response ? error.cause : undefined
  switch (error.code) {
    case oauth.RESPONSE_IS_NOT_JSON:
    case oauth.PARSE_ERROR:
      return new OperatorError(
        `${doing} was not answered in JSON, but with ${answer?.headers.get('content-type') ?? 'something else'}.`,
        'Check the address: something else answers there, or stands in front of the server.',
        options,
      )
    case oauth.RESPONSE_IS_NOT_CONFORM:
      return new OperatorError(
        `${doing} was answered with HTTP ${answer?.status ?? 'something else'}.`,
        answer?.status === 403
          ? 'Check PUBLIC_BASE_URL of the server: it does not answer under a name that is not its own.'
          : 'Check that this is the address of the server, and its log.',
        options,
      )
    case oauth.JSON_ATTRIBUTE_COMPARISON:
      return new OperatorError(
        `${doing} names another server than the one that was asked.`,
        'Set PUBLIC_BASE_URL of the server to the address that clients use; doctor says which it names.',
        options,
      )
    default:
      return new OperatorError(
        `${doing} is not what the standards have it: ${error.message}.`,
        'A strict client stops here. Check what stands between this machine and the server.',
        options,
      )
  }
}
