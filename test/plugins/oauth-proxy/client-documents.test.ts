import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { beforeEach, type TestContext, test } from 'node:test'
import type { Failure, Reason } from '../../../src/errors/index.ts'
import type { Bounds } from '../../../src/lib/bounded-client.ts'
import { createPublicClient } from '../../../src/lib/public-client.ts'
import { parseRedirectRule } from '../../../src/lib/redirect-policy.ts'
import { createClientDocuments, documentLimits } from '../../../src/plugins/oauth-proxy/client-documents.ts'
import { eventually } from '../../helper.ts'
import { file } from '../../security/harness.ts'
import { redirectUri, serveDocument, startClientHost } from '../../sign-in-helper.ts'

type Handler = (request: IncomingMessage, response: ServerResponse) => void

let serve: Handler = serveDocument()
/** One host for the file: making a certificate takes its time. */
const host = await startClientHost(file, (request, response) => serve(request, response))
beforeEach(() => {
  serve = serveDocument()
  host.addresses = ['20.20.20.20']
  host.requests.length = 0
  host.dialled.length = 0
})

const url = `${host.origin}/client.json`
const rules = ['http://127.0.0.1'].map(parseRedirectRule).filter((rule) => rule !== undefined)

/** Documents by way of the host, with a clock of the test's own. */
function createDocuments(t: TestContext, bounds: Partial<Bounds> = {}) {
  const http = createPublicClient(
    { ...documentLimits, connectTimeoutMs: 2_000, deadlineMs: 5_000, ...bounds },
    host.network,
  )
  t.after(() => http.close())
  const clock = { nowMs: 1_764_000_000_000 }
  return { clock, ...createClientDocuments(http, rules, () => clock.nowMs) }
}

const send =
  (body: string, status = 200, headers: Readonly<Record<string, string | string[]>> = {}): Handler =>
  (_request, response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body)
const cached = (seconds: number) => serveDocument({}, { 'cache-control': `max-age=${seconds}` })

async function failureOf(call: Promise<unknown>): Promise<Failure> {
  const error = await call.then(
    () => assert.fail('The document was found'),
    (cause: Failure) => cause,
  )
  assert.equal(error.name, 'Failure', String(error))
  return error
}

test('a document is asked for as JSON, once, and gives its client', async (t) => {
  const { find } = createDocuments(t)
  assert.deepEqual(await find(url), { id: url, kind: 'document', name: 'Documented', redirectUris: [redirectUri] })
  const [request, ...more] = host.requests
  assert.deepEqual([request?.method, request?.url, more], ['GET', '/client.json', []])
  assert.equal(request?.headers.accept, 'application/json')
  for (const name of ['authorization', 'cookie', 'origin', 'referer']) assert.equal(request?.headers[name], undefined)
})

test('a query belongs to the document’s URL', async (t) => {
  assert.equal((await createDocuments(t).find(`${url}?v=1`)).id, `${url}?v=1`)
  assert.equal(host.requests[0]?.url, '/client.json?v=1')
})

for (const type of [
  'application/json',
  'application/json; charset=utf-8',
  'application/json;charset=utf-8',
  'Application/JSON',
  'application/vnd.client+json',
  'application/cimd-doc.v1+json ; a=b',
]) {
  test(`a document may be ${type}`, async (t) => {
    serve = serveDocument({}, { 'content-type': type })
    assert.ok(await createDocuments(t).find(url))
  })
}

/** A client that uses its document every ten minutes for two days: after how many minutes was it fetched again? */
async function refetchedAfterMinutes(t: TestContext): Promise<number | undefined> {
  const { find, clock } = createDocuments(t)
  await find(url)
  for (let minutes = 10; minutes <= 2 * 24 * 60; minutes += 10) {
    clock.nowMs += 600_000
    await find(url)
    if (host.requests.length > 1) return minutes
  }
  return undefined
}

const lifetimes: readonly [name: string, headers: Readonly<Record<string, string>>, minutes: number][] = [
  ['max-age', { 'cache-control': 'max-age=3600' }, 60],
  ['s-maxage over max-age', { 'cache-control': 'max-age=60, s-maxage=7200' }, 120],
  ['public', { 'cache-control': 'public, max-age=1800' }, 30],
  ['Expires', { expires: new Date(Date.now() + 3_600_000).toUTCString() }, 60],
  ['the age it has already', { 'cache-control': 'max-age=3600', age: '1800' }, 30],
  ['no more than a day', { 'cache-control': 'max-age=31536000, immutable' }, 24 * 60],
  ['no more than a day, whatever number', { 'cache-control': `max-age=${'9'.repeat(30)}` }, 24 * 60],
  [
    'not what may be served stale in the meantime',
    { 'cache-control': 'max-age=3600, stale-while-revalidate=86400' },
    60,
  ],
  ['not what may be served stale in need', { 'cache-control': 'max-age=3600, stale-if-error=86400' }, 60],
]
for (const [name, headers, minutes] of lifetimes) {
  test(`a document is cached for as long as it says: ${name}`, async (t) => {
    serve = serveDocument({}, headers)
    assert.equal(await refetchedAfterMinutes(t), minutes)
  })
}

