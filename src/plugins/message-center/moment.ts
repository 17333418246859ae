const dayMs = 86_400_000

const date = /^\d{4}-\d{2}-\d{2}$/
const dateTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,7})?)?(Z|[+-]\d{2}:\d{2})$/i
const words = new Map([
  ['yesterday', -1],
  ['today', 0],
  ['tomorrow', 1],
])
/** `7d`, `2 weeks`, `12h`, `a month` is not: a figure is needed. */
const plainDuration = /^(\d{1,4}) ?(h|hours?|d|days?|w|weeks?|mo|months?|y|years?)$/i
/** ISO 8601-1 section 5.5.2, without minutes, seconds and fractions: `P7D`, `P1M`, `PT12H`. */
const isoDuration = /^P(?=\d|T\d)(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,4})D)?(?:T(\d{1,4})H)?$/i

interface Duration {
  readonly months: number
  readonly ms: number
}

/**
 * A date (its start in UTC), a date-time, or a duration from now.
 *
 * @param direction whether durations lead back or ahead
 * @returns milliseconds since the epoch; undefined where it is none of these, or no day of the calendar
 */
export function momentOf(text: string, direction: 'back' | 'ahead', nowMs: number): number | undefined {
  const given = text.trim()
  if (date.test(given) || dateTime.test(given)) {
    const ms = Date.parse(given.toUpperCase())
    return !isWritable(ms) || !isCalendarDay(given.slice(0, 10)) ? undefined : ms
  }
  const word = given.toLowerCase()
  if (word === 'now') return nowMs
  const days = words.get(word)
  if (days !== undefined) return startOfDay(nowMs) + days * dayMs
  const duration = durationOf(given)
  if (duration === undefined) return undefined
  const ms = shifted(nowMs, duration, direction === 'back' ? -1 : 1)
  return isWritable(ms) ? ms : undefined
}

/** `2026-12-01` */
export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

export function startOfDay(ms: number): number {
  return Math.floor(ms / dayMs) * dayMs
}

export function startOfNextDay(ms: number): number {
  return startOfDay(ms) + dayMs
}

/** Years have four figures, as dates are written here. */
function isWritable(ms: number): boolean {
  return ms >= Date.parse('0001-01-01') && ms < Date.parse('9999-12-31')
}

/** `Date` takes February 30 for March 2, and so would ask for another day than was meant. */
function isCalendarDay(day: string): boolean {
  const midnight = new Date(day)
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day)
}

function durationOf(text: string): Duration | undefined {
  const [, count, unit = ''] = plainDuration.exec(text) ?? []
  if (count !== undefined) {
    const n = Number(count)
    const name = unit.toLowerCase()
    if (name.startsWith('h')) return { months: 0, ms: n * 3_600_000 }
    if (name.startsWith('d')) return { months: 0, ms: n * dayMs }
    if (name.startsWith('w')) return { months: 0, ms: n * 7 * dayMs }
    return { months: name.startsWith('y') ? 12 * n : n, ms: 0 }
  }
  const iso = isoDuration.exec(text)
  if (iso === null) return undefined
  const [years = 0, months = 0, weeks = 0, days = 0, hours = 0] = iso.slice(1).map((part) => Number(part ?? 0))
  return { months: 12 * years + months, ms: (7 * weeks + days) * dayMs + hours * 3_600_000 }
}

/** A month from January 31 is the last day of February. */
function shifted(fromMs: number, { months, ms }: Duration, sign: 1 | -1): number {
  const from = new Date(fromMs)
  const day = from.getUTCDate()
  const to = new Date(from)
  to.setUTCDate(1)
  to.setUTCMonth(to.getUTCMonth() + sign * months)
  const lastDay = new Date(Date.UTC(to.getUTCFullYear(), to.getUTCMonth() + 1, 0)).getUTCDate()
  to.setUTCDate(Math.min(day, lastDay))
  return to.getTime() + sign * ms
}
