import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { request } from 'undici'
import { listen, mcpHeaders, toolCall } from '../helper.ts'
import { startEmulator } from '../tenant.ts'

const tenant = await startEmulator()
after(() => tenant.close())

interface ErrorBody {
  readonly jsonrpc: string
  readonly id: unknown
  readonly error?: { readonly code: number; readonly data: Readonly<Record<string, unknown>> }
}

async function ask(origin: string, token?: string, extra: Record<string, string> = {}) {
  const body = JSON.stringify(toolCall('getMessages', { top: 0 }, 'mine'))
  const response = await request(`${origin}/mcp`, { method: 'POST', headers: { ...mcpHeaders(token), ...extra }, body })
  return {
    status: response.statusCode,
    headers: response.headers,
    body: (await response.body.json()) as ErrorBody,
  }
}

test('an address beyond its limit gets a JSON-RPC 429 that says when to come back', async (t) => {
  const { origin } = await listen(t, { RATE_LIMIT_MAX: '3' }, tenant)
  for (const left of ['2', '1', '0']) {
    const { status, headers } = await ask(origin)
    assert.deepEqual([status, headers['ratelimit-remaining']], [401, left])
    assert.match(String(headers['ratelimit-reset']), /^[1-9]\d{0,7}$/)
  }
  const { status, headers, body } = await ask(origin)
  assert.equal(status, 429)
  assert.match(String(headers['retry-after']), /^[1-9]\d{0,7}$/)
  assert.equal(headers['ratelimit-limit'], '3')
  assert.equal(headers['ratelimit-remaining'], '0')
  assert.equal(headers['ratelimit-reset'], headers['retry-after'])
  const { requestId, ...data } = body.error?.data ?? {}
  assert.deepEqual([body.jsonrpc, body.id, body.error?.code], ['2.0', null, -32000])
  assert.deepEqual(data, { reason: 'rate_limited', retryAfterSeconds: Number(headers['retry-after']) })
  assert.equal(requestId, headers['x-request-id'])
})

test('responses tell how much is left: of the address where nobody is known, of the user where somebody is', async (t) => {
  const { origin } = await listen(t, { RATE_LIMIT_MAX: '10', RATE_LIMIT_USER_MAX: '5' }, tenant)
  const told = []
  for (const token of [undefined, await tenant.mint({ user: 'rowan' }), await tenant.mint({ user: 'rowan' })]) {
    const { headers } = await ask(origin, token)
    told.push([headers['ratelimit-limit'], headers['ratelimit-remaining']])
  }
  assert.deepEqual(told, [
    ['10', '9'],
    ['5', '4'],
    ['5', '3'],
  ])
})

test('beyond its limit an address is not even asked who it is', async (t) => {
  const { origin, logs } = await listen(t, { RATE_LIMIT_MAX: '1' }, tenant)
  const statuses = []
  for (const token of [undefined, undefined, await tenant.mint({ key: 'foreign' }), await tenant.mint()]) {
    statuses.push((await ask(origin, token)).status)
  }
  assert.deepEqual(statuses, [401, 429, 429, 429])
  assert.equal(logs.filter(({ event }) => event === 'auth_failure' || event === 'auth_success').length, 1)
  assert.equal(logs.filter(({ event, by }) => event === 'rate_limit' && by === 'address').length, 3)
})

test('users behind one address are not held up by each other, nor by what the address has had', async (t) => {
  const { origin } = await listen(t, { RATE_LIMIT_MAX: '2', RATE_LIMIT_USER_MAX: '100' }, tenant)
  const tokens = await Promise.all(['rowan', 'gale', 'rowan', 'gale'].map((user) => tenant.mint({ user })))
  for (const token of [...tokens, ...tokens]) assert.equal((await ask(origin, token)).status, 200)
  for (const status of [401, 401, 429]) assert.equal((await ask(origin)).status, status)
  assert.equal((await ask(origin, tokens[0])).status, 200, 'who was verified is remembered')
})

for (const path of ['/', '/nothing', '/discover', '/authorize', '/%zz']) {
  test(`${path} counts against the address, whoever asks`, async (t) => {
    const { origin } = await listen(t, { RATE_LIMIT_MAX: '1' }, tenant)
    const headers = { authorization: `Bearer ${await tenant.mint()}` }
    await ask(origin, await tenant.mint())
    const statuses = []
    for (const method of ['GET', 'OPTIONS'] as const) {
      const { statusCode, body } = await request(`${origin}${path}`, { method, headers })
      await body.dump()
      statuses.push(statusCode)
    }
    assert.notEqual(statuses[0], 429)
    assert.equal(statuses[1], 429)
  })
}

