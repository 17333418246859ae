import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listen } from '../helper.ts'
import { file } from '../security/harness.ts'
import { assertPage, assertRejected, assertTokens, openBrowser } from '../security/oauth-harness.ts'
import {
  authorizationUrl,
  freshCode,
  postForm,
  redeem,
  redirectUri,
  register,
  serveDocument,
  startClientHost,
} from '../sign-in-helper.ts'
import { startEmulator } from '../tenant.ts'

/** What clients in use send where they sign in, and what the specifications allow them to. */

const tenant = await startEmulator()
file.after(() => tenant.close())

/** Documents by path; any other one is that of a public client. */
const documents = new Map<string | undefined, Readonly<Record<string, unknown>>>()
/** Paths whose document is unavailable. */
const missing = new Set<string | undefined>()
const host = await startClientHost(file, (request, response) => {
  if (missing.has(request.url)) response.writeHead(500).end()
  else serveDocument(documents.get(request.url))(request, response)
})
const { origin, logs } = await listen(file, {}, tenant, { network: host.network })

// ChatGPT can sign an assertion and can do without (OpenID Connect Relying Party Metadata Choices 1.0).
const choosy = `${host.origin}/choosy.json`
documents.set('/choosy.json', {
  token_endpoint_auth_method: 'private_key_jwt',
  token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
  token_endpoint_auth_signing_alg: 'RS256',
  jwks_uri: `${host.origin}/keys`,
})
const assertion = {
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  client_assertion: ['{"alg":"RS256"}', JSON.stringify({ iss: choosy, sub: choosy, aud: origin }), 'signature']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.'),
}

for (const [how, own] of [
  ['its id alone', { client_id: choosy }],
  ['its id and an assertion', { client_id: choosy, ...assertion }],
  ['an assertion alone', { client_id: undefined, ...assertion }],
] as const) {
  test(`a client that can do without client authentication redeems, refreshes and revokes with ${how}`, async () => {
    const first = await redeem(origin, await freshCode(origin, choosy), own)
    assertTokens(first)
    const refresh = { grant_type: 'refresh_token', refresh_token: String(first.body['refresh_token']), ...own }
    assertTokens(await postForm(`${origin}/token`, refresh))
    const token = String(first.body['refresh_token'])
    assert.equal((await postForm(`${origin}/revoke`, { token, ...own })).status, 200)
    assertRejected(await postForm(`${origin}/token`, refresh), 'invalid_grant')
  })
}

test('an assertion about another client brings nothing', async () => {
  const code = await freshCode(origin, `${host.origin}/client.json`)
  assertRejected(await redeem(origin, code, { client_id: undefined, ...assertion }), 'invalid_grant')
  assertTokens(await redeem(origin, code))
})

test('a request that does not say who asks is told what is missing', async () => {
  const response = await redeem(origin, await freshCode(origin, choosy), { client_id: undefined })
  assertRejected(response, 'invalid_request')
  assert.match(String(response.body['error_description']), /client_id/)
})

for (const [what, own] of [
  ['no redirect URI', { redirect_uri: undefined }],
  ['an empty redirect URI', { redirect_uri: '' }],
] as const) {
  test(`a code is redeemed with ${what}: it has its own (OAuth 2.1 section 10.2)`, async () => {
    assertTokens(await redeem(origin, await freshCode(origin, choosy), own))
  })
}

test('a redirect URI that is sent has to be that of the code, be it another of the client or written otherwise', async () => {
  const code = await freshCode(origin, choosy)
  for (const redirect_uri of ['http://127.0.0.1:33419/callback', `${redirectUri}/`, `${redirectUri}?`, 'nowhere']) {
    assertRejected(await redeem(origin, code, { redirect_uri }), 'invalid_grant')
  }
  assertTokens(await redeem(origin, code))
})

