import type { Reason } from '../errors/index.ts'

/**
 * Entra puts up to 200 groups of 52 characters into a token (Microsoft, "Configure group claims": groups overage), which
 * is then some 14,000 characters long.
 */
export const maxTokenChars = 16 * 1024

/** RFC 9110 section 11.4: `auth-scheme [ 1*SP … ]`, the scheme a token (section 5.6.2) in any case. */
const credentials = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?: +(.*))?$/
/** RFC 6750 section 2.1. */
export const b64token = /^[A-Za-z0-9._~+/=-]+$/

/**
 * The bearer token of a request, or the reason why there is none.
 *
 * Another scheme, or no token, is a request without authentication (RFC 6750 section 3.1): the challenge has no error.
 *
 * @param rawHeaders alternating names and values, as Node received them: `headers` hides a second Authorization
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
