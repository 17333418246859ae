import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { before, describe, test } from 'node:test'
import type { Code } from '../../src/plugins/oauth-proxy/callback.ts'
import type { Transaction } from '../../src/plugins/oauth-proxy/entra-authorize-url.ts'
import type { RefreshToken } from '../../src/plugins/oauth-proxy/token.ts'
import { listen } from '../helper.ts'
import { authorizationUrl, pkcePair, redirectUri, startClientHost } from '../sign-in-helper.ts'
import { startEmulator } from '../tenant.ts'
import { watch } from '../watch.ts'
import { type Call, call, file, type HttpResponse, raw, statusOf } from './harness.ts'
import {
  type Browser,
  callbackOf,
  formOf,
  formType,
  leadsTo,
  openBrowser,
  unseal,
  watchOutbound,
} from './oauth-harness.ts'

/** What nobody may find again in a log, by what it is. */
const secrets = new Map<string, string>()

function keep(what: string, secret: string | null | undefined): string {
  if (secret === null || secret === undefined || secret.length < 8) throw new Error(`There is no ${what} to look for`)
  if (!secrets.has(secret)) secrets.set(secret, what)
  return secret
}

/** A text that is nobody's business, to be put where a client or a browser puts its own. */
const marker = (where: string) => `marker-${where}-5c0f1e9a`
const markers = /marker-[\w-]+-5c0f1e9a/i

/** What a careless page or header would let out of its place. */
const injections = [
  `"><script>alert(1)</script>`,
  `'><img src=x onerror=alert(1)>`,
  '</style><script>alert(1)</script>',
  '" autofocus onfocus="alert(1)',
  '\r\nX-Injected: 1\r\n\r\n<script>alert(1)</script>',
  '\nSet-Cookie: injected=1',
  '#{7*191}{{7*191}}<%= 7*191 %>',
  'javascript:alert(1)',
  '\u2028alert(1)\u0000',
]

const sealKey = keep('the seal key', randomBytes(32).toString('base64'))
const documentUrl = (query: string) => `https://client.example/client.json?${query}`
const host = await startClientHost(file, ({ url = '' }, response) => {
  const name = new URL(url, 'https://client.example').searchParams.get('name') ?? undefined
  response.writeHead(url.includes('missing') ? 404 : 200, { 'content-type': 'application/json' })
  response.end(
    JSON.stringify({
      client_id: url.includes('foreign') ? marker('document') : `https://client.example${url}`,
      client_name: name,
      redirect_uris: [redirectUri],
    }),
  )
})
const tenant = await startEmulator()
file.after(() => tenant.close())
keep('the server’s client secret', tenant.api.clientSecret)
const watching = await watch(file)
const env = { LOG_LEVEL: 'trace', MCP_OAUTH_SEAL_KEY: sealKey, ...watching.env }
const { origin, app, logs } = await listen(file, env, tenant, { network: host.network })
const configured = tenant.api.clientId
// What the server itself sends to Entra: codes, verifiers, refresh tokens, its secret.
const outbound = watchOutbound(tenant.origin)

interface Met {
  readonly of: string
  readonly status: number
  /** Headers as text, then the body. */
  readonly head: string
  readonly text: string
}
const responses: Met[] = []
/** Everything that metrics and spans say, metrics first. */
let watched: readonly string[] = []

function met(of: string, response: HttpResponse): HttpResponse {
  responses.push({ of, status: response.status, head: JSON.stringify(response.headers), text: response.text })
  return response
}

const nosy = {
  'user-agent': marker('agent'),
  referer: `https://example.com/${marker('referer')}`,
  'x-anything': marker('header'),
}

async function post(
  of: string,
  path: string,
  body: string,
  headers: Call['headers'] = formType,
): Promise<HttpResponse> {
  return met(of, await call(origin + path, { method: 'POST', headers: { ...nosy, ...headers }, body }))
}
const form = (fields: Readonly<Record<string, string>>) => new URLSearchParams(fields).toString()
const json = { 'content-type': 'application/json' }

function keepCookies(browser: Browser) {
  for (const value of browser.cookies.values()) keep('a cookie', value)
}

