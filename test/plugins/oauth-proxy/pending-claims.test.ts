import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPendingClaims } from '../../../src/plugins/oauth-proxy/pending-claims.ts'

const claims = '{"access_token":{}}'

test('claims are kept for ten minutes, or until they are given', async () => {
  let nowMs = 0
  const pending = createPendingClaims(undefined, () => nowMs)
  await pending.set('user:a', claims)
  await pending.set('client:a', claims)
  nowMs = 599_999
  assert.equal(await pending.get('user:a'), claims)
  await pending.delete('client:a')
  assert.equal(await pending.get('client:a'), undefined)
  nowMs = 600_000
  assert.equal(await pending.get('user:a'), undefined)
  assert.equal(await pending.get('user:b'), undefined)
  await pending.set('user:b', 'x'.repeat(4_097))
  assert.equal(await pending.get('user:b'), undefined)
})