test('a document is cached to the second', async (t) => {
  serve = cached(60)
  const { find, clock } = createDocuments(t)
  await find(url)
  clock.nowMs += 59_000
  await find(url)
  assert.equal(host.requests.length, 1)
  clock.nowMs += 1_000
  await find(url)
  assert.equal(host.requests.length, 2)
})

for (const headers of [
  {},
  { 'cache-control': 'no-store' },
  { 'cache-control': 'no-store, max-age=3600' },
  { 'cache-control': 'no-cache, max-age=3600' },
  { 'cache-control': 'private, max-age=3600' },
  { 'cache-control': 'max-age=0' },
  { 'cache-control': 'max-age=-1' },
  { 'cache-control': 'max-age=soon' },
  { 'cache-control': 'max-age=3600', age: '3600' },
  { 'cache-control': 'max-age=3600', vary: '*' },
  { 'cache-control': 'max-age=3600', 'set-cookie': 'a=b' },
  { expires: '0' },
  { expires: 'Thu, 01 Jan 1970 00:00:00 GMT' },
  { pragma: 'no-cache' },
]) {
  test(`a document with ${JSON.stringify(headers)} is fetched each time`, async (t) => {
    serve = serveDocument({}, headers)
    const { find } = createDocuments(t)
    for (const requests of [1, 2, 3]) {
      assert.ok(await find(url))
      assert.equal(host.requests.length, requests)
    }
  })
}

test('headers that come in several lines count together', async (t) => {
  serve = ({ url: path }, response) => {
    response.setHeader('content-type', 'application/json')
    response.setHeader('cache-control', ['max-age=3600', 'public'])
    response.setHeader('vary', ['accept-encoding', 'origin'])
    response.end(JSON.stringify({ client_id: `${host.origin}${path}`, redirect_uris: [redirectUri] }))
  }
  assert.equal(await refetchedAfterMinutes(t), 60)
})

test('a document that changed is taken as it is now', async (t) => {
  serve = cached(60)
  const { find, clock } = createDocuments(t)
  await find(url)
  serve = serveDocument({ client_name: 'Renamed' })
  assert.equal((await find(url)).name, 'Documented')
  clock.nowMs += 60_000
  assert.equal((await find(url)).name, 'Renamed')
})

test('a document that is gone is no client any more', async (t) => {
  serve = cached(60)
  const { find, clock } = createDocuments(t)
  await find(url)
  serve = send('', 404)
  clock.nowMs += 60_000
  assert.equal((await failureOf(find(url))).reason, 'client_document_unavailable')
})

test('each URL has a document of its own', async (t) => {
  serve = cached(3_600)
  const { find } = createDocuments(t)
  for (const path of ['/a', '/b', '/a?', '/a/', '/A']) {
    assert.equal((await find(`${host.origin}${path}`)).id, `${host.origin}${path}`)
  }
  assert.equal(host.requests.length, 5)
})

