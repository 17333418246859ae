import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { browse } from '../../demo/browser.ts'
import type { Code } from '../../src/plugins/oauth-proxy/callback.ts'
import type { Registration } from '../../src/plugins/oauth-proxy/registration.ts'
import { listen } from '../helper.ts'
import { allowedRedirects, hostileRedirects } from '../lib/hostile-redirects.ts'
import {
  authorizationUrl,
  type FreshCode,
  freshCode,
  pkcePair,
  postForm,
  redeem,
  redirectUri,
  startClientHost,
} from '../sign-in-helper.ts'
import { startEmulator } from '../tenant.ts'
import { call, file, originOf } from './harness.ts'
import {
  assertPage,
  assertRejected,
  assertTokens,
  formBody,
  leadsTo,
  openBrowser,
  postBody,
  reseal,
  unseal,
} from './oauth-harness.ts'

const webRedirect = 'https://app.example/callback'

/** One for each way in which a URI is rejected; test/lib/redirect-policy.test.ts has all of them at the rule itself. */
const attacks = ['another site', 'userinfo', 'a scheme that runs or reads', 'a fragment', 'too long a text'].map(
  (attack) => ({
    attack,
    uri: hostileRedirects[attack]?.[0] ?? assert.fail(attack),
  }),
)

const sealKey = randomBytes(32).toString('base64')
const host = await startClientHost(file, (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'https://client.example')
  const uris = pathname === '/attack' ? [redirectUri, attacks[Number(searchParams.get('n'))]?.uri] : [redirectUri]
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'max-age=600' })
  response.end(JSON.stringify({ client_id: `https://client.example${request.url}`, redirect_uris: uris }))
})
const tenant = await startEmulator()
file.after(() => tenant.close())
const env = {
  MCP_OAUTH_SEAL_KEY: sealKey,
  MCP_OAUTH_REDIRECT_URI_PREFIXES: allowedRedirects.join(', '),
  // Registrations are limited by address, and here every attack has one of its own.
  TRUST_PROXY: 'loopback',
}
const { origin } = await listen(file, env, tenant, { network: host.network })
const configured = tenant.api.clientId
const documented = `${host.origin}/client.json`

let addresses = 0
async function registerAs(metadata: Readonly<Record<string, unknown>>) {
  addresses += 1
  const headers = { 'content-type': 'application/json', 'x-forwarded-for': `10.0.${addresses >> 8}.${addresses & 255}` }
  return postBody(`${origin}/register`, JSON.stringify(metadata), headers)
}

async function registered(...redirectUris: readonly string[]): Promise<string> {
  const { body } = await registerAs({ client_name: 'A test', redirect_uris: redirectUris })
  return String(body['client_id'])
}

/** A client id that a server with this key would have given for a redirect URI, had it not looked at it. */
const registeredWith = (uri: string) =>
  reseal<Registration>(sealKey, 'registration', { name: 'Forged', redirectUris: [redirectUri, uri] })

/** A code that a server with this key would have given for a redirect URI, had it not looked at it. */
async function codeFor(uri: string, fresh: FreshCode): Promise<string> {
  const code = await unseal<Code>(sealKey, 'code', fresh.code)
  return reseal<Code>(sealKey, 'code', { ...code, request: { ...code.request, redirectUri: uri } })
}

const entraVisits = () => {
  const { authorize, token } = tenant.stats.snapshot().endpoints
  return authorize + token
}
const redemptions = () => tenant.stats.snapshot().grants.authorization_code

/** An attack with a genuine code, after which the code is still good for the client that it belongs to. */
async function codeOutlives(fresh: FreshCode, attack: () => Promise<void>, honest = redirectUri) {
  const before = redemptions()
  await attack()
  assert.equal(redemptions(), before, 'Entra was not asked')
  assertTokens(await redeem(origin, fresh, { redirect_uri: honest }))
}

