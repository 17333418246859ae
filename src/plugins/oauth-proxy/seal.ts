import { createSealedJwts, type Unsealed } from '../../lib/sealed-jwt.ts'

/** What a sealed token is for: its `aud`, so that none is ever taken for another. */
export type Purpose = 'registration' | 'consent-form' | 'transaction' | 'code' | 'refresh-token' | 'consents'

/** Turns values of one purpose into tokens that only this server, or another with the same keys, can read or make. */
export interface Seal<T> {
  /** @throws an Error for a value so large that nothing would open it again */
  seal(value: T, lifetimeMs: number): Promise<string>
  /** Never throws, whatever the text. */
  open(token: string): Promise<Unsealed<T>>
}

/** Larger than anything that fits into the request it was made from. */
const maxTokenChars = 24_576

/**
 * Seals of every purpose, from the same keys: JWTs, whose audience is the purpose.
 *
 * @param secrets 32 bytes each, base64; the first seals, all open, so that they can be rotated
 * @param now milliseconds since the epoch
 */
export function createSeals(secrets: readonly string[], now: () => number = Date.now) {
  const jwts = createSealedJwts({ secrets, label: 'mcp-message-center-server/oauth/v2/seal', now })

  return <T>(purpose: Purpose): Seal<T> => ({
    async seal(value, lifetimeMs) {
      const token = await jwts.seal(value, purpose, now() + lifetimeMs)
      if (token.length > maxTokenChars) throw new Error(`A ${purpose} is too large to be sealed`)
      return token
    },

    async open(token) {
      if (token.length > maxTokenChars) return { rejected: 'invalid' }
      return jwts.open<T>(token, purpose)
    },
  })
}
