import type { Deadline } from './deadline.ts'
import { isWorthOneMoreTry } from './exchange-failure.ts'

/** With less time left, there is no retry. */
const shortestAttemptMs = 500

/** Retries once, after a short pause, on a temporary error of Entra, unless it set Retry-After or the deadline is near. */
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
