import type { Reason } from '../errors.ts'

/** Entra's access tokens are 1 to 4 KB; one with many groups stays below this. */
const maxTokenChars = 12_000
/** RFC 6750 section 2.1: `b64token` after one space; the scheme is case-insensitive (RFC 9110 section 11.1). */
const bearer = /^Bearer ([A-Za-z0-9._~+/=-]+)$/i

/**
 * The bearer token of a request, or the reason why there is none.
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
  if (value.length > maxTokenChars) return { reason: 'malformed_authorization' }
  const token = bearer.exec(value)?.[1]
  return token === undefined ? { reason: 'malformed_authorization' } : { token }
}
