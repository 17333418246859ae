import { type CompactJWEHeaderParameters, type CryptoKey, EncryptJWT, errors, jwtDecrypt } from 'jose'
import { deriveBytes } from './derive-bytes.ts'

/** The value of a sealed token; or why it was rejected: not sealed with one of the keys for this audience, or expired. */
export type Unsealed<T> =
  | { readonly value: T; readonly expiresAtMs: number }
  | { readonly rejected: 'invalid' | 'expired' }

export interface SealedJwtOptions {
  /** 32 bytes each, base64; the first seals, all open, so that they can be rotated. */
  readonly secrets: readonly string[]
  /** What the keys are for: those of other labels are independent. */
  readonly label: string
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

const algorithms = { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] }

/**
 * Values as encrypted JWTs (RFC 7519, RFC 7516): direct encryption with AES-256-GCM under a key derived by HKDF, named in
 * the header by `kid`. `aud` is what a token is for, so that none is ever taken for another; `exp` is in whole seconds.
 */
export function createSealedJwts({ secrets, label, now = Date.now }: SealedJwtOptions) {
  const keys = new Map(secrets.map((secret) => [keyId(secret), importKey(secret)]))
  const [current] = keys
  if (current === undefined) throw new Error('There is no key to seal with')
  const [kid, sealingKey] = current

  function keyOf({ kid: named = '' }: CompactJWEHeaderParameters): Promise<CryptoKey> {
    const key = keys.get(named)
    if (key === undefined) throw new errors.JWKSNoMatchingKey()
    return key
  }

  function importKey(secret: string): Promise<CryptoKey> {
    const bytes = deriveBytes(secret, `${label}/key`, 32)
    return crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt'])
  }

  /** Derived as the key is, and apart from it: it tells nothing about the key. */
  function keyId(secret: string): string {
    return deriveBytes(secret, `${label}/kid`, 6).toString('base64url')
  }

  return {
    /** @param expiresAtMs milliseconds since the epoch, rounded down to a second */
    async seal(value: unknown, audience: string, expiresAtMs: number): Promise<string> {
      return new EncryptJWT({ value })
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid })
        .setAudience(audience)
        .setExpirationTime(Math.floor(expiresAtMs / 1000))
        .encrypt(await sealingKey)
    },

    /** Never throws, whatever the text. */
    async open<T>(token: string, audience: string): Promise<Unsealed<T>> {
      if (!isCanonical(token)) return { rejected: 'invalid' }
      try {
        const { payload } = await jwtDecrypt<{ value: T; exp: number }>(token, keyOf, {
          ...algorithms,
          audience,
          requiredClaims: ['exp'],
          currentDate: new Date(now()),
        })
        return { value: payload.value, expiresAtMs: payload.exp * 1000 }
      } catch (error) {
        if (error instanceof errors.JWTExpired) return { rejected: 'expired' }
        if (error instanceof errors.JOSEError) return { rejected: 'invalid' }
        throw error
      }
    },
  }
}

/** Base64url has several spellings of the same bytes; one alone is accepted, so that a token is one text. */
function isCanonical(token: string): boolean {
  return token.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part)
}
