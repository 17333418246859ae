import { randomUUID } from 'node:crypto'

/** A private key that signs assertions, and its certificate. */
export interface AssertionSigner {
  /** The certificate's: 32 bytes are SHA-256 and go with PS256, 20 are SHA-1 and go with RS256. */
  readonly thumbprint: Buffer
  /** Undefined where only the thumbprint is known. */
  readonly certificateExpiresAtMs: number | undefined
  sign(input: Buffer, algorithm: AssertionAlgorithm): Promise<Buffer>
}

export type AssertionAlgorithm = 'PS256' | 'RS256'

/** A JWT that authenticates an application to Entra until it expires (RFC 7523 section 2.2). */
export interface ClientAssertion {
  readonly assertion: string
  readonly expiresAtMs: number
  /** Of the certificate that signed it, in hex. */
  readonly thumbprint?: string
  readonly certificateExpiresAtMs?: number | undefined
}

/** Microsoft recommends five to ten minutes. */
const lifetimeMs = 10 * 60_000

/**
 * Signs a client assertion (RFC 7523 section 3).
 * Source: Microsoft, "Microsoft identity platform application authentication certificate credentials".
 *
 * @param audience the token endpoint
 */
export async function signClientAssertion(
  signer: AssertionSigner,
  { clientId, audience, nowMs }: { clientId: string; audience: string; nowMs: number },
): Promise<ClientAssertion> {
  const isSha256 = signer.thumbprint.length === 32
  const algorithm = isSha256 ? 'PS256' : 'RS256'
  const thumbprint = signer.thumbprint.toString('base64url')
  const expiresAtMs = Math.min(nowMs + lifetimeMs, signer.certificateExpiresAtMs ?? Number.POSITIVE_INFINITY)
  const issuedAt = Math.floor(nowMs / 1000)
  const header = { typ: 'JWT', alg: algorithm, [isSha256 ? 'x5t#S256' : 'x5t']: thumbprint }
  const claims = {
    iss: clientId,
    sub: clientId,
    aud: audience,
    jti: randomUUID(),
    iat: issuedAt,
    nbf: issuedAt,
    exp: Math.floor(expiresAtMs / 1000),
  }
  const input = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  const signature = await signer.sign(Buffer.from(input), algorithm)
  return {
    assertion: `${input}.${signature.toString('base64url')}`,
    expiresAtMs,
    thumbprint: signer.thumbprint.toString('hex'),
    certificateExpiresAtMs: signer.certificateExpiresAtMs,
  }
}