const good = { client_id: url, redirect_uris: [redirectUri] }
const failures: readonly [name: string, handler: Handler, reason: Reason, detail: RegExp | undefined][] = [
  ['404', send('{}', 404), 'client_document_unavailable', /200/],
  ['500', send('{}', 500), 'client_document_unavailable', /200/],
  ['a good document with 203', send(JSON.stringify(good), 203), 'client_document_unavailable', /200/],
  ['304', send('', 304), 'client_document_unavailable', /200/],
  [
    'a redirect',
    send('', 302, { location: 'https://client.example/other.json' }),
    'client_document_unavailable',
    /200/,
  ],
  ['a reset', ({ socket }) => socket.destroy(), 'client_document_unavailable', undefined],
  [
    'more than 5 KB',
    send(JSON.stringify({ ...good, note: 'x'.repeat(5 * 1024) })),
    'client_document_unavailable',
    undefined,
  ],
  ['HTML', send('<html>', 200, { 'content-type': 'text/html' }), 'client_document_invalid', /not JSON/],
  ['no JSON', send('<html>'), 'client_document_invalid', /JSON object/],
  ['half of it', send(JSON.stringify(good).slice(0, -5)), 'client_document_invalid', /JSON object/],
  ['nothing', send(''), 'client_document_invalid', /JSON object/],
  ['null', send('null'), 'client_document_invalid', /JSON object/],
  ['the id of another', serveDocument({ client_id: 'https://client.example/other' }), 'client_document_invalid', /URL/],
  ['a secret', serveDocument({ client_secret: 'zq7mark' }), 'client_document_invalid', /secret/],
  [
    'foreign redirect URIs',
    serveDocument({ redirect_uris: ['https://evil.example/'] }),
    'client_document_invalid',
    /redirect_uris/,
  ],
]
for (const [name, own, reason, detail] of failures) {
  test(`a host that responds with ${name} is ${reason}, which is remembered for ten seconds`, async (t) => {
    serve = own
    const { find, clock } = createDocuments(t)
    const failure = await failureOf(find(url))
    assert.equal(failure.reason, reason)
    if (detail === undefined) assert.equal(failure.details.detail, undefined)
    else assert.match(failure.details.detail ?? '', detail)
    const { length } = host.requests
    assert.equal(length, 1)

    serve = serveDocument()
    clock.nowMs += 9_999
    assert.equal((await failureOf(find(url))).reason, reason)
    assert.equal(host.requests.length, length)
    clock.nowMs += 1
    assert.ok(await find(url))
  })
}

test('what a host says about caching does not count for what cannot be used', async (t) => {
  serve = send('{}', 200, { 'cache-control': 'max-age=3600' })
  const { find, clock } = createDocuments(t)
  await failureOf(find(url))
  serve = serveDocument()
  clock.nowMs += 10_000
  assert.ok(await find(url))
})

for (const type of [
  'text/html',
  'text/json',
  'text/plain; application/json',
  'application/jsonx',
  'application/json-seq',
  'application/x-json',
  'application/json, text/html',
  'application/javascript',
  'x-application/json',
  '',
]) {
  test(`a document that is "${type}" is not served as JSON`, async (t) => {
    serve = serveDocument({}, { 'content-type': type })
    assert.equal((await failureOf(createDocuments(t).find(url))).reason, 'client_document_invalid')
  })
}

test('a host that is not a public one is not asked, and that is remembered too', async (t) => {
  const { find, clock } = createDocuments(t)
  host.addresses = ['20.20.20.20', '169.254.169.254']
  assert.equal((await failureOf(find(url))).reason, 'client_document_unavailable')
  host.addresses = ['20.20.20.20']
  assert.equal((await failureOf(find(url))).reason, 'client_document_unavailable')
  assert.deepEqual([host.dialled, host.requests], [[], []])
  clock.nowMs += 10_000
  assert.ok(await find(url))
})

for (const [name, own] of [
  ['says nothing', () => {}],
  [
    'drips',
    (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const timer = setInterval(() => response.write(' '), 20)
      response.on('close', () => clearInterval(timer))
    },
  ],
] as const satisfies readonly [string, Handler][]) {
  test(`a host that ${name} costs its deadline and no more`, async (t) => {
    serve = own
    const { find } = createDocuments(t, { deadlineMs: 200 })
    const started = performance.now()
    assert.equal((await failureOf(find(url))).reason, 'client_document_unavailable')
    const ms = performance.now() - started
    assert.ok(ms > 190 && ms < 2_000, `${ms} ms`)
  })
}

/** Holds every response back until the test lets them go. */
function holdResponses() {
  const held: (() => void)[] = []
  serve = (request, response) => void held.push(() => serveDocument()(request, response))
  return {
    held,
    release() {
      for (const go of held.splice(0)) go()
    },
  }
}

test('fifty that need one document at once cause one fetch, and all get it', async (t) => {
  const { held, release } = holdResponses()
  const { find } = createDocuments(t)
  const calls = Promise.all(Array.from({ length: 50 }, () => find(url)))
  await eventually(() => held.length === 1)
  release()
  const [first, ...others] = await calls
  assert.equal(first?.id, url)
  assert.ok(others.every((client) => client === first))
  assert.equal(host.requests.length, 1)
})

test('fifty that need one bad document at once cause one fetch, and all get its failure', async (t) => {
  serve = send('', 500)
  const { find } = createDocuments(t)
  const reasons = await Promise.all(Array.from({ length: 50 }, async () => (await failureOf(find(url))).reason))
  assert.deepEqual(new Set(reasons), new Set(['client_document_unavailable']))
  assert.equal(host.requests.length, 1)
})

