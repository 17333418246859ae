import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { buildApp } from '../../src/app.ts'
import type { ConsentForm } from '../../src/plugins/oauth-proxy/consent.ts'
import type { Transaction } from '../../src/plugins/oauth-proxy/entra-authorize-url.ts'
import type { Registration } from '../../src/plugins/oauth-proxy/registration.ts'
import { eventually, listen } from '../helper.ts'
import { authorizationUrl, pkcePair, postForm, redeem, redirectUri } from '../sign-in-helper.ts'
import { startEmulator } from '../tenant.ts'
import { call, file, type HttpResponse, originOf, productionConfig, serve } from './harness.ts'
import {
  assertPage,
  assertRejectedAtClient,
  assertTokens,
  type Browser,
  callbackOf,
  formBody,
  formOf,
  leadsTo,
  openBrowser,
  reseal,
  setCookiesOf,
  unseal,
  withFlippedBit,
} from './oauth-harness.ts'

const sealKey = randomBytes(32).toString('base64')
const tenant = await startEmulator()
file.after(() => tenant.close())
const env = { MCP_OAUTH_SEAL_KEY: sealKey, MCP_OAUTH_SCOPES: 'access_as_user, write_as_user' }
const { origin } = await listen(file, env, tenant)
const configured = tenant.api.clientId
const webRedirect = 'https://teams.microsoft.com/api/platform/v1.0/oAuthRedirect'

/** A client as `/register` would have made it. */
function clientWith(registration: Partial<Registration> = {}): Promise<string> {
  const redirectUris = [redirectUri, 'http://127.0.0.1:33418/other', webRedirect]
  const yearMs = 365 * 24 * 3_600_000
  return reseal<Registration>(sealKey, 'registration', { name: 'A test', redirectUris, ...registration }, yearMs)
}
const registered = await clientWith()
const otherClient = await clientWith()

type Overrides = Readonly<Record<string, string | undefined>>

/** A sign-in of the configured client up to Entra's response: the browser, and the callback that it is sent to. */
async function upToCallback(browser: Browser = openBrowser(origin), overrides: Overrides = {}) {
  const { verifier, challenge } = pkcePair()
  const asked = authorizationUrl(origin, configured, { code_challenge: challenge, ...overrides })
  const callback = await callbackOf(leadsTo(await browser.go(asked)))
  return { browser, callback, verifier }
}

/** A registered client's sign-in up to the consent page. */
async function upToConsent(browser: Browser = openBrowser(origin), clientId = registered, overrides: Overrides = {}) {
  const response = await browser.go(authorizationUrl(origin, clientId, overrides))
  return { browser, form: formOf(response) }
}

/** A sign-in ends at the client, with a code that is good. */
async function assertSignsIn({ browser, callback, verifier }: Awaited<ReturnType<typeof upToCallback>>) {
  const { searchParams } = leadsTo(await browser.go(callback))
  const code = searchParams.get('code') ?? ''
  assertTokens(await redeem(origin, { code, verifier, clientId: configured }))
}

const signInCookies = ({ cookies }: Browser) => [...cookies.keys()].filter((name) => name.startsWith('mcp-sign-in-'))
const atClient = { state: 'a state', iss: origin }

