import { createPublicKey } from 'node:crypto'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { TenantEndpoints } from '../../config/tenant.ts'

/** In base64url, 2048 bits: RS256 takes no shorter keys (RFC 7518 section 3.3). */
const minModulusChars = 342

const signingKey = Compile(
  Type.Object({
    kid: Type.String(),
    kty: Type.Literal('RSA'),
    use: Type.Optional(Type.Literal('sig')),
    n: Type.String({ minLength: minModulusChars }),
    e: Type.String(),
    issuer: Type.Optional(Type.Unknown()),
  }),
)

/**
 * The signing keys in a JWK set (RFC 7517) that belong to the tenant, as PEM by key id.
 *
 * A key that names an `issuer` is one of that issuer's alone: Microsoft, "Access tokens: validate the signing key issuer".
 *
 * @throws {Error} where this is no JWK set, or there is no such key in it
 */
export function readSigningKeys(set: unknown, { issuer, issuerV1 }: Pick<TenantEndpoints, 'issuer' | 'issuerV1'>) {
  const jwks = (set as { keys?: unknown }).keys
  if (!Array.isArray(jwks)) throw new Error('The response is not a JWK set')
  const allowedIssuers: readonly unknown[] = [undefined, issuer, issuerV1]
  const pems = new Map<string, string>()
  for (const jwk of jwks) {
    if (!signingKey.Check(jwk) || !allowedIssuers.includes(jwk.issuer)) continue
    const { kid, kty, n, e } = jwk
    const key = createPublicKey({ format: 'jwk', key: { kty, n, e } })
    pems.set(kid, key.export({ type: 'spki', format: 'pem' }).toString())
  }
  if (pems.size === 0) throw new Error('The JWK set has no signing key of this tenant')
  return pems
}
