import type { SharedStore } from '../redis/index.ts'
import type { CachedToken } from './lifetime.ts'
import type { TokenSeal } from './token-seal.ts'

/** Graph's tokens are of 2 to 4 KiB. A longer value is not written, and no more than this is read of one. */
const maxSealedChars = 32 * 1024

export interface SharedTokensOptions {
  readonly store: Pick<SharedStore, 'ask' | 'key'>
  readonly seal: TokenSeal
  readonly now?: () => number
}

export type SharedTokens = ReturnType<typeof createSharedTokens>

/** Graph tokens in Redis, sealed. A Redis that is unavailable holds none and takes none. */
export function createSharedTokens({ store, seal, now = Date.now }: SharedTokensOptions) {
  const stats = { opened: 0, unreadable: 0 }
  const placeOf = (key: string) => store.key(`obo:${key}`)

  return {
    async find(key: string): Promise<CachedToken | undefined> {
      const sealed = await store.ask((redis) => redis.getrange(placeOf(key), 0, maxSealedChars - 1))
      // GETRANGE gives '' where there is no value.
      if (!sealed) return undefined
      const token = await seal.open(sealed, placeOf(key))
      stats[token === undefined ? 'unreadable' : 'opened']++
      return token
    },

    /** Stores a token until it expires. */
    async put(key: string, token: CachedToken): Promise<void> {
      const lifetimeMs = Math.floor(token.expiresAtMs - now())
      if (lifetimeMs <= 0) return
      const sealed = await seal.seal(token, placeOf(key))
      if (sealed.length > maxSealedChars) return
      await store.ask((redis) => redis.set(placeOf(key), sealed, 'PX', lifetimeMs))
    },

    async remove(key: string): Promise<void> {
      await store.ask((redis) => redis.del(placeOf(key)))
    },

    /** Values found so far; unreadable: sealed with another key, damaged, or expired. */
    get stats(): Readonly<Record<'opened' | 'unreadable', number>> {
      return { ...stats }
    },
  }
}
