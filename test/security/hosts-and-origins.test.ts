import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { buildApp } from '../../src/app.ts'
import { catalogue, type Reason } from '../../src/errors/index.ts'
import { configFor, type Env, freePort } from '../helper.ts'
import { startEmulator } from '../tenant.ts'
import {
  buildWithRoutes,
  type Call,
  call,
  file,
  type HttpResponse,
  listTools,
  productionConfig,
  raw,
  serve,
  statusOf,
} from './harness.ts'

const tenant = await startEmulator()
file.after(() => tenant.close())

const metadataPath = '/.well-known/oauth-protected-resource/mcp'
const allowedOrigin = 'https://app.example.com'
const env: Env = {
  PORT: String(await freePort()),
  LOG_LEVEL: 'silent',
  MCP_ALLOWED_ORIGINS: `${allowedOrigin}, https://Other.Example.com:443/`,
}
const development = await buildWithRoutes(configFor(tenant, env))
const production = await buildWithRoutes(productionConfig(tenant, env))
const servers = {
  development: { ...development, origin: await serve(file, development.app), host: 'localhost' },
  production: { ...production, origin: await serve(file, production.app), host: 'mcp.example.com' },
}

/** Probes come by address, and so they are served under any name. */
const probes = ['/healthz', '/readyz']

const spoofed: Readonly<Record<string, Record<string, string>>> = {
  'X-Forwarded-Host': { 'x-forwarded-host': 'evil.example' },
  'X-Forwarded-Proto': { 'x-forwarded-proto': 'ftp' },
  'X-Forwarded-Port': { 'x-forwarded-port': '666' },
  'X-Forwarded-Prefix': { 'x-forwarded-prefix': '/evil' },
  'X-Forwarded-For': { 'x-forwarded-for': '203.0.113.7, 127.0.0.1' },
  Forwarded: { forwarded: 'for=203.0.113.7;host=evil.example;proto=ftp' },
  'X-Original-URL': { 'x-original-url': '/healthz' },
  'X-Rewrite-URL': { 'x-rewrite-url': '/healthz' },
  'X-Host': { 'x-host': 'evil.example', 'x-forwarded-server': 'evil.example' },
  'all of them': {
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'http',
    'x-forwarded-for': '203.0.113.7',
    forwarded: 'host=evil.example',
  },
}

for (const [trust, trustEnv] of Object.entries<Env>({
  'no proxy': {},
  'the proxy before it': { TRUST_PROXY: 'loopback' },
})) {
  describe(`a server that trusts ${trust}`, async () => {
    const app = await buildApp(productionConfig(tenant, { ...env, ...trustEnv }))
    const origin = await serve(file, app)
    const ask = async (headers: Record<string, string> = {}) => {
      const own = { host: 'mcp.example.com', ...headers }
      const metadata = await call(origin + metadataPath, { headers: own })
      const root = await call(`${origin}/.well-known/oauth-protected-resource`, { headers: own })
      const discover = await call(`${origin}/discover`, { headers: own })
      const refused = await postTo(origin, own)
      return {
        metadata: [metadata.status, metadata.text, root.text, discover.text],
        challenge: [refused.status, refused.headers['www-authenticate']],
      }
    }

    for (const [name, headers] of Object.entries(spoofed)) {
      test(`${name} changes neither metadata nor challenge`, async () => {
        assert.deepEqual(await ask(headers), await ask())
      })
    }

    test('metadata and challenge name the configured origin alone', async () => {
      const { metadata, challenge } = await ask(spoofed['all of them'])
      const whole = JSON.stringify([metadata, challenge])
      assert.match(whole, /https:\/\/mcp\.example\.com\/mcp/)
      assert.doesNotMatch(whole, /evil|203\.0\.113/)
    })

    test('a forwarded host does not stand in for the Host itself', async () => {
      const headers = { host: 'evil.example', 'x-forwarded-host': 'mcp.example.com', forwarded: 'host=mcp.example.com' }
      assert.equal((await call(origin + metadataPath, { headers })).status, 403)
    })
  })
}

test('metadata is the same under every name of this machine', async () => {
  const { origin } = servers.development
  const { port } = new URL(origin)
  const texts = await Promise.all(
    ['localhost', '127.0.0.1', '[::1]'].map(async (host) => {
      const { status, text } = await call(origin + metadataPath, { headers: { host: `${host}:${port}` } })
      assert.equal(status, 200)
      return text
    }),
  )
  assert.equal(new Set(texts).size, 1)
})

const badOrigins = [
  'https://evil.example',
  'null',
  'http://localhost.evil.example',
  'http://127.0.0.1.evil.example',
  'http://evil.example#localhost',
  'https://evil.example/https://app.example.com',
  'https://app.example.com.evil.example',
  'https://evilapp.example.com',
  'https://app.example.com@evil.example',
  'https://app.example.com, https://evil.example',
  'file://',
  'not an origin',
  '*',
  'chrome-extension://abcdefghijklmnop',
]

