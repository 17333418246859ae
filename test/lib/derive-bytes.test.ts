import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { deriveBytes } from '../../src/lib/derive-bytes.ts'

const secret = randomBytes(32).toString('base64')

test('bytes under one label are the same for everybody who has the secret', () => {
  assert.deepEqual(deriveBytes(secret, 'id', 4), deriveBytes(secret, 'id', 4))
})

test('another label and another secret give other bytes', () => {
  const bytes = deriveBytes(secret, 'id', 32)
  assert.equal(bytes.length, 32)
  assert.notDeepEqual(deriveBytes(secret, 'other id', 32), bytes)
  assert.notDeepEqual(deriveBytes(randomBytes(32).toString('base64'), 'id', 32), bytes)
})
