import assert from 'node:assert/strict'
import { subscribe } from 'node:diagnostics_channel'
import { type TestContext, test } from 'node:test'
import { type Dispatcher, request } from 'undici'
import { configFor, type Env, eventually, freePort, listen, mcpHeaders, toolCall } from '../helper.ts'
import { type ReceivedSpan, type Receiver, startReceiver } from '../otlp-receiver.ts'
import { modernToolCall } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'

const tenant = await startEmulator()
test.after(() => tenant.close())

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const parentId = '00f067aa0ba902b7'
const traceparent = `00-${traceId}-${parentId}-01`

interface Outbound {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}
/** What this process sends to the tenant, as undici announces it. */
const outbound: Outbound[] = []
subscribe('undici:request:create', (message) => {
  const { request: sent } = message as { request: Dispatcher.DispatchOptions & { origin: string; headers: string[] } }
  if (sent.origin !== tenant.origin) return
  const pairs = sent.headers.flatMap((name, index) =>
    index % 2 === 0 ? [[name.toLowerCase(), sent.headers[index + 1] ?? ''] as const] : [],
  )
  outbound.push({ path: sent.path, headers: Object.fromEntries(pairs) })
})

/** Spans are sent at once, and a collector has little time for them. */
const swift = { exportEveryMs: 50, exportTimeoutMs: 300 }

async function traced(t: TestContext, env: Env = {}, collector?: Receiver) {
  const receiver = collector ?? (await startReceiver(t))
  const all = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.origin, ...env }
  const { traces } = configFor(tenant, all)
  const running = await listen(t, all, tenant, {
    config: { traces: traces && (collector === undefined ? traces : { ...traces, ...swift }) },
  })
  t.after(() => tenant.faults.clear())
  outbound.length = 0
  async function post(message: object, token?: string, headers: Record<string, string> = {}) {
    const {
      statusCode,
      headers: received,
      body,
    } = await request(`${running.origin}/mcp`, {
      method: 'POST',
      headers: { ...mcpHeaders(token), ...headers },
      body: JSON.stringify(message),
    })
    return { status: statusCode, text: await body.text(), requestId: String(received['x-request-id']) }
  }
  /** Ends the server, and so sends what is left. */
  async function spans(): Promise<readonly ReceivedSpan[]> {
    await running.app.close()
    return receiver.spans
  }
  return { ...running, receiver, post, spans }
}

/** A call of revision 2026-07-28 with entries in its `_meta`. */
function callWith(meta: Readonly<Record<string, unknown>>, args: Record<string, unknown> = { top: 1 }) {
  const { message, headers } = modernToolCall('getMessages', args)
  const { params } = message
  return { headers, message: { ...message, params: { ...params, _meta: { ...params._meta, ...meta } } } }
}

const byKind = (spans: readonly ReceivedSpan[], kind: number) => spans.filter((span) => span.kind === kind)

test('a call joins the trace in its _meta, through the exchange to Graph; logs, metrics and trace tell the same story', async (t) => {
  const metricsPort = await freePort()
  const { post, spans, logs, receiver } = await traced(t, { METRICS_PORT: String(metricsPort) })
  const { message, headers } = callWith({ traceparent })
  const { status, requestId } = await post(message, await tenant.mint({ user: 'rowan' }), headers)
  assert.equal(status, 200)
  const metrics = await (await request(`http://127.0.0.1:${metricsPort}/metrics`)).body.text()
  const received = await spans()
  assert.equal(received.length, 3)
  assert.ok(received.every((span) => span.traceId === traceId))

  const [server = assert.fail()] = byKind(received, 2)
  assert.equal(server.name, 'tools/call getMessages')
  assert.equal(server.parentSpanId, parentId)
  assert.equal(server.status, 0)
  const graphCall = logs.find(({ event }) => event === 'graph_call') ?? assert.fail()
  assert.deepEqual(server.attributes, {
    'http.request.method': 'POST',
    'http.route': '/mcp',
    'http.response.status_code': 200,
    'user.hash': graphCall['user'],
    'message_center.request.id': requestId,
    'mcp.method.name': 'tools/call',
    'gen_ai.tool.name': 'getMessages',
    'gen_ai.operation.name': 'execute_tool',
  })

  const exchange = received.find(({ name }) => name === 'On-Behalf-Of exchange') ?? assert.fail()
  const graph = received.find(({ name }) => name === 'GET') ?? assert.fail()
  for (const span of [exchange, graph]) {
    assert.equal(span.kind, 3)
    assert.equal(span.parentSpanId, server.spanId)
    assert.ok(span.startNs >= server.startNs && span.endNs <= server.endNs)
  }
  assert.deepEqual(graph.attributes, {
    'peer.service': 'Microsoft Graph',
    'http.request.method': 'GET',
    'server.address': '127.0.0.1',
    'url.path': graphCall['path'],
    'http.request.resend_count': 0,
    'http.response.status_code': 200,
    'http.response.header.request-id': [graphCall['graphRequestId']],
  })

  const [entra, toGraph] = ['/oauth2/v2.0/token', '/v1.0/admin/'].map((part) =>
    outbound.find(({ path }) => path.includes(part)),
  )
  assert.equal(entra?.headers['traceparent'], `00-${traceId}-${exchange.spanId}-01`)
  assert.equal(toGraph?.headers['traceparent'], `00-${traceId}-${graph.spanId}-01`)
  assert.equal(toGraph?.headers['client-request-id'], requestId)

  for (const event of ['request', 'obo_success', 'graph_call']) {
    const line = logs.find((one) => one.event === event)
    assert.deepEqual([line?.['requestId'], line?.['traceId']], [requestId, traceId], event)
  }
  assert.match(metrics, /message_center_graph_call_duration_seconds_count\{status="200"\} 1\n/)
  assert.deepEqual(receiver.resources[0]?.['service.name'], 'mcp-message-center-server')
  assert.deepEqual(receiver.posts[0]?.url, '/v1/traces')
})

