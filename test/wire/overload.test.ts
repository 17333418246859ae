import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { request } from 'undici'
import { startEmulator } from '../../emulator/app.ts'
import { eventually, listen, mcpHeaders, type RunningApp, toolCall } from '../helper.ts'
import { file, originOf } from '../security/harness.ts'

const tenant = await startEmulator()
file.after(() => tenant.close())
const token = await tenant.mint({ user: 'rowan' })
const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }

/** A connection that is open already, so that what is asked on many of them comes in one turn of the event loop. */
async function open(t: TestContext, { app }: RunningApp, method: string, path: string, message?: object) {
  const { port } = new URL(originOf(app))
  const socket = connect(Number(port), '127.0.0.1').setEncoding('utf8')
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  let received = ''
  socket.on('data', (chunk) => {
    received += chunk
  })
  const body = message === undefined ? '' : JSON.stringify(message)
  const headers = Object.entries({ ...mcpHeaders(token), host: 'localhost', 'content-length': String(body.length) })
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
  await accepted(server, flood.length + probes.length)
  for (const client of [...flood, ...probes]) client.ask()
  await eventually(() => [...flood, ...probes].every(({ status }) => status() > 0), 20_000)

  for (const probe of probes) assert.equal(probe.status(), 200)
  const shed = flood.filter(({ status }) => status() === 503)
  assert.equal(flood.filter(({ status }) => status() === 200).length, 300 - shed.length)
  assert.ok(shed.length > 0 && shed.length <= 250, `${shed.length} were shed`)
  for (const { received } of shed) {
    const [head = '', body = ''] = received().split('\r\n\r\n')
    assert.match(head, /^retry-after: [123]$/im)
    assert.match(head, /^x-request-id: /im)
    assert.match(head, /^cache-control: no-store$/im)
    const { jsonrpc, error } = JSON.parse(body)
    assert.equal(jsonrpc, '2.0')
    assert.match(error.message, /^This server has more to do than it can at the moment\. Try again in [123] s\.$/)
    assert.equal(error.data.reason, undefined)
  }
  for (let i = 0; i < 5; i++) assert.equal((await ask(server, ping)).status, 200)

  const told = () => server.logs.filter(({ event }) => event === 'overloaded')
  const count = () => told().reduce((sum, { late }) => sum + Number(late), 0)
  await eventually(() => count() === shed.length)
  assert.ok(told().length <= 5, 'in a few lines')
  const lines = server.logs.filter(({ event, status }) => event === 'request' && status === 503)
  assert.deepEqual(new Set(lines.map(({ level }) => level)), new Set([20]))
  assert.ok(server.logs.every(({ event }) => event !== 'failure'))
})

test('while Graph hangs, so many calls wait for it; others are refused at once, and what needs no call goes on', async (t) => {
  const server = await listen(t, {}, tenant)
  const call = toolCall('getMessages', { top: 0 })
  assert.equal((await ask(server, call)).status, 200)
  tenant.faults.add({ target: 'graph', kind: 'hang' })
  t.after(() => tenant.faults.clear())
  const calls = await Promise.all(Array.from({ length: 256 }, () => open(t, server, 'POST', '/mcp', call)))
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
