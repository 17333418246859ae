import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import type { SecretStore } from '../secrets.ts'

export interface SigningKey {
  readonly kid: string
  /** The private key. */
  readonly pem: string
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
  /** As published: without `alg`, as in Entra. */
  readonly jwk: Readonly<Record<'kty' | 'use' | 'kid' | 'x5t' | 'n' | 'e', string>>
}

export type KeyRing = ReturnType<typeof createKeyRing>

/**
 * The tenant's signing keys; the newest one signs. Another process of the same tenant may add and retire keys.
 *
 * @param makeSigningKey generates an RSA key as PEM
 */
export function createKeyRing(store: SecretStore, makeSigningKey: () => Promise<string>) {
  let published: readonly SigningKey[] = []
  let foreignKey: Promise<SigningKey> | undefined
  reload()

  function reload() {
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
      if (newest === undefined) throw new Error('The tenant has no signing key')
      return newest
    },

    find(kid: unknown): SigningKey | undefined {
      const byId = () => published.find((key) => key.kid === kid)
      const known = byId()
      if (known === undefined) reload()
      return known ?? byId()
    },

    /** Publishes a new key and signs with it from now on; the old ones stay published. */
    async rotate(): Promise<SigningKey> {
      const key = signingKey(await makeSigningKey())
      reload()
      publish([...published, key])
      return key
    },

    /** Removes a published key; false where it is unknown, or the last. */
    retire(kid: string): boolean {
      reload()
      const rest = published.filter((key) => key.kid !== kid)
      if (rest.length === published.length || rest.length === 0) return false
      publish(rest)
      return true
    },

    /** A key that is never published, for forged tokens. */
    foreign(): Promise<SigningKey> {
      foreignKey ??= makeSigningKey().then(signingKey)
      return foreignKey
    },

    /** The JWK Set (RFC 7517 §5) with the `issuer` member that Entra adds to each key. */
    jwks(issuer: string) {
      reload()
      return { keys: published.map((key) => ({ ...key.jwk, issuer })) }
    },
  }
}

function signingKey(pem: string): SigningKey {
  const privateKey = createPrivateKey(pem)
  const publicKey = createPublicKey(privateKey)
  const { n, e } = publicKey.export({ format: 'jwk' })
  if (n === undefined || e === undefined) throw new Error('RSA key without modulus or exponent')
  // Entra's kid is the thumbprint of its certificate; here, of the key.
  const kid = createHash('sha1')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url')
  return { kid, pem, publicKey, privateKey, jwk: { kty: 'RSA', use: 'sig', kid, x5t: kid, n, e } }
}
