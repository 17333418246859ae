import { Failure, type Reason } from '../../errors/index.ts'
import { isNamedByCode, secondsToLeaveAlone } from '../../lib/exchange-failure.ts'
import { createLru } from '../../lib/lru.ts'

/** The longest Retry-After of a temporary error that is honoured: Entra may recover sooner. */
const maxRetryAfterMs = 60_000
/** Two assertions that fail in the same way within this time point to this server's own credential or configuration. */
const suspicionMs = 60_000

export interface NegativeCacheOptions {
  /** How long a rejected assertion is rejected again without asking Entra. */
  readonly rejectionTtlMs: number
  /** How long nobody asks Entra after it rejected this server's own credential or configuration. */
  readonly breakerMs: number
  /** Milliseconds of a monotonic clock: a wall clock that is set must not prolong a wait. */
  readonly now: () => number
}

/**
 * Failed exchanges, and how long each is repeated to its caller without asking Entra again.
 *
 * A rejection counts for its own assertion alone. Only an error in this server's credential or configuration opens the
 * breaker for everybody, briefly: where the AADSTS code says so, or where two assertions met it, since an error without
 * a known code may be about one user.
 */
export function createNegativeCache({ rejectionTtlMs, breakerMs, now }: NegativeCacheOptions) {
  const rejections = createLru<{ failure: Failure; untilMs: number }>(10_000)
  let breaker: { readonly reason: Reason; readonly untilMs: number } | undefined
  /** The last failure that may be caused by this server's own credential or configuration. */
  let suspicion: { readonly key: string; readonly reason: Reason; readonly untilMs: number } | undefined

  function cache(key: string, failure: Failure, ttlMs: number) {
    rejections.set(key, { failure, untilMs: now() + ttlMs })
  }

  /** Whether another assertion failed in the same way a short while ago. */
  function isRepeated(key: string, reason: Reason): boolean {
    return suspicion !== undefined && suspicion.key !== key && suspicion.reason === reason && now() < suspicion.untilMs
  }

  return {
    /** Remembers a failed exchange. A temporary error is forgotten at once, unless it came with a Retry-After. */
    remember(key: string, failure: Failure) {
      switch (failure.reason) {
        case 'exchange_unavailable': {
          const waitMs = secondsToLeaveAlone(failure) * 1000
          if (waitMs > 0) cache(key, failure, Math.min(waitMs, maxRetryAfterMs))
          return
        }
        case 'credential_unavailable':
        case 'internal':
          return
        case 'credential_rejected':
        case 'exchange_misconfigured':
          if (isNamedByCode(failure) || isRepeated(key, failure.reason)) {
            breaker = { reason: failure.reason, untilMs: now() + breakerMs }
          } else {
            suspicion = { key, reason: failure.reason, untilMs: now() + suspicionMs }
            cache(key, failure, breakerMs)
          }
          return
        default:
          cache(key, failure, secondsLeft(failure) * 1000 || rejectionTtlMs)
      }
    },
    /** Postpones the next attempt of an assertion, whatever the last one failed of. */
    postpone(key: string, failure: Failure) {
      if (now() >= (rejections.get(key)?.untilMs ?? 0)) cache(key, failure, rejectionTtlMs)
    },
    /** The failure to repeat for this assertion, if any, with the seconds that are left of its Retry-After. */
    find(key: string): Failure | undefined {
      const rejection = rejections.get(key)
      if (rejection !== undefined && now() < rejection.untilMs) {
        return withTimeLeft(rejection.failure, rejection.untilMs - now())
      }
      if (breaker === undefined || now() >= breaker.untilMs) return undefined
      return new Failure(breaker.reason, { retryAfterSeconds: Math.ceil((breaker.untilMs - now()) / 1000) })
    },
  }
}

function withTimeLeft(failure: Failure, leftMs: number): Failure {
  if (failure.details.retryAfterSeconds === undefined) return failure
  return new Failure(failure.reason, { ...failure.details, retryAfterSeconds: Math.ceil(leftMs / 1000) })
}

function secondsLeft({ details }: Failure): number {
  return details.retryAfterSeconds ?? 0
}
