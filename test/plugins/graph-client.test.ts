import assert from 'node:assert/strict'
import { test } from 'node:test'
import Fastify from 'fastify'
import { readConfig } from '../../src/config/index.ts'
import type { Failure, Reason } from '../../src/errors/index.ts'
import { type BoundedRequest, type BoundedResponse, TransportError } from '../../src/lib/bounded-client.ts'
import { deadlineIn } from '../../src/lib/deadline.ts'
import { createGraphClient, graphClient } from '../../src/plugins/graph-client/index.ts'
import { createGraphQuota, graphQuota } from '../../src/plugins/graph-quota/index.ts'
import { observability } from '../../src/plugins/observability/index.ts'
import { auditInto } from '../helper.ts'

const baseUrl = 'https://graph.microsoft.com/v1.0'
const path = '/admin/serviceAnnouncement/messages'

type Outcome = Partial<BoundedResponse> | TransportError | Error
type Line = Record<string, unknown> & { readonly level: string }

interface Options {
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
}

/** Graph as one user, with responses, a clock and pauses of the test's own: a pause only moves the clock. */
function graphOf(outcomes: Outcome[], { signal, timeoutMs = 13_000 }: Options = {}) {
  const clock = { now: 0 }
  const asked: BoundedRequest[] = []
  const lines: Line[] = []
  const time = {
    now: () => clock.now,
    sleep: async (ms: number) => {
      clock.now += ms
    },
  }
  const audit = auditInto(lines)
  const quota = createGraphQuota({ limits: [], audit, ...time })
  const graph = createGraphClient({
    baseUrl,
    quota,
    http: {
      async request(request) {
        asked.push(request)
        const outcome = outcomes.shift() ?? { body: '{"done":true}' }
        if (outcome instanceof Error) throw outcome
        return { status: 200, headers: {}, body: '', ...outcome }
      },
    },
    audit,
    ...time,
  }).as({
    accessToken: 'token-zq7mark',
    correlationId: 'id-1',
    deadline: deadlineIn(timeoutMs, time.now),
    signal,
    user: 'user-1',
    tool: 'getMessages',
  })
  return { graph, asked, lines, clock, get: () => graph.get(path) }
}

const broken = (kind: TransportError['kind']) => new TransportError(kind, new Error('inner'))
const is = (reason: Reason) => ({ name: 'Failure', reason })

test('a call carries the user’s token, both ids and what is preferred, and never a body', async () => {
  const { graph, asked } = graphOf([])
  const query = new URLSearchParams({ $filter: "title eq 'a+b & c'", $top: '5' })
  assert.deepEqual(await graph.get(path, { query, prefer: 'odata.maxpagesize=5' }), { done: true })
  const [{ deadlineMs: _, ...request } = assert.fail()] = asked
  assert.deepEqual(request, {
    method: 'GET',
    url: `${baseUrl}${path}?%24filter=title%20eq%20%27a%2Bb%20%26%20c%27&%24top=5`,
    headers: {
      accept: 'application/json',
      authorization: 'Bearer token-zq7mark',
      'client-request-id': 'id-1',
      prefer: 'odata.maxpagesize=5',
    },
    signal: undefined,
  })
})

test('without a query there is no question mark, and without a preference no header', async () => {
  const { graph, asked } = graphOf([])
  await graph.get(`${path}/MC1`, { query: new URLSearchParams() })
  assert.equal(asked[0]?.url, `${baseUrl}${path}/MC1`)
  assert.equal('prefer' in (asked[0]?.headers ?? {}), false)
})

const retried: readonly [name: string, outcome: Outcome, minMs: number, maxMs: number][] = [
  ['502', { status: 502 }, 100, 400],
  ['503', { status: 503 }, 100, 400],
  ['504', { status: 504 }, 100, 400],
  ['503 that says how long', { status: 503, headers: { 'retry-after': '3' } }, 3_100, 3_400],
  ['429 that says how long', { status: 429, headers: { 'retry-after': '2' } }, 2_100, 2_400],
  ['429 that says nothing', { status: 429 }, 1_100, 1_400],
  ['429 that says nonsense', { status: 429, headers: { 'retry-after': '-5' } }, 1_100, 1_400],
  [
    '429 that says a time gone by',
    { status: 429, headers: { 'retry-after': 'Sun, 22 Nov 2020 12:00:00 GMT' } },
    100,
    450,
  ],
  ['a connection that breaks', broken('unreachable'), 100, 400],
]
for (const [name, outcome, minMs, maxMs] of retried) {
  test(`${name} is tried again after ${minMs} to ${maxMs} ms`, async () => {
    const { get, asked, clock } = graphOf([outcome])
    assert.deepEqual(await get(), { done: true })
    assert.equal(asked.length, 2)
    assert.ok(clock.now >= minMs && clock.now <= maxMs, `${clock.now} ms`)
  })
}

