import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as oauth from 'oauth4webapi'
import { browse } from '../../demo/browser.ts'
import { listen, toolCall } from '../helper.ts'
import { file, post } from '../security/harness.ts'
import { redirectUri } from '../sign-in-helper.ts'
import { startEmulator } from '../tenant.ts'

/** A client that checks every word of every response against the RFCs (oauth4webapi), and is not an MCP client at all. */

const tenant = await startEmulator()
file.after(() => tenant.close())
const { origin } = await listen(file, {}, tenant)

/** The library rejects http, loopback included, unless told that this is meant. */
const overHttp = { [oauth.allowInsecureRequests]: true } as const
const issuer = new URL(origin)
const server = await oauth.processDiscoveryResponse(
  issuer,
  await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...overHttp }),
)

const configured: oauth.Client = { client_id: tenant.api.clientId }
const open = oauth.None()

function register(metadata: Partial<oauth.Client>) {
  return oauth
    .dynamicClientRegistrationRequest(server, metadata, overHttp)
    .then(oauth.processDynamicClientRegistrationResponse)
}

const registered = await register({ client_name: 'Strict', redirect_uris: [redirectUri] })

interface Authorized {
  readonly client: oauth.Client
  /** The response at the redirect URI, verified to be this server's and for this request. */
  readonly parameters: URLSearchParams
  readonly verifier: string
}

/** Goes to the authorization endpoint in a browser. @throws what the library finds wrong with the response, errors included */
async function authorize(
  client: oauth.Client,
  overrides: Readonly<Record<string, string>> = {},
  consent = true,
): Promise<Authorized> {
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const url = new URL(server.authorization_endpoint ?? '')
  url.search = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'access_as_user',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    resource: `${origin}/mcp`,
    state,
    ...overrides,
  }).toString()
  const { url: response } = await browse(url, { user: 'rowan', consent })
  return { client, parameters: oauth.validateAuthResponse(server, client, response, state), verifier }
}

async function redeem(
  { client, parameters, verifier }: Authorized,
  { clientAuth = open, redirect = redirectUri, resource = `${origin}/mcp` } = {},
) {
  const options = { ...overHttp, additionalParameters: { resource } }
  const response = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    clientAuth,
    parameters,
    redirect,
    verifier,
    options,
  )
  return oauth.processAuthorizationCodeResponse(server, client, response)
}

async function refresh(client: oauth.Client, token = '', additionalParameters: Readonly<Record<string, string>> = {}) {
  const options = { ...overHttp, additionalParameters }
  const response = await oauth.refreshTokenGrantRequest(server, client, open, token, options)
  return oauth.processRefreshTokenResponse(server, client, response)
}

async function assertServed(token: string) {
  const { status, body } = await post(origin, toolCall('getMessages', { top: 1 }), token)
  assert.equal(status, 200)
  assert.ok(body.result?.structuredContent)
}

for (const algorithm of ['oauth2', 'oidc'] as const) {
  test(`the server is found by ${algorithm} discovery, under exactly the issuer that was asked for`, async () => {
    const response = await oauth.discoveryRequest(issuer, { algorithm, ...overHttp })
    const found = await oauth.processDiscoveryResponse(issuer, response)
    assert.equal(found.issuer, origin)
    assert.deepEqual(found, server)
    assert.equal(found.authorization_response_iss_parameter_supported, true)
  })
}

test('the protected resource names the server, and the server knows all scopes that it names', async () => {
  const resource = new URL(`${origin}/mcp`)
  const response = await oauth.resourceDiscoveryRequest(resource, overHttp)
  const found = await oauth.processResourceDiscoveryResponse(resource, response)
  assert.equal(found.resource, resource.href)
  assert.deepEqual(found.authorization_servers, [server.issuer])
  assert.deepEqual(found.scopes_supported, server.scopes_supported)
})

