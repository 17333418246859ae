import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { type TestContext, test } from 'node:test'
import { request } from 'undici'
import type { Emulator } from '../../../emulator/app.ts'
import { type Env, eventually, freePort, listen, mcpHeaders, toolCall } from '../../helper.ts'
import { type Scrape, scrape } from '../../scrape.ts'
import { freshCode, redeem } from '../../sign-in-helper.ts'
import { startEmulator } from '../../tenant.ts'

const tenant = await startEmulator()
test.after(() => tenant.close())

async function listenWithMetrics(t: TestContext, env: Env = {}, of: Emulator = tenant) {
  const port = await freePort()
  const running = await listen(t, { METRICS_PORT: String(port), ...env }, of)
  t.after(() => of.faults.clear())
  async function post(message: object, token?: string, headers: Record<string, string> = {}) {
    const { statusCode, body } = await request(`${running.origin}/mcp`, {
      method: 'POST',
      headers: { ...mcpHeaders(token), ...headers },
      body: JSON.stringify(message),
    })
    return { status: statusCode, text: await body.text() }
  }
  /** What has been counted, once so many requests are over. */
  async function scraped(requests: number): Promise<Scrape> {
    await eventually(() => running.logs.filter(({ event }) => event === 'request').length >= requests)
    return scrape(port)
  }
  return { ...running, port, post, scraped }
}

const call = toolCall('getMessages', { top: 1 })

test('calls are counted by tool and outcome, exchanges and reads with how long they took, and hits of the cache', async (t) => {
  const { post, scraped } = await listenWithMetrics(t)
  const token = await tenant.mint({ user: 'rowan' })
  for (let i = 0; i < 3; i++) assert.equal((await post(call, token)).status, 200)
  await post({ jsonrpc: '2.0', id: 1, method: 'tools/list' }, token)
  await post(toolCall('getMessage', { id: 'nonsense' }), token)
  const { sum, types } = await scraped(5)

  assert.equal(sum('message_center_http_requests_total', { route: '/mcp', status: '200' }), 5)
  const listed = { method: 'tools/call', tool: 'getMessages', outcome: 'ok' }
  assert.equal(sum('message_center_mcp_calls_total', listed), 3)
  assert.equal(sum('message_center_mcp_calls_total', { method: 'tools/list', tool: 'none', outcome: 'ok' }), 1)
  assert.equal(sum('message_center_mcp_calls_total', { tool: 'getMessage', outcome: 'invalid_input' }), 1)
  assert.equal(sum('message_center_mcp_call_duration_seconds_count', { tool: 'getMessages', outcome: 'ok' }), 3)
  assert.equal(sum('message_center_auth_total', { outcome: 'verified' }), 1)
  assert.equal(sum('message_center_obo_exchange_duration_seconds_count', { outcome: 'success' }), 1)
  assert.equal(sum('message_center_obo_cache_requests_total', { result: 'miss' }), 1)
  assert.equal(sum('message_center_obo_cache_requests_total', { result: 'hit' }), 3)
  assert.equal(sum('message_center_obo_cache_entries'), 1)
  assert.ok(sum('message_center_obo_cache_bytes') > 500)
  assert.equal(sum('message_center_graph_call_duration_seconds_count', { status: '200' }), 3)
  assert.ok(sum('message_center_graph_call_duration_seconds_sum') > 0)
  assert.equal(types.get('message_center_graph_call_duration_seconds'), 'histogram')
  assert.equal(types.get('message_center_mcp_calls_total'), 'counter')
})

test('questions are counted by what they were answered from, and snapshots by number and size', async (t) => {
  const { post, scraped } = await listenWithMetrics(t, { GRAPH_CACHE_TTL: '5m' })
  const [rowan, gale] = await Promise.all(['rowan', 'gale'].map((user) => tenant.mint({ user })))
  for (let i = 0; i < 3; i++) await post(call, rowan)
  const { sum, types } = await scraped(3)
  const reads = (result: string) => sum('message_center_snapshot_reads_total', { result })
  assert.deepEqual(['hit', 'joined', 'loaded', 'stale', 'failed'].map(reads), [2, 0, 1, 0, 0])
  assert.equal(sum('message_center_snapshots'), 1)
  const bytes = sum('message_center_snapshot_bytes')
  assert.ok(bytes > 10_000, String(bytes))
  assert.deepEqual(
    ['snapshot_reads_total', 'snapshots', 'snapshot_bytes'].map((name) => types.get(`message_center_${name}`)),
    ['counter', 'gauge', 'gauge'],
  )
  await post(call, gale)
  assert.equal((await scraped(4)).sum('message_center_snapshots'), 2)
  tenant.faults.add({ target: 'graph', kind: 'status', status: 403 })
  await post(toolCall('getMessages', { top: 1, fresh: true }), rowan)
  const later = await scraped(5)
  assert.equal(later.sum('message_center_snapshots'), 1)
  assert.equal(later.sum('message_center_snapshot_reads_total', { result: 'failed' }), 1)
})

