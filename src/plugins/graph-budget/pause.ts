import type { Audit } from '../../audit.ts'
import type { SharedStore } from '../redis.ts'

/** The longest Retry-After that is believed (src/http/retry-after.ts); what a replica tells is believed no further. */
const longestPauseMs = 3_600_000
/** A pause that ends no more than this after the one known is no news. */
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

  /** @returns whether that was news */
  function prolong(waitMs: number, toldBy: 'graph' | 'replica'): boolean {
    const endMs = now() + Math.min(waitMs, longestPauseMs)
    const isNews = endMs - Math.max(untilMs, now()) > newsMs
    untilMs = Math.max(untilMs, endMs)
    if (isNews) audit('graph_paused', { seconds: Math.ceil((endMs - now()) / 1000), toldBy })
    return isNews
  }

  return {
    /** Graph has asked this replica to wait; the others are told. */
    begin(waitMs: number) {
      if (prolong(waitMs, 'graph')) void store?.publish('graph-paused', String(Math.ceil(waitMs)))
    },
    /** 0: there is none. */
    get leftMs(): number {
      return Math.max(untilMs - now(), 0)
    },
  }
}