for (const [n, { attack, uri }] of attacks.entries()) {
  describe(`${attack}: ${JSON.stringify(uri.length > 100 ? `${uri.slice(0, 40)}…` : uri)}`, () => {
    test('is rejected at /authorize, whoever the client is, and nothing goes there', async () => {
      const before = entraVisits()
      for (const clientId of [configured, await registeredWith(uri), `${host.origin}/attack?n=${n}`]) {
        const response = await openBrowser(origin).go(authorizationUrl(origin, clientId, { redirect_uri: uri }))
        assertPage(response)
        // It is named, and leads nowhere.
        assert.doesNotMatch(response.text, /alert\(|(href|src|action)="(?!data:,")/i)
      }
      assert.equal(entraVisits(), before)
    })

    test('is rejected at /token, even where a code was made for it, and the genuine code stays valid', async () => {
      const fresh = await freshCode(origin, configured)
      await codeOutlives(fresh, async () => {
        for (const code of [fresh.code, await codeFor(uri, fresh)]) {
          const response = await redeem(origin, { ...fresh, code }, { redirect_uri: uri })
          assertRejected(response, uri.length > 2_048 ? 'invalid_request' : 'invalid_grant')
        }
      })
    })

    test('is not registered, neither alone nor beside an honest one', async () => {
      const alone = await registerAs({ redirect_uris: [uri] })
      assert.equal(alone.status, 400)
      assert.ok(['invalid_redirect_uri', 'invalid_client_metadata'].includes(String(alone.body['error'])))
      if (uri.length > 500) return
      const beside = await registerAs({ redirect_uris: [uri, redirectUri] })
      assert.deepEqual([beside.status, beside.body['redirect_uris']], [201, [redirectUri]])
    })
  })
}

for (const uri of [
  redirectUri,
  'http://localhost',
  'http://localhost:1/',
  'http://127.0.0.1:65535/any/path?x=1&y=%20',
  webRedirect,
  'https://app.example/oauth/',
  'https://app.example/oauth/deep/callback?x=1',
  'https://whole.example',
  'https://whole.example/any/path',
  'https://teams.microsoft.com/api/platform/v1.0/oAuthRedirect',
]) {
  test(`${uri} is honest, and the response is added at its end`, async () => {
    const clientId = await registered(uri)
    const fresh = pkcePair()
    const asked = authorizationUrl(origin, clientId, { redirect_uri: uri, code_challenge: fresh.challenge })
    const { url } = await browse(asked, { user: 'rowan' })
    const [, code = ''] = /[?&]code=([^&]+)&state=a\+state&iss=/.exec(url.href) ?? []
    assert.ok(url.href.startsWith(new URL(uri).href), url.href)
    assertTokens(await redeem(origin, { code, verifier: fresh.verifier, clientId }, { redirect_uri: uri }))
  })
}

describe('a redirect URI given twice', () => {
  for (const [what, second] of [
    ['the same', redirectUri],
    ['another on the list', webRedirect],
    ['a hostile one', 'https://evil.example/'],
    ['an empty one', ''],
  ] as const) {
    test(`at /authorize, the second time ${what} → a page`, async () => {
      for (const order of [
        [redirectUri, second],
        [second, redirectUri],
      ]) {
        const url = authorizationUrl(origin, configured, { redirect_uri: undefined })
        for (const one of order) url.searchParams.append('redirect_uri', one)
        assertPage(await openBrowser(origin).go(url))
      }
    })

    test(`at /token, the second time ${what} → invalid_request, and the code stays valid`, async () => {
      const fresh = await freshCode(origin, configured)
      await codeOutlives(fresh, async () => {
        const { code, verifier, clientId } = fresh
        for (const order of [
          [redirectUri, second],
          [second, redirectUri],
        ]) {
          const body = formBody(
            ['grant_type', 'authorization_code'],
            ['code', code],
            ['code_verifier', verifier],
            ['client_id', clientId],
            ...order.map((uri) => ['redirect_uri', uri] as const),
          )
          assertRejected(await postBody(`${origin}/token`, body), 'invalid_request')
        }
      })
    })
  }

  test('at /authorize as a list in brackets → a page', async () => {
    for (const name of ['redirect_uri[]', 'redirect_uri[0]', 'redirect_uri%5B%5D', 'Redirect_Uri', 'redirect_uri ']) {
      const url = authorizationUrl(origin, configured, { redirect_uri: undefined })
      assertPage(await openBrowser(origin).go(`${url}&${name}=${encodeURIComponent(redirectUri)}`))
    }
  })
})

