import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { request } from 'undici'
import { eventually, listen, mcpHeaders, type RunningApp, toolCall } from '../helper.ts'
import { file, originOf } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'

const tenant = await startEmulator()
file.after(() => tenant.close())
const token = await tenant.mint({ user: 'rowan' })
const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }

/** A connection that is open already, so that what is asked on many of them comes in one turn of the event loop. */
async function open(
  t: TestContext,
  { app }: RunningApp,
  method: string,
  path: string,
  message?: object,
  more: Readonly<Record<string, string>> = {},
) {
  const { port } = new URL(originOf(app))
  const socket = connect(Number(port), '127.0.0.1').setEncoding('utf8')
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  let received = ''
  socket.on('data', (chunk) => {
    received += chunk
  })
  const body = message === undefined ? '' : JSON.stringify(message)
  const own = { host: 'localhost', 'content-length': String(body.length), ...more }
  const headers = Object.entries({ ...mcpHeaders(token), ...own })
  const head = [`${method} ${path} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`)]
  return {
    ask: () => socket.write(`${head.join('\r\n')}\r\n\r\n${body}`),
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

async function ask({ app }: RunningApp, message: object) {
  const answer = await request(`${originOf(app)}/mcp`, {
    method: 'POST',
    headers: mcpHeaders(token),
    body: JSON.stringify(message),
  })
  const text = await answer.body.text()
  return { status: answer.statusCode, headers: answer.headers, error: JSON.parse(text).error }
}

test('a flood is shed but for what can be served, probes are not, and when it is over everybody is served', async (t) => {
  const server = await listen(t, {}, tenant)
  assert.equal((await ask(server, ping)).status, 200)
  // What a call costs on a processor that is not up to them: 5 ms for each that is served.
  server.app.onAudit({
    request({ status }) {
      const end = performance.now() + 5
      while (status === 200 && performance.now() < end);
    },
  })
  const flood = await Promise.all(Array.from({ length: 300 }, () => open(t, server, 'POST', '/mcp', ping)))
  const probes = await Promise.all(['/healthz', '/readyz'].map((path) => open(t, server, 'GET', path)))
  const origin = 'http://localhost:6274'
  const preflight = await open(t, server, 'OPTIONS', '/mcp', undefined, {
    origin,
    'access-control-request-method': 'POST',
  })
  const page = await open(t, server, 'POST', '/mcp', ping, { origin })
  const strange = await open(t, server, 'POST', '/mcp/?x=1', ping, { origin: 'https://elsewhere.example' })
  const person = await open(t, server, 'GET', '/authorize')
  const token = await open(t, server, 'POST', '/token', undefined, { origin: 'https://elsewhere.example' })
  const others = [...probes, preflight, page, strange, person, token]
  await accepted(server, flood.length + others.length)
  for (const client of [...flood, ...others]) client.ask()
  await eventually(() => [...flood, ...others].every(({ status }) => status() > 0), 20_000)

  for (const probe of probes) assert.equal(probe.status(), 200)
  assert.equal(preflight.status(), 204)
  assert.equal(page.status(), 503)
  assert.match(page.received(), /^access-control-allow-origin: http:\/\/localhost:6274$/im)
  assert.match(page.received(), /^access-control-expose-headers: .*Retry-After/im)
  assert.match(page.received(), /^vary: Origin$/im)
  assert.equal(strange.status(), 503)
  assert.match(strange.received(), /^content-type: application\/json/im)
  assert.doesNotMatch(strange.received(), /^access-control-/im)
  assert.equal(token.status(), 503)
  assert.match(token.received(), /^access-control-allow-origin: \*$/im)
  assert.equal(person.status(), 503)
  assert.match(person.received(), /^content-type: text\/plain/im)
  assert.match(person.received(), /\r\n\r\nServer overloaded\. Try again in [123] s\.$/)
  const shed = flood.filter(({ status }) => status() === 503)
  assert.equal(flood.filter(({ status }) => status() === 200).length, 300 - shed.length)
  assert.ok(shed.length > 0 && shed.length <= 250, `${shed.length} were shed`)
  for (const { received } of shed) {
    const [head = '', body = ''] = received().split('\r\n\r\n')
    assert.match(head, /^retry-after: [123]$/im)
    assert.match(head, /^x-request-id: /im)
    assert.match(head, /^cache-control: no-store$/im)
    assert.match(head, /^x-content-type-options: nosniff$/im)
    const { jsonrpc, error } = JSON.parse(body)
    assert.equal(jsonrpc, '2.0')
    assert.match(error.message, /^Server overloaded\. Try again in [123] s\.$/)
    assert.equal(error.data.reason, undefined)
  }
  for (let i = 0; i < 5; i++) assert.equal((await ask(server, ping)).status, 200)

  const told = () => server.logs.filter(({ event }) => event === 'overloaded')
  const count = () => told().reduce((sum, { late }) => sum + Number(late), 0)
  await eventually(() => count() === shed.length + 4)
  assert.ok(told().length <= 5, 'in a few lines')
  assert.ok(
    server.logs.every(({ event, status }) => event !== 'request' || status !== 503),
    'and in no others',
  )
  assert.ok(server.logs.every(({ event }) => event !== 'failure'))
})

test('while Graph hangs, so many calls wait for it; others are refused at once, and what needs no call goes on', async (t) => {
  const server = await listen(t, {}, tenant)
  const call = toolCall('getMessages', { top: 0 })
  assert.equal((await ask(server, call)).status, 200)
  tenant.faults.add({ target: 'graph', kind: 'hang' })
  t.after(() => tenant.faults.clear())
  const calls = await Promise.all(Array.from({ length: 192 }, () => open(t, server, 'POST', '/mcp', call)))
  for (const client of calls) client.ask()
  await eventually(async () => (await ask(server, ping)).status === 503)
  const refused = await ask(server, ping)
  assert.equal(refused.status, 503)
  assert.match(String(refused.headers['retry-after']), /^[123]$/)
  for (const path of ['/healthz', '/discover', '/.well-known/oauth-protected-resource']) {
    const { statusCode, body } = await request(originOf(server.app) + path)
    await body.dump()
    assert.equal(statusCode, 200, path)
  }
  // They go away without an answer, and make room all the same.
  for (const client of calls) client.destroy()
  await eventually(async () => (await ask(server, ping)).status === 200)
})
