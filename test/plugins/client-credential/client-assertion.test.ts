import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { signClientAssertion } from '../../../src/plugins/client-credential/client-assertion.ts'

const nowMs = 1_790_000_000_500
const asked = { clientId: 'the client', audience: 'https://login.example/token', nowMs }
const signed: [string, string][] = []
const signerWith = (thumbprint: Buffer, certificateExpiresAtMs?: number) => ({
  thumbprint,
  certificateExpiresAtMs,
  async sign(input: Buffer, algorithm: string) {
    signed.push([input.toString(), algorithm])
    return Buffer.from('signature')
  },
})

for (const [bytes, alg, name] of [
  [32, 'PS256', 'x5t#S256'],
  [20, 'RS256', 'x5t'],
] as const) {
  test(`a thumbprint of ${bytes} bytes goes with ${alg}, as ${name}`, async () => {
    const thumbprint = Buffer.alloc(bytes, 7)
    const made = await signClientAssertion(signerWith(thumbprint), asked)
    assert.deepEqual(decodeProtectedHeader(made.assertion), {
      typ: 'JWT',
      alg,
      [name]: thumbprint.toString('base64url'),
    })
    assert.deepEqual(signed.at(-1), [made.assertion.split('.').slice(0, 2).join('.'), alg])
    assert.equal(made.thumbprint, thumbprint.toString('hex'))
  })
}

test('an assertion names issuer, subject and audience, is valid for ten minutes, and has an id of its own', async () => {
  const made = await signClientAssertion(signerWith(Buffer.alloc(32)), asked)
  const { jti, ...claims } = decodeJwt(made.assertion)
  const second = 1_790_000_000
  assert.deepEqual(claims, {
    iss: 'the client',
    sub: 'the client',
    aud: 'https://login.example/token',
    iat: second,
    nbf: second,
    exp: second + 600,
  })
  assert.equal(made.expiresAtMs, nowMs + 600_000)
  const other = await signClientAssertion(signerWith(Buffer.alloc(32)), asked)
  assert.notEqual(decodeJwt(other.assertion).jti, jti)
})

test('an assertion expires no later than its certificate', async () => {
  const end = nowMs + 90_000
  const made = await signClientAssertion(signerWith(Buffer.alloc(32), end), asked)
  assert.equal(made.expiresAtMs, end)
  assert.equal(decodeJwt(made.assertion).exp, Math.floor(end / 1000))
})
