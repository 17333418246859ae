import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Io } from '../shared/io.ts'
import { OperatorError } from '../shared/operator-error.ts'

/** Entra takes RSA alone, of this length at least. */
const minimumBits = 2048
const block = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g

/**
 * The certificate of a PEM file: its first. Nothing else of the file is looked at or sent.
 *
 * @throws {OperatorError} where there is none, or Entra would not take it
 */
export function readCertificate(io: Pick<Io, 'progress'>, path: string): X509Certificate {
  const pem = readPem(path)
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) {
    io.progress(
      `${path} holds a private key as well. It is not read and goes nowhere; only the certificate does.`,
      'yellow',
    )
  }
  const [first, ...more] = pem.match(block) ?? []
  if (first === undefined) {
    throw new OperatorError(
      `${path} holds no certificate.`,
      'It takes a PEM file with a block "-----BEGIN CERTIFICATE-----". To make one: openssl req -x509 -newkey rsa:2048 -noenc -days 365 -subj /CN=mcp-message-center-server -keyout key.pem -out cert.pem',
    )
  }
  if (more.length > 0) io.progress(`${path} holds ${more.length + 1} certificates; the first is taken.`, 'yellow')
  const certificate = parse(path, first)
  const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey
  if (asymmetricKeyType !== 'rsa' || Number(asymmetricKeyDetails?.modulusLength) < minimumBits) {
    throw new OperatorError(`${path}: Entra takes no such key.`, `Make an RSA key of ${minimumBits} bits or more.`)
  }
  if (Date.parse(certificate.validTo) <= Date.now()) {
    throw new OperatorError(`${path}: the certificate expired on ${certificate.validTo}.`, 'Make a new one.')
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
    throw new OperatorError(`${path}: the certificate is damaged.`, 'Export it again, as PEM.', { cause: error })
  }
}
