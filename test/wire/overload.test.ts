import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { request } from 'undici'
import { timeouts } from '../../src/config/timeouts.ts'
import { eventually, listen, mcpHeaders, type RunningApp, toolCall } from '../helper.ts'
import { file, originOf } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'

const tenant = await startEmulator()
file.after(() => tenant.close())
const token = await tenant.mint({ user: 'rowan' })
const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }

interface Ask {
  readonly token?: string
  readonly method?: string
  readonly path?: string
  readonly message?: object
  readonly headers?: Readonly<Record<string, string>>
}

/** A connection that is open already, so that what is asked on many of them comes in one turn of the event loop. */
async function open(t: TestContext, { app }: RunningApp, ask: Ask) {
  const { method = 'POST', path = '/mcp', message, headers: own, token: asUser = token } = ask
  const { port } = new URL(originOf(app))
  const socket = connect(Number(port), '127.0.0.1').setEncoding('utf8')
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  let received = ''
  socket.on('data', (chunk) => {
    received += chunk
  })
  socket.on('error', () => {})
  const body = message === undefined ? '' : JSON.stringify(message)
  const headers = { ...mcpHeaders(asUser), host: 'localhost', 'content-length': String(body.length), ...own }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return {
    ask: () => socket.write(`${[`${method} ${path} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n${body}`),
    /** Reads nothing from here on. */
    stall: () => socket.pause(),
    status: () => Number(received.slice(9, 12)),
    received: () => received,
    destroy: () => socket.destroy(),
  }
}

/** Node accepts one connection a turn, so those that are open to the client need not be to the server. */
async function accepted({ app }: RunningApp, connections: number): Promise<void> {
  const count = () => new Promise<number>((resolve) => app.server.getConnections((_error, open) => resolve(open)))
  await eventually(async () => (await count()) >= connections)
}

async function post({ app }: RunningApp, message: object, asUser = token) {
  const response = await request(`${originOf(app)}/mcp`, {
    method: 'POST',
    headers: mcpHeaders(asUser),
    body: JSON.stringify(message),
  })
  const text = await response.body.text()
  return { status: response.statusCode, headers: response.headers, body: JSON.parse(text) }
}

const usersOf = (count: number) =>
  Promise.all(Array.from({ length: count }, (_, i) => tenant.mint({ user: `load-0000${i}` })))

test('in a flood 503 goes to what cannot be served in time and to no probe or preflight, and ends with it', async (t) => {
  const server = await listen(t, {}, tenant)
  const tokens = await usersOf(10)
  for (const user of [token, ...tokens]) assert.equal((await post(server, ping, user)).status, 200)
  // What a call costs on a slow processor: 5 ms for each that is served.
  server.app.onAudit({
    request({ status }) {
      const end = performance.now() + 5
      while (status === 200 && performance.now() < end);
    },
  })
  const origin = 'http://localhost:6274'
  const flood = await Promise.all(
    Array.from({ length: 300 }, (_, i) => open(t, server, { message: ping, token: tokens[i % 10] ?? token })),
  )
  const probes = await Promise.all(
    ['/healthz', '/readyz'].map((path) => open(t, server, { method: 'GET', path, headers: { 'content-length': '0' } })),
  )
  const preflight = await open(t, server, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST' },
  })
  const page = await open(t, server, { message: ping, headers: { origin } })
  const person = await open(t, server, { method: 'GET', path: '/authorize' })
  await accepted(server, flood.length + 5)
  // The event loop is behind when they come, and a sample says so: one may be taken before the delay of its own turn counts.
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 1))
    const late = performance.now() + 150
    while (performance.now() < late);
  }
  for (const client of flood) client.ask()
  const others = [...probes, preflight, page, person]
  for (const client of others) client.ask()
  await eventually(() => [...flood, ...others].every(({ status }) => status() > 0), 20_000)

  for (const probe of probes) assert.equal(probe.status(), 200)
  assert.equal(preflight.status(), 204)
  const rejected = flood.filter(({ status }) => status() === 503)
  assert.equal(flood.filter(({ status }) => status() === 200).length, 300 - rejected.length)
  assert.ok(rejected.length > 0 && rejected.length <= 236, `${rejected.length} were rejected`)
  for (const { received } of rejected) {
    const [head = '', body = ''] = received().split('\r\n\r\n')
    assert.match(head, /^retry-after: [123]$/im)
    assert.match(head, /^x-request-id: /im)
    assert.match(head, /^cache-control: no-store$/im)
    assert.match(head, /^x-content-type-options: nosniff$/im)
    assert.equal(JSON.parse(body).error.data.reason, undefined)
  }
  // A page may read why.
  assert.match(page.received(), /^access-control-allow-origin: http:\/\/localhost:6274$/im)
  assert.match(page.received(), /^access-control-expose-headers: .*Retry-After/im)
  assert.doesNotMatch(person.received(), /^content-type: application\/json/im)
  for (let i = 0; i < 5; i++) assert.equal((await post(server, ping)).status, 200)
  const reasons = server.logs.filter(({ event }) => event === 'failure').map(({ err }) => err)
  assert.deepEqual(reasons[0], { pressure: 'event loop delay' })
})

test('while Graph hangs, so many calls wait for it; others are rejected at once, and what needs no call goes on', async (t) => {
  const server = await listen(t, {}, tenant)
  const call = toolCall('getMessages', { top: 0 })
  const tokens = await usersOf(4)
  for (const user of [token, ...tokens]) assert.equal((await post(server, call, user)).status, 200)
  tenant.faults.add({ target: 'graph', kind: 'hang' })
  t.after(() => tenant.faults.clear())
  const calls = await Promise.all(
    Array.from({ length: 128 }, (_, i) => open(t, server, { message: call, token: tokens[i % 4] ?? token })),
  )
  for (const client of calls) client.ask()
  await eventually(async () => (await post(server, ping)).status === 503, 10_000)
  const rejected = await post(server, ping)
  assert.equal(rejected.status, 503)
  assert.match(String(rejected.headers['retry-after']), /^[123]$/)
  for (const path of ['/healthz', '/discover', '/.well-known/oauth-protected-resource']) {
    const { statusCode, body } = await request(originOf(server.app) + path)
    await body.dump()
    assert.equal(statusCode, 200, path)
  }
  // They go away without a response, and make room all the same.
  for (const client of calls) client.destroy()
  await eventually(async () => (await post(server, ping)).status === 200)
})

test('one user has 64 requests in flight and no more, bodies on their way among them', async (t) => {
  const server = await listen(t, {}, tenant)
  assert.equal((await post(server, ping)).status, 200)
  const half = { message: ping, headers: { 'content-length': '1000' } }
  const unfinished = await Promise.all(Array.from({ length: 64 }, () => open(t, server, half)))
  for (const client of unfinished) client.ask()
  await eventually(async () => (await post(server, ping)).status === 429)
  const { headers, body } = await post(server, ping)
  assert.equal(headers['retry-after'], '1')
  assert.equal(body.error.data.reason, 'rate_limited')
  const [other = ''] = await usersOf(1)
  assert.equal((await post(server, ping, other)).status, 200)
  unfinished[0]?.destroy()
  await eventually(async () => (await post(server, ping)).status === 200)
})

test('one address has 64 requests without a caller in flight, of an IPv6 customer all together', async (t) => {
  const server = await listen(t, { TRUST_PROXY: 'loopback' }, tenant)
  const tokenRequest = (address: string) =>
    open(t, server, {
      path: '/token',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': '100',
        'x-forwarded-for': address,
      },
    })
  const from = await Promise.all(Array.from({ length: 65 }, (_, i) => tokenRequest(`2001:db8::${i.toString(16)}`)))
  const other = await tokenRequest('2001:db8:0:1::1')
  for (const client of from) client.ask()
  await eventually(() => from.some(({ status }) => status() === 429))
  other.ask()
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.equal(from.filter(({ status }) => status() > 0).length, 1)
  assert.ok(Number.isNaN(other.status()) || other.status() === 0)
})

/** More than the buffers of both ends of a connection take. */
const long = Array.from({ length: 90 }, (_, i) => ({
  id: `MC${1_000_000 + i}`,
  body: { contentType: 'html', content: '<p>A change</p>\n'.repeat(2_000) },
}))

test('who does not read a response for a while loses it with the connection', async (t) => {
  const stalledMs = 150
  const server = await listen(t, {}, tenant, { config: { timeouts: { ...timeouts, stalledMs } } })
  tenant.faults.add({ target: 'graph', kind: 'status', status: 200, body: { value: long } })
  t.after(() => tenant.faults.clear())
  const client = await open(t, server, { message: toolCall('getMessages', { body: 'html', top: long.length }) })
  client.stall()
  // The kernel may take the first of them whole.
  for (let i = 0; i < 4; i++) client.ask()
  const gone = () => server.logs.some(({ event, status }) => event === 'request' && status === 499)
  await eventually(gone, 15_000)
})

test('of what one user does not read there is a bound, and others are served', async (t) => {
  const server = await listen(t, {}, tenant)
  tenant.faults.add({ target: 'graph', kind: 'status', status: 200, body: { value: long } })
  t.after(() => tenant.faults.clear())
  const asked = { message: toolCall('getMessages', { body: 'html', top: long.length }) }
  const clients = await Promise.all(Array.from({ length: 8 }, () => open(t, server, asked)))
  for (const client of clients) {
    client.stall()
    client.ask()
  }
  await eventually(() => server.logs.some(({ event, reason }) => event === 'failure' && reason === 'overloaded'))
  const [other = ''] = await usersOf(1)
  const response = await post(server, asked.message, other)
  assert.equal(response.status, 200)
  assert.equal(response.body.result.structuredContent.value.length, long.length)
})
