import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import Fastify from 'fastify'
import { request } from 'undici'
import { toCaller } from '../../../src/plugins/auth/claims.ts'
import { loggingOptions, observability } from '../../../src/plugins/observability/index.ts'
import { eventually } from '../../helper.ts'

const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

const json = { headers: { 'content-type': 'application/json' }, body: '{"secret":"zq7mark"}' }

async function build(t: TestContext, logLevel = 'trace') {
  const lines: Record<string, unknown>[] = []
  const logTo = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)))
      done()
    },
  })
  const app = Fastify(loggingOptions({ logLevel, entra: { tenantId: 'tenant-1' } }, logTo))
  t.after(() => app.close())
  app.decorateRequest('caller', null)
  app.decorateRequest('rpc', null)
  await app.register(observability)
  app.post('/things/:id', async (incoming, reply) => {
    incoming.caller = toCaller({ tid: 't', oid: 'o', azp: 'client-1', scp: '', exp: 0 }, '')
    incoming.rpc = { rpcMethod: 'tools/call', tool: 'getMessage', outcome: 'graph_forbidden' }
    return reply.code(201).send('')
  })
  app.get('/hang', () => new Promise(() => {}))
  // A socket and not inject: how a connection ends is part of the story.
  const origin = await app.listen({ port: 0, host: '127.0.0.1', listenTextResolver: () => '' })
  lines.length = 0
  async function call(path: string, options: Parameters<typeof request>[1] = {}) {
    const { body, statusCode, headers } = await request(origin + path, options)
    await body.dump()
    return { statusCode, headers }
  }
  return { app, origin, call, lines }
}

test('a request is one line, when it ends', async (t) => {
  const { call, lines } = await build(t)
  const { headers } = await call('/things/zq7mark?code=zq7mark', { method: 'POST', ...json })
  await eventually(() => lines.length > 0)
  await call('/nowhere')
  await eventually(() => lines.length > 1)
  assert.equal(lines.length, 2)
  const { time, pid: _, hostname: __, ms, requestId, ...line } = lines[0] ?? {}
  assert.deepEqual(line, {
    level: 30,
    tenant: 'tenant-1',
    event: 'request',
    method: 'POST',
    route: '/things/:id',
    status: 201,
    user: toCaller({ tid: 't', oid: 'o' }, '').userKey,
    client: 'client-1',
    rpcMethod: 'tools/call',
    tool: 'getMessage',
    outcome: 'graph_forbidden',
    msg: 'request',
  })
  assert.equal(requestId, headers['x-request-id'])
  assert.ok(typeof ms === 'number' && ms >= 0 && typeof time === 'number')
})

test('no line holds a path, a query, a header or a body', async (t) => {
  const { call, lines } = await build(t)
  for (const path of ['/things/zq7mark?a=zq7mark', '/zq7mark/nowhere?a=zq7mark', '/zq7mark%20']) {
    await call(path, {
      method: 'POST',
      headers: { ...json.headers, authorization: 'Bearer zq7mark', cookie: 'zq7mark' },
      body: json.body,
    })
  }
  await eventually(() => lines.length >= 3)
  assert.doesNotMatch(JSON.stringify(lines), /zq7mark/)
})

test('a path that leads nowhere is one line without a route', async (t) => {
  const { call, lines } = await build(t)
  await call('/nowhere')
  await eventually(() => lines.length > 0)
  assert.deepEqual(
    lines.map(({ event, route, status }) => [event, route, status]),
    [['request', 'none', 404]],
  )
})

const ids: readonly [name: string, given: string | undefined, expected: string | undefined][] = [
  ['no id', undefined, undefined],
  ['a GUID', '0f8fad5b-d9cb-469f-a165-70867728950e', '0f8fad5b-d9cb-469f-a165-70867728950e'],
  ['a GUID in capitals', '0F8FAD5B-D9CB-469F-A165-70867728950E', '0f8fad5b-d9cb-469f-a165-70867728950e'],
  ['a GUID in braces', '{0f8fad5b-d9cb-469f-a165-70867728950e}', undefined],
  ['a GUID and more', '0f8fad5b-d9cb-469f-a165-70867728950e,x', undefined],
  ['a text', 'request-1', undefined],
  ['a long text', 'a'.repeat(5_000), undefined],
  ['nothing', '', undefined],
]
for (const [name, given, expected] of ids) {
  test(`a request with ${name} ${expected ? 'keeps its id' : 'gets one'}`, async (t) => {
    const { call, lines } = await build(t)
    const { headers } = await call('/', { headers: given === undefined ? {} : { 'x-request-id': given } })
    await eventually(() => lines.length > 0)
    const id = String(headers['x-request-id'])
    if (expected === undefined) assert.match(id, guid)
    else assert.equal(id, expected)
    assert.equal(lines[0]?.['requestId'], id)
  })
}

test('every request gets an id of its own', async (t) => {
  const { call } = await build(t)
  const responses = await Promise.all(Array.from({ length: 50 }, () => call('/')))
  assert.equal(new Set(responses.map(({ headers }) => headers['x-request-id'])).size, 50)
})

test('the level of the configuration holds', async (t) => {
  const { app, call, lines } = await build(t, 'warn')
  await call('/')
  await app.close()
  assert.deepEqual(lines, [])
})

test('a client that goes away leaves a line of its own, and one only', async (t) => {
  const { app, origin, call, lines } = await build(t)
  const abort = new AbortController()
  const arrived = new Promise((resolve) => app.server.once('request', resolve))
  const gone = request(`${origin}/hang`, { signal: abort.signal })
  await arrived
  abort.abort()
  await assert.rejects(gone)
  await eventually(() => lines.length > 0)
  await call('/nowhere')
  await eventually(() => lines.length > 1)
  assert.deepEqual(
    lines.map(({ event, route, status }) => [event, route, status]),
    [
      ['request', '/hang', 499],
      ['request', 'none', 404],
    ],
  )
})
