import { type CompactJWEHeaderParameters, type CryptoKey, EncryptJWT, errors, jwtDecrypt } from 'jose'
import { deriveBytes } from '../../lib/aes-gcm.ts'

/** What a sealed token is for: its `aud`, so that none is ever taken for another. */
export type Purpose = 'registration' | 'consent-form' | 'transaction' | 'code' | 'refresh-token' | 'consents'

/** The value of a sealed token; or why it was rejected: not sealed here for this purpose, or expired. */
export type Opened<T> = { readonly value: T } | { readonly rejected: 'invalid' | 'expired' }

/** Turns values of one purpose into tokens that only this server, or another with the same keys, can read or make. */
export interface Seal<T> {
  /** @throws an Error for a value so large that nothing would open it again */
  seal(value: T, lifetimeMs: number): Promise<string>
  /** Never throws, whatever the text. */
  open(token: string): Promise<Opened<T>>
}

/** Seals of every purpose, from the same keys. */
export type Seals = <T>(purpose: Purpose) => Seal<T>

/** Larger than anything that fits into the request it was made from. */
const maxTokenChars = 24_576
const label = 'mcp-message-center-server/oauth/v2/seal'

/**
 * Values as encrypted JWTs (RFC 7519, RFC 7516): direct encryption with AES-256-GCM under a key derived by HKDF, named in
 * the header by `kid`. The purpose is `aud`, the end is `exp`, in whole seconds.
 *
 * @param secrets 32 bytes each, base64; the first seals, all open, so that they can be rotated
 * @param now milliseconds since the epoch
 */
export function createSeals(secrets: readonly string[], now: () => number = Date.now): Seals {
  const keys = new Map(secrets.map((secret) => [keyId(secret), importKey(secret)]))
  const [current] = keys
  if (current === undefined) throw new Error('There is no key to seal with')
  const [kid, sealingKey] = current
  const options = {
    keyManagementAlgorithms: ['dir'],
    contentEncryptionAlgorithms: ['A256GCM'],
    requiredClaims: ['exp'],
  }

  function keyOf({ kid: named = '' }: CompactJWEHeaderParameters): Promise<CryptoKey> {
    const key = keys.get(named)
    if (key === undefined) throw new errors.JWKSNoMatchingKey()
    return key
  }

  return <T>(purpose: Purpose): Seal<T> => ({
    async seal(value, lifetimeMs) {
      const token = await new EncryptJWT({ value })
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid })
        .setAudience(purpose)
        .setExpirationTime(Math.floor((now() + lifetimeMs) / 1000))
        .encrypt(await sealingKey)
      if (token.length > maxTokenChars) throw new Error(`A ${purpose} is too large to be sealed`)
      return token
    },

    async open(token) {
      if (token.length > maxTokenChars || !isCanonical(token)) return { rejected: 'invalid' }
      try {
        const { payload } = await jwtDecrypt<{ value: T }>(token, keyOf, {
          ...options,
          audience: purpose,
          currentDate: new Date(now()),
        })
        return { value: payload.value }
      } catch (error) {
        if (error instanceof errors.JWTExpired) return { rejected: 'expired' }
        if (error instanceof errors.JOSEError) return { rejected: 'invalid' }
        throw error
      }
    },
  })
}

function importKey(secret: string): Promise<CryptoKey> {
  const bytes = deriveBytes(secret, `${label}/key`, 32)
  return crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt'])
}

/** Derived as the key is, and apart from it: it tells nothing about the key. */
function keyId(secret: string): string {
  return deriveBytes(secret, `${label}/kid`, 6).toString('base64url')
}

/** Base64url has several spellings of the same bytes; one alone is accepted, so that a token is one text. */
function isCanonical(token: string): boolean {
  return token.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part)
}