/** A whole sign-in, of which every credential is recorded. */
async function signInAs(clientId: string, secretForm: Readonly<Record<string, string>> = {}) {
  const browser = openBrowser(origin, origin, new Map([['session', marker('cookie')]]))
  const { verifier, challenge } = pkcePair()
  keep('a client’s verifier', verifier)
  const asked = authorizationUrl(origin, clientId, {
    code_challenge: challenge,
    scope: 'access_as_user offline_access',
    state: keep('a client’s state', `${marker('state')}-${randomBytes(8).toString('hex')}`),
    login_hint: 'rowan',
    domain_hint: marker('query'),
    claims: JSON.stringify({ access_token: { [marker('query')]: null } }),
  })
  let step = met('/authorize', await browser.go(asked, nosy))
  keepCookies(browser)
  if (step.status === 200) {
    const request = keep('a consent form', formOf(step))
    step = met('consent', await browser.submit({ request, decision: 'allow', confirmed: 'yes' }, nosy))
    keepCookies(browser)
  }
  const onward = leadsTo(step)
  const state = keep('the state at Entra', onward.searchParams.get('state'))
  const transaction = await unseal<Transaction>(sealKey, 'transaction', state)
  keep('the verifier at Entra', transaction.verifier)
  keep('the nonce at Entra', transaction.nonce)
  onward.searchParams.delete('claims')
  const callback = await callbackOf(onward)
  keep('Entra’s code', callback.searchParams.get('code'))
  const client = leadsTo(met('/oauth/callback', await browser.go(callback, nosy)))
  const code = keep('a code', client.searchParams.get('code'))
  const fields = {
    grant_type: 'authorization_code',
    client_id: clientId,
    redirect_uri: redirectUri,
    code,
    code_verifier: verifier,
    ...secretForm,
  }
  const response = await post('/token', '/token', form(fields))
  const tokens = JSON.parse(response.text) as Record<string, string>
  keep('an access token', tokens['access_token'])
  for (const part of String(tokens['access_token']).split('.').slice(1)) keep('a part of an access token', part)
  const refreshToken = keep('a refresh token', tokens['refresh_token'])
  keep('Entra’s refresh token', (await unseal<RefreshToken>(sealKey, 'refresh-token', refreshToken)).entraToken)
  return { browser, callback, fields, refreshToken, code }
}

before(async () => {
  await goodSignIns()
  await badSignIns()
  await failuresAtEntra()
  await injectedParameters()
  watched = await watching.seen(app)
  for (const { body } of outbound) {
    const sent = new URLSearchParams(body)
    for (const name of ['code', 'code_verifier', 'refresh_token', 'client_secret']) {
      const value = sent.get(name)
      if (value !== null) keep(`what Entra was sent as ${name}`, value)
    }
  }
})

