import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, beforeEach, type TestContext, test } from 'node:test'
import { build, type Env, mcpHeaders, toolCall } from '../helper.ts'
import { startEmulator } from '../tenant.ts'

const tenant = await startEmulator()

/** A Graph of this file's own, which notes with whose token it is called. */
const seen: (string | undefined)[] = []
const page: RequestListener = (_request, response) => response.end('{"value":[]}')
let graphHandler = page
const graph = createServer((request, response) => {
  seen.push(request.headers.authorization)
  graphHandler(request, response)
})
await new Promise<void>((resolve) => graph.listen(0, '127.0.0.1', resolve))
const graphUrl = `http://127.0.0.1:${(graph.address() as AddressInfo).port}/v1.0`
after(async () => {
  graph.close()
  graph.closeAllConnections()
  await tenant.close()
})
beforeEach(() => {
  seen.length = 0
  graphHandler = page
  tenant.stats.reset()
})
const exchanges = () => tenant.stats.snapshot().grants.on_behalf_of

/** The service in front of that Graph; `post` gives status, headers and the JSON of the response. */
async function serve(t: TestContext, env: Env = {}) {
  const { app, logs } = await build(t, { GRAPH_BASE_URL: graphUrl, ...env }, tenant)
  async function post(payload: unknown, token?: string, headers: Record<string, string> = {}) {
    const response = await app.inject({
      method: 'POST',
      url: '/mcp',
      headers: { host: 'localhost', ...mcpHeaders(token), ...headers },
      payload: typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload),
    })
    return {
      status: response.statusCode,
      headers: response.headers,
      body: response.body === '' ? null : response.json(),
    }
  }
  return { app, logs, post }
}

const listing = (args: Record<string, unknown> = {}) => toolCall('getMessages', args)

test('with a caller Graph is called with the token exchanged for theirs, and never with their own', async (t) => {
  const { post } = await serve(t)
  const token = await tenant.mint({ user: 'rowan' })
  const { status, headers, body } = await post(listing(), token)
  assert.equal(status, 200)
  assert.equal(headers['cache-control'], 'no-store')
  assert.deepEqual(body.result.structuredContent.value, [])
  assert.equal(exchanges(), 1)
  assert.equal(seen.length, 1)
  assert.match(seen[0] ?? '', /^Bearer ey/)
  assert.notEqual(seen[0], `Bearer ${token}`)
})

test('a token given with the call goes before the caller’s, where it is allowed', async (t) => {
  const { post } = await serve(t)
  await post(listing({ accessToken: 'given' }), await tenant.mint())
  assert.deepEqual(seen, ['Bearer given'])
  assert.equal(exchanges(), 0)
})

test('where no token may be given, the call that gives one reaches neither Entra nor Graph', async (t) => {
  const { post } = await serve(t, { ALLOW_MCP_ACCESS_TOKEN_ARG: 'false' })
  const { status, body } = await post(listing({ accessToken: 'given' }), await tenant.mint())
  assert.equal(status, 200)
  assert.match(body.result.content[0].text, /^accessToken_disabled: /)
  assert.deepEqual([seen.length, exchanges()], [0, 0])
})

test('a Graph token as the credential goes to Graph as it is, where it is allowed', async (t) => {
  const { post } = await serve(t, { ALLOW_GRAPH_BEARER_TOKEN: 'true' })
  const token = await tenant.mint({ kind: 'graph' })
  await post(listing(), token)
  assert.deepEqual(seen, [`Bearer ${token}`])
})

test('the configured Graph token serves who does not sign in, and nobody who does', async (t) => {
  const { post } = await serve(t, { MCP_REQUIRE_AUTH: 'false', GRAPH_ACCESS_TOKEN: 'configured' })
  await post(listing())
  await post(listing({ accessToken: 'given' }))
  await post(listing(), await tenant.mint())
  assert.deepEqual(seen.slice(0, 2), ['Bearer configured', 'Bearer given'])
  assert.match(seen[2] ?? '', /^Bearer ey/)
})

test('who does not sign in and has no token is told to, in the tool’s result', async (t) => {
  const { post } = await serve(t, { MCP_REQUIRE_AUTH: 'false' })
  const { status, body } = await post(listing())
  assert.equal(status, 200)
  assert.match(body.result.content[0].text, /^sign_in_required: /)
  assert.deepEqual(seen, [])
})

for (const method of ['tools/list', 'ping', 'no/such']) {
  test(`${method} asks Entra and Graph for nothing`, async (t) => {
    const { post } = await serve(t)
    await post({ jsonrpc: '2.0', id: 1, method }, await tenant.mint({ user: 'cato' }))
    assert.deepEqual([seen.length, exchanges()], [0, 0])
  })
}