describe('the callback', () => {
  test('without the browser’s cookie → 403, and the browser itself goes on', async () => {
    const begun = await upToCallback()
    assertPage(await openBrowser(origin).go(begun.callback), 403)
    await assertSignsIn(begun)
  })

  test('with another transaction’s cookie → 403, and both browsers go on', async () => {
    const [one, other] = [await upToCallback(), await upToCallback()]
    const swapped = await call(one.callback.href, { headers: { cookie: cookieHeader(other.browser) } })
    assertPage(swapped, 403)
    await assertSignsIn(one)
    await assertSignsIn(other)
  })

  test('with another transaction’s secret under its own cookie’s name → 403', async () => {
    const [one, other] = [await upToCallback(), await upToCallback()]
    const [name] = signInCookies(one.browser)
    const [secret] = [...other.browser.cookies.values()]
    assertPage(await call(one.callback.href, { headers: { cookie: `${name}=${secret}` } }), 403)
    await assertSignsIn(one)
  })

  for (const [attack, tamper] of Object.entries<(secret: string) => string>({
    empty: () => '',
    'one character short': (secret) => secret.slice(0, -1),
    'one character long': (secret) => `${secret}A`,
    'of another last character': (secret) => `${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`,
    'in other case': (secret) => secret.toUpperCase(),
    'a name of a prototype': () => '__proto__',
  })) {
    test(`with a secret that is ${attack} → 403`, async () => {
      const begun = await upToCallback()
      const [[name = '', secret = ''] = []] = [...begun.browser.cookies]
      assert.notEqual(tamper(secret), secret)
      assertPage(await call(begun.callback.href, { headers: { cookie: `${name}=${tamper(secret)}` } }), 403)
      await assertSignsIn(begun)
    })
  }

  test('twice → 403 the second time', async () => {
    const begun = await upToCallback()
    const first = await begun.browser.go(begun.callback)
    assert.ok(leadsTo(first).searchParams.get('code'))
    assertPage(await begun.browser.go(begun.callback), 403)
  })

  test('replayed at once by a thief of the address, who has no cookie → 403 every time', async () => {
    const begun = await upToCallback()
    const thieves = await Promise.all(Array.from({ length: 10 }, () => call(begun.callback.href)))
    for (const response of thieves) assertPage(response, 403)
    await assertSignsIn(begun)
  })

  test('in parallel tabs works in each, whichever ends first', async () => {
    const browser = openBrowser(origin)
    const tabs = []
    for (const state of ['first', 'second', 'third']) tabs.push({ state, ...(await upToCallback(browser, { state })) })
    for (const { state, callback, verifier } of tabs.reverse()) {
      const url = leadsTo(await browser.go(callback))
      assert.equal(url.searchParams.get('state'), state)
      const code = url.searchParams.get('code') ?? ''
      assertTokens(await redeem(origin, { code, verifier, clientId: configured }))
    }
    assert.deepEqual(signInCookies(browser), [])
  })

  test('in parallel tabs does not mix them up: the code of one is not accepted for the other', async () => {
    const browser = openBrowser(origin)
    const [one, other] = [await upToCallback(browser), await upToCallback(browser, { state: 'other' })]
    const forged = new URL(one.callback)
    forged.searchParams.set('code', other.callback.searchParams.get('code') ?? '')
    const code = leadsTo(await browser.go(forged)).searchParams.get('code') ?? ''
    // PKCE at Entra: the verifier in this state is not that code's.
    const { status, body } = await redeem(origin, { code, verifier: one.verifier, clientId: configured })
    assert.deepEqual([status, body['error']], [400, 'invalid_grant'])
    await assertSignsIn(other)
  })

  for (const [attack, tamper] of Object.entries<(state: string) => string | Promise<string>>({
    missing: () => '',
    'one character short': (state) => state.slice(0, -1),
    'one character long': (state) => `${state}A`,
    'turned by one bit': (state) => withFlippedBit(state),
    'the client’s own': () => 'a state',
    padded: (state) => `${state}=`,
    'of 10,000 letters': () => 'A'.repeat(10_000),
    'of another key': async (state) =>
      reseal(randomBytes(32).toString('base64'), 'transaction', await transactionOf(state)),
  })) {
    test(`with a state that is ${attack} → 403, and the browser goes on with the genuine one`, async () => {
      const begun = await upToCallback()
      const forged = new URL(begun.callback)
      forged.searchParams.set('state', await tamper(forged.searchParams.get('state') ?? ''))
      assertPage(await begun.browser.go(forged), 403)
      await assertSignsIn(begun)
    })
  }

  for (const name of ['state', 'code']) {
    test(`with ${name} twice → a page, and the browser goes on`, async () => {
      const begun = await upToCallback()
      const forged = new URL(begun.callback)
      forged.searchParams.append(name, forged.searchParams.get(name) ?? '')
      assertPage(await begun.browser.go(forged))
      await assertSignsIn(begun)
    })
  }

  test('with a state that has expired → a page that says so', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const own = await listen(t, {}, tenant)
    const browser = openBrowser(own.origin)
    const callback = await callbackOf(leadsTo(await browser.go(authorizationUrl(own.origin, configured))))
    t.mock.timers.tick(10 * 60_000)
    const response = await browser.go(callback)
    assertPage(response)
    assert.match(response.text, /sign_in_expired/)
  })

  test('with neither code nor error ends the sign-in at the client', async () => {
    const { browser, callback } = await upToCallback()
    callback.searchParams.delete('code')
    assertRejectedAtClient(leadsTo(await browser.go(callback)), 'server_error', atClient)
    assert.deepEqual(signInCookies(browser), [])
  })

  test('may come to any replica with the same key', async (t) => {
    const other = originOf((await listen(t, { ...env, PUBLIC_BASE_URL: origin }, tenant)).app)
    const begun = await upToCallback()
    const elsewhere = openBrowser(other, other, begun.browser.cookies)
    await assertSignsIn({ ...begun, browser: elsewhere })
  })

  test('asks Entra for nothing: it is the client’s to redeem', async () => {
    const begun = await upToCallback()
    const before = tenant.stats.snapshot().endpoints.token
    assert.ok(leadsTo(await begun.browser.go(begun.callback)).searchParams.get('code'))
    assert.equal(tenant.stats.snapshot().endpoints.token, before)
  })
})