const final: readonly [name: string, outcome: Outcome, reason: Reason][] = [
  ['400', { status: 400 }, 'graph_bad_request'],
  ['401', { status: 401 }, 'graph_token_rejected'],
  ['403', { status: 403 }, 'graph_forbidden'],
  ['404', { status: 404 }, 'graph_not_found'],
  ['500', { status: 500 }, 'graph_unavailable'],
  ['501', { status: 501 }, 'graph_unavailable'],
  ['302', { status: 302, headers: { location: 'https://evil.example/' } }, 'graph_response_invalid'],
  ['204', { status: 204 }, 'graph_response_invalid'],
  ['a time-out', broken('timeout'), 'graph_timeout'],
  ['a caller who went away', broken('cancelled'), 'call_cancelled'],
  ['a response that is too large', broken('too_large'), 'graph_response_too_large'],
  [
    '429 with a longer wait than anybody waits for',
    { status: 429, headers: { 'retry-after': '6' } },
    'graph_throttled',
  ],
  ['503 with a longer wait', { status: 503, headers: { 'retry-after': '300' } }, 'graph_unavailable'],
]
for (const [name, outcome, reason] of final) {
  test(`${name} is ${reason} at once`, async () => {
    const { get, asked } = graphOf([outcome])
    await assert.rejects(get(), is(reason))
    assert.equal(asked.length, 1)
  })
}

test('a denial is repeated without asking Graph until it expires', async () => {
  const { get, asked, clock, lines } = graphOf([{ status: 403 }, { status: 403 }])
  await assert.rejects(
    get(),
    ({ reason, details }: Failure) => reason === 'graph_forbidden' && details.retryAfterSeconds === 300,
  )
  for (let i = 0; i < 50; i++) await assert.rejects(get(), is('graph_forbidden'))
  assert.equal(asked.length, 1)
  assert.equal(lines.filter(({ event }) => event === 'graph_call').length, 1)
  clock.now += 300_000
  await assert.rejects(get(), is('graph_forbidden'))
  assert.equal(asked.length, 2)
  clock.now += 300_000
  assert.deepEqual(await get(), { done: true })
})

test('a post that has expired denies nothing', async () => {
  const body = JSON.stringify({ error: { code: 'UnknownError', message: 'Resource does not exist for the tenant.' } })
  const { get, asked } = graphOf([{ status: 403, body }])
  await assert.rejects(get(), is('graph_not_found'))
  assert.deepEqual(await get(), { done: true })
  assert.equal(asked.length, 2)
})

test('after three tries the last response counts', async () => {
  const { get, asked } = graphOf([
    { status: 502 },
    broken('unreachable'),
    { status: 429, headers: { 'retry-after': '1' } },
  ])
  await assert.rejects(get(), { reason: 'graph_throttled', details: { retryAfterSeconds: 1, cause: { status: 429 } } })
  assert.equal(asked.length, 3)
})

test('a wait that does not fit before the deadline is not begun', async () => {
  const { get, asked, clock } = graphOf([{ status: 429, headers: { 'retry-after': '4' } }], { timeoutMs: 3_000 })
  await assert.rejects(get(), { reason: 'graph_throttled' })
  assert.equal(asked.length, 1)
  assert.ok(clock.now < 1_000)
})

test('each try may take what is left until the deadline', async () => {
  const busy = { status: 429, headers: { 'retry-after': '4' } }
  const { get, asked } = graphOf([busy, busy], { timeoutMs: 16_000 })
  await get()
  const [first = 0, second = 0, third = 0] = asked.map(({ deadlineMs }) => deadlineMs)
  assert.equal(first, 16_000)
  assert.ok(second <= 11_900 && second >= 11_600, `${second}`)
  assert.ok(third <= 7_800 && third >= 7_200, `${third}`)
})

test('a caller who goes away ends the wait', async () => {
  const abort = new AbortController()
  const busy = { status: 429, headers: { 'retry-after': '4' } }
  const asked: BoundedRequest[] = []
  const graph = createGraphClient({
    baseUrl,
    http: {
      async request(request) {
        asked.push(request)
        setImmediate(() => abort.abort())
        return { body: '', ...busy }
      },
    },
    quota: createGraphQuota({ limits: [], audit() {} }),
    audit() {},
  }).as({ accessToken: 'x', correlationId: 'id-1', signal: abort.signal, deadline: deadlineIn(10_000) })
  const started = performance.now()
  await assert.rejects(graph.get(path), is('call_cancelled'))
  assert.ok(performance.now() - started < 2_000)
  assert.deepEqual(
    asked.map(({ signal }) => signal),
    [abort.signal],
  )
})

