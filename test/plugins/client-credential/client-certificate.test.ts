import assert from 'node:assert/strict'
import { constants, generateKeyPairSync, randomBytes, verify, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { generate } from 'selfsigned'
import { describeCertificate, readSigner } from '../../../src/plugins/client-credential/client-certificate.ts'
import { CredentialError } from '../../../src/plugins/client-credential/credential-error.ts'

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

const good: readonly [name: string, text: string][] = [
  ['key, then certificate', `${ours.private}\n${ours.cert}`],
  ['certificate, then key', `${ours.cert}\n${ours.private}`],
  ['a chain, in any order', `${other.cert}\n${ours.private}\n${expired.cert}\n${ours.cert}`],
  ['Windows line ends and remarks', `Bag Attributes\r\n${`${ours.private}\n${ours.cert}`.replaceAll('\n', '\r\n')}`],
  [
    'a block that is no certificate',
    `-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n${ours.private}\n${ours.cert}`,
  ],
]
for (const [name, text] of good) {
  test(`${name}: the certificate is the one of the key`, () => {
    const signer = readSigner(text, 'a file')
    assert.equal(signer.thumbprint.toString('hex'), hex(certificate.fingerprint256).toLowerCase())
    assert.equal(signer.certificateExpiresAtMs, Date.parse(certificate.validTo))
  })
}

test('it signs with PS256 and RS256', async () => {
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

const bad: readonly [name: string, text: string, thumbprint: string | undefined, mend: RegExp][] = [
  ['nothing', '', undefined, /no private key that can be read/],
  ['a certificate alone', ours.cert, undefined, /no private key/],
  ['an encrypted key', `${encrypted}\n${ours.cert}`, undefined, /not encrypted/],
  ['a key alone', ours.private, undefined, /no certificate of its private key/],
  ['another’s certificate', `${ours.private}\n${other.cert}`, undefined, /no certificate of its private key/],
  ['a weak key', small.export(pem).toString(), undefined, /2048 bits/],
  ['an elliptic curve', curve.export(pem).toString(), undefined, /must be RSA/],
  ['an expired certificate', `${expired.private}\n${expired.cert}`, undefined, /expired on .*: replace it/],
  ['a certificate of tomorrow', `${future.private}\n${future.cert}`, undefined, /not valid before/],
  ['another’s thumbprint', `${ours.private}\n${ours.cert}`, 'ab'.repeat(32), /GRAPH_CLIENT_CERT_THUMBPRINT/],
]
for (const [name, text, thumbprint, mend] of bad) {
  test(`${name} is refused, with the mend and without the text`, () => {
    assert.throws(
      () => readSigner(text, '/run/cert.pem', thumbprint),
      (error) => {
        assert.ok(error instanceof CredentialError)
        assert.match(error.message, mend)
        assert.doesNotMatch(JSON.stringify([error.message, error.cause]), /BEGIN|MII/)
        return true
      },
    )
  })
}

test('a certificate is good to its last second', () => {
  const end = Date.parse(certificate.validTo)
  assert.ok(describeCertificate(certificate, 'a file', end - 1))
  assert.throws(() => describeCertificate(certificate, 'a file', end), CredentialError)
})