describe('what Entra rejects', () => {
  /** The callback of a fresh sign-in, with a response of the test's own instead of Entra's. */
  async function callbackWith(response: Readonly<Record<string, string>>) {
    const { browser, callback } = await upToCallback()
    const { searchParams } = callback
    const state = searchParams.get('state') ?? ''
    return leadsTo(await browser.go(`/oauth/callback?${new URLSearchParams({ ...response, state })}`))
  }

  test('is access_denied where the user declines at Entra, with Entra’s number and nothing else of it', async (t) => {
    tenant.tenant.consent.clientToApi = 'missing'
    t.after(() => {
      tenant.tenant.consent.clientToApi = 'granted'
    })
    const own = await listen(
      t,
      { MCP_OAUTH_CLIENT_ID: tenant.client.clientId, MCP_OAUTH_CLIENT_SECRET: tenant.client.clientSecret },
      tenant,
    )
    const browser = openBrowser(own.origin)
    const onward = leadsTo(await browser.go(authorizationUrl(own.origin, tenant.client.clientId)))
    const url = leadsTo(await browser.go(await callbackOf(onward, 'rowan', false)))
    assertRejectedAtClient(url, 'access_denied', { ...atClient, iss: own.origin })
    const description = url.searchParams.get('error_description') ?? ''
    assert.match(description, /\(AADSTS65004\)/)
    assert.doesNotMatch(description, /Trace ID|Correlation ID|Timestamp/)
  })

  test('is interaction_required where prompt=none finds nobody signed in', async () => {
    const { browser, callback } = await upToCallback(undefined, { prompt: 'none' })
    assert.equal(callback.searchParams.get('error'), 'login_required')
    const url = leadsTo(await browser.go(callback))
    assertRejectedAtClient(url, 'interaction_required', atClient)
    assert.match(url.searchParams.get('error_description') ?? '', /AADSTS50058/)
  })

  for (const [error, expected] of [
    ['access_denied', 'access_denied'],
    ['login_required', 'interaction_required'],
    ['interaction_required', 'interaction_required'],
    ['consent_required', 'interaction_required'],
    ['server_error', 'temporarily_unavailable'],
    ['temporarily_unavailable', 'temporarily_unavailable'],
    ['invalid_request', 'server_error'],
    ['unauthorized_client', 'server_error'],
    ['invalid_resource', 'server_error'],
    ['unsupported_response_type', 'server_error'],
    ['invalid_scope', 'server_error'],
    ['something new', 'server_error'],
    ['constructor', 'server_error'],
    ['<script>alert(1)</script>', 'server_error'],
  ] as const) {
    test(`${error} is ${expected} at the client, with state and iss`, async () => {
      const url = await callbackWith({ error, error_description: 'AADSTS90033: A transient error has occurred.' })
      assertRejectedAtClient(url, expected, atClient)
      assert.match(url.searchParams.get('error_description') ?? '', /\(AADSTS90033\)/)
    })
  }

  for (const said of [
    'You won! Call +1 555 0100 now',
    '"><script>alert(1)</script>',
    'a\r\nX-Injected: 1',
    'See AADSTS65004',
    'AADSTS1',
    `AADSTS${'9'.repeat(50)}`,
    '\u202edrow eht',
  ]) {
    test(`${JSON.stringify(said.slice(0, 40))} is not handed on as a description`, async () => {
      const url = await callbackWith({ error: 'access_denied', error_description: said, error_uri: said })
      assertRejectedAtClient(url, 'access_denied', atClient)
      const own = /^Microsoft Entra denied the sign-in, or the user cancelled it\.( \(AADSTS\d{4,8}\))?$/
      assert.match(url.searchParams.get('error_description') ?? '', own)
      assert.deepEqual([...url.searchParams.keys()], ['error', 'error_description', 'state', 'iss'])
    })
  }

  test('ends the sign-in: a code that comes later for the same state is rejected', async () => {
    const { browser, callback } = await upToCallback()
    const state = callback.searchParams.get('state') ?? ''
    await browser.go(`/oauth/callback?${new URLSearchParams({ error: 'access_denied', state })}`)
    assertPage(await browser.go(callback), 403)
  })

  test('does not reach a client whose browser it is not', async () => {
    const { callback } = await upToCallback()
    const state = callback.searchParams.get('state') ?? ''
    const query = new URLSearchParams({ error: 'access_denied', state })
    assertPage(await openBrowser(origin).go(`/oauth/callback?${query}`), 403)
  })
})

describe('many sign-ins in one browser', () => {
  test('the ninth pushes out the oldest, and the other eight go on', async () => {
    const browser = openBrowser(origin)
    const begun: Awaited<ReturnType<typeof upToCallback>>[] = []
    for (let n = 0; n < 9; n++) {
      const started = Date.now()
      begun.push(await upToCallback(browser))
      await eventually(() => Date.now() > started)
    }
    assert.equal(signInCookies(browser).length, 8)
    const [oldest, ...others] = begun
    if (oldest !== undefined) assertPage(await browser.go(oldest.callback), 403)
    for (const other of others) await assertSignsIn(other)
    assert.equal(browser.cookies.size, 0)
  })

  test('a hundred do not make its cookies grow', async () => {
    const browser = openBrowser(origin)
    for (let n = 0; n < 100; n++) await browser.go(authorizationUrl(origin, configured))
    assert.equal(signInCookies(browser).length, 8)
    assert.ok(cookieHeader(browser).length < 1_000)
  })

  test('cookies that others planted under its names are only dropped', async () => {
    const planted = Array.from({ length: 40 }, (_, n) => [`mcp-sign-in-${n}`, 'x'] as const)
    const browser = openBrowser(origin, origin, new Map(planted))
    await assertSignsIn(await upToCallback(browser))
  })

  for (const [attack, name] of [
    ['a blank', 'mcp-sign-in-a b'],
    ['a letter beyond ASCII', 'mcp-sign-in-é'],
    ['a quote', 'mcp-sign-in-"x"'],
    ['markup', 'mcp-sign-in-<script>'],
    ['a comma', 'mcp-sign-in-a,b'],
    ['a tab', 'mcp-sign-in-a\tb'],
  ] as const) {
    test(`planted cookies whose names hold ${attack} break nothing and are injected nowhere`, async () => {
      const cookie = Array.from({ length: 12 }, (_, n) => `${name}${n}=x`).join('; ')
      const headers = { cookie: Buffer.from(cookie, 'utf8').toString('latin1') }
      const response = await call(authorizationUrl(origin, configured).href, { headers })
      assert.equal(response.status, 302, response.text.slice(-200))
      for (const set of setCookiesOf(response)) assert.match(set, /^mcp-sign-in-[\x21-\x7e]+; Max-Age=\d+; Path=\/; /)
    })
  }

  for (const cookie of ['=', ';;;', '__proto__=x', 'mcp-sign-in-=x', '%zz=%zz', 'a'.repeat(8_000), 'mcp-consents=%']) {
    test(`the Cookie header ${cookie.slice(0, 20)} breaks nothing`, async () => {
      const response = await call(authorizationUrl(origin, configured).href, { headers: { cookie } })
      assert.equal(response.status, 302)
    })
  }
})