test('an address is what the socket says, unless a trusted proxy says otherwise', async (t) => {
  const from = (address: string) => ({ 'x-forwarded-for': address })
  for (const [env, expected] of [
    [{}, [401, 429, 429]],
    [{ TRUST_PROXY: 'loopback' }, [401, 401, 429]],
  ] as const) {
    const { origin } = await listen(t, { RATE_LIMIT_MAX: '1', ...env }, tenant)
    const statuses = []
    for (const address of ['203.0.113.1', '203.0.113.2', '203.0.113.1']) {
      statuses.push((await ask(origin, undefined, from(address))).status)
    }
    assert.deepEqual(statuses, expected)
  }
})

test('another port is no other address, nor is another address of the same IPv6 network', async (t) => {
  const { origin } = await listen(t, { RATE_LIMIT_MAX: '1', TRUST_PROXY: 'loopback, 10.0.0.0/8' }, tenant)
  for (const [first, second] of [
    ['203.0.113.1:50001', '203.0.113.1:50002'],
    ['203.0.113.2', '::ffff:203.0.113.2'],
    ['[2001:db8::1]:50001', '2001:db8::2'],
    ['203.0.113.3, 10.0.0.7:50001', '203.0.113.3:50002, 10.0.0.8:50003'],
  ] as const) {
    for (const [address, status] of [
      [first, 401],
      [second, 429],
    ] as const) {
      assert.equal((await ask(origin, undefined, { 'x-forwarded-for': address })).status, status, address)
    }
  }
})

test('a user is one user from every address', async (t) => {
  const { origin } = await listen(t, { RATE_LIMIT_USER_MAX: '2', TRUST_PROXY: 'loopback' }, tenant)
  const token = await tenant.mint({ user: 'rowan' })
  const statuses = []
  for (const address of ['203.0.113.1', '203.0.113.2', '203.0.113.3']) {
    statuses.push((await ask(origin, token, { 'x-forwarded-for': address })).status)
  }
  assert.deepEqual(statuses, [200, 200, 429])
})

test('a user beyond their limit is stopped while another at the same address goes on', async (t) => {
  const { origin } = await listen(t, { RATE_LIMIT_USER_MAX: '2' }, tenant)
  const [rowan, gale] = await Promise.all(['rowan', 'gale'].map((user) => tenant.mint({ user })))
  const statuses = []
  for (const token of [rowan, rowan, rowan, gale]) statuses.push((await ask(origin, token)).status)
  assert.deepEqual(statuses, [200, 200, 429, 200])
})

test('a user is one user with every token they hold', async (t) => {
  const { origin } = await listen(t, { RATE_LIMIT_USER_MAX: '2' }, tenant)
  const statuses = []
  for (let i = 0; i < 3; i++) statuses.push((await ask(origin, await tenant.mint({ user: 'rowan' }))).status)
  assert.deepEqual(statuses, [200, 200, 429])
})

test('rejected callers use up their address, not a user', async (t) => {
  const { origin } = await listen(t, { RATE_LIMIT_MAX: '6', RATE_LIMIT_USER_MAX: '2' }, tenant)
  const forged = await tenant.mint({ user: 'rowan', key: 'foreign' })
  for (let i = 0; i < 4; i++) assert.equal((await ask(origin, forged)).status, 401)
  const token = await tenant.mint({ user: 'rowan' })
  const statuses = []
  for (let i = 0; i < 3; i++) statuses.push((await ask(origin, token)).status)
  assert.deepEqual(statuses, [200, 200, 429])
})

test('the window over, an address is served again', async (t) => {
  const rateLimit = { max: 1, userMax: 1_000, windowMs: 300 }
  const { origin } = await listen(t, {}, tenant, { config: { rateLimit } })
  const untilStatus = async (wanted: number) => {
    const end = Date.now() + 20_000
    let status: number
    do status = (await ask(origin)).status
    while (status !== wanted && Date.now() < end)
    assert.equal(status, wanted)
  }
  // The clock may begin a window between any two requests, so that no number of them is sure to be rejected.
  await untilStatus(429)
  await untilStatus(401)
})

test('probes are counted against nobody', async (t) => {
  const { origin } = await listen(t, { RATE_LIMIT_MAX: '1' }, tenant)
  for (let i = 0; i < 5; i++) {
    const { statusCode, body } = await request(`${origin}/healthz`)
    await body.dump()
    assert.equal(statusCode, 200)
  }
})