test('a pause lasts as long as it should', async () => {
  let calls = 0
  const graph = createGraphClient({
    baseUrl,
    http: { request: async () => ({ status: ++calls === 1 ? 503 : 200, headers: {}, body: '{}' }) },
    quota: createGraphQuota({ limits: [], audit() {} }),
    audit() {},
  }).as({ accessToken: 'x', correlationId: 'id-1', deadline: deadlineIn(10_000) })
  const started = performance.now()
  await graph.get(path)
  assert.ok(performance.now() - started >= 95)
})

test('what is no trouble of the transport is not hidden', async () => {
  const { get } = graphOf([new TypeError('unforeseen')])
  await assert.rejects(get(), TypeError)
})

for (const body of ['', '<html>', '{"value":[', 'undefined']) {
  test(`the body ${JSON.stringify(body)} is no response of Graph’s`, async () => {
    const { get } = graphOf([{ body }])
    await assert.rejects(get(), is('graph_response_invalid'))
  })
}

test('a token that Graph repeats in its error is withheld', async () => {
  const message = 'The token token-zq7mark is bad. token-zq7mark'
  const { get } = graphOf([{ status: 400, body: JSON.stringify({ error: { code: 'x', message } }) }])
  await assert.rejects(get(), (error: Error) => {
    assert.doesNotMatch(JSON.stringify(error) + JSON.stringify(error.cause), /zq7mark/)
    assert.match(error.message, /The token .* is bad/)
    return true
  })
})

test('the log tells of every try: who read what, with both request ids, and without the token or the query', async () => {
  const headers = { 'request-id': 'graph-1' }
  const body = JSON.stringify({ error: { code: 'UnknownError', message: 'Of zq7mark' } })
  const { graph, lines } = graphOf([{ status: 503, headers, body }, broken('unreachable'), { headers, body: '{}' }])
  await graph.get(path, { query: new URLSearchParams({ $filter: 'zq7mark' }) })
  const call = {
    level: 'info',
    event: 'graph_call',
    requestId: 'id-1',
    user: 'user-1',
    tool: 'getMessages',
    path,
    ms: 0,
  }
  assert.deepEqual(lines, [
    { ...call, attempt: 1, status: 503, graphRequestId: 'graph-1', why: 'UnknownError' },
    { ...call, attempt: 2, outcome: 'unreachable', why: 'inner' },
    { ...call, attempt: 3, status: 200, graphRequestId: 'graph-1' },
  ])
})

const followed: readonly string[] = [
  `${baseUrl}${path}?$skip=25`,
  `HTTPS://Graph.Microsoft.com:443/v1.0${path}?$skip=25`,
  `${baseUrl}/x/..${path}?$skip=25`,
]
for (const link of followed) {
  test(`the next page ${link} is Graph’s`, () => {
    assert.equal(graphOf([]).graph.nextQuery(path, link).get('$skip'), '25')
  })
}

const rejected: readonly string[] = [
  '',
  'x',
  path,
  `//graph.microsoft.com/v1.0${path}?$skip=25`,
  `https://evil.example/v1.0${path}?$skip=25`,
  `https://graph.microsoft.com.evil.example/v1.0${path}?$skip=25`,
  `https://graph.microsoft.com@evil.example/v1.0${path}?$skip=25`,
  `https://evil@graph.microsoft.com/v1.0${path}?$skip=25`,
  `https://:word@graph.microsoft.com/v1.0${path}?$skip=25`,
  `https://graph.microsoft.com./v1.0${path}?$skip=25`,
  `https://graph.microsoft.com:8443/v1.0${path}?$skip=25`,
  `http://graph.microsoft.com/v1.0${path}?$skip=25`,
  `https://graph.microsoft.com/beta${path}?$skip=25`,
  `${baseUrl}${path}/?$skip=25`,
  `${baseUrl}${path}/MC1?$skip=25`,
  `${baseUrl}${path}/../../../me?$skip=25`,
  `${baseUrl}${path}%2f?$skip=25`,
  `${baseUrl}/users?$skip=25`,
  `javascript:${path}`,
  `file://${path}`,
]
for (const link of rejected) {
  test(`the next page ${JSON.stringify(link)} is not followed`, () => {
    assert.throws(() => graphOf([]).graph.nextQuery(path, link), is('graph_link_rejected'))
  })
}

test('the plugin calls the configured Graph', async () => {
  const app = Fastify()
  const config = readConfig({
    GRAPH_TENANT_ID: '11111111-2222-3333-4444-555555555555',
    GRAPH_CLIENT_ID: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
    GRAPH_CLIENT_SECRET: 'x',
    GRAPH_BASE_URL: 'https://graph.microsoft.us/v1.0',
  })
  await app.register(observability)
  await app.register(graphQuota, { config })
  await app.register(graphClient, { config })
  const graph = app.graph.as({ accessToken: 'x', correlationId: 'id-1', deadline: deadlineIn(10_000) })
  assert.equal(graph.nextQuery('/a', 'https://graph.microsoft.us/v1.0/a?b=c').get('b'), 'c')
  await app.close()
})
