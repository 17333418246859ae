import { constants, createPrivateKey, hash, type KeyObject, sign as signWith, X509Certificate } from 'node:crypto'
import { promisify } from 'node:util'
import type { AssertionAlgorithm, AssertionSigner } from './client-assertion.ts'
import { CredentialError } from './credential-error.ts'

// With a callback, signing runs on the thread pool.
const signOnThreadPool = promisify(signWith)

/**
 * A signer from PEM text: a private key and its certificate, in any order, other certificates aside.
 *
 * @param origin where the text came from, for errors
 * @param thumbprint hex; of a certificate that is not in the text, else it must match
 * @throws {CredentialError}
 */
export function readSigner(pem: string, origin: string, thumbprint?: string): AssertionSigner {
  const key = readPrivateKey(pem, origin)
  const certificate = findCertificate(pem, key)
  if (certificate === undefined) {
    if (thumbprint === undefined) {
      throw new CredentialError(
        'certificate_missing',
        `${origin} has no certificate for its private key: add it beside the key, as PEM`,
      )
    }
    return { thumbprint: Buffer.from(thumbprint, 'hex'), certificateExpiresAtMs: undefined, sign: signerOf(key) }
  }
  const known = [certificate.fingerprint256, certificate.fingerprint].map((hex) => hex.replaceAll(':', ''))
  if (thumbprint !== undefined && !known.includes(thumbprint.toUpperCase())) {
    throw new CredentialError(
      'thumbprint_mismatch',
      `GRAPH_CLIENT_CERT_THUMBPRINT does not match the certificate in ${origin}`,
    )
  }
  return { ...describeCertificate(certificate, origin), sign: signerOf(key) }
}

/**
 * The certificate's part of an {@link AssertionSigner}.
 *
 * @throws {CredentialError} where it is not valid now
 */
export function describeCertificate(
  certificate: X509Certificate,
  origin: string,
  nowMs = Date.now(),
): Pick<AssertionSigner, 'thumbprint' | 'certificateExpiresAtMs'> {
  const certificateExpiresAtMs = Date.parse(certificate.validTo)
  if (certificateExpiresAtMs <= nowMs) {
    throw new CredentialError(
      'certificate_expired',
      `the certificate in ${origin} expired on ${certificate.validTo}: replace it`,
    )
  }
  if (Date.parse(certificate.validFrom) > nowMs) {
    throw new CredentialError(
      'certificate_not_yet_valid',
      `the certificate in ${origin} is not valid before ${certificate.validFrom}`,
    )
  }
  return { thumbprint: hash('sha256', certificate.raw, 'buffer'), certificateExpiresAtMs }
}

function readPrivateKey(pem: string, origin: string): KeyObject {
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch {
    // Without the cause: OpenSSL's errors can quote the text.
    throw new CredentialError('key_invalid', `${origin} has no readable private key: it must be PEM, and not encrypted`)
  }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
  if (key.asymmetricKeyType !== 'rsa' || bits < 2048) {
    throw new CredentialError('key_invalid', `the private key in ${origin} must be RSA, of at least 2048 bits`)
  }
  return key
}

function findCertificate(pem: string, key: KeyObject): X509Certificate | undefined {
  for (const [block] of pem.matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)) {
    try {
      const certificate = new X509Certificate(block)
      if (certificate.checkPrivateKey(key)) return certificate
    } catch {
      // Malformed, and so not this key's.
    }
  }
  return undefined
}

function signerOf(key: KeyObject) {
  return (input: Buffer, algorithm: AssertionAlgorithm): Promise<Buffer> =>
    signOnThreadPool(
      'sha256',
      input,
      algorithm === 'RS256'
        ? key
        : // RFC 7518 section 3.5: the salt is as long as the hash.
          { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
    )
}