describe('no redirect URI', () => {
  for (const [what, value] of [
    ['missing', undefined],
    ['empty', ''],
  ] as const) {
    test(`${what} at /authorize → a page, even where the client has one alone`, async () => {
      const clientId = await registered(redirectUri)
      assertPage(await openBrowser(origin).go(authorizationUrl(origin, clientId, { redirect_uri: value })))
    })

    test(`${what} at /token → the one of the code counts`, async () => {
      assertTokens(await redeem(origin, await freshCode(origin, configured), { redirect_uri: value }))
    })
  }
})

describe('a redirect URI on the list, but not the client’s own', () => {
  const foreign = [
    webRedirect,
    'https://app.example/oauth/evil',
    'https://whole.example/',
    'http://127.0.0.1:33418/callback2',
    'http://127.0.0.1:33418/',
    'http://127.0.0.1:33418/callback?x=1',
    'http://localhost:33418/callback',
  ]

  for (const uri of foreign) {
    test(`${uri} is rejected at /authorize`, async () => {
      for (const clientId of [await registered(redirectUri), documented]) {
        assertPage(await openBrowser(origin).go(authorizationUrl(origin, clientId, { redirect_uri: uri })))
      }
    })

    test(`${uri} is rejected at /token, and the code stays valid`, async () => {
      for (const clientId of [configured, await registered(redirectUri), documented]) {
        const fresh = await freshCode(origin, clientId)
        await codeOutlives(fresh, async () => {
          assertRejected(await redeem(origin, fresh, { redirect_uri: uri }), 'invalid_grant')
        })
      }
    })
  }

  test('what one client registered is no other’s', async () => {
    const other = await registered(webRedirect)
    assertPage(await openBrowser(origin).go(authorizationUrl(origin, other)))
    const mine = await registered(redirectUri)
    assertPage(await openBrowser(origin).go(authorizationUrl(origin, mine, { redirect_uri: webRedirect })))
  })
})

describe('the port of a loopback redirect URI', () => {
  const elsewhere = 'http://127.0.0.1:50123/callback'

  for (const [kind, clientOf] of [
    ['a registered client', () => registered(redirectUri)],
    ['a client that registered no port', () => registered('http://127.0.0.1/callback')],
    ['a client with a document', async () => documented],
    ['the configured client', async () => configured],
  ] as const) {
    test(`may be another than the one of ${kind}`, async () => {
      const clientId = await clientOf()
      const fresh = await freshCode(origin, clientId, { redirect_uri: elsewhere })
      assertTokens(await redeem(origin, fresh, { redirect_uri: elsewhere }))
    })

    test(`has to be the same at /token as it was at /authorize for ${kind}`, async () => {
      const fresh = await freshCode(origin, await clientOf(), { redirect_uri: elsewhere })
      const attack = async () => {
        assertRejected(await redeem(origin, fresh, { redirect_uri: redirectUri }), 'invalid_grant')
        assertRejected(await redeem(origin, fresh, { redirect_uri: 'http://127.0.0.1/callback' }), 'invalid_grant')
      }
      await codeOutlives(fresh, attack, elsewhere)
    })
  }

  test('matters where the host is not this computer', async () => {
    const clientId = await registered('https://whole.example/callback')
    const asked = authorizationUrl(origin, clientId, { redirect_uri: 'https://whole.example:8443/callback' })
    assertPage(await openBrowser(origin).go(asked))
  })

  test('matters where the operator’s list names one', async (t) => {
    const own = await listen(t, { MCP_OAUTH_REDIRECT_URI_PREFIXES: 'http://127.0.0.1:33418' }, tenant)
    const { status } = await openBrowser(own.origin).go(authorizationUrl(own.origin, configured))
    assert.equal(status, 302)
    const asked = authorizationUrl(own.origin, configured, { redirect_uri: elsewhere })
    assertPage(await openBrowser(own.origin).go(asked))
  })
})