test('the expiry of the server’s certificate is a metric where there is one', async (t) => {
  const { app, port } = await listenWithMetrics(t)
  const name = 'message_center_credential_expires_timestamp_seconds'
  app.audit('credential_loaded', { kind: 'managed_identity' })
  assert.ok((await scrape(port)).samples.every((sample) => sample.name !== name))
  const certificate = { kind: 'certificate_file', thumbprint: 'aa' }
  app.audit('credential_loaded', { ...certificate, certificateExpires: '2027-01-01T00:00:00.000Z' })
  app.audit('credential_loaded', { ...certificate, certificateExpires: '2028-01-01T00:00:00.000Z' })
  assert.equal((await scrape(port)).sum(name, { kind: 'certificate_file' }), Date.UTC(2028, 0) / 1000)
})

test('durations are in seconds', async (t) => {
  const { app, port } = await listenWithMetrics(t)
  app.audit('graph_call', { path: '/x', attempt: 1, ms: 1_500, status: 418 })
  app.audit('obo_success', { user: 'somebody', ms: 2_500 })
  const call = { method: 'POST', route: '/made-up', status: 200, rpcMethod: 'tools/call', tool: 'made-up' }
  app.audit('request', { ...call, ms: 3_500 })
  const { sum } = await scrape(port)
  assert.equal(sum('message_center_graph_call_duration_seconds_sum', { status: '418' }), 1.5)
  assert.equal(sum('message_center_obo_exchange_duration_seconds_sum'), 2.5)
  assert.equal(sum('message_center_http_request_duration_seconds_sum', { route: '/made-up' }), 3.5)
  assert.equal(sum('message_center_mcp_call_duration_seconds_sum', { tool: 'made-up' }), 3.5)
})

test('scraping twice counts nothing twice', async (t) => {
  const { post, scraped } = await listenWithMetrics(t)
  await post(call, await tenant.mint())
  await scraped(1)
  const { sum } = await scraped(1)
  assert.equal(sum('message_center_obo_cache_requests_total'), 1)
  assert.equal(sum('message_center_http_requests_total'), 1)
})

test('rejected callers are counted by reason', async (t) => {
  const { post, scraped } = await listenWithMetrics(t)
  await post(call)
  await post(call, await tenant.mint({ kind: 'graph' }))
  await post(call, await tenant.mint({ claims: { exp: 1 } }))
  const { sum } = await scraped(3)
  for (const outcome of ['missing_token', 'graph_audience', 'expired']) {
    assert.equal(sum('message_center_auth_total', { outcome }), 1, outcome)
  }
  assert.equal(sum('message_center_http_requests_total', { route: '/mcp', status: '401' }), 3)
  assert.equal(sum('message_center_mcp_calls_total'), 0)
})

test('what Graph rejects and limits is counted by status, and throttles on their own', async (t) => {
  const { post, scraped } = await listenWithMetrics(t)
  const token = await tenant.mint({ user: 'rowan' })
  tenant.faults.add({ target: 'graph', kind: 'status', status: 429, times: 1 })
  await post(call, token)
  tenant.faults.add({ target: 'graph', kind: 'status', status: 403, times: 1 })
  await post(call, token)
  const { sum } = await scraped(2)
  const attempts = 'message_center_graph_call_duration_seconds_count'
  assert.deepEqual(
    ['429', '200', '403'].map((status) => sum(attempts, { status })),
    [1, 1, 1],
  )
  assert.equal(sum('message_center_graph_throttles_total'), 1)
  assert.equal(sum('message_center_mcp_calls_total', { outcome: 'graph_forbidden' }), 1)
})