test('without _meta the trace of the HTTP header is joined, by lines from before the body was read too', async (t) => {
  const { post, spans, logs } = await traced(t)
  await post(toolCall('getMessages', { top: 1 }), await tenant.mint(), { traceparent })
  const [server] = byKind(await spans(), 2)
  assert.deepEqual([server?.traceId, server?.parentSpanId], [traceId, parentId])
  const own = logs.filter(({ requestId }) => requestId !== undefined)
  assert.ok(own.some(({ event }) => event === 'auth_success'))
  for (const line of own) assert.equal(line['traceId'], traceId, line.event)
})

test('where both come, the message counts, and the span links to the header’s', async (t) => {
  const { post, spans, logs } = await traced(t)
  const other = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  const { message, headers } = callWith({ traceparent })
  await post(message, await tenant.mint(), { ...headers, traceparent: other })
  const received = await spans()
  const [server, ...more] = byKind(received, 2)
  assert.deepEqual([server?.traceId, server?.parentSpanId, more], [traceId, parentId, []])
  assert.deepEqual(server?.links, [{ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }])
  assert.equal(logs.find(({ event }) => event === 'request')?.['traceId'], traceId)
})

test('a call that names no trace begins one, and so does everything else', async (t) => {
  const { origin, post, spans, logs } = await traced(t)
  await post(toolCall('getMessages', { top: 1 }), await tenant.mint())
  await post(toolCall('getMessages'), 'no.token.atall')
  for (const path of ['/discover', '/nothing']) await (await request(origin + path)).body.dump()
  const servers = byKind(await spans(), 2)
  assert.deepEqual(
    servers.map(({ name }) => name),
    ['tools/call getMessages', 'POST /mcp', 'GET /discover', 'GET'],
  )
  assert.equal(new Set(servers.map((span) => span.traceId)).size, 4)
  assert.ok(servers.every(({ parentSpanId }) => parentSpanId === ''))
  const lines = logs.filter(({ event }) => event === 'request')
  assert.deepEqual(new Set(lines.map((line) => line['traceId'])), new Set(servers.map((span) => span.traceId)))
})

test('each attempt at Graph is a span, and what failed says why', async (t) => {
  const { post, spans } = await traced(t)
  tenant.faults.add({ target: 'graph', kind: 'status', status: 503, times: 1 })
  await post(toolCall('getMessages', { top: 1 }), await tenant.mint({ user: 'rowan' }))
  tenant.faults.add({ target: 'graph', kind: 'reset' })
  await post(toolCall('getMessages', { top: 1 }), await tenant.mint({ user: 'rowan' }))
  tenant.faults.clear()
  await post(toolCall('getMessages', { top: 1 }), await tenant.mint({ user: 'una' }))
  const received = await spans()
  const calls = byKind(received, 3).map(({ attributes, status }) => [
    attributes['http.request.resend_count'] ?? 'exchange',
    attributes['error.type'],
    status,
  ])
  assert.deepEqual(calls, [
    ['exchange', undefined, 0],
    [0, '503', 2],
    [1, undefined, 0],
    ['exchange', undefined, 0],
    [0, 'unreachable', 2],
    [1, 'unreachable', 2],
    [2, 'unreachable', 2],
    ['exchange', 'user_not_allowed', 2],
  ])
  assert.deepEqual(
    byKind(received, 2).map(({ attributes, status }) => [
      attributes['error.type'],
      attributes['message_center.outcome'],
      status,
    ]),
    [
      [undefined, undefined, 0],
      ['tool_error', 'graph_unavailable', 2],
      [undefined, 'user_not_allowed', 0],
    ],
  )
})

