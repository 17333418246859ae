import { entryOf, type OAuthErrorCode } from './catalogue.ts'
import { Failure, failureText, toFailure } from './failure.ts'
import { httpError } from './json-rpc.ts'
import { quotable } from './quotable.ts'

/** A failure as an OAuth error (RFC 6749 section 5.2): its status and body. */
export function oauthError(failure: Failure): {
  status: number
  body: { error: OAuthErrorCode; error_description: string }
} {
  const entry = entryOf(failure.reason)
  const error_description = quotable(failureText(failure))
  if (entry.kind === 'oauth') return { status: entry.status, body: { error: entry.error, error_description } }
  const { status } = httpError(failure)
  return { status, body: { error: oauthCode(status), error_description } }
}

/** As `toFailure`, for endpoints that speak OAuth: a request that their schema rejects is no malformed JSON-RPC. */
export function toOAuthFailure(error: unknown): Failure {
  const { code } = (error ?? {}) as { code?: unknown }
  switch (code) {
    case 'FST_ERR_VALIDATION':
      return new Failure('oauth_request_malformed', { detail: `Invalid request: ${(error as Error).message}.` })
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new Failure('oauth_request_malformed', { detail: 'Unsupported Content-Type.' })
    default:
      return toFailure(error)
  }
}

function oauthCode(status: number): OAuthErrorCode {
  if (status === 429) return 'too_many_requests'
  if (status === 503) return 'temporarily_unavailable'
  return status >= 500 ? 'server_error' : 'invalid_request'
}