test('the keys of the metadata are those that sign the access tokens', async () => {
  const { access_token } = await redeem(await authorize(registered))
  const [header = ''] = access_token.split('.')
  const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string }
  const { keys } = (await (await fetch(server.jwks_uri ?? '')).json()) as { keys: { kid: string }[] }
  assert.ok(keys.some((key) => key.kid === kid))
})

test('a registration is answered with what was registered, and without a secret', () => {
  const { client_id, client_id_issued_at, ...rest } = registered
  assert.equal(typeof client_id, 'string')
  assert.equal(typeof client_id_issued_at, 'number')
  assert.deepEqual(rest, {
    client_name: 'Strict',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  })
})

for (const [what, client, clientAuth] of [
  ['registered client', registered, open],
  ['configured app, without a secret,', configured, open],
  ['configured app, its secret in the form,', configured, oauth.ClientSecretPost(tenant.api.clientSecret)],
  ['configured app, its secret by HTTP Basic,', configured, oauth.ClientSecretBasic(tenant.api.clientSecret)],
] as const) {
  test(`the ${what} gets tokens for a code, and new ones for the refresh token`, async () => {
    const first = await redeem(await authorize(client), { clientAuth })
    assert.equal(first.token_type, 'bearer')
    assert.equal(first.scope, 'access_as_user')
    assert.ok((first.expires_in ?? 0) > 60)
    await assertServed(first.access_token)
    const second = await refresh(client, first.refresh_token, { resource: `${origin}/mcp` })
    assert.notEqual(second.access_token, first.access_token)
    assert.equal(second.scope, 'access_as_user')
    assert.equal(typeof second.refresh_token, 'string')
    await assertServed(second.access_token)
  })
}

for (const [what, overrides, error] of [
  ['a response type that is not served', { response_type: 'token' }, 'unsupported_response_type'],
  ['a response mode that is not served', { response_mode: 'form_post' }, 'invalid_request'],
  ['no PKCE', { code_challenge: '' }, 'invalid_request'],
  ['PKCE without a hash', { code_challenge_method: 'plain' }, 'invalid_request'],
  ['a scope of another API', { scope: 'User.Read' }, 'invalid_scope'],
  ['another resource', { resource: 'https://graph.microsoft.com/' }, 'invalid_target'],
  ['a request object', { request: 'e30.e30.' }, 'request_not_supported'],
  ['a request by reference', { request_uri: 'https://client.example/r' }, 'request_uri_not_supported'],
] as const) {
  test(`an authorization request with ${what} is answered with ${error}, with issuer and state`, async () => {
    await assert.rejects(authorize(configured, overrides), { name: 'AuthorizationResponseError', error })
  })
}

test('a consent that is denied is answered with access_denied, with issuer and state', async () => {
  await assert.rejects(authorize(registered, {}, false), { name: 'AuthorizationResponseError', error: 'access_denied' })
})

test('prompt=none where the user would have to be asked is answered with interaction_required', async () => {
  const rejected = { name: 'AuthorizationResponseError', error: 'interaction_required' }
  await assert.rejects(authorize(registered, { prompt: 'none' }), rejected)
})

