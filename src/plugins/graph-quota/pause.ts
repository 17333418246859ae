import type { Audit } from '../observability/audit.ts'
import type { SharedStore } from '../redis/index.ts'

/** The longest Retry-After of Graph that is believed (src/lib/retry-after.ts). */
const longestPauseMs = 3_600_000
/** Of another replica's word: each asks Graph itself once in a while, so that nobody can stop all of them by Redis. */
const longestToldPauseMs = 60_000
/** A pause that ends less than this after the one known is no news: one of a second, which Graph asks for, is. */
const newsMs = 1_000

/**
 * Until when Graph is left alone: it said so to this replica, or to another one. Replicas tell each other how long to
 * wait, not until when, since their clocks may differ.
 */
export function createPause({
  store,
  audit,
  now,
}: {
  readonly store: Pick<SharedStore, 'publish' | 'subscribe'> | undefined
  readonly audit: Audit
  readonly now: () => number
}) {
  let untilMs = Number.NEGATIVE_INFINITY
  store?.subscribe('graph-paused', (message) => {
    const waitMs = /^\d{1,8}$/.test(message) ? Number(message) : 0
    if (waitMs > 0) prolong(waitMs, 'replica')
  })

  const leftMs = () => Math.max(untilMs - now(), 0)

  /** @returns whether that was news */
  function prolong(askedMs: number, toldBy: 'graph' | 'replica'): boolean {
    const waitMs = Math.min(askedMs, toldBy === 'graph' ? longestPauseMs : longestToldPauseMs)
    // Of the waits, not of their ends: a difference of fractional clock times would miss a second by a hair.
    const isNews = waitMs - leftMs() >= newsMs
    untilMs = Math.max(untilMs, now() + waitMs)
    if (isNews) audit('graph_paused', { seconds: Math.ceil(waitMs / 1000), toldBy })
    return isNews
  }

  return {
    /** Graph has asked this replica to wait; the others are told. */
    begin(waitMs: number) {
      if (prolong(waitMs, 'graph')) void store?.publish('graph-paused', String(Math.ceil(waitMs)))
    },
    /** 0: there is none. */
    get leftMs(): number {
      return leftMs()
    },
  }
}