test('the Graph quota: what is left by window, rejections by window and scope, and whether Graph is paused', async (t) => {
  const { post, scraped } = await listenWithMetrics(t, { GRAPH_CALLS_PER_MINUTE: '12', GRAPH_CALLS_PER_HOUR: '100' })
  const token = await tenant.mint({ user: 'rowan' })
  for (let i = 0; i < 11; i++) await post(call, token)
  const { sum } = await scraped(11)
  assert.equal(sum('message_center_graph_quota_left', { window: 'minute' }), 2)
  assert.equal(sum('message_center_graph_quota_left', { window: 'hour' }), 90)
  assert.equal(sum('message_center_graph_quota_rejections_total', { window: 'minute', scope: 'user' }), 1)
  assert.equal(sum('message_center_graph_quota_rejections_total'), 1)
  assert.equal(sum('message_center_mcp_calls_total', { outcome: 'ok' }), 11, 'the last from what was read before')
  assert.equal(sum('message_center_snapshot_reads_total', { result: 'stale' }), 1)
  assert.equal(sum('message_center_graph_paused'), 0)

  // Another token of theirs has nothing to be answered with.
  await post(call, await tenant.mint({ user: 'rowan' }))
  const newcomer = await scraped(12)
  assert.equal(newcomer.sum('message_center_graph_quota_rejections_total'), 2)
  assert.equal(newcomer.sum('message_center_mcp_calls_total', { outcome: 'graph_quota_exceeded' }), 1)

  tenant.faults.add({ target: 'graph', kind: 'status', status: 429, retryAfter: 60, times: 1 })
  await post(call, await tenant.mint({ user: 'gale' }))
  assert.equal((await scraped(13)).sum('message_center_graph_paused'), 1)
})

test('failed exchanges are counted by why, and so are the 5xx that come of them', async (t) => {
  const { post, scraped } = await listenWithMetrics(t)
  tenant.faults.add({ target: 'token', kind: 'status', status: 503 })
  assert.equal((await post(call, await tenant.mint({ user: 'rowan' }))).status, 503)
  const { sum } = await scraped(1)
  const outcome = 'exchange_unavailable'
  assert.equal(sum('message_center_obo_exchange_duration_seconds_count', { outcome }), 1)
  assert.equal(sum('message_center_failures_total', { reason: outcome }), 1)
  assert.equal(sum('message_center_mcp_calls_total', { tool: 'getMessages', outcome }), 1)
})

test('rate limits are counted by what was counted', async (t) => {
  const { post, scraped } = await listenWithMetrics(t, { RATE_LIMIT_USER_MAX: '1' })
  const token = await tenant.mint()
  await post(call, token)
  await post(call, token)
  const { sum } = await scraped(2)
  assert.equal(sum('message_center_rate_limited_total', { by: 'user' }), 1)
})

test('a sign-in is counted step by step, and a rejected one by reason', async (t) => {
  const { origin, scraped } = await listenWithMetrics(t)
  const signedIn = await redeem(origin, await freshCode(origin, tenant.api.clientId))
  assert.equal(signedIn.status, 200)
  await request(`${origin}/authorize?client_id=nobody`).then(({ body }) => body.dump())
  const { sum } = await scraped(4)
  for (const step of ['authorize', 'signed_in']) assert.equal(sum('message_center_sign_in_steps_total', { step }), 1)
  assert.equal(sum('message_center_tokens_issued_total', { grant: 'authorization_code' }), 1)
  assert.equal(sum('message_center_sign_in_failures_total', { reason: 'client_unknown' }), 1)
})

test('keys, the process and Redis have metrics; Redis only where there is one', async (t) => {
  const { port } = await listenWithMetrics(t)
  const { sum, types, contentType } = await scrape(port)
  assert.match(contentType, /^text\/plain; version=0\.0\.4/)
  assert.ok(sum('message_center_key_refreshes_total', { outcome: 'success' }) >= 1)
  assert.ok(sum('message_center_signing_keys') >= 1)
  assert.ok(Math.abs(sum('message_center_keys_loaded_timestamp_seconds') - Date.now() / 1000) < 60)
  assert.ok(sum('process_cpu_seconds_total') > 0)
  assert.equal(types.has('message_center_redis_up'), false)

  const other = await listenWithMetrics(t, { REDIS_URL: `redis://127.0.0.1:${await freePort()}` })
  const withRedis = await scrape(other.port)
  assert.equal(withRedis.types.get('message_center_redis_up'), 'gauge')
  assert.equal(withRedis.sum('message_center_redis_up'), 0)
})

test('keys that cannot be fetched are counted, and there is no time at which they were', async (t) => {
  const own = await startEmulator()
  t.after(() => own.close())
  own.faults.add({ target: 'keys', kind: 'status', status: 503 })
  const { port } = await listenWithMetrics(t, {}, own)
  const { sum, samples } = await scrape(port)
  assert.ok(sum('message_center_key_refreshes_total', { outcome: 'failure' }) >= 1)
  assert.equal(sum('message_center_signing_keys'), 0)
  assert.equal(samples.find(({ name }) => name === 'message_center_keys_loaded_timestamp_seconds')?.value, 0)
})

