import type { Deadline } from './deadline.ts'
import { isWorthOneMoreTry } from './exchange-failure.ts'

/** Less time than this is not worth another request. */
const shortestAttemptMs = 500

/** Entra's passing troubles get one more try, a little later, unless it named a wait or the time is up. */
export async function withOneRetry<T>(
  attempt: () => Promise<T>,
  { deadline, sleep }: { readonly deadline: Deadline; readonly sleep: (ms: number) => Promise<void> },
): Promise<T> {
  try {
    return await attempt()
  } catch (error) {
    const pauseMs = 100 + Math.random() * 200
    if (!isWorthOneMoreTry(error) || deadline.leftMs < pauseMs + shortestAttemptMs) throw error
    await sleep(pauseMs)
    return attempt()
  }
}
