import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { type CookieJar, signIn } from '../../emulator/sign-in.ts'
import { apiScope, authorizeUrl, call, pkce, REDIRECT, startTenant } from './entra-helper.ts'

const emulator = await startTenant()
const { api, client, tenant } = emulator
const { challenge } = pkce()

afterEach(() => {
  Object.assign(tenant.consent, { clientToApi: 'granted', apiToGraph: 'granted' })
})

/** The error that a request comes back to the client with. */
async function errorResponse(url: URL): Promise<Record<string, string>> {
  const { status, headers } = await call(url)
  assert.equal(status, 302)
  return Object.fromEntries(new URL(String(headers['location'])).searchParams)
}

test('a sign-in returns a code, the state and a session', async () => {
  const { url, parameters } = await signIn(authorizeUrl(emulator), { user: 'rowan' })
  assert.equal(url.origin + url.pathname, REDIRECT)
  assert.deepEqual([...parameters.keys()], ['code', 'session_state', 'state'])
  assert.equal(parameters.get('state'), 'the state')
})

test('the page lists every predefined user', async () => {
  const { text } = await call(authorizeUrl(emulator))
  for (const user of emulator.users) assert.ok(text.includes(user.userPrincipalName), user.userPrincipalName)
})

test('login_hint puts the user first and in focus', async () => {
  const { text } = await call(authorizeUrl(emulator, { login_hint: 'priya@contoso.example' }))
  const first = /<button name="login" value="([^"]+)"([^>]*)>/.exec(text)
  assert.equal(first?.[1], emulator.users[2]?.id)
  assert.match(first?.[2] ?? '', /autofocus/)
})

// A failure about the client or its redirect must stay here: there is nobody it could safely be sent to.
for (const { name, changes, code } of [
  { name: 'an unknown client', changes: { client_id: '99999999-1111-2222-3333-444444444444' }, code: 700016 },
  { name: 'no client', changes: { client_id: undefined }, code: 900144 },
  { name: 'no redirect URI', changes: { redirect_uri: undefined }, code: 900971 },
  { name: 'a redirect URI of another host', changes: { redirect_uri: 'https://fabrikam.example/cb' }, code: 50011 },
]) {
  test(`${name} gets an error page with AADSTS${code} and no redirect`, async () => {
    const { status, headers, text } = await call(authorizeUrl(emulator, changes))
    assert.equal(status, 400)
    assert.equal(headers['location'], undefined)
    assert.ok(text.includes(`AADSTS${code}:`))
    assert.match(text, /Correlation Id<\/dt><dd>[0-9a-f-]{36}</)
    assert.match(text, /Timestamp<\/dt><dd>\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ</)
  })
}

