import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import Fastify from 'fastify'
import { request } from 'undici'
import { callerOf } from '../../src/entra/claims.ts'
import { loggingOptions, observability } from '../../src/plugins/observability.ts'
import { eventually } from '../helper.ts'

const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

async function build(t: TestContext, logLevel = 'trace') {
  const lines: Record<string, unknown>[] = []
  const logTo = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)))
      done()
    },
  })
  const app = Fastify(loggingOptions({ logLevel }, logTo))
  t.after(() => app.close())
  app.decorateRequest('caller', null)
  app.decorateRequest('rpc', null)
  await app.register(observability)
  app.post('/things/:id', async (incoming, reply) => {
    incoming.caller = callerOf({ tid: 't', oid: 'o', azp: 'client-1', scp: '', exp: 0 }, '')
    incoming.rpc = { method: 'tools/call', tool: 'getMessage', outcome: 'graph_forbidden' }
    return reply.code(201).send('')
  })
  app.get('/hang', () => new Promise(() => {}))
  return { app, lines, requests: () => lines.filter(({ event }) => event === 'request') }
}

test('a request is one line, when it is over', async (t) => {
  const { app, lines } = await build(t)
  const { headers } = await app.inject({ method: 'POST', url: '/things/zq7?code=zq7', payload: { secret: 'zq7' } })
  assert.equal(lines.length, 1)
  const { time, pid: _, hostname: __, ms, requestId, ...line } = lines[0] ?? {}
  assert.deepEqual(line, {
    level: 30,
    event: 'request',
    method: 'POST',
    route: '/things/:id',
    status: 201,
    user: callerOf({ tid: 't', oid: 'o' }, '').userKey,
    client: 'client-1',
    rpc: undefined,
    ...{ method: 'tools/call', tool: 'getMessage', outcome: 'graph_forbidden' },
    msg: 'request',
  })
  assert.equal(requestId, headers['x-request-id'])
  assert.ok(typeof ms === 'number' && ms >= 0 && typeof time === 'number')
})

test('no line holds a path, a query, a header or a body', async (t) => {
  const { app, lines } = await build(t)
  for (const url of ['/things/zq7?a=zq7', '/zq7/nowhere?a=zq7', '/zq7%20']) {
    await app.inject({ method: 'POST', url, headers: { authorization: 'Bearer zq7', cookie: 'zq7' }, payload: 'zq7' })
  }
  assert.equal(lines.length, 3)
  assert.doesNotMatch(JSON.stringify(lines), /zq7/)
})

test('a path that leads nowhere is one line without a route', async (t) => {
  const { app, lines } = await build(t)
  await app.inject('/nowhere')
  assert.deepEqual(
    lines.map(({ event, route, status }) => [event, route, status]),
    [['request', 'none', 404]],
  )
})

const ids: readonly [name: string, given: string | undefined, kept: string | undefined][] = [
  ['no id', undefined, undefined],
  ['a GUID', '0f8fad5b-d9cb-469f-a165-70867728950e', '0f8fad5b-d9cb-469f-a165-70867728950e'],
  ['a GUID in capitals', '0F8FAD5B-D9CB-469F-A165-70867728950E', '0f8fad5b-d9cb-469f-a165-70867728950e'],
  ['a GUID in braces', '{0f8fad5b-d9cb-469f-a165-70867728950e}', undefined],
  ['a GUID and more', '0f8fad5b-d9cb-469f-a165-70867728950e,x', undefined],
  ['a text', 'request-1', undefined],
  ['a long text', 'a'.repeat(5_000), undefined],
  ['nothing', '', undefined],
]
for (const [name, given, kept] of ids) {
  test(`a request with ${name} ${kept ? 'keeps its id' : 'gets one'}`, async (t) => {
    const { app, lines } = await build(t)
    const { headers } = await app.inject({ url: '/', headers: given === undefined ? {} : { 'x-request-id': given } })
    const id = String(headers['x-request-id'])
    if (kept === undefined) assert.match(id, guid)
    else assert.equal(id, kept)
    assert.equal(lines[0]?.['requestId'], id)
  })
}

test('every request gets an id of its own', async (t) => {
  const { app } = await build(t)
  const answers = await Promise.all(Array.from({ length: 50 }, () => app.inject('/')))
  assert.equal(new Set(answers.map(({ headers }) => headers['x-request-id'])).size, 50)
})

test('the level of the configuration holds', async (t) => {
  const { app, lines } = await build(t, 'warn')
  await app.inject('/')
  assert.deepEqual(lines, [])
})

test('a client that goes away leaves a line as well', async (t) => {
  const { app, requests } = await build(t)
  const origin = await app.listen({ port: 0, host: '127.0.0.1' })
  const abort = new AbortController()
  const arrived = new Promise((resolve) => app.server.once('request', resolve))
  const call = request(`${origin}/hang`, { signal: abort.signal })
  await arrived
  abort.abort()
  await assert.rejects(call)
  await eventually(() => requests().length === 1)
})
