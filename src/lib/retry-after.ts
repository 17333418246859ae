/** A wait longer than this is not believed. */
const longestSeconds = 3600
/**
 * Any form of an HTTP-date (RFC 9110 section 5.6.7): Date.parse alone takes "1.5" and "-5" for days. All are UTC, also
 * that of asctime, the one which does not say so.
 */
const httpDate = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? .*\d\d:\d\d:\d\d( GMT| \d{4})$/

/**
 * Retry-After (RFC 9110 section 10.2.3) in whole seconds, from either of its forms.
 *
 * @param value `120` or an HTTP-date; what is neither counts as absent
 */
export function retryAfterSeconds(value: string | undefined, nowMs = Date.now()): number | undefined {
  if (value === undefined || value === '') return undefined
  const seconds = /^\d+$/.test(value) ? Number(value) : Math.ceil((dateMs(value) - nowMs) / 1000)
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(seconds, 0), longestSeconds)
}

function dateMs(value: string): number {
  if (!httpDate.test(value)) return Number.NaN
  return Date.parse(value.endsWith('GMT') ? value : `${value} GMT`)
}
