import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { request } from 'undici'
import { startEmulator } from '../../emulator/app.ts'
import { listen, mcpHeaders, toolCall } from '../helper.ts'

const tenant = await startEmulator()
after(() => tenant.close())

async function ask(origin: string, token?: string) {
  const body = JSON.stringify(toolCall('getMessages', { top: 0 }, 'mine'))
  const answer = await request(`${origin}/mcp`, { method: 'POST', headers: mcpHeaders(token), body })
  return {
    status: answer.statusCode,
    headers: answer.headers,
    body: (await answer.body.json()) as Record<string, never>,
  }
}

test('an address beyond its limit gets a JSON-RPC 429 that says when to come back', async (t) => {
  const { origin } = await listen(t, { RATE_LIMIT_MAX: '3' }, tenant)
  const token = await tenant.mint({ user: 'rowan' })
  for (const left of ['2', '1', '0']) {
    const { status } = await ask(origin, token)
    assert.equal(status, 200, `with ${left} left`)
  }
  const { status, headers, body } = await ask(origin, token)
  assert.equal(status, 429)
  assert.match(String(headers['retry-after']), /^([1-9]|[1-5]\d|60)$/)
  assert.equal(headers['ratelimit-limit'], '3')
  assert.equal(headers['ratelimit-remaining'], '0')
  assert.match(JSON.stringify(body), /"reason":"rate_limited","retryAfterSeconds":\d+/)
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

test('refused callers use up their address, not a user', async (t) => {
  const { origin } = await listen(t, { RATE_LIMIT_MAX: '6', RATE_LIMIT_USER_MAX: '2' }, tenant)
  const forged = await tenant.mint({ user: 'rowan', key: 'foreign' })
  for (let i = 0; i < 4; i++) assert.equal((await ask(origin, forged)).status, 401)
  const token = await tenant.mint({ user: 'rowan' })
  const statuses = []
  for (let i = 0; i < 3; i++) statuses.push((await ask(origin, token)).status)
  assert.deepEqual(statuses, [200, 200, 429])
})

test('the window over, an address is served again', async (t) => {
  const { origin } = await listen(t, { RATE_LIMIT_MAX: '1', RATE_LIMIT_WINDOW: '1s' }, tenant)
  const token = await tenant.mint({ user: 'rowan' })
  assert.equal((await ask(origin, token)).status, 200)
  assert.equal((await ask(origin, token)).status, 429)
  const end = Date.now() + 5_000
  let status = 429
  while (status === 429 && Date.now() < end) status = (await ask(origin, token)).status
  assert.equal(status, 200)
})

test('probes are counted against nobody', async (t) => {
  const { origin } = await listen(t, { RATE_LIMIT_MAX: '1' }, tenant)
  for (let i = 0; i < 5; i++) {
    const { statusCode, body } = await request(`${origin}/healthz`)
    await body.dump()
    assert.equal(statusCode, 200)
  }
})
