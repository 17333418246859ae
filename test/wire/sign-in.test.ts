import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import {
  Client,
  discoverAuthorizationServerMetadata,
  discoverOAuthProtectedResourceMetadata,
  type FetchLike,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client'
import {
  discoverAuthorizationServerMetadata as discoverAuthorizationServerMetadataV1,
  UnauthorizedError as UnauthorizedErrorV1,
} from '@modelcontextprotocol/sdk/client/auth.js'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { OAuthMetadataSchema, OpenIdProviderDiscoveryMetadataSchema } from '@modelcontextprotocol/sdk/shared/auth.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { decodeJwt } from 'jose'
import { type BrowserResult, browse } from '../../demo/browser.ts'
import { signIn } from '../../emulator/sign-in.ts'
import { configFor, eventually, listen } from '../helper.ts'
import { buildWithRoutes, call, file, listTools, post, serve } from '../security/harness.ts'
import { pkcePair, redirectUri, serveDocument, startClientHost } from '../sign-in-helper.ts'
import { startEmulator } from '../tenant.ts'

/** The official clients of both generations from a 401 to a tool's result, told nothing but the endpoint. */

const tenant = await startEmulator()
file.after(() => tenant.close())
const host = await startClientHost(file, serveDocument())
const documentUrl = `${host.origin}/client.json`

const models = {
  'one app': { ...(await listen(file, {}, tenant, { network: host.network })), app: tenant.api },
  'two apps': {
    ...(await listen(
      file,
      { MCP_OAUTH_CLIENT_ID: tenant.client.clientId, MCP_OAUTH_CLIENT_SECRET: tenant.client.clientSecret },
      tenant,
      { network: host.network },
    )),
    app: tenant.client,
  },
}
const { origin } = models['one app']

/** How a client is known to the server: by what it was given beforehand, or else by registering itself. */
interface Identity {
  readonly client?: StoredOAuthClientInformation
  readonly clientMetadataUrl?: string
}

/** What a client stores between requests, open to tests. */
interface Stored {
  client: StoredOAuthClientInformation | undefined
  tokens: StoredOAuthTokens | undefined
  verifier: string
  discovery: OAuthDiscoveryState | undefined
  /** Where it sent the browser, in order. */
  readonly authorizationUrls: URL[]
}

/** A client's side of a sign-in, which outlives its sessions. */
interface SignOn {
  readonly stored: Stored
  readonly provider: OAuthClientProvider
}

function createSignOn({ client, clientMetadataUrl }: Identity): SignOn {
  const stored: Stored = {
    client,
    tokens: undefined,
    verifier: '',
    discovery: undefined,
    authorizationUrls: [],
  }
  const provider: OAuthClientProvider = {
    redirectUrl: redirectUri,
    clientMetadata: {
      client_name: 'A client of the SDK',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    ...(clientMetadataUrl !== undefined && { clientMetadataUrl }),
    state: () => randomBytes(16).toString('base64url'),
    clientInformation: () => stored.client,
    saveClientInformation(information) {
      stored.client = information
    },
    tokens: () => stored.tokens,
    saveTokens(tokens) {
      stored.tokens = tokens
    },
    redirectToAuthorization(url) {
      stored.authorizationUrls.push(url)
    },
    saveCodeVerifier(verifier) {
      stored.verifier = verifier
    },
    codeVerifier: () => stored.verifier,
    invalidateCredentials(scope) {
      if (scope === 'tokens' || scope === 'all') stored.tokens = undefined
      if (scope === 'client' || scope === 'all') stored.client = undefined
    },
    saveDiscoveryState(state) {
      stored.discovery = state
    },
    discoveryState: () => stored.discovery,
  }
  return { stored, provider }
}

interface ToolResult {
  readonly isError?: boolean
  readonly structuredContent?: { readonly value?: readonly unknown[] }
}

/** One client on one transport. */
interface Session {
  connect(): Promise<void>
  /** Hands the SDK what came back in the browser. */
  finish(redirected: URL): Promise<void>
  getMessages(): Promise<ToolResult>
}

interface Sdk {
  readonly UnauthorizedError: new (message?: string) => Error
  open(t: TestContext, origin: string, signOn: SignOn): Session
}

const us = { name: 'sign-in-test', version: '1.0.0' }
const getMessages = { name: 'getMessages', arguments: { top: 3 } }

const sdks: Readonly<Record<string, Sdk>> = {
  'the v1 client': {
    UnauthorizedError: UnauthorizedErrorV1,
    open(t, origin, { provider }) {
      const client = new ClientV1(us)
      const transport = new TransportV1(new URL(`${origin}/mcp`), { authProvider: provider })
      t.after(() => client.close())
      return {
        connect: () => client.connect(transport as Transport),
        finish: (redirected) => transport.finishAuth(redirected.searchParams.get('code') ?? ''),
        getMessages: async () => (await client.callTool(getMessages)) as ToolResult,
      }
    },
  },
  'the v2 client': {
    UnauthorizedError,
    open(t, origin, { provider }) {
      const client = new Client(us, { versionNegotiation: { mode: 'auto' } })
      const transport = new StreamableHTTPClientTransport(new URL(`${origin}/mcp`), { authProvider: provider })
      t.after(() => client.close())
      return {
        connect: () => client.connect(transport),
        finish: (redirected) => transport.finishAuth(redirected.searchParams),
        getMessages: async () => (await client.callTool(getMessages)) as ToolResult,
      }
    },
  },
}

/** The user does in the browser what the client asked for last. */
function useBrowser({ stored }: SignOn, user: string): Promise<BrowserResult> {
  const url = stored.authorizationUrls.at(-1)
  assert.ok(url, 'the client sent nobody to a browser')
  return browse(url, { user })
}

/** Connects with nothing at hand: 401, discovery, registration where needed, browser, code, and a session. */
async function signOnAs(t: TestContext, sdk: Sdk, origin: string, user: string, identity: Identity = {}) {
  const signOn = createSignOn(identity)
  const unauthorized = sdk.open(t, origin, signOn)
  await assert.rejects(unauthorized.connect(), sdk.UnauthorizedError)
  const journey = await useBrowser(signOn, user)
  await unauthorized.finish(journey.url)
  const session = sdk.open(t, origin, signOn)
  await session.connect()
  return { signOn, stored: signOn.stored, session, journey }
}

/** A user whom no other test has met, so that neither server nor tenant remembers anything. */
let users = 0
const nextUser = () => `load-${++users}`

function assertMessages({ isError, structuredContent }: ToolResult) {
  assert.notEqual(isError, true)
  assert.equal(structuredContent?.value?.length, 3)
}

/** The ways to be known, and the name that the user is asked about: none for the app that the operator named. */
const kinds = {
  'registering itself': { identityOf: () => ({}), askedFor: 'A client of the SDK' },
  'known by the URL of its description': {
    identityOf: () => ({ clientMetadataUrl: documentUrl }),
    askedFor: 'Documented',
  },
  'told the id of the configured app': {
    identityOf: ({ clientId }: { clientId: string }) => ({ client: { client_id: clientId } }),
    askedFor: undefined,
  },
}

for (const [name, sdk] of Object.entries(sdks)) {
  for (const [model, { origin, app }] of Object.entries(models)) {
    for (const [kind, { identityOf, askedFor }] of Object.entries(kinds)) {
      test(`${name}, ${kind}, signs a user in through ${model} and reads messages as that user`, async (t) => {
        const user = nextUser()
        const { session, stored, journey } = await signOnAs(t, sdk, origin, user, identityOf(app))
        assertMessages(await session.getMessages())
        assert.equal(journey.clientName, askedFor)
        assert.equal(journey.url.searchParams.get('iss'), origin)
        assert.equal(journey.url.searchParams.get('state'), stored.authorizationUrls[0]?.searchParams.get('state'))
        assert.equal(stored.authorizationUrls[0]?.searchParams.get('resource'), `${origin}/mcp`)
        const { azp, aud, scp, preferred_username } = decodeJwt(stored.tokens?.access_token ?? '')
        assert.deepEqual(
          { azp, aud, scp, preferred_username },
          {
            azp: app.clientId,
            aud: tenant.api.clientId,
            scp: 'access_as_user',
            preferred_username: `${user}@contoso.example`,
          },
        )
        assert.equal(stored.tokens?.scope, 'access_as_user')
        assert.equal(tenant.stats.snapshot().exchangesByUser[`${user}@contoso.example`], 1)
      })
    }

    test(`${name} renews its token by itself when the server says that it has expired, through ${model}`, async (t) => {
      const user = nextUser()
      const { session, stored } = await signOnAs(t, sdk, origin, user)
      const now = Math.floor(Date.now() / 1000)
      const old = await tenant.mint({ user, claims: { iat: now - 7_200, nbf: now - 7_200, exp: now - 3_600 } })
      assert.ok(stored.tokens)
      stored.tokens = { ...stored.tokens, access_token: old }
      assertMessages(await session.getMessages())
      assert.notEqual(stored.tokens.access_token, old)
      assert.equal(stored.authorizationUrls.length, 1, 'nobody was sent to the browser again')
    })

    test(`${name} sends its user to sign in again when Entra has ended the session, through ${model}`, async (t) => {
      const user = nextUser()
      const { signOn, session, stored } = await signOnAs(t, sdk, origin, user)
      const person = tenant.tenant.directory.find(user)
      assert.ok(person)
      tenant.tenant.revokeSessions(person, Math.floor(Date.now() / 1000))
      await assert.rejects(session.getMessages(), sdk.UnauthorizedError)
      assert.equal(stored.tokens, undefined)
      assert.equal(stored.authorizationUrls.length, 2)
      // Entra counts in whole seconds: only a sign-in after the one that was revoked is new.
      await eventually(() => Date.now() / 1000 >= person.sessionsValidFrom)
      await session.finish((await useBrowser(signOn, user)).url)
      assertMessages(await session.getMessages())
    })
  }

  test(`${name}, given the secret of the configured app, authenticates with it`, async (t) => {
    const { clientId: client_id, clientSecret: client_secret } = tenant.api
    const { session } = await signOnAs(t, sdk, origin, nextUser(), { client: { client_id, client_secret } })
    assertMessages(await session.getMessages())
  })

  test(`${name}, which knows no claims challenge, signs its user in again where Entra requires more`, async (t) => {
    for (const user of ['mika', 'signe']) {
      const { signOn, session, stored } = await signOnAs(t, sdk, origin, user)
      await assert.rejects(session.getMessages(), sdk.UnauthorizedError)
      assert.equal(stored.tokens, undefined)
      assert.equal(stored.authorizationUrls.length, 2)
      await session.finish((await useBrowser(signOn, user)).url)
      assertMessages(await session.getMessages())
      assert.equal(stored.authorizationUrls.length, 2)
    }
  })

  test(`${name} hears that its user did not allow it`, async (t) => {
    const signOn = createSignOn({})
    await assert.rejects(sdk.open(t, origin, signOn).connect(), sdk.UnauthorizedError)
    const [authorizationUrl] = signOn.stored.authorizationUrls
    assert.ok(authorizationUrl)
    const { url } = await browse(authorizationUrl, { user: nextUser(), consent: false })
    const { error, iss, state, code } = Object.fromEntries(url.searchParams)
    assert.deepEqual(
      { error, iss, state, code },
      { error: 'access_denied', iss: origin, state: authorizationUrl.searchParams.get('state'), code: undefined },
    )
    await assert.rejects(sdk.open(t, origin, signOn).finish(url))
    assert.equal(signOn.stored.tokens, undefined)
  })
}

test('the metadata documents are what the schemas of the v1 SDK require, OAuth and OpenID alike', async () => {
  for (const path of ['oauth-authorization-server', 'oauth-authorization-server/mcp', 'openid-configuration']) {
    const { text } = await call(`${origin}/.well-known/${path}`)
    const document = JSON.parse(text)
    assert.equal(OAuthMetadataSchema.parse(document).issuer, origin, path)
    assert.equal(OpenIdProviderDiscoveryMetadataSchema.parse(document).issuer, origin, path)
  }
})

for (const [path, server, options] of [
  ['/.well-known/oauth-authorization-server', origin, {}],
  ['/.well-known/openid-configuration', origin, {}],
  // Clients of the 2025-03-26 revision take the endpoint itself for an issuer, which it is not.
  ['/.well-known/oauth-authorization-server/mcp', `${origin}/mcp`, { skipIssuerValidation: true }],
] as const) {
  test(`both SDKs discover the server where ${path} is all that they find`, async () => {
    const only: FetchLike = (input, init) =>
      new URL(input).pathname === path ? fetch(input, init) : Promise.resolve(new Response(null, { status: 404 }))
    for (const found of [
      await discoverAuthorizationServerMetadata(server, { fetchFn: only, ...options }),
      await discoverAuthorizationServerMetadataV1(server, { fetchFn: only }),
    ]) {
      assert.equal(found?.issuer, origin)
      assert.equal(found.authorization_endpoint, `${origin}/authorize`)
      assert.equal(found.token_endpoint, `${origin}/token`)
      assert.equal(found.registration_endpoint, `${origin}/register`)
      assert.deepEqual(found.code_challenge_methods_supported, ['S256'])
      assert.equal(found.client_id_metadata_document_supported, true)
    }
  })
}

test('without the proxy none of its routes is there, whatever is asked of it', async (t) => {
  const { app: on, routes } = await buildWithRoutes(configFor(tenant, { LOG_LEVEL: 'silent' }))
  t.after(() => on.close())
  const { app: off, routes: stored } = await buildWithRoutes(
    configFor(tenant, { MCP_OAUTH_PROXY: 'off', LOG_LEVEL: 'silent' }),
  )
  const bare = await serve(t, off)
  const own = routes.filter(({ method, url }) => !stored.some((one) => one.method === method && one.url === url))
  for (const url of ['/authorize', '/oauth/consent', '/oauth/callback', '/token', '/register', '/revoke']) {
    assert.ok(own.some((route) => route.url === url))
  }
  for (const { method, url } of own) {
    for (const [type, body] of [
      ['application/json', '{"redirect_uris":["http://127.0.0.1/"]}'],
      ['application/x-www-form-urlencoded', 'grant_type=refresh_token'],
    ] as const) {
      const form = method === 'POST' ? { headers: { 'content-type': type }, body } : {}
      const { status } = await call(`${bare}${url}`, { method: method as 'GET' | 'HEAD' | 'POST', ...form })
      assert.equal(status, 404, `${method} ${url} ${type}`)
    }
  }
})

test('without the proxy a client is led to Entra, and the token that it gets there is served', async (t) => {
  const off = await listen(t, { MCP_OAUTH_PROXY: 'off' }, tenant)
  const { headers } = await post(off.origin, listTools)
  const resourceMetadataUrl = /resource_metadata="([^"]+)"/.exec(String(headers['www-authenticate']))?.[1] ?? ''
  const protectedResource = await discoverOAuthProtectedResourceMetadata(`${off.origin}/mcp`, { resourceMetadataUrl })
  const [issuer = ''] = protectedResource.authorization_servers ?? []
  assert.equal(new URL(issuer).origin, tenant.origin)
  const metadata = await discoverAuthorizationServerMetadata(issuer)
  assert.equal(metadata?.issuer, issuer)
  const scope = protectedResource.scopes_supported?.join(' ') ?? ''
  assert.equal(scope, `api://${tenant.api.clientId}/access_as_user`)

  const { verifier, challenge } = pkcePair()
  const asked = { client_id: tenant.client.clientId, redirect_uri: 'http://localhost', scope }
  const authorizationUrl = new URL(metadata.authorization_endpoint)
  authorizationUrl.search = new URLSearchParams({
    ...asked,
    response_type: 'code',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  }).toString()
  const { parameters } = await signIn(authorizationUrl, { user: nextUser() })
  const code = parameters.get('code') ?? ''
  const response = await fetch(metadata.token_endpoint, {
    method: 'POST',
    body: new URLSearchParams({ ...asked, grant_type: 'authorization_code', code, code_verifier: verifier }),
  })
  const { access_token } = (await response.json()) as { access_token: string }

  const client = new Client(us)
  t.after(() => client.close())
  const requestInit = { headers: { authorization: `Bearer ${access_token}` } }
  await client.connect(new StreamableHTTPClientTransport(new URL(`${off.origin}/mcp`), { requestInit }))
  assertMessages((await client.callTool(getMessages)) as ToolResult)
})
