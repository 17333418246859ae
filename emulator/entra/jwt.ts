import { constants, createHmac, createPublicKey, type KeyObject, sign as signWith, verify } from 'node:crypto'
import { promisify } from 'node:util'

export type JwtHeader = Record<string, unknown>
export type JwtClaims = Record<string, unknown>

export interface Jwt {
  header: JwtHeader
  claims: JwtClaims
  signedPart: string
  signature: Buffer
}

// With a callback, signing runs on the thread pool and does not block the event loop.
const signOnThreadPool = promisify(signWith)

/** RFC 7518 section 3.5: the salt is as long as the hash. */
const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
const RSA_DIGESTS: Readonly<Record<string, string>> = { RS256: 'sha256', RS384: 'sha384', RS512: 'sha512' }

/**
 * Signs a compact JWS (RFC 7515 §3.1) with the header's `alg`: RSA, or the classic forgeries `none` and HS256 keyed with
 * the public key.
 */
export async function signJwt(header: JwtHeader, claims: JwtClaims, privateKey: KeyObject): Promise<string> {
  const signedPart = `${encode(header)}.${encode(claims)}`
  const signature = await signatureOf(String(header['alg']), signedPart, privateKey)
  return `${signedPart}.${signature.toString('base64url')}`
}

/** Parses a compact JWS without verifying it. `undefined` where it is not one. */
export function readJwt(token: string): Jwt | undefined {
  const [header, claims, signature, ...rest] = token.split('.')
  if (header === undefined || claims === undefined || signature === undefined || rest.length > 0) return undefined
  const parsed = { header: decode(header), claims: decode(claims) }
  if (parsed.header === undefined || parsed.claims === undefined) return undefined
  return {
    header: parsed.header,
    claims: parsed.claims,
    signedPart: `${header}.${claims}`,
    signature: Buffer.from(signature, 'base64url'),
  }
}

/** Verifies the signature with this key and algorithm. */
export function isSignedBy(jwt: Jwt, publicKey: KeyObject, algorithm: 'RS256' | 'PS256' = 'RS256'): boolean {
  if (jwt.header['alg'] !== algorithm) return false
  const key = algorithm === 'PS256' ? { key: publicKey, ...pss } : publicKey
  return verify('sha256', Buffer.from(jwt.signedPart), key, jwt.signature)
}

async function signatureOf(algorithm: string, input: string, privateKey: KeyObject): Promise<Buffer> {
  const digest = RSA_DIGESTS[algorithm]
  if (digest !== undefined) return signOnThreadPool(digest, Buffer.from(input), privateKey)
  if (algorithm === 'PS256') {
    return signOnThreadPool('sha256', Buffer.from(input), { key: privateKey, ...pss })
  }
  if (algorithm === 'HS256') {
    const publicPem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' })
    return createHmac('sha256', publicPem).update(input).digest()
  }
  return Buffer.alloc(0)
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function decode(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}
