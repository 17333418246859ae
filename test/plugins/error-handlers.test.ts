import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import Fastify from 'fastify'
import { readConfig } from '../../src/config/index.ts'
import { Failure } from '../../src/errors/index.ts'
import { routedPath } from '../../src/lib/request-target.ts'
import { failures } from '../../src/plugins/error-handlers/index.ts'
import { observability } from '../../src/plugins/observability/index.ts'

/** The plugin on a server whose one route throws what the test says. */
async function build(t: TestContext, thrown: unknown) {
  const config = readConfig({
    GRAPH_TENANT_ID: '11111111-2222-3333-4444-555555555555',
    GRAPH_CLIENT_ID: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
    GRAPH_CLIENT_SECRET: 'x',
    PUBLIC_BASE_URL: 'https://mcp.contoso.example',
  })
  const lines: Record<string, unknown>[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)))
      done()
    },
  })
  const app = Fastify({ logger: { level: 'trace', stream }, genReqId: () => 'id-1', rewriteUrl: routedPath })
  t.after(() => app.close())
  await app.register(observability)
  await app.register(failures, { config })
  app.route({
    method: ['GET', 'POST'],
    url: '/',
    handler: async () => {
      throw thrown
    },
  })
  const call = (payload?: object, url = '/') => app.inject({ method: 'POST', url, ...(payload && { payload }) })
  const open = (accept: string | undefined, url: string, method: 'GET' | 'HEAD' | 'POST' = 'GET', more = {}) =>
    app.inject({ method, url, headers: { ...(accept !== undefined && { accept }), ...more } })
  return { call, open, lines: () => lines.filter(({ event }) => event === 'failure') }
}

test('a failure becomes its status and a JSON-RPC error that nobody caches', async (t) => {
  const { call, lines } = await build(t, new Failure('body_too_large'))
  const { statusCode, headers, body } = await call({ id: 7 })
  assert.equal(statusCode, 413)
  assert.equal(headers['cache-control'], 'no-store')
  assert.match(String(headers['content-type']), /^application\/json/)
  assert.equal(headers['www-authenticate'], undefined)
  const { jsonrpc, id, error } = JSON.parse(body)
  assert.deepEqual([jsonrpc, id, error.data], ['2.0', 7, { reason: 'body_too_large', requestId: 'id-1' }])
  assert.deepEqual(lines(), [])
})

for (const [name, payload, id] of [
  ['a text', { id: 'seven' }, 'seven'],
  ['zero', { id: 0 }, 0],
  ['an object', { id: {} }, null],
  ['true', { id: true }, null],
  ['absent', {}, null],
] as const) {
  test(`an id that is ${name} is returned as ${JSON.stringify(id)}`, async (t) => {
    const { call } = await build(t, new Failure('bad_request'))
    assert.equal(JSON.parse((await call(payload)).body).id, id)
  })
}

for (const reason of ['missing_token', 'expired', 'missing_scope', 'access_blocked'] as const) {
  test(`${reason} carries one challenge that names the configured origin`, async (t) => {
    const { call } = await build(t, new Failure(reason))
    const { headers } = await call()
    const challenge = headers['www-authenticate']
    assert.ok(typeof challenge === 'string' && challenge.startsWith('Bearer '))
    assert.ok(
      challenge.includes('resource_metadata="https://mcp.contoso.example/.well-known/oauth-protected-resource/mcp"'),
    )
  })
}

test('a wait is in the header too', async (t) => {
  const { call } = await build(t, new Failure('exchange_throttled', { retryAfterSeconds: 12 }))
  const { statusCode, headers } = await call()
  assert.deepEqual([statusCode, headers['retry-after']], [503, '12'])
})

test('the response to a method that is not served names the one that is', async (t) => {
  const { call } = await build(t, new Failure('method_not_allowed'))
  assert.equal((await call()).headers['allow'], 'POST')
})

