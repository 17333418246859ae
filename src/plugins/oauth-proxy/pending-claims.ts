import { createLru } from '../../lib/lru.ts'
import type { SharedStore } from '../redis/index.ts'

/** Long enough to sign in again. */
const lifetimeMs = 10 * 60_000
/** As long as the parameter of `/authorize` may be: longer ones would make its address too long. */
const maxClaimsChars = 4_096

/** Whose sign-in they are for: a user that an exchange was made for, or a client that signs one in. */
export type ClaimsKey = `user:${string}` | `client:${string}`

/**
 * Claims that Entra demanded in an exchange (Microsoft, "Claims challenges, claims requests and client capabilities"),
 * until the user signs in with them. MCP has no claims challenge: after its 401 a client refreshes, gets a token that is
 * worth no more, and gives up. So they are kept for the user, the refresh is rejected, and from then on they are kept for
 * the client, whose next sign-in asks Entra for them.
 *
 * In the memory of this process, and in the store that replicas share if there is one. Nothing in them is of a user.
 */
export function createPendingClaims(store?: Pick<SharedStore, 'ask' | 'key'>, now: () => number = Date.now) {
  const pending = createLru<{ readonly claims: string; readonly expiresAtMs: number }>(10_000)
  return {
    async set(key: ClaimsKey, claims: string): Promise<void> {
      if (claims.length > maxClaimsChars) return
      pending.set(key, { claims, expiresAtMs: now() + lifetimeMs })
      await store?.ask((redis) => redis.set(keyOf(store, key), claims, 'PX', lifetimeMs))
    },
    /** As JSON text. */
    async get(key: ClaimsKey): Promise<string | undefined> {
      const shared = await store?.ask((redis) => redis.get(keyOf(store, key)))
      // null: another replica has seen them given; undefined: the store is unavailable.
      if (shared !== undefined) return shared ?? undefined
      const entry = pending.get(key)
      return entry !== undefined && now() < entry.expiresAtMs ? entry.claims : undefined
    },
    async delete(key: ClaimsKey): Promise<void> {
      pending.delete(key)
      await store?.ask((redis) => redis.del(keyOf(store, key)))
    },
  }
}

function keyOf(store: Pick<SharedStore, 'key'>, key: ClaimsKey): string {
  return store.key(`oauth:claims:${key}`)
}