describe('the consent form', () => {
  /** An attack on an open consent page, which the user can still decide afterwards. */
  async function formOutlives(attack: (browser: Browser, form: string) => Promise<void>) {
    const { browser, form } = await upToConsent()
    await attack(browser, form)
    assert.equal(browser.cookies.has('mcp-consents'), false, 'nothing was consented to')
    const onward = leadsTo(await browser.submit({ request: form, decision: 'allow', confirmed: 'yes' }))
    assert.equal(onward.origin, tenant.origin)
    assert.ok(leadsTo(await browser.go(await callbackOf(onward))).searchParams.get('code'))
  }

  for (const site of ['cross-site', 'same-site', 'none', 'SAME-ORIGIN', 'same-origin, cross-site', 'x']) {
    test(`sent with Sec-Fetch-Site: ${site} → 403, and the user can still decide`, async () => {
      await formOutlives(async (browser, form) => {
        const response = await browser.submit(
          { request: form, decision: 'allow', confirmed: 'yes' },
          { 'sec-fetch-site': site },
        )
        assertPage(response, 403)
      })
    })
  }

  for (const other of ['https://evil.example', 'null', 'http://localhost.evil.example']) {
    test(`sent with Origin: ${other} → 403, and the user can still decide`, async () => {
      await formOutlives(async (browser, form) => {
        const headers = { origin: other, 'sec-fetch-site': undefined }
        assertPage(await browser.submit({ request: form, decision: 'allow', confirmed: 'yes' }, headers), 403)
        assertPage(await browser.submit({ request: form, decision: 'allow', confirmed: 'yes' }, { origin: other }), 403)
      })
    })
  }

  test('sent by a browser that knows neither header counts, since it brings form and cookie', async () => {
    const { browser, form } = await upToConsent()
    const headers = { origin: undefined, 'sec-fetch-site': undefined }
    assert.equal(
      leadsTo(await browser.submit({ request: form, decision: 'allow', confirmed: 'yes' }, headers)).origin,
      tenant.origin,
    )
  })

  test('sent without the browser’s cookie → 403, and the user can still decide', async () => {
    await formOutlives(async (_browser, form) => {
      assertPage(await openBrowser(origin).submit({ request: form, decision: 'allow', confirmed: 'yes' }), 403)
    })
  })

  test('of another browser → 403, and both users can still decide', async () => {
    await formOutlives(async (browser) => {
      await formOutlives(async (_other, foreign) => {
        assertPage(await browser.submit({ request: foreign, decision: 'allow', confirmed: 'yes' }), 403)
      })
    })
  })

  test('of another tab counts, since it is the same browser', async () => {
    const browser = openBrowser(origin)
    const [one, other] = [await upToConsent(browser), await upToConsent(browser, otherClient)]
    for (const { form } of [other, one]) {
      assert.equal(
        leadsTo(await browser.submit({ request: form, decision: 'allow', confirmed: 'yes' })).origin,
        tenant.origin,
      )
    }
  })

  for (const [attack, tamper] of Object.entries<(form: string) => string | Promise<string>>({
    'its last character gone': (form) => form.slice(0, -1),
    'a character more': (form) => `${form}A`,
    'one bit turned': (form) => withFlippedBit(form),
    'another key': async (form) => reseal(randomBytes(32).toString('base64'), 'consent-form', await formContent(form)),
    'a number': () => '1',
    'an empty text': () => '',
  })) {
    test(`with ${attack} → 403, and the user can still decide`, async () => {
      await formOutlives(async (browser, form) => {
        assertPage(await browser.submit({ request: await tamper(form), decision: 'allow', confirmed: 'yes' }), 403)
      })
    })
  }

  test('without its value → 403, and the user can still decide', async () => {
    await formOutlives(async (browser) => {
      assertPage(await browser.submit({ decision: 'allow', confirmed: 'yes' }), 403)
      assertPage(await browser.submit(''), 403)
    })
  })

  test('with its value or its decision twice → a page, and the user can still decide', async () => {
    await formOutlives(async (browser, form) => {
      const twice = formBody(['request', form], ['request', form], ['decision', 'allow'])
      assertPage(await browser.submit(twice))
      const both = formBody(['request', form], ['decision', 'deny'], ['decision', 'allow'], ['confirmed', 'yes'])
      assertPage(await browser.submit(both))
    })
  })

  test('asked for by GET → 404, and the user can still decide', async () => {
    await formOutlives(async (browser, form) => {
      const { status, headers } = await browser.go(`/oauth/consent?request=${form}&decision=allow&confirmed=yes`)
      assert.deepEqual([status, headers['location'], headers['set-cookie']], [404, undefined, undefined])
    })
  })

  test('too old → a page that says so', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const own = await listen(t, env, tenant)
    const browser = openBrowser(own.origin)
    const form = formOf(await browser.go(authorizationUrl(own.origin, registered)))
    t.mock.timers.tick(10 * 60_000)
    const response = await browser.submit({ request: form, decision: 'allow', confirmed: 'yes' })
    assertPage(response)
    assert.match(response.text, /sign_in_expired/)
  })

  test('sent again after the sign-in is finished → 403', async () => {
    const { browser, form } = await upToConsent()
    const onward = leadsTo(await browser.submit({ request: form, decision: 'allow', confirmed: 'yes' }))
    await browser.go(await callbackOf(onward))
    assertPage(await browser.submit({ request: form, decision: 'allow', confirmed: 'yes' }), 403)
    assertPage(await browser.submit({ request: form, decision: 'deny' }), 403)
  })

  test('sent again after it was denied → 403', async () => {
    const { browser, form } = await upToConsent()
    await browser.submit({ request: form, decision: 'deny' })
    assertPage(await browser.submit({ request: form, decision: 'allow', confirmed: 'yes' }), 403)
  })

  for (const decision of ['deny', 'ALLOW', 'yes', '', undefined, 'true']) {
    test(`decided as ${JSON.stringify(decision)} → access_denied at the client, and Entra is not asked`, async () => {
      const { browser, form } = await upToConsent()
      const before = tenant.stats.snapshot().endpoints
      const url = leadsTo(await browser.submit({ request: form, ...(decision !== undefined && { decision }) }))
      assert.equal(`${url.origin}${url.pathname}`, redirectUri)
      assertRejectedAtClient(url, 'access_denied', atClient)
      assert.equal(browser.cookies.size, 0, 'nothing is remembered')
      const { authorize, token } = tenant.stats.snapshot().endpoints
      assert.deepEqual([authorize, token], [before.authorize, before.token])
      assert.ok((await upToConsent(browser)).form, 'the user is asked again')
    })
  }

  for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x', 'application/xml', 'x']) {
    test(`as ${type} → 415, and the form still counts`, async () => {
      await formOutlives(async (browser, form) => {
        const fields = { request: form, decision: 'allow', confirmed: 'yes' }
        assertPage(await browser.submit(JSON.stringify(fields), { 'content-type': type }), 415)
      })
    })
  }

  for (const confirmed of [undefined, '', 'no', 'YES', 'on', 'true']) {
    test(`allowed with the box ${JSON.stringify(confirmed)} → 400, and the form still counts`, async () => {
      const { browser, form } = await upToConsent()
      const fields = { request: form, decision: 'allow' }
      const before = browser.cookies.size
      assertPage(await browser.submit({ ...fields, ...(confirmed !== undefined && { confirmed }) }), 400)
      assert.equal(browser.cookies.size, before, 'nothing is remembered')
      assert.equal(leadsTo(await browser.submit({ ...fields, confirmed: 'yes' })).origin, tenant.origin)
    })
  }

  test('says all that will happen: what is posted beside it changes nothing', async () => {
    const { browser, form } = await upToConsent()
    const response = await browser.submit({
      request: form,
      decision: 'allow',
      confirmed: 'yes',
      client_id: configured,
      redirect_uri: 'https://evil.example/',
      scope: 'write_as_user',
      state: 'evil',
      prompt: 'none',
    })
    const onward = leadsTo(response)
    assert.doesNotMatch(onward.href, /evil|write_as_user|prompt/)
    const url = leadsTo(await browser.go(await callbackOf(onward)))
    assert.equal(`${url.origin}${url.pathname}`, redirectUri)
    assert.equal(url.searchParams.get('state'), 'a state')
  })

  test('asks for the client that it names: its code is that client’s', async () => {
    const { verifier, challenge } = pkcePair()
    const { browser, form } = await upToConsent(undefined, registered, { code_challenge: challenge })
    const onward = leadsTo(await browser.submit({ request: form, decision: 'allow', confirmed: 'yes' }))
    const code = leadsTo(await browser.go(await callbackOf(onward))).searchParams.get('code') ?? ''
    const asOtherClient = await redeem(origin, { code, verifier, clientId: otherClient })
    assert.equal(asOtherClient.status, 400)
    assertTokens(await redeem(origin, { code, verifier, clientId: registered }))
  })

  test('is needed by the configured client where the sign-in leaves this computer, even to an address of the list', async () => {
    const { browser, form } = await upToConsent(undefined, configured, { redirect_uri: webRedirect })
    assert.equal(
      leadsTo(await browser.submit({ request: form, decision: 'allow', confirmed: 'yes' })).origin,
      tenant.origin,
    )
    const again = await browser.go(authorizationUrl(origin, configured, { redirect_uri: webRedirect }), {
      'sec-fetch-site': 'cross-site',
    })
    assert.match(again.text, /name="decision"/)
    const silent = authorizationUrl(origin, configured, { redirect_uri: webRedirect, prompt: 'none' })
    assert.equal(leadsTo(await openBrowser(origin).go(silent)).searchParams.get('error'), 'interaction_required')
  })

  for (const site of ['cross-site', 'same-site', 'same-origin', 'none, cross-site', 'x']) {
    const headers = { 'sec-fetch-site': site }

    test(`is needed by the configured client on this computer where ${site} sent the browser`, async () => {
      const browser = openBrowser(origin)
      const page = await browser.go(authorizationUrl(origin, configured), headers)
      assert.match(page.text, /name="confirmed"/)
      const onward = await browser.submit({ request: formOf(page), decision: 'allow', confirmed: 'yes' })
      assert.equal(leadsTo(onward).origin, tenant.origin)
    })

    test(`with prompt=none from ${site}, the configured client on this computer gets no code and no question`, async () => {
      const browser = openBrowser(origin)
      const response = await browser.go(authorizationUrl(origin, configured, { prompt: 'none' }), headers)
      assertRejectedAtClient(leadsTo(response), 'interaction_required', atClient)
      assert.equal(browser.cookies.size, 0)
    })
  }

  for (const headers of [{}, { 'sec-fetch-site': 'none' }]) {
    test(`is not needed where a program opened the browser (${JSON.stringify(headers)}), be it with prompt=none`, async () => {
      for (const prompt of [undefined, 'none', 'login']) {
        const asked = authorizationUrl(origin, configured, { prompt })
        assert.equal(leadsTo(await openBrowser(origin).go(asked, headers)).origin, tenant.origin)
      }
    })
  }

  test('is not needed by the configured client on this computer, and no other client passes for it', async () => {
    assert.equal((await openBrowser(origin).go(authorizationUrl(origin, configured))).status, 302)
    const namesake = await clientWith({ name: configured })
    assert.equal((await openBrowser(origin).go(authorizationUrl(origin, namesake))).status, 200)
  })
})

