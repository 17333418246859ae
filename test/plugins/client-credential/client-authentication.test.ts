import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../../src/errors/index.ts'
import { deadlineIn } from '../../../src/lib/deadline.ts'
import { withClientSecret } from '../../../src/plugins/client-credential/client-authentication.ts'
import { ample } from '../../helper.ts'
import { rejectedByEntra, setUp } from './numbered-assertions.ts'

test('an assertion that Entra rejects is replaced and the attempt repeated once', async () => {
  const { withClientAuth, get } = setUp()
  await get()
  const tried: unknown[] = []
  const result = await withClientAuth(async (clientAuth) => {
    tried.push('client_assertion' in clientAuth ? clientAuth.client_assertion : clientAuth)
    return tried.length === 1 ? rejectedByEntra() : 'done'
  })
  assert.equal(result, 'done')
  assert.deepEqual(tried, ['assertion 1', 'assertion 2'])
})

test('a second rejection stands', async () => {
  const { state, withClientAuth, get } = setUp()
  await get()
  await assert.rejects(withClientAuth(rejectedByEntra), { reason: 'credential_rejected' })
  assert.equal(state.created, 2)
})

test('rejected assertions are replaced every five seconds, not on every call', async () => {
  const { state, withClientAuth } = setUp()
  await assert.rejects(withClientAuth(rejectedByEntra), { reason: 'credential_rejected' })
  assert.equal(state.created, 2)
  state.now += 4_999
  await assert.rejects(withClientAuth(rejectedByEntra), { reason: 'credential_rejected' })
  assert.equal(state.created, 2)
  state.now += 1
  await assert.rejects(withClientAuth(rejectedByEntra), { reason: 'credential_rejected' })
  assert.equal(state.created, 3)
})

test('concurrent callers that are rejected share the new assertion', async () => {
  const { state, withClientAuth, get } = setUp()
  await get()
  const attempt = () =>
    withClientAuth(async (clientAuth) =>
      'client_assertion' in clientAuth && clientAuth.client_assertion === 'assertion 1' ? rejectedByEntra() : 'done',
    )
  assert.deepEqual(await Promise.all([attempt(), attempt(), attempt()]), ['done', 'done', 'done'])
  assert.equal(state.created, 2)
})

test('a rejection stands where the credential cannot be read', async () => {
  const { state, withClientAuth, get } = setUp()
  await get()
  state.broken = new Error('out of luck')
  await assert.rejects(withClientAuth(rejectedByEntra), { reason: 'credential_rejected' })
})

test('a rejected token that the identity returns again is not tried again', async () => {
  const { withClientAuth, get } = setUp({ assertion: 'the same' })
  await get()
  let tries = 0
  await assert.rejects(
    withClientAuth(async () => {
      tries += 1
      return rejectedByEntra()
    }),
  )
  assert.equal(tries, 1)
})

test('other failures are not repeated, nor is a rejected secret', async () => {
  const { state, withClientAuth, get } = setUp()
  await get()
  await assert.rejects(
    withClientAuth(async () => Promise.reject(new Failure('exchange_unavailable'))),
    { reason: 'exchange_unavailable' },
  )
  assert.equal(state.created, 1)
  await assert.rejects(withClientSecret('a secret')(rejectedByEntra, ample()), { reason: 'credential_rejected' })
})

test('an assertion that is created after the deadline serves later callers', async () => {
  const { state, withClientAuth, get } = setUp()
  let made = () => {}
  state.delay = new Promise((resolve) => {
    made = resolve
  })
  await assert.rejects(
    withClientAuth(async () => assert.fail('there is no assertion'), deadlineIn(20)),
    { reason: 'credential_unavailable' },
  )
  made()
  assert.equal(await get(), 'assertion 1')
})

test('a new assertion is not awaited beyond the deadline, and the rejection stands', async () => {
  const { state, withClientAuth, get } = setUp()
  await get()
  state.delay = new Promise(() => {})
  let tries = 0
  const attempt = async () => {
    tries++
    throw new Failure('credential_rejected')
  }
  await assert.rejects(withClientAuth(attempt, deadlineIn(20)), { reason: 'credential_rejected' })
  assert.equal(tries, 1)
})
