import { hash } from 'node:crypto'
import { createLru } from '../../lib/lru.ts'

/** Callers that are counted at the same time; beyond them the least recent are counted anew. */
const callersMax = 50_000

/** What a caller has had in the window that it is in. */
export interface Count {
  /** A hash of the caller, the same on every replica. */
  readonly id: string
  /** How much earlier than the clock's own windows this caller's end. */
  readonly shiftMs: number
  /** The window's number since the epoch. */
  window: number
  /** Requests that this replica let through. */
  own: number
  /** Requests that the other replicas let through, as far as this one knows. */
  others: number
}

/** The number of the window that a caller is in. */
export function windowAt(nowMs: number, { shiftMs }: Pick<Count, 'shiftMs'>, windowMs: number): number {
  return Math.floor((nowMs + shiftMs) / windowMs)
}

export interface CountsOptions {
  /** What is counted: callers of the same name are others in another scope. */
  readonly scope: string
  /** Requests that a caller may make in a window. */
  readonly max: number
  readonly windowMs: number
  /** Called for every request that is let through, before its answer. */
  readonly onTaken?: (count: Count) => void
  readonly now?: () => number
}

/** `current`: the caller's requests in this window with this one; `ttl`: milliseconds until it ends. */
export interface Standing {
  readonly current: number
  readonly ttl: number
}

export type Counts = ReturnType<typeof createCounts>

/**
 * Requests by caller, in fixed windows.
 *
 * Windows follow the wall clock, so that replicas agree on them without a word; each caller's are shifted by a part of
 * its hash, or all who wait for the end of a window would come back in the same moment.
 */
export function createCounts({ scope, max, windowMs, onTaken, now = Date.now }: CountsOptions) {
  const counts = createLru<Count>(callersMax)

  function begin(caller: string): Count {
    const digest = hash('sha256', `${scope}\n${caller}`, 'buffer')
    const id = digest.toString('base64url', 0, 16)
    const count = { id, shiftMs: digest.readUInt32BE(16) % windowMs, window: -1, own: 0, others: 0 }
    counts.set(caller, count)
    return count
  }

  /** The caller's count in the window that it is in now, and that with one more request. */
  function look(caller: string): { readonly count: Count; readonly answer: Standing } {
    const count = counts.get(caller) ?? begin(caller)
    const nowMs = now()
    const window = windowAt(nowMs, count, windowMs)
    if (window !== count.window) {
      count.window = window
      count.own = 0
      count.others = 0
    }
    const ttl = (window + 1) * windowMs - count.shiftMs - nowMs
    return { count, answer: { current: count.own + count.others + 1, ttl } }
  }

  return {
    /** Counts a request, unless it is beyond the maximum: what is refused takes nothing from anybody. */
    take(caller: string): Standing {
      const { count, answer } = look(caller)
      if (answer.current <= max) {
        count.own++
        onTaken?.(count)
      }
      return answer
    },
    /** What `take` would say, without counting. */
    peek: (caller: string): Standing => look(caller).answer,
  }
}
