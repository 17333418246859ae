import { LRUCache } from 'lru-cache'

/** Ids of what may be used once, or no longer, until they end by themselves. */
export interface Ledger {
  /** Enters an id. @returns whether it was not there before */
  enter(id: string, lifetimeMs: number): Promise<boolean>
  has(id: string): Promise<boolean>
  /** Takes an id out again. */
  remove(id: string): Promise<void>
}

/**
 * A ledger in the memory of one process. It stops what is used twice at the same replica; behind it stands Entra, which
 * redeems a code once wherever it comes from.
 */
export function createLedger(): Ledger {
  const ids = new LRUCache<string, true>({ max: 100_000 })
  return {
    async enter(id, lifetimeMs) {
      if (ids.has(id)) return false
      ids.set(id, true, { ttl: lifetimeMs })
      return true
    },
    has: async (id) => ids.has(id),
    async remove(id) {
      ids.delete(id)
    },
  }
}