test('twenty fetches run at a time: what comes on top waits for nobody, and may come again', async (t) => {
  const { held, release } = holdResponses()
  const { find } = createDocuments(t, { connections: 30, deadlineMs: 20_000, connectTimeoutMs: 20_000 })
  const running = Array.from({ length: 20 }, (_, i) => find(`${host.origin}/${i}`))
  await eventually(() => held.length === 20, 15_000)

  const { reason, details } = await failureOf(find(`${host.origin}/20`))
  assert.deepEqual([reason, details.retryAfterSeconds], ['client_document_unavailable', 2])
  const joined = find(`${host.origin}/7`)
  assert.equal(host.requests.length, 20)

  release()
  assert.equal((await joined).id, `${host.origin}/7`)
  assert.deepEqual(
    (await Promise.all(running)).map(({ id }) => id),
    Array.from({ length: 20 }, (_, i) => `${host.origin}/${i}`),
  )
  const again = find(`${host.origin}/20`)
  await eventually(() => held.length === 1)
  release()
  assert.equal((await again).id, `${host.origin}/20`)
})

test('one address may have four fetches at a time, and another still has its own', async (t) => {
  const { held, release } = holdResponses()
  const { find } = createDocuments(t, { deadlineMs: 20_000, connectTimeoutMs: 20_000 })
  const running = Array.from({ length: 4 }, (_, i) => find(`${host.origin}/${i}`, '203.0.113.7'))
  await eventually(() => held.length === 4, 15_000)
  const { reason, details } = await failureOf(find(`${host.origin}/4`, '203.0.113.7'))
  assert.deepEqual([reason, details.retryAfterSeconds], ['client_document_unavailable', 2])
  const others = find(`${host.origin}/4`, '203.0.113.8')
  await eventually(() => held.length === 5, 15_000)
  release()
  assert.equal((await Promise.all([...running, others])).length, 5)
})

test('five addresses take up twelve of the twenty fetches, and others have theirs', async (t) => {
  const { held, release } = holdResponses()
  const { find } = createDocuments(t, { connections: 30, deadlineMs: 20_000, connectTimeoutMs: 20_000 })
  const all = Array.from({ length: 20 }, (_, i) => find(`${host.origin}/${i}`, `203.0.113.${Math.floor(i / 4)}`))
  const running = Promise.allSettled(all)
  await eventually(() => held.length >= 12, 15_000)
  const others = [1, 2, 3, 4].map((i) => find(`${host.origin}/other-${i}`, `198.51.100.${i}`))
  await eventually(() => held.length >= 16, 15_000)
  release()
  assert.equal((await Promise.all(others)).length, 4)
  assert.equal((await running).filter(({ status }) => status === 'fulfilled').length, 12)
})

test('fetches count for the network that asks, whatever port its proxy saw', async (t) => {
  const { held, release } = holdResponses()
  const { find } = createDocuments(t, { deadlineMs: 20_000, connectTimeoutMs: 20_000 })
  const running = Array.from({ length: 4 }, (_, i) => find(`${host.origin}/${i}`, `[2001:db8::${i}]:${5_000 + i}`))
  await eventually(() => held.length === 4, 15_000)
  assert.equal((await failureOf(find(`${host.origin}/4`, '2001:db8::4'))).reason, 'client_document_unavailable')
  release()
  await Promise.all(running)
})

test('fetches that fail make room too', async (t) => {
  serve = send('', 500)
  const { find } = createDocuments(t)
  for (let i = 0; i < 45; i++)
    assert.equal((await failureOf(find(`${host.origin}/${i}`))).details.retryAfterSeconds, undefined)
  serve = serveDocument()
  assert.ok(await find(url))
})

test('while all fetches are taken, what is known goes on being known', async (t) => {
  serve = cached(60)
  const { find } = createDocuments(t, { connections: 30, deadlineMs: 20_000, connectTimeoutMs: 20_000 })
  await find(url)
  const { held, release } = holdResponses()
  const running = Array.from({ length: 20 }, (_, i) => find(`${host.origin}/${i}`))
  await eventually(() => held.length === 20, 15_000)
  assert.ok(await find(url))
  release()
  await Promise.all(running)
})

test('nothing that a host says is in a failure that somebody is shown', async (t) => {
  for (const own of [
    send('zq7mark', 500, { 'x-a': 'zq7mark' }),
    send('zq7mark', 200, { 'content-type': 'text/zq7mark' }),
    send('{"client_id":"zq7mark"}'),
    serveDocument({ redirect_uris: ['zq7mark'], client_name: 'zq7mark' }),
    serveDocument({ token_endpoint_auth_method: 'zq7mark' }),
  ]) {
    serve = own
    const { details } = await failureOf(createDocuments(t).find(url))
    const { cause: _, ...shown } = details
    assert.doesNotMatch(JSON.stringify(shown), /zq7mark/)
  }
})
