import { Failure, type Reason } from '../../errors/index.ts'
import { isNamedByCode, secondsToLeaveAlone } from '../../lib/exchange-failure.ts'
import { createLru } from '../../lib/lru.ts'

/** For how long at most Entra is left alone where it named a time in its trouble: that may be over sooner. */
const longestTroubleMs = 60_000
/** For how long what one assertion met counts where another meets the same. */
const suspicionMs = 60_000

export interface RefusalsOptions {
  /** How long a refusal answers the same assertion again without asking Entra. */
  readonly refusalTtlMs: number
  /** How long nobody asks Entra after it refused this server's own credential or configuration. */
  readonly breakerMs: number
  /** Milliseconds of a clock that only goes forward: a time of day that is set must not stop anybody for longer. */
  readonly now: () => number
}

/**
 * What Entra refused, and for how long that is an answer without asking it again.
 *
 * A refusal counts for the one assertion that met it: no user's trouble is another's. Only what is this server's own
 * fault stops everybody, briefly, and each is told which fault it is: where Entra's number says so, or where two
 * assertions met it, since an error without a known number may be about the one user.
 */
export function createRefusals({ refusalTtlMs, breakerMs, now }: RefusalsOptions) {
  const refusals = createLru<{ failure: Failure; untilMs: number }>(10_000)
  let breaker: { readonly reason: Reason; readonly untilMs: number } | undefined
  /** Who met a fault last that may be this server's own. */
  let suspicion: { readonly key: string; readonly reason: Reason; readonly untilMs: number } | undefined

  function keep(key: string, failure: Failure, ttlMs: number) {
    refusals.set(key, { failure, untilMs: now() + ttlMs })
  }

  /** Whether another assertion met the same a short while ago. */
  function isMetAgain(key: string, reason: Reason): boolean {
    return suspicion !== undefined && suspicion.key !== key && suspicion.reason === reason && now() < suspicion.untilMs
  }

  return {
    /** Takes note of a failed exchange; passing trouble is forgotten at once, unless Entra said when to come again. */
    remember(key: string, failure: Failure) {
      switch (failure.reason) {
        case 'exchange_unavailable': {
          const waitMs = secondsToLeaveAlone(failure) * 1000
          if (waitMs > 0) keep(key, failure, Math.min(waitMs, longestTroubleMs))
          return
        }
        case 'credential_unavailable':
        case 'internal':
          return
        case 'credential_rejected':
        case 'exchange_misconfigured':
          if (isNamedByCode(failure) || isMetAgain(key, failure.reason)) {
            breaker = { reason: failure.reason, untilMs: now() + breakerMs }
          } else {
            suspicion = { key, reason: failure.reason, untilMs: now() + suspicionMs }
            keep(key, failure, breakerMs)
          }
          return
        default:
          keep(key, failure, secondsLeft(failure) * 1000 || refusalTtlMs)
      }
    },
    /** Keeps an assertion from being tried again for a moment, whatever its exchange failed of. */
    postpone(key: string, failure: Failure) {
      if (now() >= (refusals.get(key)?.untilMs ?? 0)) keep(key, failure, refusalTtlMs)
    },
    /** The failure that answers this assertion now, if any; where one has to wait, with the time that is left. */
    find(key: string): Failure | undefined {
      const refusal = refusals.get(key)
      if (refusal !== undefined && now() < refusal.untilMs)
        return withTimeLeft(refusal.failure, refusal.untilMs - now())
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
