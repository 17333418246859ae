import { createSealedJwts } from '../../lib/sealed-jwt.ts'
import type { CachedToken } from './lifetime.ts'

export type TokenSeal = ReturnType<typeof createTokenSeal>

/**
 * Graph tokens for Redis, which only replicas with the same key can read or make.
 *
 * @param secrets 32 bytes each, base64; the first seals, all open, so that they can be rotated
 * @param now milliseconds since the epoch
 */
export function createTokenSeal(secrets: readonly string[], now: () => number = Date.now) {
  const jwts = createSealedJwts({ secrets, label: 'mcp-message-center-server/obo/v2/seal', now })

  return {
    /** @param place where the token will be: it is worthless anywhere else */
    seal({ accessToken, expiresAtMs }: CachedToken, place: string): Promise<string> {
      return jwts.seal(accessToken, place, expiresAtMs)
    },

    /**
     * The token, which expires at a full second.
     *
     * @returns undefined for anything that was not sealed for this place with one of the keys, or has expired
     */
    async open(sealed: string, place: string): Promise<CachedToken | undefined> {
      const opened = await jwts.open<string>(sealed, place)
      return 'value' in opened ? { accessToken: opened.value, expiresAtMs: opened.expiresAtMs } : undefined
    },
  }
}