test('nothing that a client says becomes a label', async (t) => {
  const { origin, post, scraped } = await listenWithMetrics(t)
  const marker = 'zq7marker'
  const token = await tenant.mint()
  await post({ jsonrpc: '2.0', id: 1, method: marker }, token)
  await post(toolCall(marker), token)
  await post(toolCall('getMessages', { search: marker, [marker]: marker }), token)
  await post({ ...call, id: marker }, token, { 'user-agent': marker, 'x-request-id': marker, traceparent: marker })
  await post(call, `${marker}.${marker}.${marker}`)
  for (const path of [`/${marker}`, `/authorize?client_id=${marker}`, `/.well-known/${marker}`]) {
    await request(origin + path).then(({ body }) => body.dump())
  }
  const { text, samples } = await scraped(8)
  assert.ok(!text.includes(marker))
  const names = new Set(samples.flatMap(({ labels }) => Object.keys(labels)))
  for (const name of ['user', 'tenant', 'client', 'client_id', 'path', 'url']) assert.ok(!names.has(name), name)
  assert.doesNotMatch(text, new RegExp(`${tenant.tenantId}|${tenant.api.clientId}|${tenant.api.clientSecret}`))
})

test('a call of a tool that there is not is no success', async (t) => {
  const { post, scraped } = await listenWithMetrics(t)
  await post(toolCall('nothing'), await tenant.mint())
  const { sum } = await scraped(1)
  assert.equal(sum('message_center_mcp_calls_total', { tool: 'none', outcome: 'bad_request' }), 1)
})

test('the port serves /metrics and nothing else, and the service’s own port has none', async (t) => {
  const { origin, port } = await listenWithMetrics(t)
  for (const [method, path] of [
    ['GET', '/'],
    ['POST', '/metrics'],
    ['POST', '/mcp'],
    ['GET', '/healthz'],
    ['GET', '/discover'],
    ['GET', '/metrics/../mcp'],
  ] as const) {
    const { statusCode, body } = await request(`http://127.0.0.1:${port}${path}`, { method })
    await body.dump()
    assert.equal(statusCode, 404, `${method} ${path}`)
  }
  const { statusCode, body } = await request(`${origin}/metrics`)
  await body.dump()
  assert.equal(statusCode, 404)
})

test('they are served on loopback, wherever the server itself listens, unless METRICS_HOST says otherwise', async (t) => {
  const outside = Object.values(networkInterfaces())
    .flat()
    .find((one) => one && !one.internal && one.family === 'IPv4')
  const other = outside?.address ?? '127.0.0.2'
  const statusAt = async (host: string, port: number) =>
    request(`http://${host}:${port}/metrics`).then(
      ({ statusCode, body }) => body.dump().then(() => statusCode),
      () => 0,
    )
  const own = await listenWithMetrics(t, { HOST: '0.0.0.0' })
  assert.deepEqual([await statusAt('127.0.0.1', own.port), await statusAt(other, own.port)], [200, 0])
  const open = await listenWithMetrics(t, { METRICS_HOST: '0.0.0.0' })
  assert.deepEqual([await statusAt('127.0.0.1', open.port), await statusAt(other, open.port)], [200, 200])
})

test('without METRICS_PORT there are none, and with it the port is free again when the server ends', async (t) => {
  const { app } = await listen(t, {}, tenant)
  assert.equal(app.hasPlugin('metrics'), false)
  const running = await listenWithMetrics(t)
  await running.app.close()
  await assert.rejects(scrape(running.port), { code: 'ECONNREFUSED' })
})

test('what is scraped under load adds up', async (t) => {
  const { post, port, scraped } = await listenWithMetrics(t)
  const tokens = await Promise.all(Array.from({ length: 8 }, () => tenant.mint({ user: 'rowan' })))
  let isOver = false
  const readings: number[] = []
  const reader = (async () => {
    while (!isOver) readings.push((await scrape(port)).sum('message_center_http_requests_total'))
  })()
  await Promise.all(
    tokens.map(async (token) => {
      for (let i = 0; i < 25; i++) assert.equal((await post(call, token)).status, 200)
    }),
  )
  isOver = true
  await reader
  const { sum } = await scraped(200)
  assert.equal(sum('message_center_mcp_calls_total', { outcome: 'ok' }), 200)
  assert.equal(sum('message_center_obo_cache_requests_total'), 200)
  assert.equal(sum('message_center_graph_call_duration_seconds_count'), 200)
  const buckets = sum('message_center_mcp_call_duration_seconds_bucket', { le: '+Inf' })
  assert.equal(buckets, 200)
  assert.deepEqual(
    readings,
    readings.toSorted((a, b) => a - b),
  )
  assert.ok(readings.length > 2)
})
