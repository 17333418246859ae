import assert from 'node:assert/strict'
import { constants, generateKeyPairSync, randomBytes, verify, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { generate } from 'selfsigned'
import { describeCertificate, readSigner } from '../../../src/plugins/client-credential/client-certificate.ts'
import { CredentialError, type CredentialErrorCode } from '../../../src/plugins/client-credential/credential-error.ts'

const day = 24 * 3_600_000
const make = (from = -day, to = day) =>
  generate([{ name: 'commonName', value: 'a client' }], {
    keySize: 2048,
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() + from),
    notAfterDate: new Date(Date.now() + to),
  })
const ours = await make()
const other = await make()
const expired = await make(-2 * day, -day)
const future = await make(day, 2 * day)
const certificate = new X509Certificate(ours.cert)
const hex = (fingerprint: string) => fingerprint.replaceAll(':', '')
const { privateKey: small } = generateKeyPairSync('rsa', { modulusLength: 1024 })
const { privateKey: curve } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const { privateKey: rsa } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = { type: 'pkcs8', format: 'pem' } as const
const encrypted = rsa.export({ ...pem, cipher: 'aes-256-cbc', passphrase: randomBytes(8).toString('hex') }).toString()

const valid: readonly [name: string, text: string][] = [
  ['key, then certificate', `${ours.private}\n${ours.cert}`],
  ['certificate, then key', `${ours.cert}\n${ours.private}`],
  ['a chain, in any order', `${other.cert}\n${ours.private}\n${expired.cert}\n${ours.cert}`],
  ['CRLF and remarks', `Bag Attributes\r\n${`${ours.private}\n${ours.cert}`.replaceAll('\n', '\r\n')}`],
  [
    'a malformed certificate block',
    `-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n${ours.private}\n${ours.cert}`,
  ],
]
for (const [name, text] of valid) {
  test(`${name}: the certificate of the key is found`, () => {
    const signer = readSigner(text, 'a file')
    assert.equal(signer.thumbprint.toString('hex'), hex(certificate.fingerprint256).toLowerCase())
    assert.equal(signer.certificateExpiresAtMs, Date.parse(certificate.validTo))
  })
}

test('a signer signs with PS256 and RS256', async () => {
  const signer = readSigner(`${ours.private}\n${ours.cert}`, 'a file')
  const input = randomBytes(100)
  const pss = { key: certificate.publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
  assert.ok(verify('sha256', input, pss, await signer.sign(input, 'PS256')))
  assert.ok(verify('sha256', input, certificate.publicKey, await signer.sign(input, 'RS256')))
})

test('a key alone needs a thumbprint, of either kind', () => {
  for (const thumbprint of [hex(certificate.fingerprint256), hex(certificate.fingerprint)]) {
    const signer = readSigner(ours.private, 'a secret', thumbprint)
    assert.equal(signer.thumbprint.toString('hex'), thumbprint.toLowerCase())
    assert.equal(signer.certificateExpiresAtMs, undefined)
  }
})

const invalid: readonly [name: string, text: string, thumbprint: string | undefined, code: CredentialErrorCode][] = [
  ['nothing', '', undefined, 'key_invalid'],
  ['a certificate alone', ours.cert, undefined, 'key_invalid'],
  ['an encrypted key', `${encrypted}\n${ours.cert}`, undefined, 'key_invalid'],
  ['a key alone', ours.private, undefined, 'certificate_missing'],
  ['the certificate of another key', `${ours.private}\n${other.cert}`, undefined, 'certificate_missing'],
  ['a weak key', small.export(pem).toString(), undefined, 'key_invalid'],
  ['an EC key', curve.export(pem).toString(), undefined, 'key_invalid'],
  ['an expired certificate', `${expired.private}\n${expired.cert}`, undefined, 'certificate_expired'],
  ['a certificate that is not valid yet', `${future.private}\n${future.cert}`, undefined, 'certificate_not_yet_valid'],
  ['the thumbprint of another certificate', `${ours.private}\n${ours.cert}`, 'ab'.repeat(32), 'thumbprint_mismatch'],
]
for (const [name, text, thumbprint, code] of invalid) {
  test(`${name} is rejected as ${code}, without quoting the text`, () => {
    assert.throws(
      () => readSigner(text, '/run/cert.pem', thumbprint),
      (error) => {
        assert.ok(error instanceof CredentialError)
        assert.equal(error.code, code)
        assert.doesNotMatch(JSON.stringify([error.message, error.cause]), /BEGIN|MII/)
        return true
      },
    )
  })
}

test('a certificate is valid to its last second', () => {
  const end = Date.parse(certificate.validTo)
  assert.ok(describeCertificate(certificate, 'a file', end - 1))
  assert.throws(() => describeCertificate(certificate, 'a file', end), CredentialError)
})
