import { hash } from 'node:crypto'
import { EncryptJWT, errors, jwtDecrypt } from 'jose'
import type { CachedToken } from './lifetime.ts'

export type TokenSeal = ReturnType<typeof createTokenSeal>

/**
 * Graph tokens as encrypted JWTs (RFC 7516; `dir`, A256GCM), which only replicas with the same key can read or make.
 *
 * @param secrets 32 bytes each, base64; the first seals, all open, so that they can be rotated
 * @param now milliseconds since the epoch
 */
export function createTokenSeal(secrets: readonly string[], now: () => number = Date.now) {
  const [sealing, ...older] = secrets.map((secret) => {
    const key = Buffer.from(secret, 'base64')
    return { kid: hash('sha256', key, 'base64url').slice(0, 8), key }
  })
  if (sealing === undefined) throw new Error('There is no key to seal with')

  return {
    /** @param place where the text will be: it is worthless anywhere else */
    seal({ accessToken, expiresAtMs }: CachedToken, place: string): Promise<string> {
      return new EncryptJWT({ token: accessToken })
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: sealing.kid })
        .setAudience(place)
        .setExpirationTime(Math.floor(expiresAtMs / 1000))
        .encrypt(sealing.key)
    },

    /**
     * The token, which expires at a full second.
     *
     * @returns undefined for anything that was not sealed for this place with one of the keys, or has expired
     */
    async open(sealed: string, place: string): Promise<CachedToken | undefined> {
      try {
        const keyOf = ({ kid }: { kid?: string }) => (older.find((known) => known.kid === kid) ?? sealing).key
        const { payload } = await jwtDecrypt<{ token: string; exp: number }>(sealed, keyOf, {
          audience: place,
          requiredClaims: ['exp'],
          keyManagementAlgorithms: ['dir'],
          contentEncryptionAlgorithms: ['A256GCM'],
          currentDate: new Date(now()),
        })
        return { accessToken: payload.token, expiresAtMs: payload.exp * 1000 }
      } catch (error) {
        if (error instanceof errors.JOSEError) return undefined
        throw error
      }
    },
  }
}