test('what nobody foresaw is a 500 that says nothing of it, and a line that says it all', async (t) => {
  const { call, lines } = await build(t, new TypeError('inner zq7mark'))
  const { statusCode, body } = await call()
  assert.equal(statusCode, 500)
  assert.doesNotMatch(body, /zq7mark|TypeError|"reason"/)
  const [line, ...more] = lines()
  assert.deepEqual(more, [])
  assert.equal(line?.['reason'], 'internal')
  assert.match(JSON.stringify(line?.['err']), /inner zq7mark/)
})

test('what is behind a 503 is in the log alone', async (t) => {
  const cause = { status: 401, error_codes: [7000215] }
  const { call, lines } = await build(t, new Failure('credential_rejected', { cause }))
  assert.doesNotMatch((await call()).body, /7000215/)
  assert.deepEqual(
    lines().map(({ reason, err }) => [reason, err]),
    [['credential_rejected', cause]],
  )
})

test('a path that leads nowhere is a 404 of the same shape, and is not repeated', async (t) => {
  const { call } = await build(t, null)
  const { statusCode, body } = await call({}, '/zq7mark?zq7mark')
  assert.equal(statusCode, 404)
  assert.equal(JSON.parse(body).error.data.reason, 'not_found')
  assert.doesNotMatch(body, /zq7mark/)
})

test('a path that cannot be decoded is a 400 of the same shape, and is not repeated', async (t) => {
  const { call } = await build(t, null)
  const { statusCode, body } = await call({}, '/%zzq7mark')
  assert.equal(statusCode, 400)
  assert.equal(JSON.parse(body).error.data.reason, 'bad_request')
  assert.doesNotMatch(body, /zq7mark/)
})

const browserAccept = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8'

for (const url of ['/oauth/consent', '/favicon.ico', '/zq7mark?zq7mark', '/%zzq7mark']) {
  test(`a person who opens ${url} gets a page with the status of the JSON, and programs get the JSON`, async (t) => {
    const { open } = await build(t, null)
    const page = await open(browserAccept, url)
    assert.match(String(page.headers['content-type']), /^text\/html; charset=utf-8$/)
    assert.match(String(page.headers['content-security-policy']), /^default-src 'none'; style-src 'sha256-/)
    assert.equal(page.headers['cache-control'], 'no-store')
    assert.match(page.body, /mcp\.contoso\.example[\s\S]*role="alert"[\s\S]*id-1/)
    assert.doesNotMatch(page.body, /jsonrpc|zq7mark/)
    const json = await open('application/json', url)
    assert.match(String(json.headers['content-type']), /^application\/json/)
    assert.equal(page.statusCode, json.statusCode)
  })
}

for (const [what, accept, method] of [
  ['anything', '*/*', 'GET'],
  ['nothing', undefined, 'GET'],
  ['JSON or a stream', 'application/json, text/event-stream', 'GET'],
  ['JSON beside HTML', 'application/json, text/html;q=0.5', 'GET'],
  ['a picture', 'image/avif,image/webp,*/*;q=0.8', 'GET'],
  ['HTML for a POST', browserAccept, 'POST'],
] as const) {
  test(`who accepts ${what} gets JSON at an unknown path`, async (t) => {
    const { open } = await build(t, null)
    const { statusCode, headers } = await open(accept, '/nowhere', method)
    assert.equal(statusCode, 404)
    assert.match(String(headers['content-type']), /^application\/json/)
  })
}

test('what fails in a browser is a page, and JSON for who sends a token', async (t) => {
  const { open } = await build(t, new Failure('overloaded', { retryAfterSeconds: 5 }))
  const page = await open(browserAccept, '/')
  assert.equal(page.statusCode, 503)
  assert.match(String(page.headers['content-type']), /^text\/html/)
  assert.equal(page.headers['retry-after'], '5')
  const { statusCode, headers } = await open(browserAccept, '/', 'GET', { authorization: 'Bearer none' })
  assert.equal(statusCode, 503)
  assert.match(String(headers['content-type']), /^application\/json/)
})
