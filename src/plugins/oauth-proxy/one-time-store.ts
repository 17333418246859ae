import { createLru } from '../../lib/lru.ts'
import type { SharedStore } from '../redis/index.ts'

/** Ids of what may be used once, or is revoked, until they expire. */
export interface OneTimeStore {
  /** Adds an id. @returns whether it was not there before */
  add(id: string, lifetimeMs: number): Promise<boolean>
  has(id: string): Promise<boolean>
  delete(id: string): Promise<void>
}

const keyOf = (id: string) => `mcp-message-center-server:oauth:${id}`

/**
 * Ids in the memory of this process, and in the store that replicas share if there is one. In memory alone, it stops what
 * is used twice at one replica; behind it stands Entra, which redeems a code once wherever it comes from.
 *
 * @param now milliseconds since the epoch
 */
export function createOneTimeStore(store?: Pick<SharedStore, 'ask'>, now: () => number = Date.now): OneTimeStore {
  const ids = createLru<{ readonly expiresAtMs: number }>(100_000)
  const isKnown = (id: string) => (ids.peek(id)?.expiresAtMs ?? 0) > now()
  return {
    async add(id, lifetimeMs) {
      if (isKnown(id)) return false
      ids.set(id, { expiresAtMs: now() + lifetimeMs })
      // OK: added; null: another replica was first; undefined: the store is unavailable.
      return (await store?.ask((redis) => redis.set(keyOf(id), '1', 'PX', lifetimeMs, 'NX'))) !== null
    },
    async has(id) {
      return isKnown(id) || (await store?.ask((redis) => redis.exists(keyOf(id)))) === 1
    },
    async delete(id) {
      ids.delete(id)
      await store?.ask((redis) => redis.del(keyOf(id)))
    },
  }
}
