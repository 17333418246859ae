import { Failure } from '../errors/index.ts'

/**
 * Waits for shared work, but no longer than the waiter itself is there; the work goes on for the others.
 *
 * @throws {Failure} `call_cancelled` when the signal comes first
 */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  if (signal.aborted) {
    work.catch(() => {}) // Its outcome is for those who still wait.
    return Promise.reject(new Failure('call_cancelled'))
  }
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(new Failure('call_cancelled'))
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
