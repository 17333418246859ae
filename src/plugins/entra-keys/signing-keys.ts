import { createPublicKey } from 'node:crypto'
import type { TenantEndpoints } from '../../config/tenant.ts'

/** RFC 7518 section 3.3: RS256 takes keys of at least 2048 bits. */
const minModulusBytes = 256

interface SigningKey {
  readonly kid: string
  readonly kty: 'RSA'
  readonly n: string
  readonly e: string
  readonly issuer?: unknown
}

/**
 * The signing keys in a JWK set (RFC 7517) that belong to the tenant, as PEM by key id.
 *
 * A key that names an `issuer` is one of that issuer's alone: Microsoft, "Access tokens: validate the signing key issuer".
 *
 * @throws {Error} where this is no JWK set, or there is no such key in it
 */
export function readSigningKeys(set: unknown, tenant: Pick<TenantEndpoints, 'issuer' | 'issuerV1'>) {
  const jwks = (set as { keys?: unknown }).keys
  if (!Array.isArray(jwks)) throw new Error('The response is not a JWK set')
  const pems = new Map<string, string>()
  for (const jwk of jwks) {
    if (!isSigningKey(jwk) || !isOfTenant(jwk, tenant)) continue
    const { kid, kty, n, e } = jwk
    const key = createPublicKey({ format: 'jwk', key: { kty, n, e } })
    pems.set(kid, key.export({ type: 'spki', format: 'pem' }).toString())
  }
  if (pems.size === 0) throw new Error('The JWK set has no signing key of this tenant')
  return pems
}

function isSigningKey(jwk: unknown): jwk is SigningKey {
  const { kid, kty, use, n, e } = (jwk ?? {}) as Record<string, unknown>
  return (
    typeof kid === 'string' &&
    kty === 'RSA' &&
    (use === undefined || use === 'sig') &&
    typeof e === 'string' &&
    typeof n === 'string' &&
    Buffer.byteLength(n, 'base64url') >= minModulusBytes
  )
}

function isOfTenant({ issuer }: SigningKey, tenant: Pick<TenantEndpoints, 'issuer' | 'issuerV1'>): boolean {
  return issuer === undefined || issuer === tenant.issuer || issuer === tenant.issuerV1
}