for (const [what, attempt, error, status] of [
  [
    'a code for the second time',
    async () => {
      const authorized = await authorize(configured)
      await redeem(authorized)
      await redeem(authorized)
    },
    'invalid_grant',
    400,
  ],
  [
    'a code with the verifier of another request',
    async () => redeem({ ...(await authorize(configured)), verifier: oauth.generateRandomCodeVerifier() }),
    'invalid_grant',
    400,
  ],
  [
    'a code with another redirect URI',
    async () => redeem(await authorize(configured), { redirect: 'http://127.0.0.1:33419/callback' }),
    'invalid_grant',
    400,
  ],
  [
    'the code of another client',
    async () => redeem({ ...(await authorize(configured)), client: registered }),
    'invalid_grant',
    400,
  ],
  [
    'a code for another resource',
    async () => redeem(await authorize(configured), { resource: 'https://other.example/mcp' }),
    'invalid_target',
    400,
  ],
  ['a refresh token that nobody issued', () => refresh(registered, 'bm90IG91cnM'), 'invalid_grant', 400],
  [
    'the refresh token of another client',
    async () => refresh(registered, (await redeem(await authorize(configured))).refresh_token),
    'invalid_grant',
    400,
  ],
  [
    'a refresh token for more scopes',
    async () => {
      const { refresh_token } = await redeem(await authorize(registered))
      await refresh(registered, refresh_token, { scope: 'access_as_user User.Read' })
    },
    'invalid_scope',
    400,
  ],
  [
    'a grant that is not served',
    async () => {
      const response = await oauth.clientCredentialsGrantRequest(server, configured, open, {}, overHttp)
      await oauth.processClientCredentialsResponse(server, configured, response)
    },
    'unsupported_grant_type',
    400,
  ],
  ['a client that nobody knows', () => refresh({ client_id: 'nobody' }, 'bm90IG91cnM'), 'invalid_client', 401],
  [
    'a wrong secret in the form',
    async () => redeem(await authorize(configured), { clientAuth: oauth.ClientSecretPost('wrong') }),
    'invalid_client',
    401,
  ],
] as const) {
  test(`${what} is rejected at the token endpoint with ${error}, and a sentence that says why`, async () => {
    await assert.rejects(attempt, (rejected) => {
      assert.ok(rejected instanceof oauth.ResponseBodyError, String(rejected))
      assert.equal(rejected.error, error)
      assert.equal(rejected.status, status)
      assert.match(rejected.error_description ?? '', /^[A-Z].*\.$/)
      assert.equal(rejected.response.headers.get('cache-control'), 'no-store')
      return true
    })
  })
}

test('a wrong secret by HTTP Basic is rejected with a challenge that names Basic', async () => {
  const authorized = await authorize(configured)
  await assert.rejects(redeem(authorized, { clientAuth: oauth.ClientSecretBasic('wrong') }), (rejected) => {
    assert.ok(rejected instanceof oauth.WWWAuthenticateChallengeError, String(rejected))
    assert.equal(rejected.status, 401)
    assert.deepEqual(
      rejected.cause.map(({ scheme }) => scheme),
      ['basic'],
    )
    return true
  })
  await redeem(authorized)
})

const rejectedRegistrations: readonly { what: string; metadata: Partial<oauth.Client>; error: string }[] = [
  {
    what: 'a redirect URI that is not allowed',
    metadata: { redirect_uris: ['https://evil.example/'] },
    error: 'invalid_redirect_uri',
  },
  { what: 'no redirect URI', metadata: { client_name: 'Nowhere' }, error: 'invalid_client_metadata' },
  {
    what: 'a grant that is not served',
    metadata: { redirect_uris: [redirectUri], grant_types: ['implicit'] },
    error: 'invalid_client_metadata',
  },
]

for (const { what, metadata, error } of rejectedRegistrations) {
  test(`a registration with ${what} is rejected with ${error}`, async () => {
    await assert.rejects(register(metadata), { name: 'ResponseBodyError', error, status: 400 })
  })
}

test('a refresh token that was revoked brings no more tokens, and revoking it again is answered alike', async () => {
  const { refresh_token = '' } = await redeem(await authorize(registered))
  const descendant = await refresh(registered, refresh_token)
  for (const _ of ['once', 'and again']) {
    const response = await oauth.revocationRequest(server, registered, open, refresh_token, overHttp)
    await oauth.processRevocationResponse(response)
  }
  for (const token of [refresh_token, descendant.refresh_token]) {
    await assert.rejects(refresh(registered, token), { name: 'ResponseBodyError', error: 'invalid_grant' })
  }
})

test('a revocation by a client that nobody knows is rejected with invalid_client', async () => {
  const response = await oauth.revocationRequest(server, { client_id: 'nobody' }, open, 'bm90IG91cnM', overHttp)
  await assert.rejects(oauth.processRevocationResponse(response), {
    name: 'ResponseBodyError',
    error: 'invalid_client',
  })
})