describe('a remembered consent', () => {
  /** A browser whose user has allowed the registered client its redirect URI and first scope. */
  async function consented(overrides: Overrides = {}) {
    const { browser, form } = await upToConsent(undefined, registered, overrides)
    const onward = leadsTo(await browser.submit({ request: form, decision: 'allow', confirmed: 'yes' }))
    await browser.go(await callbackOf(onward))
    return browser
  }
  const isAsked = ({ status, text }: HttpResponse) => status === 200 && text.includes('name="confirmed"')
  /** A page all the same, with nothing to tick. */
  const isKnown = ({ status, text }: HttpResponse) =>
    status === 200 && /name="decision"/.test(text) && !/confirmed/.test(text)

  for (const headers of [{}, { 'sec-fetch-site': 'none' }]) {
    test(`spares the box, and never the page, for the very same (${JSON.stringify(headers)})`, async () => {
      const browser = await consented()
      const page = await browser.go(authorizationUrl(origin, registered), headers)
      assert.ok(isKnown(page))
      assert.equal(leadsTo(await browser.submit({ request: formOf(page), decision: 'allow' })).origin, tenant.origin)
    })
  }

  test('spares the box on no page that was made without it', async () => {
    const browser = await consented()
    const page = await browser.go(authorizationUrl(origin, registered), { 'sec-fetch-site': 'cross-site' })
    assertPage(await browser.submit({ request: formOf(page), decision: 'allow' }), 400)
  })

  for (const site of ['cross-site', 'same-site', 'same-origin', 'none, cross-site', 'x']) {
    test(`does not count where it says Sec-Fetch-Site: ${site}`, async () => {
      const browser = await consented()
      assert.ok(isAsked(await browser.go(authorizationUrl(origin, registered), { 'sec-fetch-site': site })))
    })
  }

  for (const [attack, clientId, overrides] of [
    ['another client of the same name and redirect URIs', otherClient, {}],
    ['another redirect URI of the client', registered, { redirect_uri: 'http://127.0.0.1:33418/other' }],
    ['another host of the client', registered, { redirect_uri: webRedirect }],
    ['another port', registered, { redirect_uri: 'http://127.0.0.1:50123/callback' }],
    ['a wider scope', registered, { scope: 'access_as_user write_as_user' }],
    ['another scope', registered, { scope: 'write_as_user' }],
    ['every scope there is', registered, { scope: '.default' }],
    ['no scope, which means every one', registered, { scope: undefined }],
  ] as const) {
    test(`does not count for ${attack}`, async () => {
      const browser = await consented()
      assert.ok(isAsked(await browser.go(authorizationUrl(origin, clientId, overrides))))
    })
  }

  test('does not count in another browser', async () => {
    await consented()
    assert.ok(isAsked(await openBrowser(origin).go(authorizationUrl(origin, registered))))
  })

  for (const [attack, tamper] of Object.entries<(cookie: string) => string | Promise<string>>({
    'one bit turned': (cookie) => withFlippedBit(cookie),
    'its last character gone': (cookie) => cookie.slice(0, -1),
    'a comma and itself': (cookie) => `${cookie},${cookie}`,
    'another key': async (cookie) =>
      reseal(randomBytes(32).toString('base64'), 'consents', await unseal(sealKey, 'consents', cookie)),
    JSON: () => JSON.stringify([['x', 9_999_999_999]]),
  })) {
    test(`does not count with ${attack} in its cookie`, async () => {
      const browser = await consented()
      browser.cookies.set('mcp-consents', await tamper(browser.cookies.get('mcp-consents') ?? ''))
      assert.ok(isAsked(await browser.go(authorizationUrl(origin, registered))))
    })
  }

  test('is forgotten after thirty days', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const own = await listen(t, env, tenant)
    const browser = openBrowser(own.origin)
    const asked = () => browser.go(authorizationUrl(own.origin, registered))
    await browser.submit({ request: formOf(await asked()), decision: 'allow', confirmed: 'yes' })
    t.mock.timers.tick(30 * 24 * 3_600_000 - 2_000)
    assert.ok(isKnown(await asked()))
    t.mock.timers.tick(2_000)
    assert.ok(isAsked(await asked()))
  })

  test('keeps no more than the last twenty, so that the cookie does not grow', async () => {
    const browser = openBrowser(origin)
    const all = await Promise.all(Array.from({ length: 25 }, (_, n) => clientWith({ name: `Client ${n}` })))
    for (const clientId of all) {
      const { form } = await upToConsent(browser, clientId)
      await browser.submit({ request: form, decision: 'allow', confirmed: 'yes' })
    }
    assert.ok((browser.cookies.get('mcp-consents') ?? '').length < 2_000)
    const asked = []
    for (const clientId of all) asked.push(isAsked(await browser.go(authorizationUrl(origin, clientId))))
    assert.deepEqual(asked, [...Array(5).fill(true), ...Array(20).fill(false)])
  })

  test('is a page, and so prompt=none goes no further than the client', async () => {
    const browser = await consented()
    const asked = authorizationUrl(origin, registered, { prompt: 'none' })
    assertRejectedAtClient(leadsTo(await browser.go(asked)), 'interaction_required', atClient)
    const elsewhere = openBrowser(origin)
    assertRejectedAtClient(leadsTo(await elsewhere.go(asked)), 'interaction_required', atClient)
    assert.equal(elsewhere.cookies.size, 0)
    const ridden = await browser.go(asked, { 'sec-fetch-site': 'cross-site' })
    assertRejectedAtClient(leadsTo(ridden), 'interaction_required', atClient)
  })
})

