import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import Fastify, { type FastifyRequest } from 'fastify'
import { readConfig } from '../../../src/config/index.ts'
import { Failure } from '../../../src/errors/index.ts'
import { toCaller } from '../../../src/plugins/auth/claims.ts'
import { failures } from '../../../src/plugins/error-handlers/index.ts'
import { observability } from '../../../src/plugins/observability/index.ts'
import { rateLimits } from '../../../src/plugins/rate-limit/index.ts'
import { type Env, endless } from '../../helper.ts'

/** The plugin on a server where a header says who calls: proving that is another plugin's. */
async function build(t: TestContext, env: Env, onRejected: (by: string, user: string | undefined) => void = () => {}) {
  const config = readConfig({
    GRAPH_TENANT_ID: '11111111-2222-3333-4444-555555555555',
    GRAPH_CLIENT_ID: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
    GRAPH_CLIENT_SECRET: 'x',
    RATE_LIMIT_WINDOW: endless,
    ...env,
  })
  const app = Fastify({ trustProxy: config.trustProxy && [...config.trustProxy] })
  t.after(() => app.close())
  await app.register(observability)
  app.onAudit({ rate_limit: ({ by, user }) => onRejected(by, user) })
  await app.register(failures, { config })
  app.decorateRequest('caller', null)
  await app.register(rateLimits, { config })
  await app.register(async (guarded) => {
    guarded.decorate('limitsByUser', true)
    const setCaller = async (request: FastifyRequest) => {
      const { user } = request.headers
      if (typeof user === 'string') request.caller = toCaller({ tid: 't', oid: user, scp: '', exp: 0 }, '')
    }
    guarded.addHook('onRequest', async (request) => {
      if (request.headers['remembered'] !== undefined) await setCaller(request)
    })
    guarded.addHook('onRequest', guarded.limitUnverified)
    guarded.addHook('onRequest', setCaller)
    guarded.addHook('onRequest', async (request) => {
      if (request.headers['forged'] !== undefined) throw new Failure('bad_signature')
    })
    guarded.addHook('onRequest', guarded.limitUser)
    guarded.addHook('onError', guarded.countUnverified)
    guarded.get('/', () => '')
    guarded.get('/fails', () => {
      throw new Failure('bad_request')
    })
  })
  app.get('/public', () => '')
  return async (user?: string, { address = '192.0.2.1', url = '/', via = '', also = '' } = {}) => {
    const headers = { ...(user && { user }), ...(via && { 'x-forwarded-for': via }), ...(also && { [also]: 'yes' }) }
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

test('a verified caller counts against no address, and responses carry the limit of the user alone', async (t) => {
  const call = await build(t, { RATE_LIMIT_MAX: '1', RATE_LIMIT_USER_MAX: '3' })
  for (const user of ['one', 'two', 'three', 'four']) {
    const { status, limit } = await call(user)
    assert.deepEqual([status, ...limit.slice(0, 2)], [200, 3, 2], user)
  }
  assert.equal((await call('one', { url: '/fails' })).status, 400)
  assert.equal((await call(undefined, { url: '/public' })).status, 200, 'the address has its one request yet')
})

test('of two limits the response carries the one of which fewer requests are left', async (t) => {
  for (const [max, userMax] of [
    ['4', '3'],
    ['3', '4'],
  ] as const) {
    const call = await build(t, { RATE_LIMIT_MAX: max, RATE_LIMIT_USER_MAX: userMax })
    assert.deepEqual((await call()).limit.slice(0, 2), [3, 2])
  }
})

test('what is not verified counts against its address, once each', async (t) => {
  const call = await build(t, { RATE_LIMIT_MAX: '3' })
  const forged = { also: 'forged' }
  for (const remaining of [2, 1, 0]) {
    const { status, limit } = await call(undefined, forged)
    assert.deepEqual([status, ...limit.slice(0, 2)], [401, 3, remaining])
  }
  const { status, limit, retryAfter } = await call(undefined, forged)
  assert.deepEqual([status, ...limit], [429, 3, 0, Number(retryAfter)])
})

test('for an address beyond its limit nothing is verified, but who is remembered goes on', async (t) => {
  const call = await build(t, { RATE_LIMIT_MAX: '1', RATE_LIMIT_USER_MAX: '2' })
  assert.equal((await call(undefined, { also: 'forged' })).status, 401)
  assert.equal((await call('one')).status, 429)
  for (const status of [200, 200, 429]) assert.equal((await call('one', { also: 'remembered' })).status, status)
  assert.equal((await call('one', { address: '192.0.2.2' })).status, 429, 'a user is one user from everywhere')
})

test('a request without a caller that fails later is counted once', async (t) => {
  const call = await build(t, { RATE_LIMIT_MAX: '2' })
  for (const status of [400, 400, 429]) assert.equal((await call(undefined, { url: '/fails' })).status, status)
})

test('the log says which limit was passed, and by which user', async (t) => {
  const audited: unknown[] = []
  const call = await build(t, { RATE_LIMIT_USER_MAX: '1' }, (by, user) => audited.push([by, user]))
  for (let times = 0; times < 2; times++) await call('ada')
  assert.deepEqual(audited, [['user', toCaller({ tid: 't', oid: 'ada', scp: '', exp: 0 }, '').userKey]])
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

test('forwarded headers of an untrusted host buy no requests', async (t) => {
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

test('a count starts again when its window ends, and the response said when that is', async (t) => {
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
