import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { browse } from '../../demo/browser.ts'
import { startEmulator } from '../../emulator/app.ts'
import type { Registration } from '../../src/oauth/registration.ts'
import type { Code } from '../../src/plugins/oauth-proxy/authorization.ts'
import { listen } from '../helper.ts'
import {
  authorizationUrl,
  type FreshCode,
  freshCode,
  pkcePair,
  redeem,
  redirectUri,
  startClientHost,
} from '../sign-in-helper.ts'
import { call, file, originOf } from './harness.ts'
import {
  assertPage,
  assertRefused,
  assertTokens,
  formBody,
  leadsTo,
  openBrowser,
  postBody,
  reseal,
  unseal,
} from './oauth-harness.ts'

/** What the operator allows: an exact path, all below a path, a whole origin, and programs on loopback. */
const allowed = [
  'http://127.0.0.1',
  'http://localhost',
  'https://app.example/callback',
  'https://app.example/oauth/',
  'https://whole.example',
  'https://teams.microsoft.com/api/platform/v1.0/oAuthRedirect',
]
const webRedirect = 'https://app.example/callback'

const hostile: Readonly<Record<string, readonly string[]>> = {
  'another site': ['https://evil.example/callback', 'http://evil.example/', 'https://10.0.0.1/', 'http://192.168.0.1/'],
  'a host that begins like one of the list': [
    'http://localhost.evil.example/callback',
    'http://127.0.0.1.evil.example/callback',
    'https://app.example.evil.example/callback',
    'https://teams.microsoft.com.evil.example/api/platform/v1.0/oAuthRedirect',
    'http://localhostevil.example/callback',
    'https://whole.exampleevil.example/',
  ],
  'a host that ends like one of the list': ['https://evilapp.example/callback', 'https://x.app.example/callback'],
  userinfo: [
    'http://localhost@evil.example/callback',
    'http://localhost:33418@evil.example/callback',
    'http://127.0.0.1@evil.example/',
    'http://evil@localhost/callback',
    'http://evil.example@127.0.0.1:33418/callback',
    'https://app.example%40evil.example/callback',
    'https://@app.example/callback',
    'https://:@app.example/callback',
  ],
  'a host with a dot at its end': [
    'http://localhost./callback',
    'http://127.0.0.1./callback',
    'https://app.example./callback',
    'https://whole.example.:443/',
  ],
  'percent signs where there should be none': [
    'http://localhost%2eevil.example/callback',
    'http://localhost%2Fevil.example/',
    'https://app.example/oauth/%2e%2e/evil',
    'https://app.example/oauth/%2E%2E%2Fevil',
    'https://app.example/oauth/..%2fevil',
    'https://app.example/oauth%2fevil',
    'https://app.example/oauth/%5c..%5cevil',
    'https://app.example/callback%00',
    'https://app.example/callback%2f',
    'https://app%2eexample/callback',
    'http://%6cocalhost/callback',
    'http://localhost%00.evil.example/',
  ],
  backslashes: [
    'http://localhost\\@evil.example/callback',
    'http://localhost\\.evil.example/callback',
    'http:\\\\localhost\\callback',
    'https://app.example\\callback',
    'https://evil.example\\@app.example/callback',
    'https://app.example/oauth/..\\evil',
  ],
  'tabs, newlines, blanks and a NUL': [
    'http://local\thost/callback',
    'http://localhost\n.evil.example/',
    'http://localhost/call\nback',
    'http://localhost/callback\r\nX-Injected: 1',
    ' http://localhost/callback',
    'http://localhost/callback ',
    '\thttp://localhost/callback',
    'http://localhost/callback\n',
    'http://localhost/\0',
    'http://localhost/a b',
    'java\nscript:alert(1)',
  ],
  'a scheme that runs or reads': [
    'javascript:alert(1)',
    'javascript://localhost/%0aalert(1)',
    'JavaScript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:msgbox(1)',
    'file:///etc/passwd',
    'file://localhost/etc/passwd',
    'blob:http://localhost/5c0f1e9a',
    'filesystem:http://localhost/temporary/x',
    'view-source:http://localhost/callback',
    'about:blank',
  ],
  'another scheme': [
    'https://localhost/callback',
    'https://127.0.0.1/callback',
    'http://app.example/callback',
    'ftp://localhost/callback',
    'ws://localhost/callback',
    'com.example.app:/callback',
    'com.example.app://localhost/callback',
    'urn:ietf:wg:oauth:2.0:oob',
  ],
  IPv6: [
    'http://[::1]/callback',
    'http://[::1]:33418/callback',
    'http://[::ffff:127.0.0.1]/callback',
    'http://[::ffff:7f00:1]/callback',
    'http://[0:0:0:0:0:0:0:1]/callback',
    'http://[::]/callback',
    'http://[::1%25lo]/callback',
    'http://[fe80::1%lo0]/callback',
    'http://::1/callback',
  ],
  'an unusual way to write an address': [
    'http://2130706433/callback',
    'http://0x7f.0.0.1/callback',
    'http://0x7f000001/callback',
    'http://0177.0.0.1/callback',
    'http://127.1/callback',
    'http://127.0.0.2/callback',
    'http://127.000.000.001/callback',
    'http://0.0.0.0/callback',
    'http://0/callback',
  ],
  'mixed case': [
    'HTTP://localhost/callback',
    'http://LOCALHOST/callback',
    'http://LocalHost:33418/callback',
    'https://App.Example/callback',
    'https://app.example/Callback',
    'https://app.example/CALLBACK',
    'https://teams.microsoft.com/api/platform/v1.0/oauthredirect',
  ],
  'a fragment': [
    'http://localhost/callback#',
    'http://localhost/callback#code',
    'https://app.example/callback#/x',
    'http://localhost#@evil.example/',
  ],
  'a path without its boundary': [
    'https://app.example/callbackevil',
    'https://app.example/callback.evil',
    'https://app.example/callback/',
    'https://app.example/callback/evil',
    'https://app.example//callback',
    'https://app.example/oauth',
    'https://app.example/oauthevil',
    'https://app.example/',
    'https://app.example',
    'https://teams.microsoft.com/api/platform/v1.0/oAuthRedirect/evil',
    'https://teams.microsoft.com/api/platform/v1.0/oAuthRedirectevil',
  ],
  'dot segments': [
    'https://app.example/callback/../evil',
    'https://app.example/evil/../callback',
    'https://app.example/oauth/../evil',
    'https://app.example/oauth/./x',
    'https://app.example/oauth/..',
    'https://app.example/oauth/.',
    'http://localhost/../callback',
    'http://localhost/./callback',
    'https://whole.example/a/../b',
  ],
  'a query where a path has to match': [
    'https://app.example/callback?',
    'https://app.example/callback?next=https://evil.example',
    'https://evil.example/?https://app.example/callback',
    'https://evil.example/callback?http://localhost',
    'https://evil.example?@app.example/callback',
  ],
  'answers that it brings along': [
    'http://localhost/callback?code=mine',
    'http://localhost/callback?state=mine',
    'http://localhost/callback?iss=https://evil.example',
    'http://localhost/callback?error=mine',
    'http://localhost/callback?x=1&code=mine',
    'http://localhost/callback?c%6fde=mine',
  ],
  ports: [
    'https://app.example:8443/callback',
    'https://app.example:443/callback',
    'https://whole.example:444/',
    'http://localhost:80/callback',
    'http://localhost:/callback',
    'http://localhost:99999/callback',
    'http://localhost:33418:80/callback',
    'http://localhost:0x50/callback',
  ],
  'letters that look like others': [
    'http://lоcalhost/callback',
    'http://ｌocalhost/callback',
    'http://localhost。evil.example/callback',
    'http://local\u00adhost/callback',
    'http://localhost\u200b/callback',
    'https://app。example/callback',
    'https://app.exаmple/callback',
    'http://127。0。0。1/callback',
    'https://app.example/c\u0430llback',
  ],
  'no whole URL': [
    '//localhost/callback',
    'localhost/callback',
    '/callback',
    'http:localhost/callback',
    'http:/localhost/callback',
    'http:///localhost/callback',
    'http://',
    'https://',
    'http://:80/',
    '*',
    'null',
    'undefined',
    '{}',
    'https://*.example/callback',
    'https://*/callback',
    'http://localhost*/callback',
  ],
  'several in one': [
    'http://localhost/callback http://evil.example/',
    'https://evil.example/ http://localhost/callback',
    'http://localhost,https://evil.example/',
  ],
  'too long a text': [`http://localhost/${'x'.repeat(1_990)}`, `https://whole.example/${'x'.repeat(2_000)}`],
}

