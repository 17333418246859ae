import { createSealedJwts } from '../../lib/sealed-jwt.ts'
import type { SharedStore } from '../redis/index.ts'
import type { GraphToken } from './on-behalf-of.ts'

/** Graph's tokens are of 2 to 4 KiB. A longer value is not written, and no more than this is read of one. */
const maxSealedChars = 32 * 1024

export interface SharedTokensOptions {
  readonly store: Pick<SharedStore, 'ask' | 'key'>
  /** 32 bytes each, base64; the first seals, all open, so that they can be rotated. */
  readonly secrets: readonly string[]
  readonly now?: () => number
}

export type SharedTokens = ReturnType<typeof createSharedTokens>

/**
 * Graph tokens in Redis, sealed, so that only replicas with the same key can read or make them, each for its own place:
 * it is worthless anywhere else. A Redis that is unavailable holds none and takes none.
 */
export function createSharedTokens({ store, secrets, now = Date.now }: SharedTokensOptions) {
  const jwts = createSealedJwts({ secrets, label: 'mcp-message-center-server/obo/v2/seal', now })
  const stats = { opened: 0, unreadable: 0 }
  const placeOf = (key: string) => store.key(`obo:${key}`)

  return {
    /** The token, which expires at a full second. */
    async find(key: string): Promise<GraphToken | undefined> {
      const sealed = await store.ask((redis) => redis.getrange(placeOf(key), 0, maxSealedChars - 1))
      // GETRANGE gives '' where there is no value.
      if (!sealed) return undefined
      const opened = await jwts.open<string>(sealed, placeOf(key))
      const isReadable = 'value' in opened
      stats[isReadable ? 'opened' : 'unreadable']++
      return isReadable ? { accessToken: opened.value, expiresAtMs: opened.expiresAtMs } : undefined
    },

    /** Stores a token until it expires. */
    async put(key: string, { accessToken, expiresAtMs }: GraphToken): Promise<void> {
      const lifetimeMs = Math.floor(expiresAtMs - now())
      if (lifetimeMs <= 0) return
      const sealed = await jwts.seal(accessToken, placeOf(key), expiresAtMs)
      if (sealed.length > maxSealedChars) return
      await store.ask((redis) => redis.set(placeOf(key), sealed, 'PX', lifetimeMs))
    },

    async remove(key: string): Promise<void> {
      await store.ask((redis) => redis.del(placeOf(key)))
    },

    /** Values found so far; unreadable: sealed with another key, damaged, or expired. */
    stats: stats as Readonly<typeof stats>,
  }
}
