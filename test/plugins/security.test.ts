import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import Fastify from 'fastify'
import { readConfig } from '../../src/config/index.ts'
import { failures } from '../../src/plugins/error-handlers/index.ts'
import { observability } from '../../src/plugins/observability/index.ts'
import { security } from '../../src/plugins/security/index.ts'
import type { Env } from '../helper.ts'

const production: Env = {
  NODE_ENV: 'production',
  PUBLIC_BASE_URL: 'https://mcp.contoso.example',
  MCP_OAUTH_SEAL_KEY: randomBytes(32).toString('base64'),
}

async function build(t: TestContext, env: Env = {}) {
  const config = readConfig({
    GRAPH_TENANT_ID: '11111111-2222-3333-4444-555555555555',
    GRAPH_CLIENT_ID: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
    GRAPH_CLIENT_SECRET: 'x',
    ...env,
  })
  const app = Fastify()
  t.after(() => app.close())
  await app.register(observability)
  await app.register(failures, { config })
  await app.register(security, { config })
  app.post('/', () => 'served')
  app.post('/open', { config: { anyOrigin: true } }, () => 'served')
  return (headers: Record<string, string>, method: 'POST' | 'OPTIONS' = 'POST', url = '/') =>
    app.inject({ method, url, headers: { host: new URL(config.publicBaseUrl).host, ...headers } })
}

const origins: readonly [env: Env, origin: string, status: number][] = [
  [production, 'https://mcp.contoso.example', 200],
  [production, 'https://mcp.contoso.example:8443', 403],
  [production, 'http://mcp.contoso.example', 403],
  [production, 'https://mcp.contoso.example.evil.example', 403],
  [production, 'https://evil.example', 403],
  [production, 'http://localhost:6274', 403],
  [production, 'null', 403],
  [production, '', 403],
  [production, 'not an origin', 403],
  [{ ...production, MCP_ALLOWED_ORIGINS: 'https://app.example' }, 'https://app.example', 200],
  [{ ...production, MCP_ALLOWED_ORIGINS: 'https://app.example' }, 'https://app.example:444', 403],
  [{ ...production, MCP_ALLOWED_ORIGINS: 'https://app.example' }, 'https://sub.app.example', 403],
  [{}, 'http://localhost:6274', 200],
  [{}, 'http://127.0.0.1:1', 200],
  [{}, 'http://[::1]:6274', 200],
  [{}, 'http://localhost.evil.example', 403],
  [{}, 'https://evil.example', 403],
  [{}, 'null', 403],
]
for (const [env, origin, status] of origins) {
  const where = 'NODE_ENV' in env ? 'in production' : 'in development'
  test(`the origin ${JSON.stringify(origin)} gets ${status} ${where}${env['MCP_ALLOWED_ORIGINS'] ? ' with a list' : ''}`, async (t) => {
    const call = await build(t, env)
    const { statusCode, headers, body } = await call({ origin })
    assert.equal(statusCode, status)
    assert.equal(body === 'served', status === 200)
    assert.equal(headers['access-control-allow-origin'], status === 200 ? origin : undefined)
  })
}

const hosts: readonly [env: Env, host: string, status: number][] = [
  [production, 'mcp.contoso.example', 200],
  [production, 'mcp.contoso.example:8080', 200],
  [production, 'evil.example', 403],
  [production, 'mcp.contoso.example.evil.example', 403],
  [production, 'localhost', 403],
  [production, '127.0.0.1', 403],
  [production, '', 403],
  [{}, 'localhost:8080', 200],
  [{}, '127.0.0.1:8080', 200],
  [{}, '[::1]:8080', 200],
  [{}, 'evil.example', 403],
  [{}, '169.254.169.254', 403],
]
for (const [env, host, status] of hosts) {
  test(`the host ${JSON.stringify(host)} gets ${status} ${'NODE_ENV' in env ? 'in production' : 'in development'}`, async (t) => {
    const call = await build(t, env)
    assert.equal((await call({ host })).statusCode, status)
  })
}

test('who is no browser sends no origin and is served, without CORS', async (t) => {
  const call = await build(t, production)
  const { statusCode, headers } = await call({})
  assert.equal(statusCode, 200)
  assert.equal(headers['access-control-allow-origin'], undefined)
})

test('a preflight of an allowed origin names the methods and headers of MCP', async (t) => {
  const call = await build(t, production)
  const origin = 'https://mcp.contoso.example'
  const { statusCode, headers } = await call({ origin, 'access-control-request-method': 'POST' }, 'OPTIONS')
  assert.equal(statusCode, 204)
  assert.equal(headers['access-control-allow-origin'], origin)
  assert.equal(headers['access-control-allow-credentials'], undefined)
  const listed = (name: string) => String(headers[name]).toLowerCase().split(/, ?/)
  assert.deepEqual(listed('access-control-allow-methods'), ['get', 'post'])
  for (const name of ['authorization', 'content-type', 'mcp-protocol-version', 'mcp-method', 'mcp-name']) {
    assert.ok(listed('access-control-allow-headers').includes(name), name)
  }
})

test('a browser may read what an MCP client needs of a response', async (t) => {
  const call = await build(t)
  const { headers } = await call({ origin: 'http://localhost:1' })
  const exposed = String(headers['access-control-expose-headers']).toLowerCase()
  for (const name of ['www-authenticate', 'retry-after', 'x-request-id']) assert.ok(exposed.includes(name), name)
})

for (const [url, origin, allowed] of [
  ['/open', 'https://evil.example', '*'],
  ['/open?a=b', 'null', '*'],
  ['/open', 'https://mcp.contoso.example', '*'],
  ['/', 'https://evil.example', undefined],
  ['/open//', 'https://evil.example', undefined],
  ['/?/open', 'https://evil.example', undefined],
] as const) {
  test(`the origin ${origin} ${allowed ? 'may' : 'may not'} use ${url}, and says nothing of credentials`, async (t) => {
    const call = await build(t, production)
    for (const method of ['POST', 'OPTIONS'] as const) {
      const { statusCode, headers } = await call({ origin, 'access-control-request-method': 'POST' }, method, url)
      assert.equal(statusCode < 300, allowed !== undefined)
      assert.equal(headers['access-control-allow-origin'], allowed)
      assert.equal(headers['access-control-allow-credentials'], undefined)
    }
  })
}

test('a preflight of another origin is rejected', async (t) => {
  const call = await build(t, production)
  const { statusCode } = await call(
    { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    'OPTIONS',
  )
  assert.equal(statusCode, 403)
})

for (const [name, headers] of [
  ['served', {}],
  ['rejected for its host', { host: 'evil.example' }],
  ['rejected for its origin', { origin: 'https://evil.example' }],
] as const) {
  test(`what is ${name} carries the headers that keep a browser from misusing it`, async (t) => {
    const call = await build(t, production)
    const response = (await call(headers)).headers
    assert.equal(
      response['content-security-policy'],
      "default-src 'none';frame-ancestors 'none';base-uri 'none';form-action 'none'",
    )
    assert.equal(response['x-content-type-options'], 'nosniff')
    assert.equal(response['x-frame-options'], 'DENY')
    assert.equal(response['referrer-policy'], 'no-referrer')
    assert.match(String(response['strict-transport-security']), /^max-age=\d{7,}/)
    assert.equal(response['x-powered-by'], undefined)
  })
}

test('plain http promises no https', async (t) => {
  const call = await build(t)
  assert.equal((await call({})).headers['strict-transport-security'], undefined)
})
