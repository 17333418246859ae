import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { Failure } from '../../../src/errors/index.ts'
import { createBoundedClient } from '../../../src/lib/bounded-client.ts'
import { createFeed } from '../../../src/plugins/roadmap/feed.ts'
import { auditInto } from '../../helper.ts'

type Respond = (response: ServerResponse, request: IncomingMessage) => void

/** A feed on loopback, and this server's view of it. */
async function feedOf(t: TestContext, respond: Respond, deadlineMs = 5_000) {
  const requests: IncomingMessage[] = []
  const lines: Record<string, unknown>[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    respond(response, request)
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const bounds = { connectTimeoutMs: deadlineMs, deadlineMs, maxBodyBytes: 20_000, connections: 4 }
  const http = createBoundedClient(bounds)
  t.after(async () => {
    await http.close()
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v2/m365`
  return { requests, lines, server, read: createFeed({ url, http, audit: auditInto(lines), deadlineMs }) }
}

const json = (body: unknown, status = 200): Respond => {
  return (response) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
const items = (...ids: number[]) => ({ value: ids.map((id) => ({ id, title: `Item ${id}` })) })

test('the feed is asked for ids by a filter, with nothing about anybody', async (t) => {
  const { read, requests, lines } = await feedOf(t, json(items(478649, 485747)))
  const found = await read(['478649', '485747', '9'])
  assert.deepEqual([...found.keys()], ['478649', '485747'])
  const [request] = requests
  assert.equal(decodeURIComponent(request?.url ?? ''), '/api/v2/m365?$filter=id in (478649,485747,9)')
  assert.equal(request?.method, 'GET')
  assert.deepEqual(Object.keys(request.headers).sort(), ['accept', 'connection', 'host'])
  const [{ ms, ...line } = {}] = lines
  assert.equal(typeof ms, 'number')
  assert.deepEqual(line, { level: 'info', event: 'roadmap_call', ids: 3, status: 200 })
})

test('items that nobody asked for are ignored', async (t) => {
  const { read } = await feedOf(t, json(items(1, 2, 3)))
  assert.deepEqual([...(await read(['2'])).keys()], ['2'])
})

test('where a page ends, the rest is asked for again, and the link is not followed', async (t) => {
  const { read, requests } = await feedOf(t, (response, { url = '' }) => {
    const [first = '', ...more] = decodeURIComponent(url).match(/\d+(?=[,)])/g) ?? []
    const link = more.length > 0 ? { '@odata.nextLink': 'https://elsewhere.example/next' } : {}
    json({ ...items(Number(first)), ...link })(response, undefined as never)
  })
  assert.deepEqual([...(await read(['1', '2', '3'])).keys()], ['1', '2', '3'])
  assert.equal(requests.length, 3)
})

const failing: readonly [what: string, respond: Respond, reason: Failure['reason']][] = [
  ['500', json({}, 500), 'roadmap_unavailable'],
  ['503', json({}, 503), 'roadmap_unavailable'],
  ['429', json({}, 429), 'roadmap_unavailable'],
  ['400', json({}, 400), 'roadmap_response_invalid'],
  ['404', json({}, 404), 'roadmap_response_invalid'],
  ['204', json({}, 204), 'roadmap_response_invalid'],
  ['a reset connection', (response) => response.socket?.destroy(), 'roadmap_unavailable'],
  ['no response', () => {}, 'roadmap_timeout'],
  [
    'a body that never ends',
    (response) => {
      response.write('{"value":[')
      const drip = setInterval(() => response.write(' '), 20)
      response.on('close', () => clearInterval(drip))
    },
    'roadmap_timeout',
  ],
  ['a body above the cap', json({ value: ['x'.repeat(30_000)] }), 'roadmap_response_invalid'],
  ['HTML', (response) => response.end('<!doctype html><title>Sorry</title>'), 'roadmap_response_invalid'],
  ['half a page', (response) => response.end('{"value":[{"id":1'), 'roadmap_response_invalid'],
  ['no list', json({ value: 'none' }), 'roadmap_response_invalid'],
  ['null', json(null), 'roadmap_response_invalid'],
  ['an item without an id', json({ value: [{ title: 'Item' }] }), 'roadmap_response_invalid'],
  [
    'pages without end that have nothing of it',
    json({ ...items(7), '@odata.nextLink': 'x' }),
    'roadmap_response_invalid',
  ],
]

for (const [what, respond, reason] of failing) {
  test(`${what} is ${reason}`, async (t) => {
    const { read } = await feedOf(t, respond, reason === 'roadmap_timeout' ? 300 : undefined)
    await assert.rejects(read(['1', '2']), { reason })
  })
}

test('a redirect is not followed', async (t) => {
  const { read, requests } = await feedOf(t, (response) =>
    response.writeHead(302, { location: '/other' }).end(JSON.stringify(items(1))),
  )
  await assert.rejects(read(['1']), { reason: 'roadmap_response_invalid' })
  assert.equal(requests.length, 1)
})

test('the wait that a 429 or 503 names comes with the failure', async (t) => {
  for (const status of [429, 503]) {
    const { read } = await feedOf(t, (response) => response.writeHead(status, { 'retry-after': '7' }).end())
    await assert.rejects(read(['1']), ({ details }: Failure) => details.retryAfterSeconds === 7)
  }
})

test('a feed that nobody serves is unavailable', async (t) => {
  const { read, server, lines } = await feedOf(t, json({}))
  await new Promise((resolve) => server.close(resolve))
  await assert.rejects(read(['1']), { reason: 'roadmap_unavailable' })
  assert.equal(lines[0]?.['outcome'], 'unreachable')
})