describe('a list that has become shorter', async () => {
  const refresh = (at: string, clientId: string, refresh_token: string) =>
    postForm(`${at}/token`, { grant_type: 'refresh_token', client_id: clientId, refresh_token })
  // The same server after its operator took an entry out: same name, same key.
  const shorter = await listen(
    file,
    { ...env, PUBLIC_BASE_URL: origin, MCP_OAUTH_REDIRECT_URI_PREFIXES: webRedirect },
    tenant,
    { network: host.network },
  )
  const server = originOf(shorter.app)

  test('rejects a registration’s redirect URI at /authorize', async () => {
    const clientId = await registered(redirectUri, webRedirect)
    assertPage(await openBrowser(server).go(authorizationUrl(server, clientId)))
    const honest = authorizationUrl(server, clientId, { redirect_uri: webRedirect, resource: `${origin}/mcp` })
    assert.equal((await openBrowser(server).go(honest)).status, 200)
  })

  test('rejects a document’s redirect URI at /authorize', async () => {
    assertPage(await openBrowser(server).go(authorizationUrl(server, documented)))
  })

  for (const [kind, idOf] of [
    ['the configured client', async () => configured],
    ['a registered client', () => registered(redirectUri, webRedirect)],
    ['a client with a document', async () => documented],
  ] as const) {
    test(`ends refresh tokens of ${kind} that were given there, and no others`, async () => {
      const clientId = await idOf()
      const { body } = await redeem(origin, await freshCode(origin, clientId))
      const token = String(body['refresh_token'])
      shorter.logs.length = 0
      assertRejected(await refresh(server, clientId, token), 'invalid_grant')
      const event = shorter.logs.find((one) => one.event === 'sign_in_failure')
      assert.deepEqual([event?.['reason'], event?.['redirectUri']], ['redirect_withdrawn', redirectUri])
      const again = await refresh(origin, clientId, token)
      assertTokens(again)
      assertRejected(await refresh(server, clientId, String(again.body['refresh_token'])), 'invalid_grant')
    })
  }

  test('leaves refresh tokens that were given for what is still on it', async () => {
    const code = await freshCode(origin, configured, { redirect_uri: webRedirect })
    const { body } = await redeem(origin, code, { redirect_uri: webRedirect })
    assertTokens(await refresh(server, configured, String(body['refresh_token'])))
  })

  test('rejects a code made before at /token', async () => {
    const fresh = await freshCode(origin, configured)
    await codeOutlives(fresh, async () => {
      for (const redirect_uri of [redirectUri, undefined]) {
        assertRejected(await redeem(server, fresh, { redirect_uri }), 'invalid_grant')
      }
    })
  })
})

for (const path of ['', '/', '/authorize?x=1', '/oauth/callback', '/oauth/consent', '/mcp']) {
  test(`this server’s own address with ${path || 'no path'} is rejected at /authorize, allowed as it is on loopback`, async () => {
    const uri = `${origin}${path}`
    for (const clientId of [configured, await registered(uri)]) {
      assertPage(await openBrowser(origin).go(authorizationUrl(origin, clientId, { redirect_uri: uri })))
    }
  })
}

test('an error response that may be told to the client goes to its redirect URI and not a byte further', async () => {
  const asked = authorizationUrl(origin, configured, { redirect_uri: `${redirectUri}?x=1`, scope: 'nothing' })
  const response = await call(asked.href)
  assert.match(String(response.headers['location']), /^http:\/\/127\.0\.0\.1:33418\/callback\?x=1&error=invalid_scope&/)
  assert.equal(leadsTo(response).searchParams.get('x'), '1')
})
