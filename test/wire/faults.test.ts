import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import { describe, type TestContext, test } from 'node:test'
import type { Emulator } from '../../emulator/app.ts'
import type { FaultRule } from '../../emulator/fault-rule.ts'
import { tenantEndpoints } from '../../src/config/tenant.ts'
import { createBoundedClient } from '../../src/lib/bounded-client.ts'
import { deadlineIn } from '../../src/lib/deadline.ts'
import { exchangeScopes, graphResource } from '../../src/lib/graph-permissions.ts'
import type { Caller } from '../../src/plugins/auth/claims.ts'
import { withClientSecret } from '../../src/plugins/client-credential/client-authentication.ts'
import { createGraphClient } from '../../src/plugins/graph-client/index.ts'
import { createGraphQuota } from '../../src/plugins/graph-quota/index.ts'
import { createOboTokenCache } from '../../src/plugins/obo-token-cache/index.ts'
import { createOnBehalfOf } from '../../src/plugins/obo-token-cache/on-behalf-of.ts'
import { getMessages } from '../../src/tools/get-messages.ts'
import { configFor, eventually, listen, mcpHeaders, shortTimeouts, toolCall } from '../helper.ts'
import { call, file, type HttpResponse, modernToolCall, post, reasonOf } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'

/** Entra and Graph in trouble: what it costs them, what a caller hears, and that nobody else hears anything. */

const tenant: Emulator = await startEmulator()
file.after(() => tenant.close())
const { origin } = await listen(file, { LOG_LEVEL: 'silent' }, tenant)

let made = 0
/** A user nobody has exchanged for yet. */
function newcomer(): { name: string; upn: string; token: Promise<string> } {
  const name = `load-${++made}`
  return { name, upn: `${name}@contoso.example`, token: tenant.mint({ user: name }) }
}

const ask = (token: string, args: Record<string, unknown> = { top: 1 }): Promise<HttpResponse> =>
  post(origin, toolCall('getMessages', args), token)
const exchanges = () => tenant.stats.snapshot().endpoints.token
const reads = () => tenant.stats.snapshot().endpoints.graph
const isServed = (response: HttpResponse) =>
  response.status === 200 && response.body.result?.structuredContent !== undefined

/** Sends a call and leaves as soon as `leaving` is called, without waiting for its response. */
function callAndLeave(at: string, token: string, { message, headers }: Sent = { message: toolCall('getMessages') }) {
  const abort = new AbortController()
  const gone = call(`${at}/mcp`, {
    method: 'POST',
    headers: { ...mcpHeaders(token), ...headers },
    body: JSON.stringify(message),
    signal: abort.signal,
  }).catch((error: Error) => error)
  return {
    async leave() {
      abort.abort()
      assert.ok((await gone) instanceof Error, 'the client left before its response')
    },
  }
}
interface Sent {
  readonly message: unknown
  readonly headers?: Record<string, string>
}

/** How a peer breaks its responses, and how often Graph is asked for a read that ends so: only what may pass is retried. */
const brokenResponses: readonly { what: string; rule: Omit<FaultRule, 'target'>; graphTries: number }[] = [
  { what: 'resets the connection', rule: { kind: 'reset' }, graphTries: 3 },
  { what: 'sends 500', rule: { kind: 'status', status: 500 }, graphTries: 1 },
  { what: 'sends 503', rule: { kind: 'status', status: 503 }, graphTries: 3 },
  { what: 'sends HTML', rule: { kind: 'html' }, graphTries: 1 },
  { what: 'sends 502 in HTML', rule: { kind: 'html', status: 502 }, graphTries: 3 },
  { what: 'sends half of its JSON', rule: { kind: 'truncated' }, graphTries: 1 },
  { what: 'sends an empty object', rule: { kind: 'empty-object' }, graphTries: 1 },
]

for (const { what, rule, graphTries } of brokenResponses) {
  test(`Entra ${what}: a 503, after one more try, and nothing is remembered`, async (t) => {
    t.after(() => tenant.faults.clear())
    const { token } = newcomer()
    tenant.faults.add({ target: 'token', ...rule })
    const earlier = exchanges()
    const rejected = await ask(await token)
    assert.equal(rejected.status, 503)
    assert.equal(rejected.headers['www-authenticate'], undefined)
    assert.equal(exchanges() - earlier, 2)
    tenant.faults.clear()
    assert.ok(isServed(await ask(await token)))
  })

  test(`Entra ${what} once: one more try, and the call succeeds all the same`, async (t) => {
    t.after(() => tenant.faults.clear())
    tenant.faults.add({ target: 'token', times: 1, ...rule })
    const earlier = exchanges()
    assert.ok(isServed(await ask(await newcomer().token)))
    assert.equal(exchanges() - earlier, 2)
  })

  test(`Graph ${what}: a retryable tool error after ${graphTries} tries, and the next call is served`, async (t) => {
    t.after(() => tenant.faults.clear())
    const token = await newcomer().token
    tenant.faults.add({ target: 'graph', ...rule })
    const earlier = reads()
    const rejected = await ask(token)
    assert.equal(rejected.status, 200)
    assert.match(reasonOf(rejected) ?? '', /^graph_(unavailable|response_invalid)$/)
    assert.match(JSON.stringify(rejected.body.result?._meta), /"retryable":true/)
    assert.equal(reads() - earlier, graphTries)
    tenant.faults.clear()
    assert.ok(isServed(await ask(token)))
  })
}

