/** The present of the corpus; the last post is from this day. */
export const anchor = Date.UTC(2026, 10, 20, 17, 30)
/** How far back the posts go. */
export const windowDays = 425

export const dayMs = 24 * 60 * 60 * 1000

const months = 'January February March April May June July August September October November December'.split(' ')

/** "March 9, 2026" */
export function dateIn(time: number): string {
  const date = new Date(time)
  return `${months[date.getUTCMonth()]} ${date.getUTCDate()}, ${date.getUTCFullYear()}`
}

/** "early March 2026", as Microsoft dates a rollout. */
export function periodIn(time: number): string {
  const date = new Date(time)
  const part = ['early ', 'mid-', 'late '][Math.min(2, Math.floor((date.getUTCDate() - 1) / 10))]
  return `${part}${months[date.getUTCMonth()]} ${date.getUTCFullYear()}`
}
