/** A wait longer than this is not believed. */
const longestSeconds = 3600

/**
 * Retry-After (RFC 9110 section 10.2.3) in whole seconds, from either of its forms.
 *
 * @param value `120` or an HTTP-date; what is neither counts as absent
 */
export function retryAfterSeconds(value: string | undefined, nowMs = Date.now()): number | undefined {
  if (value === undefined || value === '') return undefined
  const seconds = /^\d+$/.test(value) ? Number(value) : Math.ceil((Date.parse(value) - nowMs) / 1000)
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0), longestSeconds) : undefined
}
