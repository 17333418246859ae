import { createLru } from '../../lib/lru.ts'
import type { SharedStore } from '../redis/index.ts'

export interface OneTimeStoreOptions {
  /** Milliseconds since the epoch. */
  readonly now?: () => number
  /** Ids are deleted again where what they were used for failed. */
  readonly canBeReleased?: boolean
}

/**
 * Ids of what may be used once, or is revoked, until they expire: in the memory of this process, and in the store that
 * replicas share if there is one. In memory alone, it stops what is used twice at one replica; behind it stands Entra,
 * which redeems a code once wherever it comes from.
 */
export function createOneTimeStore(
  store?: Pick<SharedStore, 'ask' | 'key'>,
  { now = Date.now, canBeReleased = false }: OneTimeStoreOptions = {},
) {
  const ids = createLru<{ readonly expiresAtMs: number }>(100_000)
  const isKnown = (id: string) => (ids.peek(id)?.expiresAtMs ?? 0) > now()
  return {
    /** @returns whether the id was not there before */
    async add(id: string, lifetimeMs: number): Promise<boolean> {
      if (isKnown(id)) return false
      ids.set(id, { expiresAtMs: now() + lifetimeMs })
      // OK: added; null: another replica was first; undefined: the store is unavailable.
      const reply = await store?.ask((redis) => redis.set(keyOf(store, id), '1', 'PX', lifetimeMs, 'NX'))
      // It is the other replica's, which may delete it. What is never deleted is remembered for when the store is down.
      if (reply === null && canBeReleased) ids.delete(id)
      return reply !== null
    },
    async has(id: string): Promise<boolean> {
      return isKnown(id) || (await store?.ask((redis) => redis.exists(keyOf(store, id)))) === 1
    },
    async delete(id: string): Promise<void> {
      ids.delete(id)
      await store?.ask((redis) => redis.del(keyOf(store, id)))
    },
  }
}

function keyOf(store: Pick<SharedStore, 'key'>, id: string): string {
  return store.key(`oauth:${id}`)
}
