import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { decrypt, deriveBytes, deriveKey, encrypt, overheadBytes } from '../../src/lib/aes-gcm.ts'

const secret = randomBytes(32).toString('base64')
const key = deriveKey(secret, 'label')
const value = { text: 'grüße', expiresAtMs: 1_764_000_000_123 }

test('a text and its end come back, and take no more bytes than is said', () => {
  const bytes = encrypt(key, 'context', value)
  assert.deepEqual(decrypt(key, 'context', bytes), value)
  assert.equal(bytes.length, Buffer.byteLength(value.text) + overheadBytes)
})

test('another context, another label and another secret open nothing', () => {
  const bytes = encrypt(key, 'context', value)
  assert.equal(decrypt(key, 'Context', bytes), undefined)
  assert.equal(decrypt(deriveKey(secret, 'other'), 'context', bytes), undefined)
  assert.equal(decrypt(deriveKey(randomBytes(32).toString('base64'), 'label'), 'context', bytes), undefined)
})

test('too few bytes open nothing, however few', () => {
  for (let length = 0; length <= overheadBytes; length++) {
    assert.equal(decrypt(key, 'context', randomBytes(length)), undefined)
  }
})

test('bytes of one label are the same for everybody who has the secret, and none of it', () => {
  const id = deriveBytes(secret, 'id', 4)
  assert.deepEqual(deriveBytes(secret, 'id', 4), id)
  assert.notDeepEqual(deriveBytes(secret, 'other id', 4), id)
})
