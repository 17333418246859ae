import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createClientSecrets } from '../../../src/plugins/oauth-proxy/client-secret.ts'

const keyOf = (byte: number) => Buffer.alloc(32, byte).toString('base64')
const secrets = createClientSecrets([keyOf(1)])
const secret = secrets.secretOf('a client')

test('a client’s secret is 256 bits that fit a form and HTTP Basic as they are, and always the same', () => {
  assert.match(secret, /^[A-Za-z0-9_-]{43}$/)
  assert.equal(createClientSecrets([keyOf(1)]).secretOf('a client'), secret)
  assert.equal(secrets.isRight('a client', secret), true)
})

test('clients and servers have different ones', () => {
  const all = [secret, secrets.secretOf('another'), createClientSecrets([keyOf(2)]).secretOf('a client')]
  assert.equal(new Set(all).size, 3)
})

for (const [what, clientId, sent] of [
  ['nothing', 'a client', ''],
  ['half of it', 'a client', secret.slice(0, 22)],
  ['it and more', 'a client', `${secret}A`],
  ['it in another case', 'a client', secret.toUpperCase()],
  ['it in another spelling of base64', 'a client', Buffer.from(secret, 'base64url').toString('base64')],
  ['the client’s id', 'a client', 'a client'],
  ['that of another client', 'a client', secrets.secretOf('another')],
  ['the right one of another client', 'another', secret],
  ['characters beyond ASCII', 'a client', 'é'.repeat(43)],
] as const) {
  test(`${what} is not the secret`, () => assert.equal(secrets.isRight(clientId, sent), false))
}

test('while keys are rotated, secrets of the older key count and new ones are of the new key', () => {
  const rotated = createClientSecrets([keyOf(2), keyOf(1)])
  assert.equal(rotated.isRight('a client', secret), true)
  assert.notEqual(rotated.secretOf('a client'), secret)
  assert.equal(secrets.isRight('a client', rotated.secretOf('a client')), false)
  assert.equal(createClientSecrets([keyOf(2)]).isRight('a client', secret), false)
})

test('without a key there are no secrets', () => assert.throws(() => createClientSecrets([])))
