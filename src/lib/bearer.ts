import type { Reason } from '../errors/index.ts'

/**
 * The longest token that is read. Entra puts up to 200 groups of 52 characters into one before it leaves them to Graph
 * (Microsoft, "Configure group claims": groups overage), and such a token is some 14,000 characters long.
 */
export const maxTokenChars = 16 * 1024

/** RFC 9110 section 11.4: `auth-scheme [ 1*SP … ]`, the scheme a token (section 5.6.2) in any case. */
const credentials = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?: +(.*))?$/
/** RFC 6750 section 2.1. */
export const b64token = /^[A-Za-z0-9._~+/=-]+$/

/**
 * The bearer token of a request, or the reason why there is none.
 *
 * Another scheme, or none of a token, is a request without authentication (RFC 6750 section 3.1): the client is told
 * how to sign in, not that it did wrong.
 *
 * @param rawHeaders names and values in turn, as Node received them: `headers` hides a second Authorization
 */
export function readBearer(rawHeaders: readonly string[]): { token: string } | { reason: Reason } {
  let value: string | undefined
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.length !== 13 || rawHeaders[i]?.toLowerCase() !== 'authorization') continue
    if (value !== undefined) return { reason: 'malformed_authorization' }
    value = rawHeaders[i + 1]
  }
  if (value === undefined || value === '') return { reason: 'missing_token' }
  const [, scheme, token = ''] = credentials.exec(value) ?? []
  if (scheme === undefined) return { reason: 'malformed_authorization' }
  if (scheme.toLowerCase() !== 'bearer' || token === '') return { reason: 'missing_token' }
  if (token.length > maxTokenChars) return { reason: 'token_too_long' }
  return b64token.test(token) ? { token } : { reason: 'malformed_authorization' }
}