for (const rule of [
  { kind: 'reset' },
  { kind: 'status', status: 502 },
  { kind: 'status', status: 503, retryAfter: 0 },
  { kind: 'status', status: 504 },
  { kind: 'status', status: 429, retryAfter: 0 },
] as const) {
  test(`Graph fails a read once: it is read again (${JSON.stringify(rule)})`, async (t) => {
    t.after(() => tenant.faults.clear())
    tenant.faults.add({ target: 'graph', ...rule, times: 1 })
    const earlier = reads()
    assert.ok(isServed(await ask(await newcomer().token)))
    assert.equal(reads() - earlier, 2)
  })
}

test('a slow Entra and a slow Graph are waited for', async (t) => {
  t.after(() => tenant.faults.clear())
  tenant.faults.add({ target: 'token', kind: 'delay', delayMs: 100 }, { target: 'graph', kind: 'delay', delayMs: 100 })
  assert.ok(isServed(await ask(await newcomer().token)))
})

test('an Entra that never responds is a 503 for its caller, a Graph a tool error, and nobody else waits', async (t) => {
  t.after(() => tenant.faults.clear())
  const [atEntra, other] = [newcomer(), newcomer()]
  const atGraph = Array.from({ length: 10 }, newcomer)
  tenant.faults.add({ target: 'token', kind: 'hang', user: atEntra.upn })
  for (const { upn } of atGraph) tenant.faults.add({ target: 'graph', kind: 'hang', user: upn })
  const hurried = await listen(t, { LOG_LEVEL: 'silent' }, tenant, { config: shortTimeouts(1_000) })
  const call = async ({ token }: { token: Promise<string> }) =>
    post(hurried.origin, toolCall('getMessages', { top: 1 }), await token)
  const responses: string[] = []
  const earlier = reads()
  const waiting = Promise.all([atEntra, ...atGraph].map((user) => call(user).finally(() => responses.push(user.name))))
  await eventually(() => reads() - earlier === atGraph.length)
  assert.ok(isServed(await call(other)))
  assert.deepEqual(responses, [])
  const [fromEntra, ...fromGraph] = await waiting
  assert.equal(fromEntra?.status, 503)
  for (const rejected of fromGraph) {
    assert.equal(reasonOf(rejected), 'graph_timeout')
    assert.match(JSON.stringify(rejected.body.result?._meta), /"retryable":true/)
  }
})

test('a call has one deadline for all that it waits for, whoever takes the time', async (t) => {
  t.after(() => tenant.faults.clear())
  const [slowThenHung, hung] = [newcomer(), newcomer()]
  tenant.faults.add(
    { target: 'token', kind: 'delay', delayMs: 800, user: slowThenHung.upn },
    { target: 'graph', kind: 'hang', user: slowThenHung.upn },
    { target: 'token', kind: 'hang', user: hung.upn },
  )
  const timeouts = { ...shortTimeouts(10_000).timeouts, callMs: 1_600 }
  const hurried = await listen(t, { LOG_LEVEL: 'silent' }, tenant, { config: { timeouts } })
  const call = async ({ token }: { token: Promise<string> }) => {
    const bearer = await token
    const started = performance.now()
    const response = await post(hurried.origin, toolCall('getMessages', { top: 1 }), bearer)
    // With a deadline for each of the two, the first would take 2,400 ms.
    assert.ok(performance.now() - started < 2_300)
    return response
  }
  const [late, unavailable] = await Promise.all([call(slowThenHung), call(hung)])
  assert.equal(reasonOf(late), 'graph_timeout')
  assert.equal(unavailable.status, 503)
})