describe('cookies', () => {
  /** Attributes of a Set-Cookie value, sorted; its name and Max-Age apart. */
  function partsOf(cookie: string) {
    const [, name = '', rest = ''] = /^([^=]+)=[^;]*; (.*)$/.exec(cookie) ?? []
    const attributes = rest.split('; ')
    const maxAge = attributes.find((one) => one.startsWith('Max-Age='))
    return { name, maxAge, attributes: attributes.filter((one) => one !== maxAge).sort() }
  }

  test('of a sign-in over http are lax, HttpOnly and of this host alone', async () => {
    const [cookie = '', ...more] = setCookiesOf(await openBrowser(origin).go(authorizationUrl(origin, configured)))
    const { name, maxAge, attributes } = partsOf(cookie)
    assert.match(name, /^mcp-sign-in-[\w-]+$/)
    assert.deepEqual([maxAge, attributes], ['Max-Age=600', ['HttpOnly', 'Path=/', 'SameSite=Lax']])
    assert.deepEqual(more, [])
  })

  test('of consents over http are strict, HttpOnly and of this host alone', async () => {
    const { browser, form } = await upToConsent()
    const [cookie = ''] = setCookiesOf(await browser.submit({ request: form, decision: 'allow', confirmed: 'yes' }))
    const { name, maxAge, attributes } = partsOf(cookie)
    assert.equal(name, 'mcp-consents')
    assert.deepEqual([maxAge, attributes], ['Max-Age=2592000', ['HttpOnly', 'Path=/', 'SameSite=Strict']])
  })

  test('are taken back with the attributes that they were set with', async () => {
    const { browser, callback } = await upToCallback()
    const [cookie = ''] = setCookiesOf(await browser.go(callback))
    assert.deepEqual(partsOf(cookie).attributes, ['HttpOnly', 'Path=/', 'SameSite=Lax'])
    assert.deepEqual(partsOf(cookie).maxAge, 'Max-Age=0')
  })
})

