import { createHash, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'

export interface SigningKey {
  readonly kid: string
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
  /** As published: without `alg`, which Entra leaves out. */
  readonly jwk: Readonly<Record<'kty' | 'use' | 'kid' | 'x5t' | 'n' | 'e', string>>
}

export type KeyRing = Awaited<ReturnType<typeof createKeyRing>>

const generateRsaKeyPair = promisify(generateKeyPair)

/** The tenant's signing keys. Two are live from the start, as in Entra; the newest one signs. */
export async function createKeyRing() {
  let published: readonly SigningKey[] = await Promise.all([makeSigningKey(), makeSigningKey()])
  let foreignKey: Promise<SigningKey> | undefined

  return {
    /** Published keys, oldest first. */
    get published(): readonly SigningKey[] {
      return published
    },

    /** The key that signs. */
    get current(): SigningKey {
      const newest = published.at(-1)
      if (newest === undefined) throw new Error('the tenant has no signing key left')
      return newest
    },

    find: (kid: unknown): SigningKey | undefined => published.find((key) => key.kid === kid),

    /** Publishes a new key and signs with it from now on; the old ones stay published. */
    async rotate(): Promise<SigningKey> {
      const key = await makeSigningKey()
      published = [...published, key]
      return key
    },

    /** Takes a key out of the published set; false where it is not in it, or is the last. */
    retire(kid: string): boolean {
      const rest = published.filter((key) => key.kid !== kid)
      if (rest.length === published.length || rest.length === 0) return false
      published = rest
      return true
    },

    /** A key that was never published: what a forger has. */
    foreign(): Promise<SigningKey> {
      foreignKey ??= makeSigningKey()
      return foreignKey
    },

    /** The JWK Set (RFC 7517 §5) with the `issuer` member that Entra adds to each key. */
    jwks: (issuer: string) => ({ keys: published.map((key) => ({ ...key.jwk, issuer })) }),
  }
}

async function makeSigningKey(): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateRsaKeyPair('rsa', { modulusLength: 2048 })
  const { n, e } = publicKey.export({ format: 'jwk' })
  if (n === undefined || e === undefined) throw new Error('an RSA key without modulus or exponent')
  // Entra's kid is its certificate's thumbprint. Without a certificate, the key's own stands in for it.
  const kid = createHash('sha1')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url')
  return { kid, publicKey, privateKey, jwk: { kty: 'RSA', use: 'sig', kid, x5t: kid, n, e } }
}
