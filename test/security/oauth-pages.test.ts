import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { describe, test } from 'node:test'
import { listen } from '../helper.ts'
import { authorizationUrl, freshCode, pkcePair, redirectUri, register } from '../sign-in-helper.ts'
import { startEmulator } from '../tenant.ts'
import { type Call, call, file, type HttpResponse } from './harness.ts'
import { callbackOf, formOf, formType, leadsTo, openBrowser, setCookiesOf } from './oauth-harness.ts'

const tenant = await startEmulator()
file.after(() => tenant.close())
const { origin } = await listen(file, {}, tenant)
const configured = tenant.api.clientId
const registered = String((await register(origin)).body['client_id'])

/** One of each response that a browser gets, by what it is. */
async function browserResponses(): Promise<Readonly<Record<string, HttpResponse>>> {
  const browser = openBrowser(origin)
  const consent = await browser.go(authorizationUrl(origin, registered))
  const onward = await browser.submit({ request: formOf(consent), decision: 'allow', confirmed: 'yes' })
  const callback = await callbackOf(leadsTo(onward))
  const other = openBrowser(origin)
  return {
    'the consent page': consent,
    'the page that leads to Entra': onward,
    'the redirect to the client': await browser.go(callback),
    'the page of a callback come twice': await browser.go(callback),
    'the redirect to Entra': await browser.go(authorizationUrl(origin, configured)),
    'the redirect to Entra by the longer path': await browser.go(
      `/oauth2/v2.0${authorizationUrl(origin, configured).href.replace(origin, '')}`,
    ),
    'the page after a denial': await other.submit({
      request: formOf(await other.go(authorizationUrl(origin, registered))),
      decision: 'deny',
    }),
    'an error at the client': await browser.go(authorizationUrl(origin, configured, { scope: 'x' })),
    'the page for an unknown client': await browser.go(authorizationUrl(origin, 'nobody')),
    'the page for a hostile redirect': await browser.go(
      authorizationUrl(origin, configured, { redirect_uri: 'https://evil.example/' }),
    ),
    'the page for nothing': await browser.go('/authorize'),
    'the page for too long a parameter': await browser.go(authorizationUrl(origin, 'x'.repeat(3_000))),
    'an error at the client, of parameters that are too long together': await browser.go(
      `${authorizationUrl(origin, registered).href.replace(origin, '')}&claims=${'%01'.repeat(3_000)}`,
    ),
    'the page for a callback of nobody': await browser.go('/oauth/callback?code=x&state=x'),
    'the page for a foreign form': await browser.submit({ request: 'x', decision: 'allow', confirmed: 'yes' }),
    'the page for a form of the wrong type': await browser.submit('x', { 'content-type': 'application/xml' }),
    'the page for too large a form': await browser.submit('x'.repeat(40_000)),
  }
}

/** One of each response that a client gets. */
async function clientResponses(): Promise<Readonly<Record<string, HttpResponse>>> {
  const post = (path: string, body: string, headers: Call['headers'] = formType) =>
    call(origin + path, { method: 'POST', headers, body })
  const json = { 'content-type': 'application/json' }
  const { code, verifier } = await freshCode(origin, configured)
  const form = new URLSearchParams({
    grant_type: 'authorization_code',
    client_id: configured,
    redirect_uri: redirectUri,
    code,
    code_verifier: verifier,
  }).toString()
  return {
    tokens: await post('/token', form),
    'a code used twice': await post('/oauth2/v2.0/token', form),
    'an unknown grant': await post('/token', 'grant_type=password'),
    'an unknown client': await post('/token', 'grant_type=refresh_token&client_id=nobody&refresh_token=x'),
    'a wrong secret': await post('/token', `grant_type=refresh_token&client_id=${configured}&client_secret=x`),
    'nothing to go by': await post('/token', ''),
    'a form of the wrong type': await post('/token', '{}', json),
    'too large a form': await post('/token', 'x'.repeat(40_000)),
    'a registration': await post('/register', JSON.stringify({ redirect_uris: [redirectUri] }), json),
    'a rejected registration': await post('/register', '{"redirect_uris":["https://evil.example/"]}', json),
    'a broken registration': await post('/register', '{', json),
    'a revocation': await post('/revoke', `client_id=${configured}&token=x`),
    'a rejected revocation': await post('/revoke', 'token=x'),
  }
}

const toBrowsers = await browserResponses()
const toClients = await clientResponses()
const directivesOf = ({ headers }: HttpResponse) =>
  new Map(
    String(headers['content-security-policy'])
      .split(/; ?/)
      .map((one) => [one.split(' ', 1)[0] ?? '', one.split(' ').slice(1).join(' ')]),
  )
const isPage = ({ headers }: HttpResponse) => String(headers['content-type']).startsWith('text/html')