test('what Entra has to say to a client is an HTTP response, before Graph is called', async (t) => {
  const { post } = await serve(t)
  const { status, headers, body } = await post(
    toolCall('getMessages', {}, 'seven'),
    await tenant.mint({ user: 'mika' }),
  )
  assert.equal(status, 401)
  assert.match(String(headers['www-authenticate']), /error="insufficient_claims".* claims="/)
  assert.equal(body.id, 'seven')
  assert.equal(body.error.data.reason, 'claims_required')
  assert.deepEqual(seen, [])
})

test('what Entra has to say to a person is the tool’s result', async (t) => {
  const { post } = await serve(t)
  const { status, body } = await post(listing(), await tenant.mint({ user: 'cato' }))
  assert.equal(status, 200)
  assert.match(body.result.content[0].text, /^user_consent_required: .*adminconsent\?client_id=/)
})

const claims = Buffer.from('{"access_token":{}}').toString('base64')
for (const [name, challenge, status] of [
  ['asks for step-up authentication', `Bearer error="insufficient_claims", claims="${claims}"`, 401],
  ['no longer takes a token', 'Bearer error="invalid_token"', 200],
] as const) {
  test(`where Graph ${name}, that is a ${status}, and the token is not used again`, async (t) => {
    const { post } = await serve(t)
    const token = await tenant.mint()
    await post(listing(), token)
    graphHandler = (_request, response) => response.writeHead(401, { 'www-authenticate': challenge }).end('{}')
    const rejected = await post(listing(), token)
    assert.equal(rejected.status, status)
    assert.equal(exchanges(), 1)
    graphHandler = page
    assert.equal((await post(listing(), token)).status, 200)
    assert.equal(exchanges(), 2)
  })
}

for (const [name, answer, outcome] of [
  ['no longer takes its token', [401, 'Bearer error="invalid_token"'], /^graph_unavailable: /],
  ['forbids the user to read', [403, 'Bearer'], /^graph_forbidden: /],
] as const) {
  test(`where Graph ${name}, what was read with the credential is not shown again`, async (t) => {
    const { post } = await serve(t, { GRAPH_CACHE_TTL: '5m' })
    const token = await tenant.mint()
    await post(listing(), token)
    const [status, challenge] = answer
    graphHandler = (_request, response) => response.writeHead(status, { 'www-authenticate': challenge }).end('{}')
    assert.equal((await post(listing({ fresh: true }), token)).body.result.isError, true)
    graphHandler = (_request, response) => response.writeHead(500).end('{}')
    const { body } = await post(listing(), token)
    assert.match(body.result.content[0].text, outcome)
  })
}

for (const status of [401, 403]) {
  test(`a raw filter that is a ${status} ends the snapshot of its credential as well`, async (t) => {
    const { app, post } = await serve(t, { GRAPH_CACHE_TTL: '5m' })
    const token = await tenant.mint()
    await post(listing(), token)
    assert.equal(app.messageCenter.stats.snapshots, 1)
    graphHandler = (_request, response) => response.writeHead(status, { 'www-authenticate': 'Bearer' }).end('{}')
    await post(listing({ filter: 'isMajorChange eq true' }), token)
    assert.equal(app.messageCenter.stats.snapshots, 0)
  })
}

test('the snapshot that a given token has read serves that token alone', async (t) => {
  const { post } = await serve(t, { GRAPH_CACHE_TTL: '5m' })
  const token = await tenant.mint()
  await post(listing({ accessToken: 'given' }), token)
  await post(listing({ accessToken: 'another' }), token)
  await post(listing(), token)
  await post(listing({ accessToken: 'given' }), token)
  assert.deepEqual(seen.slice(0, 2), ['Bearer given', 'Bearer another'])
  assert.equal(seen.length, 3)
})

test('a token that Graph merely forbids something stays cached', async (t) => {
  const { post } = await serve(t)
  const token = await tenant.mint()
  graphHandler = (_request, response) => response.writeHead(403).end('{}')
  for (let i = 0; i < 3; i++) await post(listing(), token)
  assert.equal(exchanges(), 1)
})

const bodies: readonly [name: string, payload: string | Buffer, status: number, reason: string][] = [
  ['no JSON', '{', 400, 'invalid_json'],
  ['empty', '', 400, 'invalid_json'],
  ['a batch', JSON.stringify([listing()]), 400, 'batch_not_supported'],
  ['a key twice', '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', 400, 'invalid_json'],
  [
    '65 deep',
    `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":${'['.repeat(63)}${']'.repeat(63)}}}`,
    400,
    'invalid_json',
  ],
  ['not UTF-8', Buffer.from([0x22, 0x80, 0x22]), 400, 'invalid_json'],
  ['__proto__', '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"__proto__":{}}}', 400, 'invalid_json'],
  ['a text', '"ping"', 400, 'bad_request'],
  ['another version', '{"jsonrpc":"1.0","id":1,"method":"ping"}', 400, 'bad_request'],
  ['params in a list', '{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', 400, 'bad_request'],
  ['an id that is an object', '{"jsonrpc":"2.0","id":{},"method":"ping"}', 400, 'bad_request'],
  ['an id that is a fraction', '{"jsonrpc":"2.0","id":1.5,"method":"ping"}', 400, 'bad_request'],
  ['an endless method', JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'x'.repeat(201) }), 400, 'bad_request'],
  [
    '257 KB',
    JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping', params: { a: 'x'.repeat(257 * 1024) } }),
    413,
    'body_too_large',
  ],
]
test('a body that is no message ends before any tool, by its name', async (t) => {
  const { post } = await serve(t)
  const token = await tenant.mint()
  for (const [name, payload, status, reason] of bodies) {
    const { body, ...rest } = await post(payload, token)
    assert.deepEqual([rest.status, body.error.data.reason], [status, reason], name)
  }
  const { status } = await post('{}', token, { 'content-type': 'text/plain' })
  assert.equal(status, 415)
})

for (const method of ['GET', 'DELETE', 'PUT', 'PATCH'] as const) {
  test(`${method} is not allowed: POST is, and there is no session`, async (t) => {
    const { app } = await serve(t)
    const response = await app.inject({
      method,
      url: '/mcp',
      headers: { host: 'localhost', authorization: `Bearer ${await tenant.mint()}` },
    })
    assert.deepEqual([response.statusCode, response.headers['allow']], [405, 'POST'])
  })
}
