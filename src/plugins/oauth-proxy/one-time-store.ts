import { createLru } from '../../lib/lru.ts'
import type { SharedStore } from '../redis/index.ts'

/** Ids of what may be used once, or no longer, until they end by themselves. */
export interface Ledger {
  /** Enters an id. @returns whether it was not there before */
  enter(id: string, lifetimeMs: number): Promise<boolean>
  has(id: string): Promise<boolean>
  /** Takes an id out again. */
  remove(id: string): Promise<void>
}

const keyOf = (id: string) => `mcp-message-center-server:oauth:${id}`

/**
 * A ledger in the memory of this process, and in the store that replicas share where there is one. Alone, it stops what
 * is used twice at the same replica; behind it stands Entra, which redeems a code once wherever it comes from.
 */
export function createLedger(store?: Pick<SharedStore, 'ask'>): Ledger {
  const ids = createLru<true>(100_000)
  return {
    async enter(id, lifetimeMs) {
      if (ids.has(id)) return false
      ids.set(id, true, { ttl: lifetimeMs })
      // OK: entered; null: another replica was first; undefined: nobody to ask.
      return (await store?.ask((redis) => redis.set(keyOf(id), '1', 'PX', lifetimeMs, 'NX'))) !== null
    },
    async has(id) {
      return ids.has(id) || (await store?.ask((redis) => redis.exists(keyOf(id)))) === 1
    },
    async remove(id) {
      ids.delete(id)
      await store?.ask((redis) => redis.del(keyOf(id)))
    },
  }
}