describe('what a browser gets', () => {
  for (const [what, response] of Object.entries(toBrowsers)) {
    const { headers, text } = response

    test(`${what} is nobody’s to store, to frame or to sniff`, () => {
      assert.equal(headers['cache-control'], 'no-store')
      assert.equal(headers['x-content-type-options'], 'nosniff')
      assert.equal(headers['x-frame-options'], 'DENY')
      assert.equal(directivesOf(response).get('frame-ancestors'), "'none'")
      assert.match(String(headers['referrer-policy']), /^(no-referrer|same-origin)$/)
      assert.equal(headers['x-powered-by'], undefined)
      assert.equal(headers['server'], undefined)
      // A browser says Origin of its own pages' forms as well.
      assert.ok([undefined, origin].includes(headers['access-control-allow-origin'] as string | undefined))
      assert.equal(headers['access-control-allow-credentials'], undefined)
    })

    test(`${what} keeps the tie to the window that opened it`, () => {
      assert.equal(headers['cross-origin-opener-policy'], 'unsafe-none')
    })

    test(`${what} runs no script, loads nothing and posts to this server alone`, () => {
      const directives = directivesOf(response)
      assert.equal(directives.get('default-src'), "'none'")
      assert.equal(directives.get('base-uri'), "'none'")
      assert.match(directives.get('form-action') ?? '', /^'(self|none)'$/)
      for (const [name, sources] of directives) {
        assert.doesNotMatch(sources, /unsafe|\*|https?:|blob:/, name)
        assert.doesNotMatch(name, /script|connect|frame-src|object/)
      }
      assert.doesNotMatch(text, /<script|<iframe|<object|<img|<base|\son\w+=|style="|javascript:/i)
    })

    if (isPage(response)) {
      test(`${what} is a whole page, and its own style sheet is the one allowed`, () => {
        const [, style = ''] = /<style>([\s\S]*?)<\/style>/.exec(text) ?? []
        const digest = hash('sha256', style, 'base64')
        assert.equal(directivesOf(response).get('style-src'), `'sha256-${digest}'`)
        assert.match(text, /^<!doctype html>\n<html lang="en">/)
      })
    }
  }

  test('every page says its charset', () => {
    for (const [what, response] of Object.entries(toBrowsers)) {
      if (isPage(response))
        assert.match(String(response.headers['content-type']), /^text\/html; *charset=utf-8$/i, what)
    }
  })

  test('both kinds of response were among them', () => {
    assert.ok(Object.values(toBrowsers).filter(isPage).length > 10)
    const redirects = Object.values(toBrowsers).filter(({ status }) => status === 302)
    assert.equal(redirects.length, 5)
    for (const { text } of redirects) assert.equal(text, '')
  })

  test('parameters that are too long together are an error of the request, which the client is told', () => {
    const { headers } = toBrowsers['an error at the client, of parameters that are too long together'] ?? assert.fail()
    assert.equal(new URL(String(headers['location'])).searchParams.get('error'), 'invalid_request')
  })

  test('no error response sets a cookie', () => {
    for (const [what, response] of Object.entries(toBrowsers)) {
      if (response.status >= 400) assert.deepEqual(setCookiesOf(response), [], what)
    }
  })

  test('every error response has an id, and the log has it too', () => {
    for (const [what, { status, headers, text }] of Object.entries(toBrowsers)) {
      if (status >= 400) assert.ok(text.includes(String(headers['x-request-id'])), what)
    }
  })

  test('a page that is asked for from a frame, a worker or a script is the same page', async () => {
    for (const dest of ['iframe', 'frame', 'object', 'embed', 'worker', 'script', 'empty']) {
      const response = await openBrowser(origin).go(authorizationUrl(origin, registered), { 'sec-fetch-dest': dest })
      assert.equal(response.headers['x-frame-options'], 'DENY', dest)
      assert.equal(directivesOf(response).get('frame-ancestors'), "'none'", dest)
    }
  })
})

describe('what a client gets', () => {
  for (const [what, { status, headers, text }] of Object.entries(toClients)) {
    test(`${what}: JSON that nobody may store, frame or sniff`, () => {
      assert.equal(headers['cache-control'], 'no-store')
      assert.equal(headers['pragma'], 'no-cache')
      assert.equal(headers['content-type'], 'application/json; charset=utf-8')
      assert.equal(headers['x-content-type-options'], 'nosniff')
      assert.equal(headers['x-frame-options'], 'DENY')
      assert.match(String(headers['content-security-policy']), /default-src 'none'.*frame-ancestors 'none'/)
      assert.equal(headers['set-cookie'], undefined)
      assert.equal(headers['location'], undefined)
      const body = JSON.parse(text) as Record<string, unknown>
      if (status < 400) return
      assert.deepEqual(Object.keys(body), ['error', 'error_description'])
      // RFC 6749 section 5.2.
      assert.match(String(body['error']), /^[a-z_]+$/)
      assert.match(String(body['error_description']), /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/)
    })
  }

  test('the mixture holds what it should', () => {
    const statuses = new Set(Object.values(toClients).map(({ status }) => status))
    assert.deepEqual([...statuses].sort(), [200, 201, 400, 401, 413])
  })

  test('tokens hold what RFC 6749 names and nothing more', () => {
    const body = JSON.parse(toClients['tokens']?.text ?? '') as Record<string, unknown>
    assert.deepEqual(Object.keys(body).sort(), ['access_token', 'expires_in', 'refresh_token', 'scope', 'token_type'])
  })
})

interface Place {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Whether pages of all Origins may read it, without cookies. */
  readonly anyOrigin?: true
}

const places: readonly Place[] = [
  { method: 'GET', path: '/authorize' },
  { method: 'GET', path: '/oauth2/v2.0/authorize' },
  { method: 'POST', path: '/oauth/consent' },
  { method: 'GET', path: '/oauth/callback' },
  { method: 'POST', path: '/token', anyOrigin: true },
  { method: 'POST', path: '/oauth2/v2.0/token', anyOrigin: true },
  { method: 'POST', path: '/register', anyOrigin: true },
  { method: 'POST', path: '/revoke', anyOrigin: true },
  { method: 'GET', path: '/.well-known/oauth-authorization-server', anyOrigin: true },
  { method: 'GET', path: '/.well-known/oauth-authorization-server/mcp', anyOrigin: true },
  { method: 'GET', path: '/.well-known/openid-configuration', anyOrigin: true },
]

describe('Host and Origin', () => {
  const hosts = ['evil.example', 'localhost.evil.example', 'evil.example:80', '169.254.169.254', 'localhost.']
  const origins = ['https://evil.example', 'null', 'http://localhost.evil.example', 'https://127.0.0.1.evil.example']
  for (const { method, path, anyOrigin } of places) {
    const foreignPages = anyOrigin ? [] : origins.map((one) => ({ origin: one }))
    test(`${method} ${path} is served under no foreign name${anyOrigin ? '' : ' and to no foreign page'}`, async () => {
      for (const headers of [...hosts.map((host) => ({ host })), ...foreignPages]) {
        const response = await call(origin + path, { method, headers })
        assert.equal(response.status, 403, JSON.stringify(headers))
        assert.deepEqual([response.headers['location'], setCookiesOf(response)], [undefined, []])
        assert.equal(response.headers['x-frame-options'], 'DENY')
        assert.deepEqual(
          Object.keys(response.headers).filter((name) => name.startsWith('access-control-')),
          [],
        )
      }
    })
  }

  for (const { method, path } of places.filter(({ anyOrigin }) => anyOrigin)) {
    test(`${method} ${path} is served to any page, without a cookie`, async () => {
      for (const one of origins) {
        const response = await call(origin + path, {
          method,
          headers: { ...formType, origin: one },
          ...(method === 'POST' && { body: 'x=1' }),
        })
        assert.notEqual(response.status, 403)
        assert.equal(response.headers['access-control-allow-origin'], '*')
        assert.equal(response.headers['access-control-allow-credentials'], undefined)
        assert.deepEqual(setCookiesOf(response), [])
      }
    })
  }
})

describe('rate limits', () => {
  for (const { method, path } of places) {
    test(`${method} ${path} counts, and what is too much is a 429 in its own shape`, async (t) => {
      const own = await listen(t, { RATE_LIMIT_MAX: '3' }, tenant)
      const ask = () => call(own.origin + path, { method })
      for (let n = 0; n < 3; n++) assert.notEqual((await ask()).status, 429)
      const response = await ask()
      assert.equal(response.status, 429)
      assert.match(String(response.headers['retry-after']), /^\d+$/)
      assert.equal(response.headers['cache-control'], 'no-store')
      if (/authorize$|consent|callback/.test(path)) {
        assert.match(String(response.headers['content-type']), /^text\/html/)
        assert.match(response.text, /role="alert">Too many requests/)
      } else if (!path.startsWith('/.well-known')) {
        assert.deepEqual(Object.keys(JSON.parse(response.text)), ['error', 'error_description'])
      }
    })
  }

  test('registrations have a limit of their own: the thirty-first waits, and everything else goes on', async (t) => {
    const own = await listen(t, {}, tenant)
    for (let n = 0; n < 30; n++) assert.equal((await register(own.origin)).status, 201)
    const { status, headers, body } = await register(own.origin)
    assert.equal(status, 429)
    assert.equal(body['error'], 'too_many_requests')
    assert.match(String(headers['retry-after']), /^\d+$/)
    assert.ok((await freshCode(own.origin, configured, { code_challenge: pkcePair().challenge })).code)
  })

  test('registrations that are rejected count too', async (t) => {
    const own = await listen(t, {}, tenant)
    for (let n = 0; n < 30; n++) await register(own.origin, { redirect_uris: ['https://evil.example/'] })
    assert.equal((await register(own.origin)).status, 429)
  })

  test('an address that a client made up is not counted for another', async (t) => {
    const own = await listen(t, { RATE_LIMIT_MAX: '3' }, tenant)
    const statuses = []
    for (let n = 0; n < 4; n++) {
      const headers = { 'x-forwarded-for': `203.0.113.${n}`, forwarded: `for=203.0.113.${n}` }
      statuses.push((await call(`${own.origin}/authorize`, { headers })).status)
    }
    assert.deepEqual(statuses, [400, 400, 400, 429])
  })
})
