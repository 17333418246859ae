/** A date as it stands in a text. The year is undefined where none is written. */
export interface WrittenDate {
  written: string
  from: number
  to: number
  year: number | undefined
  /** 1 to 12 */
  month: number
  firstDay: number
  /** 31 is the last day of whatever month it is. */
  lastDay: number
  precision: Precision
}

/** How fine a date is written: a day, a third of a month (early, mid, late), a month. */
export type Precision = 'day' | 'part' | 'month'

export interface YearMonth {
  year: number
  /** 1 to 12 */
  month: number
}

/** What a part of a month means: its first and its last day. */
const parts: readonly [name: string, words: RegExp, firstDay: number, lastDay: number][] = [
  ['early', /^early$|^(?:beginning|start) of$/i, 1, 10],
  ['mid', /^mid$|^middle of$/i, 11, 20],
  ['late', /^late$|^end of$|^end$/i, 21, 31],
]

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
/** Capitalized only: "may" and "march" are verbs. */
const month =
  'Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?'
const hyphen = '[\\s\u2010-\u2014-]'

/** Day before month ("8 May 2026"), part before month ("mid-May", "end of May"), day after it ("May 8th"), "May-end". */
const datePattern = new RegExp(
  [
    String.raw`(?:\b(?<dayBefore>\d{1,2})(?:st|nd|rd|th)?(?: of)? |`,
    String.raw`\b(?<part>[Ee]arly|[Mm]id|[Ll]ate|(?:[Bb]eginning|[Ss]tart|[Mm]iddle|[Ee]nd) of)(?: the month of)?${hyphen}{1,3})?`,
    String.raw`\b(?<month>${month})\b\.?`,
    String.raw`(?:${hyphen}(?<partAfter>end)\b|\s{1,2}(?<day>\d{1,2})(?:st|nd|rd|th)?(?![\d:])(?:\s?[\u2013-]\s?(?<lastDay>\d{1,2})(?!\d))?)?`,
    String.raw`(?:,?\s{0,2}(?:of )?(?<year>20\d\d)\b)?`,
  ].join(''),
  'g',
)

/** "In May" is a month; "May users …?" is not. */
const leadsToDate = /\b(?:in|by|of|until|through|before|after|starting|beginning|from|to|and|since|[–-])\s*$/i
/** Most lines name no month: those cost next to nothing. */
const monthBegins = /Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec/

/** The dates of a text, in order. */
export function findDates(text: string): WrittenDate[] {
  if (!monthBegins.test(text)) return []
  return [...text.matchAll(datePattern)].flatMap(({ 0: found, index, groups = {} }) => {
    const day = groups['day'] ?? groups['dayBefore']
    const words = groups['part'] ?? groups['partAfter']
    const days = day === undefined ? daysOfPart(words) : daysOf(Number(day), Number(groups['lastDay'] ?? day))
    const isVerb = found === 'May' && !leadsToDate.test(text.slice(Math.max(0, index - 12), index))
    if (days === undefined || isVerb) return []
    const year = groups['year'] === undefined ? undefined : Number(groups['year'])
    const month = months.indexOf((groups['month'] ?? '').slice(0, 3).toLowerCase()) + 1
    return [{ written: found, from: index, to: index + found.length, year, month, ...days }]
  })
}

function daysOf(firstDay: number, lastDay: number) {
  const isInMonth = firstDay >= 1 && firstDay <= lastDay && lastDay <= 31
  return isInMonth ? { firstDay, lastDay, precision: 'day' as const } : undefined
}

function daysOfPart(words: string | undefined) {
  if (words === undefined) return { firstDay: 1, lastDay: 31, precision: 'month' as const }
  const [, , firstDay, lastDay] = parts.find(([, pattern]) => pattern.test(words)) ?? []
  return firstDay && lastDay ? { firstDay, lastDay, precision: 'part' as const } : undefined
}

/** YYYY-MM-DD; a day that the month does not have is its last one. */
export function isoDay(year: number, month: number, day: number): string {
  const lastDay = new Date(Date.UTC(year, month, 0)).getUTCDate()
  return [year, month, Math.min(day, lastDay)].map((part) => String(part).padStart(2, '0')).join('-')
}

/** A day (YYYY-MM-DD) no finer than it was written: `2026-12-11`, `mid 2026-12`, `2026-12`. */
export function asWritten(day: string, precision: Precision = 'day'): string {
  if (precision === 'day') return day
  const [month, dayOfMonth] = [day.slice(0, 7), Number(day.slice(8))]
  const [name] = parts.find(([, , , lastDay]) => dayOfMonth <= lastDay) ?? []
  return precision === 'month' ? month : `${name} ${month}`
}

/** The year in which a month comes closest to another month. */
export function closestYear(month: number, to: YearMonth): number {
  return to.year + Math.round((to.month - month) / 12)
}

/** The year in which a month comes next, as seen from another; a post may speak of the three months before it. */
export function nextYear(month: number, from: YearMonth): number {
  return month < from.month - 3 ? from.year + 1 : month > from.month + 8 ? from.year - 1 : from.year
}
