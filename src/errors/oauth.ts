import { entryOf, type OAuthErrorCode } from './catalogue.ts'
import { Failure, failureText, toFailure } from './failure.ts'
import { httpError } from './json-rpc.ts'
import { quotable } from './quotable.ts'

/** A failure as an OAuth error (RFC 6749 section 5.2): its status and body. */
export function oauthError(failure: Failure) {
  const entry = entryOf(failure.reason)
  const { status } = entry.kind === 'oauth' ? entry : httpError(failure)
  const error = entry.kind === 'oauth' ? entry.error : oauthCode(status)
  return { status, body: { error, error_description: quotable(failureText(failure)) } }
}

/** As `toFailure`, for endpoints that speak OAuth: a request that their schema rejects is no malformed JSON-RPC. */
export function toOAuthFailure(error: unknown): Failure {
  const { code } = (error ?? {}) as { code?: unknown }
  switch (code) {
    case 'FST_ERR_VALIDATION':
      return new Failure('oauth_request_malformed', { detail: `Invalid request: ${(error as Error).message}.` })
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new Failure('oauth_request_malformed', {
        detail: 'Unsupported Content-Type: /register takes application/json, all else a form.',
      })
    default:
      return toFailure(error)
  }
}

function oauthCode(status: number): OAuthErrorCode {
  if (status === 429) return 'too_many_requests'
  if (status === 503) return 'temporarily_unavailable'
  return status >= 500 ? 'server_error' : 'invalid_request'
}