/** What any page may use: it holds nothing of whose browser it is (RFC 9700 section 2.6). */
const openPaths = [
  '/.well-known/oauth-protected-resource',
  '/.well-known/oauth-protected-resource/mcp',
  '/.well-known/oauth-authorization-server',
  '/.well-known/oauth-authorization-server/mcp',
  '/.well-known/openid-configuration',
  '/register',
  '/token',
  '/oauth2/v2.0/token',
  '/revoke',
]

const badHosts = [
  'evil.example',
  'evil.example:8080',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  'mcp.example.com.evil.example',
  'evilmcp.example.com',
  'mcp.example.com.',
  '169.254.169.254',
  '0.0.0.0',
  'evil.example/localhost',
  'evil.example#mcp.example.com',
]

for (const [mode, { routes, origin, host }] of Object.entries(servers)) {
  describe(`in ${mode}`, () => {
    const places = [
      ...routes.map(({ method, url }) => ({ method, url: url.replace('*', '/mcp') })),
      { method: 'GET', url: '/' },
      { method: 'GET', url: '/nothing' },
      { method: 'POST', url: '/nothing' },
      { method: 'GET', url: '/%zz' },
      { method: 'GET', url: '/.well-known/nothing' },
      { method: 'OPTIONS', url: '/nothing' },
      { method: 'PUT', url: '/mcp' },
    ].filter(({ url }) => !probes.includes(url)) as { method: NonNullable<Call['method']>; url: string }[]

    for (const { method, url } of places) {
      const isOpen = openPaths.includes(url)
      test(`${method} ${url} ${isOpen ? 'serves every Origin and rejects' : 'rejects every bad Origin and'} every other Host`, async () => {
        for (const bad of badOrigins) {
          const response = await call(origin + url, { method, headers: { host, origin: bad } })
          if (isOpen) assertOpen(response, `Origin: ${bad}`)
          else assertForbidden(response, method, `Origin: ${bad}`, 'origin_not_allowed')
        }
        for (const bad of badHosts) {
          const response = await call(origin + url, { method, headers: { host: bad } })
          assertForbidden(response, method, `Host: ${bad}`, 'host_not_allowed')
        }
      })
    }

    test('a token does not make up for a bad Origin or Host', async () => {
      const authorization = `Bearer ${await tenant.mint()}`
      assert.equal((await postTo(origin, { host, authorization })).status, 200)
      assert.equal((await postTo(origin, { host, authorization, origin: 'https://evil.example' })).status, 403)
      assert.equal((await postTo(origin, { host: 'evil.example', authorization })).status, 403)
    })

    test('probes are served by address and under any name', async () => {
      for (const url of probes) {
        for (const name of ['10.0.0.7:8080', 'evil.example', '127.0.0.1', host]) {
          assert.equal((await call(origin + url, { headers: { host: name } })).status, 200, `${url} as ${name}`)
        }
      }
    })

    test('a request without a Host, or with two, gets nowhere', async () => {
      const path = `GET ${metadataPath}`
      assert.equal(statusOf(await raw(origin, `${path} HTTP/1.1\r\nConnection: close\r\n\r\n`)), 400)
      assert.equal(statusOf(await raw(origin, `${path} HTTP/1.0\r\n\r\n`)), 403)
      for (const [first, second, status] of [
        [host, 'evil.example', 400],
        [host, host, 400],
        ['evil.example', host, 403],
      ] as const) {
        const two = `${path} HTTP/1.1\r\nHost: ${first}\r\nHost: ${second}\r\nConnection: close\r\n\r\n`
        assert.equal(statusOf(await raw(origin, two)), status, `${first} and ${second}`)
      }
    })

    test('an absolute request target does not stand in for the Host', async () => {
      const forged = `GET http://${host}${metadataPath} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`
      assert.ok([400, 403, 404].includes(statusOf(await raw(origin, forged))))
    })

    test('an allowed origin may read what a browser client needs', async () => {
      const response = await postTo(origin, { host, origin: allowedOrigin })
      assert.equal(response.status, 401)
      assert.equal(response.headers['access-control-allow-origin'], allowedOrigin)
      const exposed = String(response.headers['access-control-expose-headers']).toLowerCase().split(/, */)
      for (const name of ['www-authenticate', 'traceparent', 'mcp-protocol-version', 'retry-after']) {
        assert.ok(exposed.includes(name), `${name} is not exposed`)
      }
      assert.ok(!exposed.includes('mcp-session-id'), 'there are no sessions')
      assert.match(String(response.headers['vary']), /origin/i)
      assert.equal(response.headers['access-control-allow-credentials'], undefined)
    })

    test('other origins, and requests without one, get no CORS headers', async () => {
      for (const other of [undefined, ...badOrigins]) {
        const response = await postTo(origin, { host, ...(other !== undefined && { origin: other }) })
        assert.deepEqual(corsHeaders(response), [], String(other))
      }
    })

    test('an origin that differs from an allowed one in scheme or port is another origin', async () => {
      for (const other of ['http://app.example.com', 'https://app.example.com:8443', 'ftp://app.example.com']) {
        const response = await postTo(origin, { host, origin: other })
        assert.deepEqual([response.status, corsHeaders(response)], [403, []], other)
      }
    })

    test('an allowed origin is known however its entry is written', async () => {
      const other = 'https://other.example.com'
      assert.equal((await postTo(origin, { host, origin: other })).headers['access-control-allow-origin'], other)
    })

    test('a preflight by an allowed origin gets what is allowed and no more', async () => {
      const response = await preflight(origin, host, allowedOrigin)
      assert.equal(response.status, 204)
      assert.equal(response.headers['access-control-allow-origin'], allowedOrigin)
      const headers = String(response.headers['access-control-allow-headers']).toLowerCase()
      for (const name of [
        'authorization',
        'content-type',
        'mcp-protocol-version',
        'mcp-method',
        'mcp-name',
        'traceparent',
      ]) {
        assert.ok(headers.includes(name), `${name} is not allowed`)
      }
      assert.doesNotMatch(headers, /x-evil|\*/)
      assert.match(String(response.headers['access-control-allow-methods']), /POST/)
    })

    test('a preflight by any page is allowed where any page may call, and nowhere near', async () => {
      for (const path of openPaths) {
        const response = await preflight(origin, host, 'https://evil.example', path)
        assert.equal(response.status, 204, path)
        assertOpen(response, path)
        assert.equal(response.headers['access-control-allow-headers'], '*, Authorization')
        assert.match(String(response.headers['access-control-allow-methods']), /POST/)
      }
      for (const path of [
        '/mcp',
        '/authorize',
        '/oauth/consent',
        '/token//',
        '/Token',
        '//token',
        '/token;x',
        '/%74oken',
      ]) {
        const response = await preflight(origin, host, 'https://evil.example', path)
        assert.deepEqual([response.status, corsHeaders(response)], [403, []], path)
      }
    })

    test('a preflight by another origin is rejected', async () => {
      for (const other of badOrigins) {
        const response = await preflight(origin, host, other)
        assert.deepEqual([response.status, corsHeaders(response)], [403, []], other)
      }
    })
  })
}

