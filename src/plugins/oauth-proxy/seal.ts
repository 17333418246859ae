import { Failure } from '../../errors/index.ts'
import { createSealedJwts, type Unsealed } from '../../lib/sealed-jwt.ts'

/** What a sealed token is for: its `aud`, so that none is ever taken for another. */
export type Purpose = 'registration' | 'consent-form' | 'transaction' | 'code' | 'refresh-token' | 'consents'

/** Turns values of one purpose into tokens that only this server, or another with the same keys, can read or make. */
export interface Seal<T> {
  /** @throws {Failure} `oauth_request_malformed` for a value so large that the request with it would be rejected */
  seal(value: T, lifetimeMs: number): Promise<string>
  /** Never throws, whatever the text. */
  open(token: string): Promise<Unsealed<T>>
}

/** Of a token, and of the parameter that brings it back. A form has more in it. */
export const maxSealedChars = 16_384
export const maxSealedFormChars = 24_576

const maxTokenChars = (purpose: Purpose) => (purpose === 'consent-form' ? maxSealedFormChars : maxSealedChars)

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
      if (token.length > maxTokenChars(purpose)) {
        throw new Failure('oauth_request_malformed', { detail: 'The parameters are too long together.' })
      }
      return token
    },

    async open(token) {
      if (token.length > maxTokenChars(purpose)) return { rejected: 'invalid' }
      return jwts.open<T>(token, purpose)
    },
  })
}
