import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import Fastify from 'fastify'
import { readConfig } from '../../../src/config.ts'
import { callerOf } from '../../../src/entra/claims.ts'
import { failures } from '../../../src/plugins/failures.ts'
import { observability } from '../../../src/plugins/observability/index.ts'
import { rateLimits } from '../../../src/plugins/rate-limit/index.ts'
import { type Env, endless } from '../../helper.ts'

/** The plugin on a server where a header says who calls: proving that is another plugin's. */
async function build(t: TestContext, env: Env) {
  const config = readConfig({
    GRAPH_TENANT_ID: '11111111-2222-3333-4444-555555555555',
    GRAPH_CLIENT_ID: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
    GRAPH_CLIENT_SECRET: 'x',
    RATE_LIMIT_WINDOW: endless,
    ...env,
  })
  const app = Fastify({ trustProxy: config.trustProxy })
  t.after(() => app.close())
  await app.register(observability)
  await app.register(failures, { config })
  app.decorateRequest('caller', null)
  await app.register(rateLimits, { config })
  app.get('/public', () => '')
  await app.register(async (guarded) => {
    guarded.addHook('onRequest', async (request) => {
      const { user } = request.headers
      if (typeof user === 'string') request.caller = callerOf({ tid: 't', oid: user, scp: '', exp: 0 }, '')
    })
    guarded.addHook('onRequest', guarded.limitUser)
    guarded.get('/', () => '')
  })
  return async (user?: string, { address = '192.0.2.1', url = '/', via = '' } = {}) => {
    const headers = { ...(user && { user }), ...(via && { 'x-forwarded-for': via }) }
    const response = await app.inject({ url, headers, remoteAddress: address })
    const limit = ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'].map((name) =>
      Number(response.headers[name]),
    )
    return { status: response.statusCode, limit, retryAfter: response.headers['retry-after'], body: response.body }
  }
}

test('an address may make so many requests, whatever it asks for, and then waits', async (t) => {
  const call = await build(t, { RATE_LIMIT_MAX: '3' })
  for (const remaining of [2, 1, 0]) {
    const { status, limit } = await call(undefined, { url: remaining === 1 ? '/nowhere' : '/public' })
    assert.equal(status, remaining === 1 ? 404 : 200)
    if (status === 200) assert.deepEqual(limit.slice(0, 2), [3, remaining])
  }
  const { status, limit, retryAfter, body } = await call(undefined, { url: '/public' })
  assert.equal(status, 429)
  assert.deepEqual(limit, [3, 0, Number(retryAfter)])
  assert.deepEqual(JSON.parse(body).error.data.reason, 'rate_limited')
  assert.equal((await call(undefined, { url: '/public', address: '192.0.2.2' })).status, 200)
})

test('a user may make so many requests from wherever they call, and others are not held up', async (t) => {
  const call = await build(t, { RATE_LIMIT_USER_MAX: '2' })
  assert.deepEqual((await call('one')).limit.slice(0, 2), [2, 1])
  assert.equal((await call('one', { address: '192.0.2.2' })).status, 200)
  assert.equal((await call('one', { address: '192.0.2.3' })).status, 429)
  assert.equal((await call('other')).status, 200)
})

test('an answer carries the limit of which fewer requests are left, the address’s or the user’s', async (t) => {
  const call = await build(t, { RATE_LIMIT_MAX: '4', RATE_LIMIT_USER_MAX: '3' })
  assert.deepEqual((await call('one')).limit.slice(0, 2), [3, 2])
  assert.deepEqual((await call('one')).limit.slice(0, 2), [3, 1])
  assert.deepEqual((await call('other')).limit.slice(0, 2), [4, 1])
  assert.deepEqual((await call('one')).limit.slice(0, 2), [4, 0], 'of two with none left the first')
})

test('a refusal carries the limit that refused', async (t) => {
  const call = await build(t, { RATE_LIMIT_MAX: '2', RATE_LIMIT_USER_MAX: '1' })
  assert.equal((await call('one')).status, 200)
  const byUser = await call('one')
  assert.deepEqual([byUser.status, ...byUser.limit], [429, 1, 0, Number(byUser.retryAfter)])
  const byAddress = await call('one')
  assert.deepEqual([byAddress.status, ...byAddress.limit], [429, 2, 0, Number(byAddress.retryAfter)])
})

test('what a user asks of public routes is the address’s account, not theirs', async (t) => {
  const call = await build(t, { RATE_LIMIT_USER_MAX: '1' })
  for (let i = 0; i < 3; i++) assert.equal((await call('one', { url: '/public' })).status, 200)
  assert.equal((await call('one')).status, 200)
})

test('where nobody signs in, the user’s limit is by address', async (t) => {
  const call = await build(t, { RATE_LIMIT_USER_MAX: '1' })
  assert.equal((await call()).status, 200)
  assert.equal((await call()).status, 429)
  assert.equal((await call(undefined, { address: '192.0.2.2' })).status, 200)
})

test('the addresses of one IPv6 network are one', async (t) => {
  const call = await build(t, { RATE_LIMIT_MAX: '2' })
  for (let host = 1; host <= 2; host++) {
    assert.equal((await call(undefined, { address: `2001:db8:0:1::${host}`, url: '/public' })).status, 200)
  }
  const status = async (address: string) => (await call(undefined, { address, url: '/public' })).status
  assert.equal(await status('2001:db8:0:1:ffff:ffff:ffff:ffff'), 429)
  assert.equal(await status('2001:db8:0:2::1'), 200)
})

test('forwarded headers of a stranger buy no requests', async (t) => {
  const call = await build(t, { RATE_LIMIT_MAX: '1' })
  assert.equal((await call(undefined, { via: '198.51.100.1' })).status, 200)
  assert.equal((await call(undefined, { via: '198.51.100.2' })).status, 429)
})

test('behind a trusted proxy the address is the client’s own', async (t) => {
  const call = await build(t, { RATE_LIMIT_MAX: '1', TRUST_PROXY: '192.0.2.0/24' })
  assert.equal((await call(undefined, { via: '198.51.100.1' })).status, 200)
  assert.equal((await call(undefined, { via: '198.51.100.2' })).status, 200)
  assert.equal((await call(undefined, { via: '203.0.113.9, 198.51.100.2' })).status, 429)
})

test('the account is new when its window is over, and the answer said when that is', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
  const call = await build(t, { RATE_LIMIT_USER_MAX: '1', RATE_LIMIT_WINDOW: '10s' })
  const first = await call('one')
  const seconds = first.limit[2] ?? 0
  assert.equal(first.status, 200)
  assert.ok(seconds >= 1 && seconds <= 10)
  const { status, retryAfter } = await call('one')
  assert.deepEqual([status, retryAfter], [429, String(seconds)])
  t.mock.timers.setTime(1_000_000 + (seconds - 1) * 1000)
  assert.equal((await call('one')).status, 429)
  t.mock.timers.setTime(1_000_000 + seconds * 1000)
  assert.equal((await call('one')).status, 200)
})