const loopbackOrigins = ['http://localhost', 'http://localhost:6274', 'http://127.0.0.1:5173', 'http://[::1]:3000']

test('outside production the tools of a developer may call from loopback', async () => {
  const { origin, host } = servers.development
  for (const local of loopbackOrigins) {
    const response = await postTo(origin, { host, origin: local })
    assert.deepEqual([response.status, response.headers['access-control-allow-origin']], [401, local])
  }
})

test('production makes no allowance for loopback, neither as Origin nor as Host', async () => {
  const { origin, host } = servers.production
  for (const local of loopbackOrigins) {
    const response = await postTo(origin, { host, origin: local })
    assert.deepEqual([response.status, corsHeaders(response)], [403, []], `Origin: ${local}`)
    assert.equal((await postTo(origin, { host: new URL(local).host })).status, 403, `Host: ${local}`)
  }
})

function assertForbidden(response: HttpResponse, method: string, what: string, reason: Reason) {
  assert.equal(response.status, 403, what)
  assert.deepEqual(corsHeaders(response), [], what)
  if (method !== 'HEAD') assert.ok(hasReason(response, reason), `${what}: ${response.text}`)
}

/** Whatever became of it, any page may read it; no cookie of its user's is sent along. */
function assertOpen({ status, headers }: HttpResponse, what: string) {
  assert.ok(status !== 403 && status < 500, `${what}: ${status}`)
  assert.equal(headers['access-control-allow-origin'], '*', what)
  assert.equal(headers['access-control-allow-credentials'], undefined, what)
}

/** As JSON-RPC, as a page for people, or as an OAuth error, which has no field for the reason. */
function hasReason({ text, headers }: HttpResponse, reason: Reason): boolean {
  if (String(headers['content-type']).startsWith('text/html')) return text.includes(`<dd>${reason}</dd>`)
  const { error, error_description } = JSON.parse(text)
  return error === 'invalid_request' ? error_description === catalogue[reason].text : error.data.reason === reason
}

function corsHeaders({ headers }: HttpResponse): string[] {
  return Object.keys(headers).filter((name) => name.startsWith('access-control-'))
}

function preflight(url: string, host: string, origin: string, path = '/mcp') {
  return call(url + path, {
    method: 'OPTIONS',
    headers: {
      host,
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization, content-type, x-evil',
    },
  })
}

function postTo(origin: string, headers: Record<string, string>): Promise<HttpResponse> {
  return call(`${origin}/mcp`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
    body: JSON.stringify(listTools),
  })
}
