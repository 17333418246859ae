import type { GraphQuotaOptions } from './index.ts'

/** The longest Retry-After of Graph that is honoured (src/lib/retry-after.ts). */
const maxPauseMs = 3_600_000
/**
 * The longest pause that replicas share. After it each asks Graph itself, so that a writer of Redis cannot stop all of
 * them for longer by one command.
 */
const maxSharedPauseMs = 60_000
/** A pause is logged where it ends at least this much later than the one before: Graph's shortest is a second. */
const logFromMs = 1_000

const key = 'graph-paused'

/** The wait that Graph asked for by a 429, of this replica or, through Redis, of another. */
export function createPause({ store, audit, now }: Required<Pick<GraphQuotaOptions, 'store' | 'audit' | 'now'>>) {
  let untilMs = Number.NEGATIVE_INFINITY
  /** Milliseconds that are left, as far as this replica knows. */
  const leftMs = () => Math.max(untilMs - now(), 0)

  /** @returns whether the pause now ends later than before */
  function prolong(waitMs: number, source: 'graph' | 'replica'): boolean {
    // Of the waits, not of their ends: a difference of fractional clock times would miss a second by a hair.
    if (waitMs - leftMs() >= logFromMs) audit('graph_paused', { seconds: Math.ceil(waitMs / 1000), source })
    if (waitMs <= leftMs()) return false
    untilMs = now() + waitMs
    return true
  }

  return {
    /** Graph has asked this replica to wait. */
    begin(askedMs: number) {
      if (!prolong(Math.min(askedMs, maxPauseMs), 'graph')) return
      const sharedMs = Math.ceil(Math.min(askedMs, maxSharedPauseMs))
      void store?.ask((redis) => redis.set(store.key(key), '1', 'PX', sharedMs))
    },
    /** Milliseconds that are left; 0 where there is no pause. */
    async check(): Promise<number> {
      if (store === undefined || leftMs() > 0) return leftMs()
      const sharedMs = (await store.ask((redis) => redis.pttl(store.key(key)))) ?? 0
      if (sharedMs > 0 && sharedMs <= maxSharedPauseMs) prolong(sharedMs, 'replica')
      return leftMs()
    },
    leftMs,
  }
}
