import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import type { SecretStore } from '../secrets.ts'

export interface SigningKey {
  readonly kid: string
  /** The private key as it is kept. */
  readonly pem: string
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
  /** As published: without `alg`, which Entra leaves out. */
  readonly jwk: Readonly<Record<'kty' | 'use' | 'kid' | 'x5t' | 'n' | 'e', string>>
}

export type KeyRing = ReturnType<typeof createKeyRing>

/**
 * The tenant's signing keys; the newest one signs. Another process of the same tenant may add and retire some.
 *
 * @param makeSigningKey gives an RSA key as PEM
 */
export function createKeyRing(store: SecretStore, makeSigningKey: () => Promise<string>) {
  let published: readonly SigningKey[] = []
  let foreignKey: Promise<SigningKey> | undefined
  readAgain()

  function readAgain() {
    published = store.read().signingKeys.map((pem) => published.find((key) => key.pem === pem) ?? signingKey(pem))
  }

  function publish(keys: readonly SigningKey[]) {
    store.write({ ...store.read(), signingKeys: keys.map(({ pem }) => pem) })
    published = keys
  }

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

    find(kid: unknown): SigningKey | undefined {
      const byId = () => published.find((key) => key.kid === kid)
      const known = byId()
      if (known === undefined) readAgain()
      return known ?? byId()
    },

    /** Publishes a new key and signs with it from now on; the old ones stay published. */
    async rotate(): Promise<SigningKey> {
      const key = signingKey(await makeSigningKey())
      readAgain()
      publish([...published, key])
      return key
    },

    /** Takes a key out of the published set; false where it is not in it, or is the last. */
    retire(kid: string): boolean {
      readAgain()
      const rest = published.filter((key) => key.kid !== kid)
      if (rest.length === published.length || rest.length === 0) return false
      publish(rest)
      return true
    },

    /** A key that was never published: what a forger has. */
    foreign(): Promise<SigningKey> {
      foreignKey ??= makeSigningKey().then(signingKey)
      return foreignKey
    },

    /** The JWK Set (RFC 7517 §5) with the `issuer` member that Entra adds to each key. */
    jwks(issuer: string) {
      readAgain()
      return { keys: published.map((key) => ({ ...key.jwk, issuer })) }
    },
  }
}

function signingKey(pem: string): SigningKey {
  const privateKey = createPrivateKey(pem)
  const publicKey = createPublicKey(privateKey)
  const { n, e } = publicKey.export({ format: 'jwk' })
  if (n === undefined || e === undefined) throw new Error('an RSA key without modulus or exponent')
  // Entra's kid is its certificate's thumbprint. Without a certificate, the key's own stands in for it.
  const kid = createHash('sha1')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url')
  return { kid, pem, publicKey, privateKey, jwk: { kty: 'RSA', use: 'sig', kid, x5t: kid, n, e } }
}