for (const redirect_uri of ['http://[::1]:49152/callback', 'http://127.0.0.1:49152/callback', 'http://localhost:1/']) {
  test(`without a list of the operator, a program on this computer signs in at ${redirect_uri}`, async () => {
    const { body } = await register(origin, { redirect_uris: [redirect_uri.replace(/:\d+\//, '/')] })
    const code = await freshCode(origin, String(body['client_id']), { redirect_uri })
    assertTokens(await redeem(origin, code, { redirect_uri }))
  })
}

test('a registration stores what is valid of it, and returns that', async () => {
  const { status, body } = await register(origin, {
    client_name: 'n'.repeat(500),
    redirect_uris: [null, 7, `${redirectUri}?${'x'.repeat(3_000)}`, 'https://evil.example/', redirectUri],
    grant_types: null,
    response_types: [null, 'code'],
    token_endpoint_auth_method: null,
    logo_uri: null,
    contacts: null,
    jwks: null,
  })
  assert.equal(status, 201, JSON.stringify(body))
  const { client_id, client_id_issued_at: _, ...stored } = body
  assert.deepEqual(stored, {
    client_name: `${'n'.repeat(59)}…`,
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  })
  assertTokens(await redeem(origin, await freshCode(origin, String(client_id))))
})

const ofApp = 'cursor://anysphere.cursor-mcp/oauth/callback'
const withApp = await listen(file, { MCP_OAUTH_REDIRECT_URI_PREFIXES: ofApp }, tenant)

test('an app comes back under a scheme of its own where the operator lists it, and users are told what it is', async () => {
  const { body } = await register(withApp.origin, { redirect_uris: [ofApp, `${ofApp}/more`] })
  assert.deepEqual(body['redirect_uris'], [ofApp])
  for (const clientId of [String(body['client_id']), tenant.api.clientId]) {
    const asked = authorizationUrl(withApp.origin, clientId, { redirect_uri: ofApp })
    const { status, text } = await openBrowser(withApp.origin).go(asked)
    assert.equal(status, 200)
    assert.match(text, /role="note"[\s\S]*cursor:\/\/anysphere/)
    const code = await freshCode(withApp.origin, clientId, { redirect_uri: ofApp })
    assertTokens(await redeem(withApp.origin, code, { redirect_uri: ofApp }))
  }
})

test('no other URI of that scheme is allowed, and none where it is not listed', async () => {
  for (const [server, redirect_uri] of [
    [withApp.origin, `${ofApp}/more`],
    [withApp.origin, `${ofApp}?x=1`],
    [withApp.origin, 'cursor://evil/oauth/callback'],
    [origin, ofApp],
  ] as const) {
    const asked = authorizationUrl(server, tenant.api.clientId, { redirect_uri })
    assertPage(await openBrowser(server).go(asked))
    assertRejected(await register(server, { redirect_uris: [redirect_uri] }), 'invalid_redirect_uri')
  }
})

const defaults =
  'http://127.0.0.1,http://localhost,http://[::1],https://teams.microsoft.com/api/platform/v1.0/oAuthRedirect'
const allowLine = `MCP_OAUTH_REDIRECT_URI_PREFIXES=${defaults},https://new.example/callback`
const newUri = 'https://new.example/callback'
documents.set('/elsewhere.json', { redirect_uris: [newUri] })

for (const [what, attempt, reason, line] of [
  [
    'is not on the operator’s list',
    async () => {
      const asked = authorizationUrl(origin, tenant.api.clientId, { redirect_uri: newUri })
      const page = await openBrowser(origin).go(asked)
      assertPage(page)
      assert.match(page.text, /<code>https:\/\/new\.example\/callback<\/code>/)
      assert.match(page.text, /MCP_OAUTH_REDIRECT_URI_PREFIXES/)
    },
    'redirect_not_listed',
    allowLine,
  ],
  [
    'has a query',
    async () => {
      const asked = authorizationUrl(origin, tenant.api.clientId, { redirect_uri: `${newUri}?zq7mark=zq7mark` })
      assertPage(await openBrowser(origin).go(asked))
    },
    'redirect_not_listed',
    undefined,
  ],
  [
    'is registered, among others that are not allowed',
    async () =>
      assertRejected(
        await register(origin, { redirect_uris: [newUri, 'https://x.example/zq7mark'] }),
        'invalid_redirect_uri',
      ),
    'redirect_uris_not_allowed',
    allowLine,
  ],
  [
    'is in a document',
    async () => assertPage(await openBrowser(origin).go(authorizationUrl(origin, `${host.origin}/elsewhere.json`))),
    'client_document_invalid',
    allowLine,
  ],
] as const) {
  test(`a redirect URI that ${what} is in the log by origin and path: ${reason}`, async () => {
    logs.length = 0
    await attempt()
    const [event, ...others] = logs.filter((one) => one.event === 'sign_in_failure')
    assert.deepEqual(others, [])
    assert.deepEqual([event?.['reason'], event?.['redirectUri'], event?.['allowLine']], [reason, newUri, line])
    assert.doesNotMatch(JSON.stringify(logs), /zq7mark/)
  })
}

test('a redirect URI that is allowed, but not this client’s, is told apart, and no line is there to paste', async () => {
  const { body } = await register(origin)
  logs.length = 0
  const redirect_uri = 'http://127.0.0.1:1/other'
  const page = await openBrowser(origin).go(authorizationUrl(origin, String(body['client_id']), { redirect_uri }))
  assertPage(page)
  assert.match(page.text, /<code>http:\/\/127\.0\.0\.1:1\/other<\/code>/)
  assert.doesNotMatch(page.text, /MCP_OAUTH_REDIRECT_URI_PREFIXES/)
  const event = logs.find((one) => one.event === 'sign_in_failure')
  assert.deepEqual([event?.['reason'], event?.['redirectUri']], ['redirect_not_registered', redirect_uri])
  assert.equal(event?.['allowLine'], undefined)
})

test('Entra’s error code is a field of the log line of a token request', async () => {
  const fresh = await freshCode(origin, tenant.api.clientId)
  logs.length = 0
  tenant.faults.add({ target: 'token', kind: 'aadsts', code: 70008 })
  const { body } = await redeem(origin, fresh)
  tenant.faults.clear()
  assert.match(String(body['error_description']), /\(AADSTS70008\)$/)
  const event = logs.find((one) => one.event === 'sign_in_failure')
  assert.deepEqual([event?.['reason'], event?.['aadsts']], ['grant_rejected', 'AADSTS70008'])
})

const refreshAs = (clientId: string, token: unknown) =>
  postForm(`${origin}/token`, { grant_type: 'refresh_token', client_id: clientId, refresh_token: String(token) })

test('a refresh token counts for as long as its redirect URI is in the client’s document', async () => {
  const clientId = `${host.origin}/moving.json`
  documents.set('/moving.json', { redirect_uris: ['http://127.0.0.1/callback', 'http://127.0.0.1/other'] })
  const { body } = await redeem(origin, await freshCode(origin, clientId))
  const { refresh_token } = (await refreshAs(clientId, body['refresh_token'])).body
  documents.set('/moving.json', { redirect_uris: ['http://127.0.0.1/other'] })
  for (const token of [body['refresh_token'], refresh_token]) {
    const rejected = await refreshAs(clientId, token)
    assertRejected(rejected, 'invalid_grant')
    assert.match(String(rejected.body['error_description']), /redirect URI .* no longer allowed/)
  }
  documents.set('/moving.json', { redirect_uris: ['http://127.0.0.1/callback'] })
  assertTokens(await refreshAs(clientId, refresh_token))
})

test('a document that cannot be used any more ends refresh tokens', async () => {
  const clientId = `${host.origin}/ending.json`
  const { body } = await redeem(origin, await freshCode(origin, clientId))
  documents.set('/ending.json', { token_endpoint_auth_method: 'private_key_jwt' })
  assertRejected(await refreshAs(clientId, body['refresh_token']), 'invalid_grant')
})

test('a document that cannot be fetched ends nothing: the client is told when to come again', async () => {
  const clientId = `${host.origin}/away.json`
  const { body } = await redeem(origin, await freshCode(origin, clientId))
  missing.add('/away.json')
  const response = await refreshAs(clientId, body['refresh_token'])
  assertRejected(response, 'temporarily_unavailable', 503)
  assert.equal(response.headers['retry-after'], '10')
})
