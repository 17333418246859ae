import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Io } from '../shared/io.ts'
import { OperatorError } from '../shared/operator-error.ts'

/** Entra accepts only RSA, of at least this length. */
const minimumBits = 2048
const block = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g

/**
 * Reads the first certificate of a PEM file. Nothing else of the file is parsed or sent.
 *
 * @throws {OperatorError} where there is none, or Entra would reject it
 */
export function readCertificate(io: Pick<Io, 'progress'>, path: string): X509Certificate {
  const pem = readPem(path)
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) {
    io.progress(`${path} also contains a private key. Only the certificate is read and uploaded.`, 'yellow')
  }
  const [first, ...more] = pem.match(block) ?? []
  if (first === undefined) {
    throw new OperatorError(
      `${path} contains no certificate.`,
      'Use a PEM file with a block "-----BEGIN CERTIFICATE-----". To create one: openssl req -x509 -newkey rsa:2048 -noenc -days 365 -subj /CN=mcp-message-center-server -keyout key.pem -out cert.pem',
    )
  }
  if (more.length > 0) io.progress(`${path} contains ${more.length + 1} certificates; using the first.`, 'yellow')
  const certificate = parse(path, first)
  const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey
  if (asymmetricKeyType !== 'rsa' || Number(asymmetricKeyDetails?.modulusLength) < minimumBits) {
    throw new OperatorError(
      `${path}: Entra does not accept this key.`,
      `Use an RSA key of at least ${minimumBits} bits.`,
    )
  }
  if (Date.parse(certificate.validTo) <= Date.now()) {
    throw new OperatorError(`${path}: the certificate expired on ${certificate.validTo}.`, 'Create a new one.')
  }
  return certificate
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    throw new OperatorError(`${path} cannot be read.`, 'Check --certificate.', { cause: error })
  }
}

function parse(path: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (error) {
    throw new OperatorError(`${path}: invalid certificate.`, 'Export it again, as PEM.', { cause: error })
  }
}