test('fifty first calls of one user at once make one exchange', async (t) => {
  t.after(() => tenant.faults.clear())
  tenant.faults.add({ target: 'token', kind: 'delay', delayMs: 200 })
  const token = await newcomer().token
  const earlier = exchanges()
  const responses = await Promise.all(Array.from({ length: 50 }, () => ask(token)))
  assert.ok(responses.every(isServed))
  assert.equal(exchanges() - earlier, 1)
})

test('a consent missing for one user is asked of Entra once in a while, and leaves the others alone', async () => {
  const [cato, other] = await Promise.all([tenant.mint({ user: 'cato' }), newcomer().token])
  const earlier = exchanges()
  for (let i = 0; i < 3; i++) assert.equal(reasonOf(await ask(cato)), 'user_consent_required')
  assert.equal(exchanges() - earlier, 1)
  assert.ok(isServed(await ask(other)))
})

test('a limit that Entra sets one user is no other user’s', async (t) => {
  t.after(() => tenant.faults.clear())
  const [limited, other] = [newcomer(), newcomer()]
  tenant.faults.add({ target: 'token', kind: 'status', status: 429, retryAfter: 60, user: limited.upn })
  const rejected = await ask(await limited.token)
  assert.ok(!isServed(rejected))
  assert.match(rejected.text, /"retryAfterSeconds":60/)
  assert.ok(isServed(await ask(await other.token)))
})

test('a limit that Graph sets is the tenant’s: nobody calls it until it ends, and all callers get the wait', async (t) => {
  t.after(() => tenant.faults.clear())
  const own = await listen(t, {}, tenant)
  tenant.faults.add({ target: 'graph', kind: 'status', status: 429, retryAfter: 60, times: 1 })
  const earlier = reads()
  for (let i = 0; i < 3; i++) {
    const rejected = await post(own.origin, toolCall('getMessages'), await newcomer().token)
    assert.equal(reasonOf(rejected), 'graph_throttled')
    assert.match(rejected.text, /"retryAfterSeconds":(5[5-9]|60)/)
  }
  assert.equal(reads() - earlier, 1)
})

test('while Entra limits an assertion it is not asked again, and the caller hears how long', async (t) => {
  t.after(() => tenant.faults.clear())
  const { token, upn } = newcomer()
  tenant.faults.add({ target: 'token', kind: 'status', status: 429, retryAfter: 60, user: upn })
  const earlier = exchanges()
  for (let i = 0; i < 5; i++) {
    const { status, headers } = await ask(await token)
    assert.equal(status, 503)
    assert.match(String(headers['retry-after']), /^(5[5-9]|60)$/)
  }
  assert.equal(exchanges() - earlier, 1)
})