test('what the client does not want recorded is not sent, and goes on as such', async (t) => {
  const { post, spans } = await traced(t)
  const { message, headers } = callWith({ traceparent: traceparent.replace(/01$/, '00') })
  await post(message, await tenant.mint(), headers)
  assert.deepEqual(await spans(), [])
  const toGraph = outbound.find(({ path }) => path.startsWith('/v1.0/'))
  assert.match(toGraph?.headers['traceparent'] ?? '', new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`))
})

test('no trace is recorded where no share of them is asked for, whatever a client says', async (t) => {
  const { post, spans } = await traced(t, { OTEL_TRACES_SAMPLER_ARG: '0' })
  const token = await tenant.mint()
  await post(toolCall('getMessages', { top: 1 }), token)
  await post(toolCall('getMessages', { top: 1 }), token, { traceparent })
  const { message, headers } = callWith({ traceparent })
  await post(message, token, headers)
  assert.deepEqual(await spans(), [])
  assert.ok(
    outbound.some(({ headers }) => headers['traceparent']?.startsWith(`00-${traceId}-`)),
    'it goes on',
  )
  assert.ok(outbound.every(({ headers }) => headers['traceparent']?.endsWith('-00') ?? true))
})

test('a client that marks its traces, or chooses their ids, gets no larger share recorded', async (t) => {
  const { origin, spans } = await traced(t, { OTEL_TRACES_SAMPLER_ARG: '0.25' })
  const ids = [traceId, `${'0'.repeat(31)}1`, 'f'.repeat(32)]
  // A few at a time: what is beyond the capacity is rejected, and recorded nowhere.
  for (let i = 0; i < 75; i++) {
    await Promise.all(
      Array.from({ length: 8 }, async (_, j) => {
        const headers = { traceparent: `00-${ids[j % ids.length]}-${parentId}-01` }
        const { body } = await request(`${origin}/discover`, { headers })
        await body.dump()
      }),
    )
  }
  const recorded = (await spans()).length
  assert.ok(recorded > 80 && recorded < 240, String(recorded))
})

test('where the operator lets clients decide, what they mark is recorded, and nothing else beyond the share', async (t) => {
  const { post, spans } = await traced(t, {
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0',
  })
  const token = await tenant.mint()
  await post(toolCall('getMessages', { top: 1 }), token)
  await post(toolCall('getMessages', { top: 1 }), token, { traceparent })
  const received = await spans()
  assert.ok(received.length > 0)
  assert.ok(received.every((span) => span.traceId === traceId))
})

test('without an endpoint nothing is traced, and nothing of a trace goes to Entra or Graph', async (t) => {
  const { app, origin, logs } = await listen(t, {}, tenant)
  outbound.length = 0
  assert.equal(app.hasPlugin('tracing'), false)
  const { message, headers } = callWith({ traceparent, tracestate: 'a=b', baggage: 'c=d' })
  const { statusCode, body } = await request(`${origin}/mcp`, {
    method: 'POST',
    headers: { ...mcpHeaders(await tenant.mint({ user: 'gale' })), ...headers, traceparent },
    body: JSON.stringify(message),
  })
  await body.dump()
  assert.equal(statusCode, 200)
  assert.ok(outbound.length >= 2)
  for (const sent of outbound) {
    for (const name of ['traceparent', 'tracestate', 'baggage']) assert.equal(sent.headers[name], undefined)
  }
  assert.ok(logs.every((line) => line['traceId'] === undefined))
})

const hostile: readonly [what: string, meta: Readonly<Record<string, unknown>>][] = [
  ['no text', { traceparent: 5 }],
  ['null', { traceparent: null }],
  ['an object', { traceparent: { toString: 'x' } }],
  ['a list', { traceparent: [traceparent] }],
  ['nothing', { traceparent: '' }],
  ['words', { traceparent: 'not-a-trace' }],
  ['zeros as the trace', { traceparent: `00-${'0'.repeat(32)}-${parentId}-01` }],
  ['zeros as the span', { traceparent: `00-${traceId}-${'0'.repeat(16)}-01` }],
  ['a version that is none', { traceparent: `ff-${traceId}-${parentId}-01` }],
  ['capitals', { traceparent: traceparent.toUpperCase() }],
  ['a part too many', { traceparent: `${traceparent}-zq7mark` }],
  ['a header injected', { traceparent: `${traceparent}\r\nx-injected: zq7mark` }],
  ['a vast text', { traceparent: `01-${traceId}-${parentId}-01-${'zq7mark'.repeat(10_000)}` }],
  ['many dashes', { traceparent: '-'.repeat(50_000) }],
  ['a hostile tracestate', { tracestate: `zq7mark=${'x'.repeat(50_000)}\r\nx-injected: 1` }],
  ['a tracestate that is no text', { tracestate: [{ zq7mark: 1 }] }],
  ['hostile baggage', { baggage: 'zq7mark=zq7mark,'.repeat(5_000) }],
  ['baggage that is no text', { baggage: { zq7mark: {} } }],
]
test('whatever stands for a trace in _meta, the call is served in a trace of its own and nothing of it is passed on', async (t) => {
  const { post, spans, logs } = await traced(t)
  const token = await tenant.mint({ user: 'gale' })
  for (const [what, meta] of hostile) {
    const { message, headers } = callWith(meta)
    const { status, text } = await post(message, token, headers)
    assert.equal(status, 200, what)
    assert.match(text, /"structuredContent"/, what)
  }
  const received = await spans()
  const servers = byKind(received, 2)
  assert.equal(servers.length, hostile.length)
  assert.ok(servers.every((span) => span.traceId !== traceId && span.parentSpanId === '' && span.links.length === 0))
  const everything = JSON.stringify([outbound, logs, received], (_key, value) =>
    typeof value === 'bigint' ? String(value) : value,
  )
  assert.doesNotMatch(everything, /zq7mark|x-injected/)
  for (const { headers } of outbound) {
    assert.equal(headers['tracestate'], undefined)
    assert.equal(headers['baggage'], undefined)
    assert.match(headers['traceparent'] ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
  }
})

test('good tracestate and baggage beside a good traceparent stay here', async (t) => {
  const { post, spans } = await traced(t)
  const { message, headers } = callWith({ traceparent, tracestate: 'vendor=zq7mark', baggage: 'user=zq7mark' })
  await post(message, await tenant.mint({ user: 'gale' }), {
    ...headers,
    tracestate: 'a=zq7mark',
    baggage: 'b=zq7mark',
  })
  assert.ok((await spans()).every((span) => span.traceId === traceId))
  assert.doesNotMatch(JSON.stringify(outbound), /zq7mark|tracestate|baggage/)
})

test('the collector’s key goes to the collector alone', async (t) => {
  const { post, spans, logs, receiver } = await traced(t, { OTEL_EXPORTER_OTLP_HEADERS: 'api-key=zq7mark-the-key' })
  await post(toolCall('getMessages', { top: 1 }), await tenant.mint())
  await spans()
  assert.equal(receiver.posts[0]?.headers['api-key'], 'zq7mark-the-key')
  assert.doesNotMatch(JSON.stringify([logs, outbound]), /zq7mark/)
})

const collectors: readonly [what: string, response: Receiver['response'] | 'gone'][] = [
  ['is not there', 'gone'],
  ['rejects', 401],
  ['fails', 500],
  ['is overloaded', 503],
  ['never responds', 'hang'],
]
for (const [what, response] of collectors) {
  test(`a collector that ${what} costs no call, is told of once, and does not hold up a stop`, async (t) => {
    const receiver = await startReceiver(t)
    if (response === 'gone') await receiver.close()
    else receiver.response = response
    const { post, app, logs } = await traced(t, { OTEL_EXPORTER_OTLP_HEADERS: 'api-key=zq7mark' }, receiver)
    const token = await tenant.mint()
    const started = performance.now()
    for (let i = 0; i < 10; i++) assert.equal((await post(toolCall('getMessages', { top: 1 }), token)).status, 200)
    assert.ok(performance.now() - started < 4_000)
    const outages = () => logs.filter(({ event }) => event === 'traces_unavailable')
    await eventually(() => outages().length > 0, 20_000)
    await post(toolCall('getMessages', { top: 1 }), token)
    const stopping = performance.now()
    await app.close()
    assert.ok(performance.now() - stopping < 4_000)
    assert.equal(outages().length, 1)
    assert.doesNotMatch(JSON.stringify(logs), /zq7mark/)
  })
}

test('a collector that comes back is told of, and gets spans again', async (t) => {
  const port = await freePort()
  const gone = { origin: `http://127.0.0.1:${port}` } as Receiver
  const { post, logs } = await traced(t, {}, gone)
  const token = await tenant.mint()
  await post(toolCall('getMessages', { top: 1 }), token)
  await eventually(() => logs.some(({ event }) => event === 'traces_unavailable'), 20_000)
  const receiver = await startReceiver(t, port)
  await eventually(async () => {
    await post(toolCall('getMessages', { top: 1 }), token)
    return logs.some(({ event }) => event === 'traces_available')
  }, 20_000)
  assert.ok(receiver.spans.length > 0)
})