const attacks = Object.entries(hostile).flatMap(([attack, uris]) => uris.map((uri) => ({ attack, uri })))

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
  MCP_OAUTH_REDIRECT_URI_PREFIXES: allowed.join(', '),
  // Registrations are limited by address, and here every attack has one of its own.
  TRUST_PROXY: 'loopback',
}
const { origin } = await listen(file, env, tenant, host.network)
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
function codeFor(uri: string, fresh: FreshCode): string {
  const code = unseal<Code>(sealKey, 'code', fresh.code)
  return reseal<Code>(sealKey, 'code', { ...code, asked: { ...code.asked, redirectUri: uri } })
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
    test('is refused at /authorize, whoever the client is, and nothing goes there', async () => {
      const before = entraVisits()
      for (const clientId of [configured, registeredWith(uri), `${host.origin}/attack?n=${n}`]) {
        const answer = await openBrowser(origin).go(authorizationUrl(origin, clientId, { redirect_uri: uri }))
        assertPage(answer)
        assert.doesNotMatch(answer.text, /evil|javascript:/i)
      }
      assert.equal(entraVisits(), before)
    })

    test('is refused at /token, even where a code was made for it, and the genuine code goes on being good', async () => {
      const fresh = await freshCode(origin, configured)
      await codeOutlives(fresh, async () => {
        for (const code of [fresh.code, codeFor(uri, fresh)]) {
          const answer = await redeem(origin, { ...fresh, code }, { redirect_uri: uri })
          assertRefused(answer, uri.length > 2_048 ? 'invalid_request' : 'invalid_grant')
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
  test(`${uri} is honest, and the answer is added at its end`, async () => {
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

    test(`at /token, the second time ${what} → invalid_request, and the code goes on being good`, async () => {
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
          assertRefused(await postBody(`${origin}/token`, body), 'invalid_request')
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

    test(`${what} at /token → invalid_request, and the code goes on being good`, async () => {
      const fresh = await freshCode(origin, configured)
      await codeOutlives(fresh, async () => {
        assertRefused(await redeem(origin, fresh, { redirect_uri: value }), 'invalid_request')
      })
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
    test(`${uri} is refused at /authorize`, async () => {
      for (const clientId of [await registered(redirectUri), documented]) {
        assertPage(await openBrowser(origin).go(authorizationUrl(origin, clientId, { redirect_uri: uri })))
      }
    })

    test(`${uri} is refused at /token, and the code goes on being good`, async () => {
      for (const clientId of [configured, await registered(redirectUri), documented]) {
        const fresh = await freshCode(origin, clientId)
        await codeOutlives(fresh, async () => {
          assertRefused(await redeem(origin, fresh, { redirect_uri: uri }), 'invalid_grant')
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
        assertRefused(await redeem(origin, fresh, { redirect_uri: redirectUri }), 'invalid_grant')
        assertRefused(await redeem(origin, fresh, { redirect_uri: 'http://127.0.0.1/callback' }), 'invalid_grant')
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
  // The same server after its operator took an entry out: same name, same key.
  const shorter = await listen(
    file,
    { ...env, PUBLIC_BASE_URL: origin, MCP_OAUTH_REDIRECT_URI_PREFIXES: webRedirect },
    tenant,
    host.network,
  )
  const server = originOf(shorter.app)

  test('refuses a registration’s redirect URI at /authorize', async () => {
    const clientId = await registered(redirectUri, webRedirect)
    assertPage(await openBrowser(server).go(authorizationUrl(server, clientId)))
    const honest = authorizationUrl(server, clientId, { redirect_uri: webRedirect, resource: `${origin}/mcp` })
    assert.equal((await openBrowser(server).go(honest)).status, 200)
  })

  test('refuses a document’s redirect URI at /authorize', async () => {
    assertPage(await openBrowser(server).go(authorizationUrl(server, documented)))
  })

  test('refuses a code made before at /token', async () => {
    const fresh = await freshCode(origin, configured)
    await codeOutlives(fresh, async () => assertRefused(await redeem(server, fresh), 'invalid_grant'))
  })
})

for (const path of ['', '/', '/authorize?x=1', '/oauth/callback', '/oauth/consent', '/mcp']) {
  test(`this server’s own address with ${path || 'no path'} is refused at /authorize, allowed as it is on loopback`, async () => {
    const uri = `${origin}${path}`
    for (const clientId of [configured, await registered(uri)]) {
      assertPage(await openBrowser(origin).go(authorizationUrl(origin, clientId, { redirect_uri: uri })))
    }
  })
}

test('a refusal that may be told to the client goes to its redirect URI and not a byte further', async () => {
  const asked = authorizationUrl(origin, configured, { redirect_uri: `${redirectUri}?x=1`, scope: 'nothing' })
  const answer = await call(asked.href)
  assert.match(String(answer.headers['location']), /^http:\/\/127\.0\.0\.1:33418\/callback\?x=1&error=invalid_scope&/)
  assert.equal(leadsTo(answer).searchParams.get('x'), '1')
})
