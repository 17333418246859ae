import type { Milestone } from '../src/plugins/message-center/milestones/milestone.ts'

const dayMs = 86_400_000

const format = (options: Intl.DateTimeFormatOptions) => {
  const formatter = new Intl.DateTimeFormat('en-US', { timeZone: 'UTC', ...options })
  return (day: string) => formatter.format(Date.parse(day))
}
/** "December 2026" */
export const monthAndYear = format({ month: 'long', year: 'numeric' })
/** "Dec 3, 2026" */
export const fullDay = format({ month: 'short', day: 'numeric', year: 'numeric' })
const shortDay = format({ month: 'short', day: 'numeric' })

/** The day of a date or a date-time (ISO 8601), YYYY-MM-DD; undefined where it is none. */
export function dayOf(time: string | undefined): string | undefined {
  const ms = Date.parse(time ?? '')
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString().slice(0, 10)
}

type Precision = Milestone['startPrecision']

/** "Dec 3", "mid-December", "December", with the year where it is another one than this. */
function writtenDay(day: string, precision: Precision, today: string): string {
  const isThisYear = day.slice(0, 4) === today.slice(0, 4)
  if (precision === 'day' || precision === undefined) return isThisYear ? shortDay(day) : fullDay(day)
  const [month = '', year = ''] = monthAndYear(day).split(' ')
  const dayOfMonth = Number(day.slice(8))
  const part = dayOfMonth <= 10 ? 'early' : dayOfMonth <= 20 ? 'mid' : 'late'
  const written = precision === 'month' ? month : part === 'mid' ? `mid-${month}` : `${part} ${month}`
  return isThisYear ? written : `${written} ${year}`
}

type Dates = Pick<Milestone, 'start' | 'end' | 'startPrecision' | 'endPrecision'>

/** "mid-November – early December", "Dec 3", "by Dec 3". */
export function writtenDates({ start, end, startPrecision, endPrecision }: Dates, today: string): string {
  const first = start === undefined ? undefined : writtenDay(start, startPrecision, today)
  const last = end === undefined ? undefined : writtenDay(end, endPrecision, today)
  if (first === undefined) return last === undefined ? '' : `by ${last}`
  return last === undefined || last === first ? first : `${first} – ${last}`
}

/** "today", "in 4 days", "3 weeks ago"; undefined for what is further away than a month. */
export function distance(day: string, today: string): string | undefined {
  const days = Math.round((Date.parse(day) - Date.parse(today)) / dayMs)
  if (Math.abs(days) > 31) return undefined
  if (Math.abs(days) <= 1) return days === 0 ? 'today' : days === 1 ? 'tomorrow' : 'yesterday'
  const isWeeks = Math.abs(days) >= 14
  const amount = isWeeks ? `${Math.round(Math.abs(days) / 7)} weeks` : `${Math.abs(days)} days`
  return days > 0 ? `in ${amount}` : `${amount} ago`
}

/** "just now", "3 minutes ago"; of seconds. */
export function age(seconds: number): string {
  if (seconds < 60) return 'just now'
  const minutes = Math.round(seconds / 60)
  return minutes === 1 ? '1 minute ago' : `${minutes} minutes ago`
}