describe('after a broad mixture of good, bad and hostile sign-ins', () => {
  test('the mixture met what it was made to meet', () => {
    const events = new Set(logs.map(({ event }) => event))
    for (const event of [
      'request',
      'authorize',
      'consent_asked',
      'consent_given',
      'consent_denied',
      'sign_in',
      'sign_in_failure',
      'token_issued',
      'client_registered',
      'failure',
    ]) {
      assert.ok(events.has(event), `no ${event} was logged`)
    }
    const kinds = new Set(secrets.values())
    for (const kind of ['Entra’s code', 'a code', 'a cookie', 'Entra’s refresh token', 'the verifier at Entra']) {
      assert.ok(kinds.has(kind), `no ${kind} was made`)
    }
    assert.ok(responses.length > 150, String(responses.length))
    assert.ok(responses.some(({ status }) => status >= 500))
  })

  test('no log line holds a code, verifier, state, cookie, token or secret', () => {
    for (const line of logs) assertSecretless(JSON.stringify(line), `log line ${line.event}`)
  })

  test('metrics and spans were there, and hold no secret and nothing that a request said', () => {
    const [metrics = '', ...spans] = watched
    assert.match(metrics, /message_center_sign_in_steps_total\{step="signed_in"\} [1-9]/)
    assert.ok(spans.length > 100, String(spans.length))
    for (const text of watched) {
      assertSecretless(text, 'a metric or span')
      assert.doesNotMatch(text, /eyJ[\w-]{10}|Bearer [\w-]{10}|Basic [\w-]{6}|alert\(1\)|X-Injected/)
      assert.equal(markers.exec(text)?.[0], undefined, text)
    }
  })

  test('no log line holds anything that looks like a token or a sealed text', () => {
    for (const line of logs) {
      assert.doesNotMatch(JSON.stringify(line), /eyJ[\w-]{10}|Bearer [\w-]{10}|Basic [\w-]{6}|[\w-]{80,}/, line.event)
    }
  })

  test('no log line holds a query string, a header, a cookie or what a body said', () => {
    for (const line of logs) {
      const text = JSON.stringify(line)
      assert.equal(markers.exec(text)?.[0], undefined, text)
      assert.doesNotMatch(text, /[?&](code|state|client_id|redirect_uri|error|name)=/, text)
      assert.doesNotMatch(text, /alert\(1\)|X-Injected/, text)
    }
  })

  test('a log line names a client by its key alone, and no client id is long', () => {
    for (const line of logs) {
      if (typeof line['client'] === 'string' && line.event !== 'request') assert.match(line['client'], /^[\w-]{22}$/)
    }
  })

  test('no error response holds a code, verifier, cookie, token or secret', () => {
    for (const { of, status, text, head } of responses) {
      if (status >= 400) assertSecretless(head + text, `the response to ${of}`)
    }
  })

  test('no error response holds a header, a cookie or a query string', () => {
    for (const { of, status, text, head } of responses) {
      if (status >= 400) assert.doesNotMatch(head + text, markers, of)
    }
  })

  test('nothing that is proved to Entra ever comes to a browser or a client', () => {
    const atEntraOnly = [...secrets].filter(([, what]) =>
      /^(the verifier at Entra|Entra’s|the server’s|the seal)/.test(what),
    )
    assert.ok(atEntraOnly.length > 10)
    for (const { of, text, head } of responses) {
      for (const [secret, what] of atEntraOnly) assert.ok(!(head + text).includes(secret), `${of} holds ${what}`)
    }
  })

  test('no response holds a stack trace, a path of this machine or an inner error', () => {
    for (const { of, text, head } of responses) {
      const whole = head + text
      assert.doesNotMatch(whole, /\bat [\w.<>[\] ]+ \(|node:internal|node_modules|\.(ts|mjs):\d+/, of)
      assert.ok(!whole.includes(process.cwd()), of)
      assert.doesNotMatch(whole, /ECONNRE|UND_ERR|SyntaxError|TypeError|FST_ERR|ENOTFOUND|undefined/, of)
    }
  })

  test('a server error says nothing of its cause', () => {
    const errors = responses.filter(({ status }) => status >= 500)
    assert.ok(errors.length > 5)
    for (const { of, text } of errors) assert.doesNotMatch(text, /AADSTS|invalid_|You sent|credential_rejected/, of)
  })

  test('every description is printable ASCII without quotes and backslashes, in JSON as in redirects', () => {
    let seen = 0
    for (const { of, text, head } of responses) {
      const { location } = JSON.parse(head) as { location?: string }
      const internal = [
        text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>)['error_description'] : undefined,
        location === undefined ? undefined : (new URL(location).searchParams.get('error_description') ?? undefined),
      ]
      for (const one of internal) {
        if (one === undefined) continue
        seen += 1
        assert.match(String(one), /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/, of)
      }
    }
    assert.ok(seen > 100, String(seen))
  })

  test('no page holds markup that was sent to it', () => {
    const pages = responses.filter(({ text }) => text.startsWith('<!doctype'))
    assert.ok(pages.length > 100, String(pages.length))
    for (const { of, text } of pages) {
      // A request's id is drawn by lot, and may hold any number.
      const said = text.replaceAll(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '')
      assert.doesNotMatch(said, /<script|<img|<[^>]*\son\w+\s*=|<\/style><|1337/i, of)
      assert.equal(text.match(/<style>/g)?.length, 1, of)
      assert.doesNotMatch(text, /href="(?!https?:|data:,)|url=(?!https?:)/, of)
    }
  })

  test('no header was injected', () => {
    for (const { of, head } of responses) {
      const headers = JSON.parse(head) as Record<string, string | string[]>
      assert.equal(headers['x-injected'], undefined, of)
      for (const cookie of [headers['set-cookie'] ?? []].flat())
        assert.match(cookie, /^mcp-(sign-in-[\w-]+|consents)=/, of)
      assert.doesNotMatch(head, /\\r|\\n|<script|injected=1/, of)
    }
  })

  test('no response to a hostile parameter is a server error', () => {
    for (const { of, status, text } of responses) {
      if (of.startsWith('injection')) assert.ok(status < 500, `${of}: ${status} ${text.slice(0, 200)}`)
    }
  })
})

async function goodSignIns() {
  const registration = await post(
    '/register',
    '/register',
    JSON.stringify({ client_name: marker('name'), redirect_uris: [redirectUri], contacts: [marker('body')] }),
    json,
  )
  const registered = keep(
    'a registration',
    String((JSON.parse(registration.text) as Record<string, unknown>)['client_id']),
  )
  for (const [clientId, secretForm] of [
    [configured, {}],
    [configured, { client_secret: tenant.api.clientSecret }],
    [registered, {}],
    [documentUrl(`name=${marker('name')}`), {}],
  ] as const) {
    const { browser, callback, fields, refreshToken, code } = await signInAs(clientId, secretForm)
    const { client_id } = fields
    const refreshed = await post(
      'a refresh',
      '/token',
      form({ grant_type: 'refresh_token', client_id, refresh_token: refreshToken }),
    )
    keep('a refresh token', (JSON.parse(refreshed.text) as Record<string, string>)['refresh_token'])
    keep('an access token', (JSON.parse(refreshed.text) as Record<string, string>)['access_token'])
    met('a callback twice', await browser.go(callback, nosy))
    met('a callback elsewhere', await openBrowser(origin).go(callback, nosy))
    await post('a code twice', '/token', form(fields))
    await post(
      'a code with a wrong verifier',
      '/token',
      form({ ...fields, code_verifier: marker('verifier').repeat(3) }),
    )
    await post('a code of another', '/token', form({ ...fields, client_id: marker('client') }))
    await post('a code with a wrong secret', '/token', form({ ...fields, client_secret: marker('secret') }))
    await post(
      'a code elsewhere',
      '/token',
      form({ ...fields, redirect_uri: `https://evil.example/${marker('body')}` }),
    )
    await post(
      'a code for a foreign resource',
      '/token',
      form({ ...fields, resource: `https://evil.example/${marker('body')}` }),
    )
    await post(
      'a code as a refresh token',
      '/token',
      form({ grant_type: 'refresh_token', client_id, refresh_token: code }),
    )
    await post('a tampered code', '/token', form({ ...fields, code: `${code.slice(0, -2)}AA` }))
    await post(
      'a foreign scope',
      '/token',
      form({ grant_type: 'refresh_token', client_id, refresh_token: refreshToken, scope: marker('body') }),
    )
    await post('a revocation', '/revoke', form({ client_id, token: refreshToken }))
    await post(
      'a revoked token',
      '/token',
      form({ grant_type: 'refresh_token', client_id, refresh_token: refreshToken }),
    )
  }
  const browser = openBrowser(origin)
  const denied = formOf(met('/authorize', await browser.go(authorizationUrl(origin, registered), nosy)))
  met('a denial', await browser.submit({ request: denied, decision: 'deny' }))
  met('a form again', await browser.submit({ request: denied, decision: 'allow', confirmed: 'yes' }))
}

async function badSignIns() {
  const basic = (text: string) => ({ ...formType, authorization: `Basic ${Buffer.from(text).toString('base64')}` })
  const secret = keep('a client’s secret', marker('basic-secret'))
  keep('a client’s secret by Basic', Buffer.from(`${configured}:${secret}`).toString('base64'))
  await post(
    'a wrong Basic',
    '/token',
    form({ grant_type: 'authorization_code', code: marker('code') }),
    basic(`${configured}:${secret}`),
  )
  await post('a Bearer', '/token', 'x=1', { ...formType, authorization: `Bearer ${marker('bearer')}` })
  await post('JSON', '/token', JSON.stringify({ code: marker('code') }), json)
  await post('no form', '/token', `code=${marker('code')}`, { 'content-type': marker('type') })
  await post('too much', '/token', `code=${marker('code')}`.padEnd(40_000, 'x'))
  await post(
    'too long',
    '/token',
    form({ grant_type: 'authorization_code', code_verifier: marker('verifier').repeat(50) }),
  )
  await post(
    'twice',
    '/token',
    `code=${marker('code')}&code=${marker('code')}&grant_type=authorization_code&client_id=${configured}`,
  )
  await post(
    'a query',
    `/token?code=${marker('query')}&client_secret=${marker('query')}`,
    'grant_type=authorization_code',
  )
  await post('a broken registration', '/register', `{"client_name":"${marker('body')}"`, json)
  await post(
    'a rejected registration',
    '/register',
    JSON.stringify({ redirect_uris: [`https://evil.example/?${marker('body')}`] }),
    json,
  )
  await post(
    'a registration of wrong types',
    '/register',
    JSON.stringify({ redirect_uris: { [marker('body')]: marker('body') } }),
    json,
  )
  const browser = openBrowser(origin)
  for (const [of, overrides] of Object.entries<Readonly<Record<string, string | undefined>>>({
    'an unknown client': { client_id: marker('client') },
    'a hostile redirect': { redirect_uri: `https://evil.example/?${marker('query')}#${marker('query')}` },
    'no redirect': { redirect_uri: undefined },
    'too long a state': { state: marker('query').repeat(200) },
    'a document that is missing': { client_id: documentUrl(`missing=${marker('query')}`) },
    'a document of another': { client_id: documentUrl(`foreign=${marker('query')}`) },
    'an http document': { client_id: `http://client.example/${marker('query')}` },
  })) {
    met(of, await browser.go(authorizationUrl(origin, configured, { state: marker('state'), ...overrides }), nosy))
  }
  for (const [of, overrides] of Object.entries<Readonly<Record<string, string | undefined>>>({
    'a foreign scope at /authorize': { scope: marker('query') },
    'a foreign resource at /authorize': { resource: `https://evil.example/${marker('query')}` },
    'no PKCE': { code_challenge: undefined },
    'a bad challenge': { code_challenge: marker('query') },
    'a request object': { request: marker('query') },
    'another response type': { response_type: marker('query') },
  })) {
    const response = met(of, await browser.go(authorizationUrl(origin, configured, overrides), nosy))
    assert.doesNotMatch(leadsTo(response).search, markers, of)
  }
  for (const query of [
    `code=${marker('query')}&state=${marker('query')}`,
    `error=${marker('query')}&error_description=${marker('query')}&state=${marker('query')}`,
    marker('query'),
  ]) {
    met('a callback of nobody', await browser.go(`/oauth/callback?${query}`, nosy))
  }
  met('a foreign form', await browser.submit({ request: marker('body'), decision: marker('body') }, nosy))
  for (const path of ['/token', '/authorize', '/oauth/callback']) {
    const response = await raw(
      origin,
      `GET ${path}?code=${marker('query')}%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    )
    responses.push({
      of: `raw ${path}`,
      status: statusOf(response),
      head: '{}',
      text: response.split('\r\n\r\n')[1] ?? '',
    })
  }
}

async function failuresAtEntra() {
  const fieldsOf = async () => {
    const browser = openBrowser(origin)
    const { verifier, challenge } = pkcePair()
    const asked = authorizationUrl(origin, configured, { code_challenge: challenge })
    const callback = await callbackOf(leadsTo(await browser.go(asked)))
    keep('Entra’s code', callback.searchParams.get('code'))
    const code = keep('a code', leadsTo(await browser.go(callback)).searchParams.get('code'))
    return {
      grant_type: 'authorization_code',
      client_id: configured,
      redirect_uri: redirectUri,
      code,
      code_verifier: keep('a client’s verifier', verifier),
    }
  }
  for (const kind of ['html', 'truncated', 'reset', 'redirect', 'wrong-types', 'empty-object', 'huge'] as const) {
    const fields = await fieldsOf()
    tenant.faults.add({ target: 'token', kind })
    await post(`failure of Entra: ${kind}`, '/token', form(fields))
    tenant.faults.clear()
  }
  for (const code of [7000215, 700016, 54005, 70008, 50173, 65001, 53003, 501481]) {
    const fields = await fieldsOf()
    tenant.faults.add({ target: 'token', kind: 'aadsts', code })
    await post(`AADSTS${code}`, '/token', form(fields))
    tenant.faults.clear()
  }
  // A peer that repeats what it was sent, as a diagnostic page of a proxy does.
  for (const status of [200, 400, 401, 500]) {
    const fields = await fieldsOf()
    const { entraCode, verifier } = await unseal<Code>(sealKey, 'code', fields.code)
    const said = `You sent ${entraCode} and ${keep('the verifier at Entra', verifier)} and ${tenant.api.clientSecret}`
    tenant.faults.add({
      target: 'token',
      kind: 'status',
      status,
      body: { error: 'invalid_grant', error_description: said },
    })
    await post(`Entra repeats (${status})`, '/token', form(fields))
    tenant.faults.clear()
  }
}

async function injectedParameters() {
  const browser = openBrowser(origin)
  const good = authorizationUrl(origin, configured)
  for (const injection of injections) {
    for (const name of [
      'client_id',
      'redirect_uri',
      'response_type',
      'response_mode',
      'state',
      'scope',
      'code_challenge',
      'code_challenge_method',
      'resource',
      'prompt',
      'login_hint',
      'domain_hint',
      'claims',
      'request',
      'request_uri',
      'unknown',
    ]) {
      const url = new URL(good)
      url.searchParams.set(name, injection)
      met(`injection into ${name}`, await browser.go(url))
    }
    met(
      'injection into a redirect URI',
      await browser.go(authorizationUrl(origin, configured, { redirect_uri: redirectUri + injection })),
    )
    met(
      'injection into a document’s URL',
      await browser.go(authorizationUrl(origin, `https://client.example/${injection}`)),
    )
    for (const name of ['code', 'state', 'error', 'error_description']) {
      met(
        `injection into the callback’s ${name}`,
        await browser.go(`/oauth/callback?${new URLSearchParams({ [name]: injection })}`),
      )
    }
    met('injection into the form', await browser.submit({ request: injection, decision: injection }))
    const path = `/${encodeURIComponent(injection)}`
    met('injection into a path', await browser.go(`/oauth${path}`))
    for (const name of [
      'grant_type',
      'client_id',
      'client_secret',
      'code',
      'redirect_uri',
      'code_verifier',
      'refresh_token',
      'resource',
      'scope',
    ]) {
      const fields = { grant_type: 'authorization_code', client_id: configured, [name]: injection }
      await post(`injection into ${name} at /token`, '/token', form(fields))
    }
    await post(
      'injection into a revocation',
      '/revoke',
      form({ client_id: configured, token: injection, token_type_hint: injection }),
    )
  }
  // Names are shown on the consent page, and wherever they come from they are the client's own choice.
  const named = injections.slice(0, 8)
  for (const name of named) {
    const body = JSON.stringify({ client_name: name, redirect_uris: [redirectUri, redirectUri + name] })
    const registration = await post('injection into a name', '/register', body, json)
    const clientId = String((JSON.parse(registration.text) as Record<string, unknown>)['client_id'])
    const response = met('injection into a registered name', await browser.go(authorizationUrl(origin, clientId)))
    assert.equal(response.status, 200)
    const documented = documentUrl(
      new URLSearchParams({ name }).toString().replaceAll('%2F', '/').replaceAll('%5C', ''),
    )
    const page = met('injection into a document’s name', await browser.go(authorizationUrl(origin, documented)))
    assert.equal(page.status, 200, page.text.slice(-300))
  }
  // A redirect URI may hold what HTML has a meaning for.
  const uri = "http://127.0.0.1:33418/callback'onclick='alert(1)&lt;x"
  const registration = await post('a registration', '/register', JSON.stringify({ redirect_uris: [uri] }), json)
  const clientId = String((JSON.parse(registration.text) as Record<string, unknown>)['client_id'])
  const page = met('an odd redirect URI', await browser.go(authorizationUrl(origin, clientId, { redirect_uri: uri })))
  const onward = met('an odd redirect URI, denied', await browser.submit({ request: formOf(page), decision: 'deny' }))
  assert.ok(leadsTo(onward).href.startsWith(uri))
}

function assertSecretless(text: string, where: string) {
  for (const [secret, what] of secrets) assert.ok(!text.includes(secret), `${where} holds ${what}`)
}