describe('in production', async () => {
  const publicUrl = 'https://mcp.example.com'
  tenant.tenant.api.redirectUris.web.push(`${publicUrl}/oauth/callback`)
  const registeredThere = await reseal<Registration>(sealKey, 'registration', {
    name: 'A',
    redirectUris: [redirectUri],
  })

  for (const [trust, trustEnv] of Object.entries({
    'no proxy': {},
    'the proxy before it': { TRUST_PROXY: 'loopback' },
  } as Record<string, Record<string, string>>)) {
    describe(`a server that trusts ${trust}`, async () => {
      const app = await buildApp(
        productionConfig(tenant, { MCP_OAUTH_SEAL_KEY: sealKey, LOG_LEVEL: 'silent', ...trustEnv }),
      )
      const server = await serve(file, app)

      /** A whole sign-in with some headers on every request: all that the browser was told. */
      async function journey(headers: Record<string, string> = {}) {
        const browser = openBrowser(server, publicUrl)
        const { verifier, challenge } = pkcePair()
        const asked = authorizationUrl(publicUrl, registeredThere, { code_challenge: challenge })
        const consent = await browser.go(asked, headers)
        const allowed = await browser.submit({ request: formOf(consent), decision: 'allow', confirmed: 'yes' }, headers)
        const onward = leadsTo(allowed)
        const finished = await browser.go(await callbackOf(onward), headers)
        const client = leadsTo(finished)
        const form = {
          grant_type: 'authorization_code',
          code: client.searchParams.get('code') ?? '',
          code_verifier: verifier,
          client_id: registeredThere,
          redirect_uri: redirectUri,
        }
        const tokens = await postForm(`${server}/token`, form, { host: 'mcp.example.com', ...headers })
        return { responses: [consent, allowed, finished], onward, client, tokens }
      }
      const told = async (headers?: Record<string, string>) => {
        const { responses, onward, client, tokens } = await journey(headers)
        return {
          statuses: [...responses.map(({ status }) => status), tokens.status],
          cookies: responses
            .flatMap(setCookiesOf)
            .map((cookie) => cookie.replace(/^([\w-]*?(in-|consents))[^;]*/, '$1')),
          entra: `${onward.origin}${onward.pathname}`,
          callback: onward.searchParams.get('redirect_uri'),
          client: `${client.origin}${client.pathname}`,
          iss: client.searchParams.get('iss'),
        }
      }

      test('binds its cookies to the host and to https', async () => {
        const { responses } = await journey()
        const cookies = responses.flatMap(setCookiesOf)
        assert.equal(cookies.length, 4)
        for (const cookie of cookies) {
          assert.match(cookie, /^__Host-mcp-(sign-in-[\w-]+|consents)=/)
          assert.match(cookie, /; Path=\/; HttpOnly; Secure; SameSite=(Lax|Strict)$/)
          assert.doesNotMatch(cookie, /Domain/i)
        }
      })

      test('takes no cookie without its prefix for its own', async () => {
        const browser = openBrowser(server, publicUrl)
        const onward = leadsTo(await browser.go(authorizationUrl(publicUrl, configured)))
        const callback = await callbackOf(onward)
        const bare = new Map([...browser.cookies].map(([name, value]) => [name.replace('__Host-', ''), value]))
        assertPage(await openBrowser(server, publicUrl, bare).go(callback), 403)
        assert.equal((await browser.go(callback)).status, 302)
      })

      const spoofed: Readonly<Record<string, Record<string, string>>> = {
        'X-Forwarded-Host': { 'x-forwarded-host': 'evil.example' },
        'X-Forwarded-Proto': { 'x-forwarded-proto': 'http' },
        'X-Forwarded-Port': { 'x-forwarded-port': '666' },
        'X-Forwarded-Prefix': { 'x-forwarded-prefix': '/evil' },
        Forwarded: { forwarded: 'for=203.0.113.7;host=evil.example;proto=http' },
        'X-Original-URL': { 'x-original-url': '/evil', 'x-rewrite-url': '/evil' },
        'all of them': {
          'x-forwarded-host': 'evil.example',
          'x-forwarded-proto': 'http',
          'x-forwarded-for': '203.0.113.7',
          forwarded: 'host=evil.example;proto=http',
          'x-host': 'evil.example',
        },
      }
      for (const [name, headers] of Object.entries(spoofed)) {
        test(`${name} changes no redirect, no cookie and no metadata`, async () => {
          const honest = await told()
          assert.deepEqual(honest.statuses, [200, 200, 302, 200])
          assert.deepEqual(await told(headers), honest)
          assert.deepEqual([honest.callback, honest.iss], [`${publicUrl}/oauth/callback`, publicUrl])
          for (const path of ['oauth-authorization-server', 'oauth-authorization-server/mcp', 'openid-configuration']) {
            const ask = async (more: Record<string, string> = {}) =>
              (await call(`${server}/.well-known/${path}`, { headers: { host: 'mcp.example.com', ...more } })).text
            assert.equal(await ask(headers), await ask())
            assert.doesNotMatch(await ask(headers), /evil|http:\/\/mcp/)
          }
        })
      }

      for (const path of ['/authorize', '/oauth/callback', '/oauth/consent', '/token', '/register', '/revoke']) {
        test(`another Host at ${path} → 403, whatever is forwarded`, async () => {
          const method = /authorize|callback/.test(path) ? 'GET' : 'POST'
          for (const headers of [
            { host: 'evil.example' },
            { host: 'evil.example', 'x-forwarded-host': 'mcp.example.com' },
            { host: 'localhost' },
            { host: 'mcp.example.com.evil.example' },
          ]) {
            const { search } = authorizationUrl(publicUrl, configured)
            const response = await call(`${server}${path}${search}`, { method, headers })
            assert.deepEqual(
              [response.status, response.headers['location'], setCookiesOf(response)],
              [403, undefined, []],
            )
          }
        })
      }
    })
  }
})

function transactionOf(state: string): Promise<Transaction> {
  return unseal<Transaction>(sealKey, 'transaction', state)
}

function formContent(form: string): Promise<ConsentForm> {
  return unseal<ConsentForm>(sealKey, 'consent-form', form)
}

function cookieHeader({ cookies }: Browser): string {
  return [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
}