test('a duplicated prompt gets AADSTS9000411', async () => {
  const url = authorizeUrl(emulator, { prompt: 'login' })
  url.searchParams.append('prompt', 'consent')
  const { text } = await call(url)
  assert.match(text, /AADSTS9000411:<\/strong> .*&#39;prompt&#39; is duplicated/)
})

for (const { name, changes, code, error } of [
  { name: 'no response_type', changes: { response_type: undefined }, code: 900144, error: 'invalid_request' },
  {
    name: 'response_type=token',
    changes: { response_type: 'token' },
    code: 700054,
    error: 'unsupported_response_type',
  },
  {
    name: 'an unknown response_mode',
    changes: { response_mode: 'web_message' },
    code: 70007,
    error: 'invalid_request',
  },
  { name: 'no scope', changes: { scope: undefined }, code: 900144, error: 'invalid_request' },
  {
    name: 'a bare API scope, taken for Graph’s',
    changes: { scope: 'access_as_user' },
    code: 650053,
    error: 'invalid_client',
  },
  {
    name: 'an unknown scope of the API',
    changes: { scope: `${api.identifierUri}/admin` },
    code: 650053,
    error: 'invalid_client',
  },
  { name: 'an unknown resource', changes: { scope: 'api://fabrikam/read' }, code: 500011, error: 'invalid_resource' },
  {
    name: '.default beside a scope',
    changes: { scope: `${api.identifierUri}/.default ${apiScope(api)}` },
    code: 70011,
    error: 'invalid_scope',
  },
  {
    name: 'a resource that is not the scopes’',
    changes: { resource: 'https://mcp.contoso.example/mcp' },
    code: 9010010,
    error: 'invalid_target',
  },
  {
    name: 'a resource without a qualified scope',
    changes: { resource: api.identifierUri, scope: 'openid User.Read' },
    code: 901002,
    error: 'invalid_request',
  },
  { name: 'an unknown prompt', changes: { prompt: 'perhaps' }, code: 90023, error: 'invalid_request' },
  { name: 'a short code challenge', changes: { code_challenge: 'short' }, code: 501491, error: 'invalid_request' },
  {
    name: 'a challenge method alone',
    changes: { code_challenge_method: 'S256' },
    code: 50147,
    error: 'invalid_request',
  },
  {
    name: 'an unknown challenge method',
    changes: { code_challenge: challenge, code_challenge_method: 'S512' },
    code: 9002313,
    error: 'invalid_request',
  },
  { name: 'claims that are not JSON', changes: { claims: '{' }, code: 9002313, error: 'invalid_request' },
  { name: 'prompt=none without a session', changes: { prompt: 'none' }, code: 50058, error: 'login_required' },
]) {
  test(`${name} goes back to the client with AADSTS${code}`, async () => {
    const parameters = await errorResponse(authorizeUrl(emulator, changes))
    assert.equal(parameters['error'], error)
    assert.match(
      parameters['error_description'] ?? '',
      new RegExp(`^AADSTS${code}: .+ Trace ID: \\S+ Correlation ID: \\S+ Timestamp: \\S+ \\S+Z$`),
    )
    assert.equal(parameters['state'], 'the state')
  })
}

test('a resource parameter that matches the scopes is accepted', async () => {
  const { parameters } = await signIn(authorizeUrl(emulator, { resource: api.identifierUri }), { user: 'rowan' })
  assert.ok(parameters.get('code'))
})

test('fragment and form_post carry the response', async () => {
  for (const mode of ['fragment', 'form_post']) {
    const { url, parameters } = await signIn(authorizeUrl(emulator, { response_mode: mode }), { user: 'rowan' })
    assert.equal(url.origin + url.pathname, REDIRECT)
    assert.equal(url.search, '')
    assert.ok(parameters.get('code'), mode)
  }
})

test('a redirect URI without a path comes back with its slash', async () => {
  const { url } = await signIn(authorizeUrl(emulator, { redirect_uri: 'http://127.0.0.1:7071' }), { user: 'rowan' })
  assert.ok(url.href.startsWith('http://127.0.0.1:7071/?code='))
})

for (const { user, code } of [
  { user: 'dana', code: 50057 },
  { user: 'una', code: 50105 },
  { user: 'somebody@fabrikam.example', code: 50034 },
]) {
  test(`${user} is told AADSTS${code} on a page`, async () => {
    await assert.rejects(signIn(authorizeUrl(emulator), { user }), { code })
  })
}

test('consent is asked once of each user', async () => {
  tenant.consent.clientToApi = 'missing'
  const jar: CookieJar = new Map()
  await signIn(authorizeUrl(emulator), { user: 'priya', cookies: jar })
  const { parameters } = await signIn(authorizeUrl(emulator, { prompt: 'none' }), { user: 'priya', cookies: jar })
  assert.ok(parameters.get('code'))
})

test('cancelled consent goes back as access_denied', async () => {
  tenant.consent.clientToApi = 'missing'
  const { parameters } = await signIn(authorizeUrl(emulator), { user: 'gale', consent: false })
  assert.equal(parameters.get('error'), 'access_denied')
  assert.match(parameters.get('error_description') ?? '', /^AADSTS65004:/)
  assert.equal(parameters.get('code'), null)
})

test('prompt=none with a session but without consent is interaction_required', async () => {
  const jar: CookieJar = new Map()
  await signIn(authorizeUrl(emulator), { user: 'nico', cookies: jar })
  tenant.consent.clientToApi = 'missing'
  const { parameters } = await signIn(authorizeUrl(emulator, { prompt: 'none' }), { user: 'nico', cookies: jar })
  assert.equal(parameters.get('error'), 'interaction_required')
  assert.match(parameters.get('error_description') ?? '', /^AADSTS65001:/)
})

test('prompt=none signs in the hinted user silently, and nobody else', async () => {
  const jar: CookieJar = new Map()
  await signIn(authorizeUrl(emulator), { user: 'rowan', cookies: jar })
  const hinted = (login_hint: string) => authorizeUrl(emulator, { prompt: 'none', login_hint })
  const same = await signIn(hinted('rowan@contoso.example'), { user: 'rowan', cookies: jar })
  const other = await signIn(hinted('gale@contoso.example'), { user: 'gale', cookies: jar })
  assert.ok(same.parameters.get('code'))
  assert.equal(other.parameters.get('error'), 'login_required')
})

test('prompt=consent asks even where consent is given', async () => {
  const { parameters } = await signIn(authorizeUrl(emulator, { prompt: 'consent' }), { user: 'rowan', consent: false })
  assert.equal(parameters.get('error'), 'access_denied')
})

test('signing out ends the session', async () => {
  const jar: CookieJar = new Map()
  await signIn(authorizeUrl(emulator), { user: 'rowan', cookies: jar })
  const { headers } = await call(`${emulator.origin}/${emulator.tenantId}/oauth2/v2.0/logout`)
  assert.match(String(headers['set-cookie']), /^ESTSAUTH=; Max-Age=0/)
})

for (const { name, cookie } of [
  { name: 'without the browser’s cookie', cookie: '' },
  { name: 'with another browser’s cookie', cookie: 'esctx=another' },
]) {
  test(`a sign-in form posted ${name} is rejected`, async () => {
    const url = authorizeUrl(emulator)
    const canary = /name="canary" value="([^"]+)"/.exec((await call(url)).text)?.[1] ?? ''
    const { status, text } = await call(url, {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ canary, login: 'rowan' }).toString(),
    })
    assert.equal(status, 403)
    assert.match(text, /AADSTS165000:/)
  })
}

test('everything a request brings is escaped on the pages', async () => {
  const script = '<script>alert(1)</script>"\''
  const page = await call(authorizeUrl(emulator, { client_id: script }))
  assert.equal(page.text.includes('<script>alert'), false)
  assert.ok(page.text.includes('&#60;script&#62;'))
  client.redirectUris.web.push('http://localhost/quote"><script>')
  const { parameters } = await signIn(
    authorizeUrl(emulator, {
      redirect_uri: 'http://localhost/quote"><script>',
      response_mode: 'form_post',
      state: script,
    }),
    { user: 'rowan' },
  )
  assert.equal(parameters.get('state'), script)
})

test('pages come with a strict policy', async () => {
  const policy = String((await call(authorizeUrl(emulator))).headers['content-security-policy'])
  assert.match(policy, /default-src 'none'/)
  assert.match(policy, /frame-ancestors 'none'/)
  assert.doesNotMatch(policy, /unsafe/)
})
