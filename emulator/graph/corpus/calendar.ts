export const dayMs = 24 * 60 * 60 * 1000

const months = 'January February March April May June July August September October November December'.split(' ')

/** Midnight UTC of the day of `now`. */
export function midnightOf(now: number): number {
  return Math.floor(now / dayMs) * dayMs
}

/** @param when a day and a time relative to today's midnight: `-4d 13:05:00` is at five past one, four days ago */
export function momentOf(when: string, today: number): number {
  const [, days, time] = /^(-?\d+)d (\d\d:\d\d:\d\d(?:\.\d{3})?)$/.exec(when) ?? []
  return today + Number(days) * dayMs + Date.parse(`1970-01-01T${time}Z`)
}

/** ISO 8601 as Graph writes it: whole seconds have no fraction. */
export function iso(time: number): string {
  return new Date(time).toISOString().replace('.000Z', 'Z')
}

/** "March 9, 2026" */
export function dateIn(time: number): string {
  const date = new Date(time)
  return `${months[date.getUTCMonth()]} ${date.getUTCDate()}, ${date.getUTCFullYear()}`
}

/** "2026-03-09" */
export function dayIn(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}

/** "early March 2026", as Microsoft dates a rollout. */
export function periodIn(time: number): string {
  const date = new Date(time)
  return `${['early ', 'mid-', 'late '][thirdOf(date)]}${months[date.getUTCMonth()]} ${date.getUTCFullYear()}`
}

/** The first and last day of what `periodIn` says: a late part ends with its month. */
export function periodOf(time: number): { first: string; last: string } {
  const date = new Date(time)
  const [year, month, third] = [date.getUTCFullYear(), date.getUTCMonth(), thirdOf(date)]
  const last = third === 2 ? Date.UTC(year, month + 1, 0) : Date.UTC(year, month, 10 * third + 10)
  return { first: dayIn(Date.UTC(year, month, 10 * third + 1)), last: dayIn(last) }
}

/** Of its month: 0 to 2. */
function thirdOf(date: Date): number {
  return Math.min(2, Math.floor((date.getUTCDate() - 1) / 10))
}