/** A Graph that has every request wait, and tells which of them it has and which were given up. */
async function startSilentGraph(t: TestContext) {
  const state = { waiting: 0, givenUp: 0 }
  const server = createServer((incoming: IncomingMessage) => {
    state.waiting++
    incoming.socket.once('close', () => state.givenUp++)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  return { state, url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/v1.0` }
}

const raw = { filter: 'isMajorChange eq true' }
for (const [era, sent] of [
  ['2025', { message: toolCall('getMessages', raw) }],
  ['2026', modernToolCall('getMessages', raw)],
] as const) {
  test(`a client that goes away takes its own question to Graph with it, at once (${era})`, async (t) => {
    const { state, url } = await startSilentGraph(t)
    const own = await listen(t, { GRAPH_BASE_URL: url }, tenant)
    const client = callAndLeave(own.origin, await newcomer().token, sent)
    await eventually(() => state.waiting === 1)
    assert.equal(state.givenUp, 0)
    await client.leave()
    // Far sooner than the deadline of a call to Graph, which would end it as well.
    await eventually(() => state.givenUp === 1, 1_000)
    assert.equal(state.waiting, 1, 'and it is not tried again')
  })
}

test('a client that goes away leaves the load of its Message Center to whoever asks next', async (t) => {
  t.after(() => tenant.faults.clear())
  const own = await listen(t, { GRAPH_CACHE_TTL: '5m' }, tenant)
  const { token, upn } = newcomer()
  tenant.faults.add({ target: 'graph', kind: 'delay', delayMs: 300, user: upn })
  const earlier = reads()
  const client = callAndLeave(own.origin, await token)
  await eventually(() => reads() === earlier + 1)
  await client.leave()
  assert.ok(isServed(await post(own.origin, toolCall('getMessages', { top: 1 }), await token)))
  assert.equal(reads() - earlier, 1)
})

test('a waiter that goes away leaves the shared exchange to the others', async (t) => {
  t.after(() => tenant.faults.clear())
  tenant.faults.add({ target: 'token', kind: 'delay', delayMs: 500 })
  const token = await newcomer().token
  const earlier = exchanges()
  const client = callAndLeave(origin, token)
  await eventually(() => exchanges() === earlier + 1)
  const staying = ask(token)
  await client.leave()
  assert.ok(isServed(await staying))
  assert.equal(exchanges() - earlier, 1)
})

test('an exchange whose only waiter went away is there for the next call', async (t) => {
  t.after(() => tenant.faults.clear())
  tenant.faults.add({ target: 'token', kind: 'delay', delayMs: 300, times: 1 })
  const token = await newcomer().token
  const earlier = exchanges()
  const client = callAndLeave(origin, token)
  await eventually(() => exchanges() === earlier + 1)
  await client.leave()
  assert.ok(isServed(await ask(token)))
  assert.equal(exchanges() - earlier, 1)
})

describe('with deadlines and a clock of the test', () => {
  const bounds = { connectTimeoutMs: 500, deadlineMs: 150, maxBodyBytes: 1_000_000, connections: 4 }
  const http = createBoundedClient(bounds)
  file.after(() => http.close())
  const { entra, graph } = configFor(tenant)
  const scopes = exchangeScopes(getMessages, graphResource(graph.baseUrl))
  const correlationId = '7d1f6a0e-2c55-4a27-9d43-51b0c8e6f300'

  /** The cache as the plugin makes it, with the real exchange behind it. */
  function cacheWith(now: () => number) {
    const exchange = createOnBehalfOf({
      ...entra,
      withClientAuth: withClientSecret(tenant.api.clientSecret),
      endpoints: tenantEndpoints(entra),
      http,
    })
    return createOboTokenCache({ ...entra, exchange, audit() {}, now })
  }

  async function requestOf({ token }: ReturnType<typeof newcomer>) {
    const assertion = await token
    const caller: Caller = {
      tenantId: entra.tenantId,
      userKey: 'somebody',
      clientId: tenant.client.clientId,
      scopes: ['access_as_user'],
      // Longer than Graph's tokens: one that ends with its assertion is not replaced.
      expiresAtMs: Date.now() + 2 * 3_600_000,
      tokenHash: assertion.slice(-43),
    }
    return { caller, assertion, scopes, correlationId }
  }

  for (const kind of ['hang', 'endless'] as const) {
    test(`an exchange that does not come to its end (${kind}) is tried twice and given up`, async (t) => {
      t.after(() => tenant.faults.clear())
      tenant.faults.add({ target: 'token', kind })
      const earlier = exchanges()
      await assert.rejects(cacheWith(Date.now).get(await requestOf(newcomer())), { reason: 'exchange_unavailable' })
      assert.equal(exchanges() - earlier, 2)
    })

    test(`a read that does not come to its end (${kind}) is tried once and given up`, async (t) => {
      t.after(() => tenant.faults.clear())
      tenant.faults.add({ target: 'graph', kind })
      const accessToken = await tenant.mint({ kind: 'graph' })
      const quota = createGraphQuota({ limits: [], audit() {} })
      const client = createGraphClient({ baseUrl: graph.baseUrl, http, quota, audit() {} })
      const session = client.as({ accessToken, correlationId, deadline: deadlineIn(150) })
      const earlier = reads()
      await assert.rejects(session.get('/admin/serviceAnnouncement/messages'), { reason: 'graph_timeout' })
      assert.equal(reads() - earlier, 1)
    })
  }

  test('an ageing token is replaced behind the back of its callers, who never wait for Entra', async (t) => {
    t.after(() => tenant.faults.clear())
    let now = Date.now()
    const cache = cacheWith(() => now)
    const request = await requestOf(newcomer())
    const earlier = exchanges()
    const first = await cache.get(request)
    now += 30 * 60_000
    assert.equal(await cache.get(request), first)
    assert.equal(exchanges() - earlier, 1, 'at half of its life nothing happens')

    now += 28 * 60_000
    tenant.faults.add({ target: 'token', kind: 'delay', delayMs: 50 })
    assert.deepEqual(await Promise.all([cache.get(request), cache.get(request)]), [first, first])
    await eventually(async () => (await cache.get(request)) !== first)
    assert.equal(exchanges() - earlier, 2)
  })

  test('an ageing token serves on while Entra is silent', async (t) => {
    t.after(() => tenant.faults.clear())
    let now = Date.now()
    const cache = cacheWith(() => now)
    const request = await requestOf(newcomer())
    const first = await cache.get(request)
    now += 58 * 60_000
    tenant.faults.add({ target: 'token', kind: 'hang' })
    const earlier = exchanges()
    assert.equal(await cache.get(request), first)
    await eventually(() => exchanges() === earlier + 2)
    assert.equal(await cache.get(request), first)
  })
})
