import { Failure, withWait } from '../../errors/index.ts'
import { isNamedByCode, secondsToLeaveAlone } from '../../lib/exchange-failure.ts'
import { createLru } from '../../lib/lru.ts'

/** How long a rejected assertion is rejected again without asking Entra. */
const rejectionTtlMs = 10_000
/** How long nobody asks Entra after it rejected this server's own credential or configuration. */
const breakerMs = 5_000
/** The longest Retry-After of a temporary error that is honoured: Entra may recover sooner. */
const maxRetryAfterMs = 60_000

interface Rejection {
  readonly failure: Failure
  readonly untilMs: number
}

/**
 * Failed exchanges, and how long each is repeated to its caller without asking Entra again.
 *
 * A rejection counts for its own assertion alone. Only where the AADSTS code names this server's credential or
 * configuration, the breaker opens for everybody, briefly: an error without a known code may be about one user.
 *
 * @param now milliseconds of a monotonic clock: a wall clock that is set must not prolong a wait
 */
export function createNegativeCache(now: () => number) {
  const rejections = createLru<Rejection>(10_000)
  let breaker: Rejection | undefined

  function rejection(failure: Failure, ttlMs: number): Rejection {
    return { failure, untilMs: now() + ttlMs }
  }

  return {
    /** Remembers a failed exchange. A temporary error is forgotten at once, unless it came with a Retry-After. */
    remember(key: string, failure: Failure) {
      const { reason } = failure
      if ((reason === 'credential_rejected' || reason === 'exchange_misconfigured') && isNamedByCode(failure)) {
        const { cause } = failure.details
        const details = { retryAfterSeconds: breakerMs / 1000, ...(cause !== undefined && { cause }) }
        breaker = rejection(new Failure(reason, details), breakerMs)
        return
      }
      const ttlMs = ttlOf(failure)
      if (ttlMs > 0) rejections.set(key, rejection(failure, ttlMs))
    },
    /** Postpones the next attempt of an assertion, whatever the last one failed of. */
    postpone(key: string, failure: Failure) {
      if (now() >= (rejections.get(key)?.untilMs ?? 0)) rejections.set(key, rejection(failure, rejectionTtlMs))
    },
    /** The failure to repeat for this assertion, if any, with the seconds that are left of its Retry-After. */
    find(key: string): Failure | undefined {
      const found = [rejections.get(key), breaker].find((candidate) => candidate && now() < candidate.untilMs)
      if (found?.failure.details.retryAfterSeconds === undefined) return found?.failure
      return withWait(found.failure, found.untilMs - now())
    },
  }
}

function ttlOf(failure: Failure): number {
  switch (failure.reason) {
    case 'exchange_unavailable':
      return Math.min(secondsToLeaveAlone(failure) * 1000, maxRetryAfterMs)
    case 'credential_unavailable':
    case 'internal':
      return 0
    default:
      return (failure.details.retryAfterSeconds ?? 0) * 1000 || rejectionTtlMs
  }
}
