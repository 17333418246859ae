import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, type TestContext, test } from 'node:test'
import type { Code } from '../../src/plugins/oauth-proxy/callback.ts'
import { challengeOf } from '../../src/plugins/oauth-proxy/pkce.ts'
import type { RefreshToken } from '../../src/plugins/oauth-proxy/token.ts'
import { type Env, listen } from '../helper.ts'
import {
  authorizationUrl,
  type FreshCode,
  freshCode,
  type JsonResponse,
  postForm,
  redeem,
  redirectUri,
  register,
  serveDocument,
  startClientHost,
} from '../sign-in-helper.ts'
import { startEmulator } from '../tenant.ts'
import { call, costOf, file, listTools, originOf, post, raw, statusOf } from './harness.ts'
import {
  assertPage,
  assertRejected,
  assertRejectedAtClient,
  assertTokens,
  formBody,
  formOf,
  formType,
  leadsTo,
  openBrowser,
  postBody,
  reseal,
  unseal,
  watchOutbound,
  withFlippedBit,
  withPart,
} from './oauth-harness.ts'

const sealKey = randomBytes(32).toString('base64')
const host = await startClientHost(file, serveDocument({}, { 'cache-control': 'max-age=600' }))
const tenant = await startEmulator()
file.after(() => tenant.close())
const { origin } = await listen(file, { MCP_OAUTH_SEAL_KEY: sealKey }, tenant, { network: host.network })
const tokenUrl = `${origin}/token`
const outbound = watchOutbound(tenant.origin)

const configured = tenant.api.clientId
const secret = tenant.api.clientSecret
const registered = String((await register(origin)).body['client_id'])
const otherClient = String((await register(origin, { client_name: 'Another client' })).body['client_id'])
const documented = `${host.origin}/client.json`
const clients = { 'the configured client': configured, 'a registered client': registered, 'a document': documented }

const redemptions = () => tenant.stats.snapshot().grants.authorization_code
const refreshes = () => tenant.stats.snapshot().grants.refresh_token

/** An attack with a genuine code: Entra does not hear of it, and the code is still good for the client it belongs to. */
async function codeOutlives(attack: (fresh: FreshCode) => Promise<void>, clientId = configured) {
  const fresh = await freshCode(origin, clientId)
  const before = redemptions()
  await attack(fresh)
  assert.equal(redemptions(), before, 'Entra was not asked')
  assertTokens(await redeem(origin, fresh))
}

/** An attack with a genuine refresh token: likewise. */
async function refreshTokenOutlives(attack: (token: string) => Promise<void>, clientId = configured) {
  const token = await refreshTokenOf(clientId)
  const before = refreshes()
  await attack(token)
  assert.equal(refreshes(), before, 'Entra was not asked')
  assertTokens(await refresh(token, clientId))
}

async function refreshTokenOf(clientId = configured, overrides: Readonly<Record<string, string>> = {}) {
  const { body } = await redeem(origin, await freshCode(origin, clientId, overrides))
  return String(body['refresh_token'])
}

function refresh(token: string, clientId = configured, overrides: Readonly<Record<string, string | undefined>> = {}) {
  return postForm(tokenUrl, { grant_type: 'refresh_token', refresh_token: token, client_id: clientId, ...overrides })
}

function revoke(token: string, clientId = configured, overrides: Readonly<Record<string, string | undefined>> = {}) {
  return postForm(`${origin}/revoke`, { token, client_id: clientId, ...overrides })
}

/** The same server with other settings, as a replica or after a restart: known by the same name. */
async function replica(t: TestContext, env: Env = {}): Promise<string> {
  const settings = { PUBLIC_BASE_URL: origin, MCP_OAUTH_SEAL_KEY: sealKey, ...env }
  return originOf((await listen(t, settings, tenant, { network: host.network })).app)
}

/** What the client gets at its redirect URI for an authorization request that goes no further. */
async function responseAtClient(overrides: Readonly<Record<string, string | undefined>>): Promise<URL> {
  const response = await openBrowser(origin).go(authorizationUrl(origin, configured, overrides))
  assert.equal(response.status, 302, response.text.slice(0, 200))
  const url = leadsTo(response)
  assert.equal(`${url.origin}${url.pathname}`, redirectUri)
  return url
}
const atClient = { state: 'a state', iss: origin }

describe('PKCE at /authorize', () => {
  const { challenge } = { challenge: challengeOf('x'.repeat(43)) }
  for (const [attack, overrides] of Object.entries<Record<string, string | undefined>>({
    none: { code_challenge: undefined, code_challenge_method: undefined },
    'a method without a challenge': { code_challenge: undefined },
    'an empty challenge': { code_challenge: '' },
    'a challenge without a method, which would be plain': { code_challenge_method: undefined },
    plain: { code_challenge_method: 'plain' },
    'an empty method': { code_challenge_method: '' },
    'S256 in lower case': { code_challenge_method: 's256' },
    'another hash': { code_challenge_method: 'S512' },
    'two methods in one': { code_challenge_method: 'S256 plain' },
    'a challenge one character short': { code_challenge: challenge.slice(1) },
    'a challenge one character long': { code_challenge: `${challenge}A` },
    'a padded challenge': { code_challenge: `${challenge}=` },
    'a challenge in the other base64': { code_challenge: `+/${challenge.slice(2)}` },
    'a challenge in hexadecimal': { code_challenge: Buffer.from(challenge, 'base64url').toString('hex') },
    'a challenge with a blank': { code_challenge: ` ${challenge.slice(1)}` },
    'a challenge with a newline at its end': { code_challenge: `${challenge.slice(1)}\n` },
    'a challenge and a newline': { code_challenge: `${challenge}\n` },
    'a challenge that is no ASCII': { code_challenge: `é${challenge.slice(1)}` },
  })) {
    test(`${attack} → invalid_request at the client`, async () => {
      assertRejectedAtClient(await responseAtClient(overrides), 'invalid_request', atClient)
    })
  }

  for (const name of ['code_challenge', 'code_challenge_method']) {
    test(`${name} twice → invalid_request at the client`, async () => {
      const url = authorizationUrl(origin, configured)
      url.searchParams.append(name, name === 'code_challenge' ? challenge : 'S256')
      assertRejectedAtClient(leadsTo(await openBrowser(origin).go(url)), 'invalid_request', atClient)
    })
  }
})

describe('PKCE at /token', () => {
  const verifiers: Readonly<Record<string, (fresh: FreshCode) => string | undefined>> = {
    none: () => undefined,
    'an empty verifier': () => '',
    'a wrong verifier': () => randomBytes(32).toString('base64url'),
    'the challenge itself': ({ verifier }) => challengeOf(verifier),
    'a verifier in other case': ({ verifier }) => verifier.toUpperCase(),
    'a verifier with a blank': ({ verifier }) => `${verifier} `,
    'a verifier with a newline': ({ verifier }) => `${verifier}\n`,
    'a verifier with a NUL': ({ verifier }) => `${verifier}\0`,
    'the beginning of the verifier': ({ verifier }) => verifier.slice(0, -1),
    'a verifier of 129 characters': () => 'x'.repeat(129),
    'a verifier of 10,000 characters': () => 'x'.repeat(10_000),
  }
  for (const [attack, verifierOf] of Object.entries(verifiers)) {
    for (const [kind, clientId] of Object.entries(clients)) {
      test(`${attack} is rejected, and the code of ${kind} stays valid`, async () => {
        await codeOutlives(async (fresh) => {
          const verifier = verifierOf(fresh)
          const isMalformed = verifier === undefined || verifier === '' || verifier.length > 256
          const response = await redeem(origin, fresh, { code_verifier: verifier })
          assertRejected(response, isMalformed ? 'invalid_request' : 'invalid_grant')
        }, clientId)
      })
    }
  }

  test('the verifier twice is rejected, and the code stays valid', async () => {
    await codeOutlives(async ({ code, verifier }) => {
      for (const second of [verifier, 'x'.repeat(43)]) {
        const body = formBody(
          ['grant_type', 'authorization_code'],
          ['client_id', configured],
          ['code', code],
          ['redirect_uri', redirectUri],
          ['code_verifier', verifier],
          ['code_verifier', second],
        )
        assertRejected(await postBody(tokenUrl, body), 'invalid_request')
      }
    })
  })

  for (const [attack, verifier] of [
    ['42 characters', 'v'.repeat(42)],
    ['one character', 'v'],
    ['129 characters', 'v'.repeat(129)],
    ['a character that RFC 7636 does not have', `${'v'.repeat(43)}+`],
    ['letters beyond ASCII', `${'v'.repeat(43)}é`],
    ['a newline at its end', `${'v'.repeat(43)}\n`],
  ] as const) {
    test(`a verifier of ${attack} is rejected even where its hash is the challenge`, async () => {
      const before = redemptions()
      const fresh = await freshCode(origin, configured, { code_challenge: challengeOf(verifier) })
      assertRejected(await redeem(origin, { ...fresh, verifier }), 'invalid_grant')
      assert.equal(redemptions(), before)
    })
  }

  for (const challenge of [undefined, '', null]) {
    test(`a verifier is rejected where the challenge was ${JSON.stringify(challenge)}`, async () => {
      await codeOutlives(async (fresh) => {
        const code = await unseal<Code>(sealKey, 'code', fresh.code)
        const forged = await reseal(sealKey, 'code', { ...code, request: { ...code.request, challenge } })
        for (const verifier of [fresh.verifier, undefined, '']) {
          const { status, body } = await redeem(origin, fresh, { code: forged, code_verifier: verifier })
          assert.equal(status, 400, JSON.stringify(body))
        }
      })
    })
  }
})

describe('a code used again', () => {
  for (const [kind, clientId] of Object.entries(clients)) {
    test(`by ${kind} is rejected`, async () => {
      const fresh = await freshCode(origin, clientId)
      assertTokens(await redeem(origin, fresh))
      const before = redemptions()
      for (let n = 0; n < 3; n++) assertRejected(await redeem(origin, fresh), 'invalid_grant')
      assert.equal(redemptions(), before, 'Entra was asked once')
    })
  }

  test('twenty times at once is redeemed once', async () => {
    const fresh = await freshCode(origin, configured)
    const before = redemptions()
    const responses = await Promise.all(Array.from({ length: 20 }, () => redeem(origin, fresh)))
    const rejected = responses.filter(({ status }) => status !== 200)
    assert.equal(rejected.length, 19)
    for (const response of rejected) assertRejected(response, 'invalid_grant')
    assert.equal(redemptions(), before + 1)
  })

  test('at two replicas at once is redeemed once', async (t) => {
    const other = await replica(t)
    const fresh = await freshCode(origin, configured)
    const responses = await Promise.all(
      Array.from({ length: 20 }, (_, n) => redeem(n % 2 === 0 ? origin : other, fresh)),
    )
    assert.deepEqual(responses.map(({ status }) => status).sort(), [200, ...Array(19).fill(400)])
  })

  test('by another after its client got tokens takes nothing from that client', async () => {
    const fresh = await freshCode(origin, configured)
    const { body } = await redeem(origin, fresh)
    assertRejected(await redeem(origin, fresh, { client_id: otherClient }), 'invalid_grant')
    assertTokens(await refresh(String(body['refresh_token'])))
  })

  test('after an outage of Entra is valid again, since it was not used', async () => {
    const fresh = await freshCode(origin, configured)
    tenant.faults.add({ target: 'token', kind: 'status', status: 503, times: 2 })
    const failed = await redeem(origin, fresh)
    assert.equal(failed.status, 503)
    assert.equal(failed.body['error'], 'temporarily_unavailable')
    assertTokens(await redeem(origin, fresh))
  })
})

describe('a code in foreign hands', () => {
  for (const [attack, overrides, error, status] of [
    ['another registered client', { client_id: otherClient }, 'invalid_grant', 400],
    ['a document', { client_id: documented }, 'invalid_grant', 400],
    ['a document of another path', { client_id: `${documented}x` }, 'invalid_grant', 400],
    ['an unknown client', { client_id: 'nobody' }, 'invalid_client', 401],
    ['the client app of the tenant', { client_id: tenant.client.clientId }, 'invalid_client', 401],
    ['nobody', { client_id: undefined }, 'invalid_request', 400],
    ['a client without a name', { client_id: '' }, 'invalid_request', 400],
    ['a client id that belongs to a prototype', { client_id: '__proto__' }, 'invalid_client', 401],
    ['a client id in other case', { client_id: registered.toUpperCase() }, 'invalid_client', 401],
  ] as const) {
    test(`of ${attack} is rejected, and stays valid`, async () => {
      await codeOutlives(async (fresh) => {
        assertRejected(await redeem(origin, fresh, overrides), error, status)
      })
    })
  }

  test('of the configured client is rejected for every other kind’s code, and that stays valid', async () => {
    for (const clientId of [registered, documented]) {
      await codeOutlives(async (fresh) => {
        assertRejected(await redeem(origin, fresh, { client_id: configured }), 'invalid_grant')
        const withSecret = await redeem(origin, fresh, { client_id: configured, client_secret: secret })
        assertRejected(withSecret, 'invalid_grant')
      }, clientId)
    }
  })

  test('the configured client may write its id in other case', async () => {
    const fresh = await freshCode(origin, configured.toUpperCase())
    assertTokens(await redeem(origin, fresh, { client_id: configured }))
  })

  test('of one sign-in with the verifier of another is rejected, and both stays valid', async () => {
    const other = await freshCode(origin, configured)
    await codeOutlives(async (one) => {
      assertRejected(await redeem(origin, { ...one, verifier: other.verifier }), 'invalid_grant')
      assertRejected(await redeem(origin, { ...other, verifier: one.verifier }), 'invalid_grant')
    })
    assertTokens(await redeem(origin, other))
  })

  test('whose ID token is of another sign-in brings no tokens', async () => {
    const fresh = await freshCode(origin, configured)
    const code = await unseal<Code>(sealKey, 'code', fresh.code)
    const forged = await reseal<Code>(sealKey, 'code', { ...code, nonce: 'another' })
    assertRejected(await redeem(origin, { ...fresh, code: forged }), 'invalid_grant')
  })

  test('that holds another sign-in’s Entra code brings no tokens', async () => {
    const [mine, theirs] = [await freshCode(origin, configured), await freshCode(origin, configured, { user: 'gale' })]
    const { entraCode } = await unseal<Code>(sealKey, 'code', theirs.code)
    const forged = await reseal<Code>(sealKey, 'code', {
      ...(await unseal<Code>(sealKey, 'code', mine.code)),
      entraCode,
    })
    assertRejected(await redeem(origin, { ...mine, code: forged }), 'invalid_grant')
    assertTokens(await redeem(origin, theirs))
  })
})

const tampered: Readonly<Record<string, (token: string) => string>> = {
  'one bit of its header turned': (token) => withFlippedBit(token, 'header'),
  'one bit of its IV turned': (token) => withFlippedBit(token, 'iv'),
  'one bit of its content turned': (token) => withFlippedBit(token, 'ciphertext', 20),
  'the last bit of its content turned': (token) => withFlippedBit(token, 'ciphertext', -1),
  'one bit of its tag turned': (token) => withFlippedBit(token, 'tag'),
  'the last bit of its tag turned': (token) => withFlippedBit(token, 'tag', -1),
  'its last character gone': (token) => token.slice(0, -1),
  'the last byte of its content gone': (token) => withPart(token, 'ciphertext', (bytes) => bytes.subarray(0, -1)),
  'a tag of four bytes': (token) => withPart(token, 'tag', (bytes) => bytes.subarray(0, 4)),
  'its first character gone': (token) => token.slice(1),
  'a character more': (token) => `${token}A`,
  'a byte more': (token) => withPart(token, 'ciphertext', (bytes) => Buffer.concat([bytes, Buffer.from('x')])),
  'an encrypted key': (token) => token.replace('..', '.AAAA.'),
  padding: (token) => `${token}==`,
  'a newline at its end': (token) => `${token}\n`,
  'a blank before it': (token) => ` ${token}`,
  'a dot in it': (token) => `${token.slice(0, 20)}.${token.slice(20)}`,
  'letters of the other base64': (token) => withPart(token, 'ciphertext', (bytes) => `${bytes.toString('base64')}+/`),
  'bits in its last character that mean nothing': (token) =>
    withPart(token, 'tag', (bytes) => siblingOf(bytes.toString('base64url'))),
  'itself twice': (token) => token + token,
  'itself twice with a comma': (token) => `${token},${token}`,
  'percent signs': (token) => `%${token.charCodeAt(0).toString(16)}${token.slice(1)}`,
  'other case': (token) => token.toUpperCase(),
  'its header alone': (token) => token.split('.')[0] ?? '',
  'no content': (token) => withPart(token, 'ciphertext', () => ''),
  'no tag': (token) => withPart(token, 'tag', () => ''),
  'an IV of zeros': (token) => withPart(token, 'iv', (bytes) => bytes.fill(0)),
  'a tag of zeros': (token) => withPart(token, 'tag', (bytes) => bytes.fill(0)),
  'zeros instead': (token) => withPart(token, 'ciphertext', (bytes) => bytes.fill(0)),
  'noise instead': (token) => withPart(token, 'ciphertext', (bytes) => randomBytes(bytes.length)),
  'a header without encryption': (token) =>
    withPart(token, 'header', () => Buffer.from(JSON.stringify({ alg: 'none' }))),
  'a header of another encryption': (token) =>
    withPart(token, 'header', (bytes) => Buffer.from(bytes.toString().replace('A256GCM', 'A128GCM'))),
  'a key in its header': (token) =>
    withPart(token, 'header', (bytes) =>
      Buffer.from(JSON.stringify({ ...JSON.parse(bytes.toString()), jwk: { kty: 'oct', k: 'A'.repeat(43) } })),
    ),
  'JSON instead': () => JSON.stringify({ id: 'x', asked: {} }),
  '[object Object] instead': () => '[object Object]',
  'a text of 20,000 characters instead': () => 'A'.repeat(20_000),
}

/** Another spelling of the same bytes, which a lenient reader takes for the same. */
function siblingOf(text: string): string {
  const bytes = Buffer.from(text, 'base64url')
  const spellings = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'].map(
    (letter) => text.slice(0, -1) + letter,
  )
  const other = spellings.find((one) => one !== text && Buffer.from(one, 'base64url').equals(bytes))
  return other ?? assert.fail('There is no other spelling')
}

/** Now, at a whole second, since a JWT expires at one. */
const wholeSecond = () => Math.floor(Date.now() / 1000) * 1000

describe('a tampered code', () => {
  for (const [attack, tamper] of Object.entries(tampered)) {
    test(`${attack} → rejected, and the genuine one stays valid`, async () => {
      await codeOutlives(async (fresh) => {
        const code = tamper(fresh.code)
        assert.notEqual(code, fresh.code)
        const error = code.length > 16_384 ? 'invalid_request' : 'invalid_grant'
        assertRejected(await redeem(origin, { ...fresh, code }), error)
      })
    })
  }

  for (const [attack, values] of [
    ['missing', []],
    ['empty', ['']],
    ['twice', ['CODE', 'CODE']],
    ['beside an empty one', ['CODE', '']],
  ] as const) {
    test(`${attack} → invalid_request, and the genuine one stays valid`, async () => {
      await codeOutlives(async ({ code, verifier }) => {
        const body = formBody(
          ['grant_type', 'authorization_code'],
          ['client_id', configured],
          ['redirect_uri', redirectUri],
          ['code_verifier', verifier],
          ...values.map((value) => ['code', value.replace('CODE', code)] as const),
        )
        assertRejected(await postBody(tokenUrl, body), 'invalid_request')
      })
    })
  }
})

describe('a tampered refresh token', () => {
  for (const [attack, tamper] of Object.entries(tampered)) {
    test(`${attack} → rejected, and the genuine one stays valid`, async () => {
      await refreshTokenOutlives(async (token) => {
        const forged = tamper(token)
        assert.notEqual(forged, token)
        assertRejected(await refresh(forged), forged.length > 16_384 ? 'invalid_request' : 'invalid_grant')
      })
    })
  }
})

/** One of each thing that is sealed, all genuine and fresh. */
async function sealedTexts() {
  const browser = openBrowser(origin)
  const form = formOf(await browser.go(authorizationUrl(origin, registered)))
  const state =
    leadsTo(await browser.submit({ request: form, decision: 'allow', confirmed: 'yes' })).searchParams.get('state') ??
    ''
  return {
    'a code': (await freshCode(origin, configured)).code,
    'a refresh token': await refreshTokenOf(),
    'a state': state,
    'a consent form': form,
    'a registration': registered,
    'a remembered consent': browser.cookies.get('mcp-consents') ?? '',
  }
}
const texts = await sealedTexts()

describe('what is sealed for one thing', () => {
  for (const [what, text] of Object.entries(texts)) {
    if (what !== 'a code') {
      test(`${what} is no code`, async () => {
        await codeOutlives(async (fresh) =>
          assertRejected(await redeem(origin, { ...fresh, code: text }), 'invalid_grant'),
        )
      })
    }
    if (what !== 'a refresh token') {
      test(`${what} is no refresh token`, async () => {
        await refreshTokenOutlives(async () => assertRejected(await refresh(text), 'invalid_grant'))
      })
    }
    if (what !== 'a registration') {
      test(`${what} is no client id`, async () => {
        await codeOutlives(async (fresh) => {
          const response = await redeem(origin, fresh, { client_id: text })
          // A code or a refresh token is longer than any client id.
          if (text.length > 2_048) assertRejected(response, 'invalid_request')
          else assertRejected(response, 'invalid_client', 401)
        })
        assertPage(await openBrowser(origin).go(authorizationUrl(origin, text)))
      })
    }
    if (what !== 'a state') {
      test(`${what} is no state`, async () => {
        assertPage(await openBrowser(origin).go(`/oauth/callback?code=x&state=${text}`), 403)
      })
    }
    if (what !== 'a consent form') {
      test(`${what} is no consent form`, async () => {
        assertPage(await openBrowser(origin).submit({ request: text, decision: 'allow', confirmed: 'yes' }), 403)
      })
    }
    if (what !== 'a remembered consent') {
      test(`${what} is no remembered consent`, async () => {
        const browser = openBrowser(origin, origin, new Map([['mcp-consents', text]]))
        assert.match((await browser.go(authorizationUrl(origin, registered))).text, /name="confirmed"/)
      })
    }
  }

  test('an access token is none of it', async () => {
    const token = await tenant.mint()
    await codeOutlives(async (fresh) =>
      assertRejected(await redeem(origin, { ...fresh, code: token }), 'invalid_grant'),
    )
    assertRejected(await refresh(token), 'invalid_grant')
  })

  test('Entra’s own code and refresh token are none of it, as codes and refresh tokens of ours are no bearer tokens', async () => {
    const fresh = await freshCode(origin, configured)
    const { entraCode } = await unseal<Code>(sealKey, 'code', fresh.code)
    assertRejected(await redeem(origin, { ...fresh, code: entraCode }), 'invalid_grant')
    const ours = String((await redeem(origin, fresh)).body['refresh_token'])
    assertRejected(
      await refresh((await unseal<RefreshToken>(sealKey, 'refresh-token', ours)).entraToken),
      'invalid_grant',
    )
    for (const bearer of [fresh.code, ours]) assert.equal((await post(origin, listTools, bearer)).status, 401)
  })
})

describe('a code and time', () => {
  const minuteMs = 60_000

  for (const [what, passedMs, isGood] of [
    ['just before two minutes have passed', 2 * minuteMs - 1, true],
    ['when two minutes have passed', 2 * minuteMs, false],
    ['a day later', 24 * 60 * minuteMs, false],
  ] as const) {
    test(`${what} it is ${isGood ? 'good' : 'rejected'}`, async (t) => {
      t.mock.timers.enable({ apis: ['Date'], now: wholeSecond() })
      const server = await replica(t)
      const fresh = await freshCode(origin, configured)
      const code = await reseal<Code>(sealKey, 'code', await unseal(sealKey, 'code', fresh.code), 2 * minuteMs)
      const before = redemptions()
      t.mock.timers.tick(passedMs)
      const response = await redeem(server, { ...fresh, code })
      if (isGood) return assertTokens(response)
      assertRejected(response, 'invalid_grant')
      assert.match(String(response.body['error_description']), /expired/)
      assert.equal(redemptions(), before, 'Entra was not asked')
    })
  }

  test('a code as the server makes it lives no longer than two minutes', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: wholeSecond() })
    const own = await listen(t, {}, tenant)
    const fresh = await freshCode(own.origin, configured)
    t.mock.timers.tick(2 * minuteMs)
    assertRejected(await redeem(own.origin, fresh), 'invalid_grant')
  })

  test('a refresh token lives ninety days and no longer', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: wholeSecond() })
    const own = await listen(t, {}, tenant)
    const { body } = await redeem(own.origin, await freshCode(own.origin, configured))
    const ask = () =>
      postForm(`${own.origin}/token`, {
        grant_type: 'refresh_token',
        refresh_token: String(body['refresh_token']),
        client_id: configured,
      })
    t.mock.timers.tick(90 * 24 * 60 * minuteMs - 1)
    assertTokens(await ask())
    t.mock.timers.tick(1)
    assertRejected(await ask(), 'invalid_grant')
  })
})

describe('when the seal key is rotated', () => {
  const newKey = randomBytes(32).toString('base64')

  test('codes, refresh tokens and registrations of the old key are accepted while it is the second', async (t) => {
    const server = await replica(t, { MCP_OAUTH_SEAL_KEY: `${newKey}, ${sealKey}` })
    assertTokens(await redeem(server, await freshCode(origin, registered)))
    const form = { grant_type: 'refresh_token', refresh_token: await refreshTokenOf(registered), client_id: registered }
    assertTokens(await postForm(`${server}/token`, form))
  })

  test('what is sealed then is of the new key', async (t) => {
    const server = await replica(t, { MCP_OAUTH_SEAL_KEY: `${newKey}, ${sealKey}` })
    const { body } = await redeem(server, await freshCode(origin, configured))
    const token = String(body['refresh_token'])
    await assert.doesNotReject(unseal(newKey, 'refresh-token', token))
    await assert.rejects(unseal(sealKey, 'refresh-token', token))
  })

  test('codes, refresh tokens and registrations of the old key are rejected once it is dropped', async (t) => {
    const server = await replica(t, { MCP_OAUTH_SEAL_KEY: newKey })
    await codeOutlives(async (fresh) => assertRejected(await redeem(server, fresh), 'invalid_grant'))
    const refreshed = { grant_type: 'refresh_token', refresh_token: await refreshTokenOf(), client_id: configured }
    assertRejected(await postForm(`${server}/token`, refreshed), 'invalid_grant')
    const fresh = await freshCode(origin, registered)
    assertRejected(await redeem(server, fresh), 'invalid_client', 401)
    assertPage(await openBrowser(server).go(authorizationUrl(server, registered)))
  })

  test('a code of the new key is rejected where it is not known yet', async () => {
    await codeOutlives(async (fresh) => {
      const code = await reseal<Code>(newKey, 'code', await unseal(sealKey, 'code', fresh.code))
      assertRejected(await redeem(origin, { ...fresh, code }), 'invalid_grant')
    })
  })
})

describe('a refresh token', () => {
  test('may be used again, and so may the one that it brought', async () => {
    const token = await refreshTokenOf()
    const first = await refresh(token)
    assertTokens(first)
    assertTokens(await refresh(token))
    assertTokens(await refresh(String(first.body['refresh_token'])))
  })

  test('may be used many times at once', async () => {
    const token = await refreshTokenOf()
    for (const response of await Promise.all(Array.from({ length: 10 }, () => refresh(token)))) assertTokens(response)
  })

  for (const [attack, clientId, error, status] of [
    ['another registered client', otherClient, 'invalid_grant', 400],
    ['the configured client', configured, 'invalid_grant', 400],
    ['a document', documented, 'invalid_grant', 400],
    ['an unknown client', 'nobody', 'invalid_client', 401],
    ['nobody', '', 'invalid_request', 400],
  ] as const) {
    test(`in the hands of ${attack} is rejected, and stays valid`, async () => {
      await refreshTokenOutlives(
        async (token) => assertRejected(await refresh(token, clientId), error, status),
        registered,
      )
    })
  }

  for (const scope of [
    'User.Read',
    'https://graph.microsoft.com/.default',
    'https://graph.microsoft.com/ServiceMessage.Read.All',
    'access_as_user User.Read',
    'Access_As_User',
    'access_as_user,openid',
    `api://${tenant.client.clientId}/access_as_user`,
    `${tenant.client.clientId}/.default`,
    'https://graph.microsoft.com//.default',
    `api://${configured}/access_as_user/`,
    'admin',
    '*',
    '__proto__',
  ]) {
    test(`with the foreign scope ${scope} → invalid_scope, and it stays valid`, async () => {
      await refreshTokenOutlives(async (token) =>
        assertRejected(await refresh(token, configured, { scope }), 'invalid_scope'),
      )
    })

    test(`the foreign scope ${scope} at /authorize → invalid_scope at the client`, async () => {
      assertRejectedAtClient(await responseAtClient({ scope }), 'invalid_scope', atClient)
    })
  }

  for (const scope of [
    'access_as_user',
    'openid profile offline_access',
    '.default',
    `api://${configured}/access_as_user`,
  ]) {
    test(`with the scope ${scope} of its own is served`, async () => {
      assertTokens(await refresh(await refreshTokenOf(), configured, { scope }))
    })
  }

  test('does not grow beyond what was granted, though the server offers more', async (t) => {
    const server = await replica(t, { MCP_OAUTH_SCOPES: 'access_as_user, write_as_user' })
    const token = await refreshTokenOf(configured, { scope: 'access_as_user' })
    const ask = (scope: string) =>
      postForm(`${server}/token`, { grant_type: 'refresh_token', refresh_token: token, client_id: configured, scope })
    const before = refreshes()
    for (const wider of ['write_as_user', 'access_as_user write_as_user', `${configured}/write_as_user`]) {
      assertRejected(await ask(wider), 'invalid_scope')
    }
    assert.equal(refreshes(), before)
    const all = await ask('.default')
    assertTokens(all)
    assert.doesNotMatch(String(all.body['scope']), /write/)
  })

  test('given twice → invalid_request', async () => {
    await refreshTokenOutlives(async (token) => {
      const body = formBody(
        ['grant_type', 'refresh_token'],
        ['client_id', configured],
        ['refresh_token', token],
        ['refresh_token', token],
      )
      assertRejected(await postBody(tokenUrl, body), 'invalid_request')
    })
  })

  test('of a user whose sessions were revoked → invalid_grant', async () => {
    const token = await refreshTokenOf(configured, { user: 'gale' })
    const gale = tenant.tenant.directory.find('gale')
    if (gale === undefined) throw new Error('There is no gale')
    tenant.tenant.revokeSessions(gale, Math.floor(Date.now() / 1000))
    assertRejected(await refresh(token), 'invalid_grant')
  })
})

describe('revocation', () => {
  test('ends a refresh token, without a word to Entra', async () => {
    const token = await refreshTokenOf()
    const before = refreshes()
    assert.equal((await revoke(token)).status, 200)
    assertRejected(await refresh(token), 'invalid_grant')
    assert.equal(refreshes(), before)
  })

  test('ends every refresh token of the same sign-in, and none of another', async () => {
    const [token, other] = [await refreshTokenOf(), await refreshTokenOf()]
    const { body } = await refresh(token)
    await revoke(String(body['refresh_token']))
    assertRejected(await refresh(token), 'invalid_grant')
    assertRejected(await refresh(String(body['refresh_token'])), 'invalid_grant')
    assertTokens(await refresh(other))
  })

  test('twice is as good as once', async () => {
    const token = await refreshTokenOf()
    await revoke(token)
    assert.equal((await revoke(token)).status, 200)
    assertRejected(await refresh(token), 'invalid_grant')
  })

  for (const [attack, clientId, status] of [
    ['another client', otherClient, 200],
    ['a document', documented, 200],
    ['an unknown client', 'nobody', 401],
  ] as const) {
    test(`by ${attack} ends nothing`, async () => {
      await refreshTokenOutlives(async (token) => {
        assert.equal((await revoke(token, clientId)).status, status)
      })
    })
  }

  test('by whoever has the token and names no client ends it', async () => {
    const token = await refreshTokenOf()
    assert.equal((await revoke(token, '')).status, 200)
    assertRejected(await refresh(token), 'invalid_grant')
  })

  test('with a wrong secret ends nothing', async () => {
    await refreshTokenOutlives(async (token) => {
      assertRejected(await revoke(token, configured, { client_secret: 'wrong' }), 'invalid_client', 401)
    })
  })

  for (const token of ['x', '[object Object]', 'A'.repeat(3_000)]) {
    test(`of ${token.slice(0, 20)} gets the response of any other`, async () => {
      const { status, body } = await revoke(token)
      assert.deepEqual([status, body], [200, {}])
    })
  }

  test('of a code does not end it', async () => {
    await codeOutlives(async ({ code }) => assert.equal((await revoke(code)).status, 200))
  })
})

describe('resource', () => {
  const foreign = [
    'https://graph.microsoft.com',
    'https://graph.microsoft.com/',
    'https://evil.example/mcp',
    'https://evil.example/?http://localhost/mcp',
    origin,
    `${origin}/`,
    `${origin}/token`,
    `${origin}/mcp/x`,
    `${origin}/mcpx`,
    `${origin}/mcp//`,
    `${origin}/?x=/mcp`,
    `${origin}/mcp#x`,
    `${origin}/mcp#`,
    `${origin}/MCP`,
    `${origin}@evil.example/mcp`,
    `${origin.replace('http:', 'https:')}/mcp`,
    `${origin.replace('localhost', '127.0.0.1')}/mcp`,
    `${origin.replace('localhost', 'localhost.evil.example')}/mcp`,
    'http://localhost/mcp',
    `${new URL(origin).host}/mcp`,
    '/mcp',
    'mcp',
    '*',
    `api://${configured}`,
    configured,
    'urn:mcp',
    '__proto__',
  ]

  for (const resource of foreign) {
    test(`${resource} is foreign at /authorize → invalid_target at the client`, async () => {
      assertRejectedAtClient(await responseAtClient({ resource }), 'invalid_target', atClient)
    })

    test(`${resource} is foreign at /token → invalid_target, and the code stays valid`, async () => {
      await codeOutlives(async (fresh) => assertRejected(await redeem(origin, fresh, { resource }), 'invalid_target'))
    })

    test(`${resource} is foreign at refresh → invalid_target, and the token stays valid`, async () => {
      await refreshTokenOutlives(async (token) =>
        assertRejected(await refresh(token, configured, { resource }), 'invalid_target'),
      )
    })
  }

  test('twice, ours and a foreign one, is rejected everywhere', async () => {
    const url = authorizationUrl(origin, configured)
    url.searchParams.append('resource', 'https://graph.microsoft.com')
    assertRejectedAtClient(leadsTo(await openBrowser(origin).go(url)), 'invalid_request', atClient)
    await codeOutlives(async ({ code, verifier }) => {
      const body = formBody(
        ['grant_type', 'authorization_code'],
        ['client_id', configured],
        ['code', code],
        ['redirect_uri', redirectUri],
        ['code_verifier', verifier],
        ['resource', `${origin}/mcp`],
        ['resource', 'https://graph.microsoft.com'],
      )
      assertRejected(await postBody(tokenUrl, body), 'invalid_request')
    })
  })

  test('twice the same is once at all three places', async () => {
    const twice = ['resource', `${origin}/mcp`] as const
    const url = authorizationUrl(origin, configured)
    url.searchParams.append(...twice)
    assert.equal(leadsTo(await openBrowser(origin).go(url)).origin, tenant.origin)
    const { code, verifier } = await freshCode(origin, configured)
    const common = [['client_id', configured], twice, twice] as const
    const response = await postBody(
      tokenUrl,
      formBody(['grant_type', 'authorization_code'], ['code', code], ['code_verifier', verifier], ...common),
    )
    assertTokens(response)
    const token = ['refresh_token', String(response.body['refresh_token'])] as const
    assertTokens(await postBody(tokenUrl, formBody(['grant_type', 'refresh_token'], token, ...common)))
  })

  for (const [what, resource] of [
    ['its own', `${origin}/mcp`],
    ['its own with a slash', `${origin}/mcp/`],
    ['its own in capitals', `${origin.toUpperCase()}/mcp`],
    ['its own with a query', `${origin}/mcp?x=1`],
    ['none', undefined],
    ['an empty one', ''],
  ] as const) {
    test(`${what} is accepted at all three places, and Entra never hears of it`, async () => {
      const onward = leadsTo(await openBrowser(origin).go(authorizationUrl(origin, configured, { resource })))
      assert.equal(onward.origin, tenant.origin)
      assert.equal(onward.searchParams.has('resource'), false)

      const before = outbound.length
      const fresh = await freshCode(origin, configured, { resource })
      const response = await redeem(origin, fresh, { resource })
      assertTokens(response)
      assertTokens(await refresh(String(response.body['refresh_token']), configured, { resource }))
      const asked = outbound.slice(before).filter(({ path }) => path.endsWith('/oauth2/v2.0/token'))
      assert.deepEqual(
        asked.map(({ body }) => new URLSearchParams(body).get('grant_type')),
        ['authorization_code', 'refresh_token'],
      )
      for (const { path, body } of outbound.slice(before)) assert.doesNotMatch(path + body, /[?&]resource=/)
    })
  }
})

describe('at Entra', () => {
  const onwardOf = async (overrides: Readonly<Record<string, string | undefined>>) =>
    leadsTo(await openBrowser(origin).go(authorizationUrl(origin, configured, overrides))).searchParams

  for (const [prompt, expected] of [
    ['consent', null],
    ['consent login', 'login'],
    ['login consent', 'login'],
    ['admin_consent', null],
    ['create', null],
    ['CONSENT', null],
    ['select_account', 'select_account'],
    ['login', 'login'],
    ['none', 'none'],
  ] as const) {
    test(`prompt=${prompt} arrives as ${expected ?? 'none at all'}`, async () => {
      assert.equal((await onwardOf({ prompt })).get('prompt'), expected)
    })
  }

  test('nothing arrives of what the client has to prove, nor anything that it made up', async () => {
    const url = authorizationUrl(origin, configured, { state: 'client-state', domain_hint: 'contoso.example' })
    for (const [name, value] of [
      ['nonce', 'client-nonce'],
      ['client_secret', 'x'],
      ['response_mode', 'query'],
      ['made_up', 'x'],
      ['id_token_hint', 'x'],
    ] as const) {
      url.searchParams.set(name, value)
    }
    const onward = leadsTo(await openBrowser(origin).go(url)).searchParams
    const own =
      'client_id response_type response_mode redirect_uri scope state nonce code_challenge code_challenge_method'
    assert.deepEqual([...onward.keys()].sort(), [...own.split(' '), 'domain_hint'].sort())
    assert.equal(onward.get('redirect_uri'), `${origin}/oauth/callback`)
    assert.notEqual(onward.get('code_challenge'), url.searchParams.get('code_challenge'))
    assert.notEqual(onward.get('nonce'), 'client-nonce')
    assert.doesNotMatch(onward.get('state') ?? '', /client-state/)
  })

  test('no two sign-ins have verifier, nonce or state in common', async () => {
    const all = await Promise.all(Array.from({ length: 10 }, () => onwardOf({})))
    for (const name of ['state', 'nonce', 'code_challenge']) {
      assert.equal(new Set(all.map((parameters) => parameters.get(name))).size, 10, name)
    }
  })
})

describe('what is not served', () => {
  for (const grant of [
    'password',
    'client_credentials',
    'implicit',
    'none',
    'refresh-token',
    'AUTHORIZATION_CODE',
    'authorization_code ',
    'authorization_code refresh_token',
    'urn:ietf:params:oauth:grant-type:jwt-bearer',
    'urn:ietf:params:oauth:grant-type:token-exchange',
    'urn:ietf:params:oauth:grant-type:device_code',
    'urn:ietf:params:oauth:grant-type:saml2-bearer',
    '__proto__',
    'constructor',
  ]) {
    test(`grant_type=${grant} → unsupported_grant_type, and the code stays valid`, async () => {
      await codeOutlives(async (fresh) => {
        const before = tenant.stats.snapshot().endpoints.token
        const response = await redeem(origin, fresh, {
          grant_type: grant,
          client_secret: secret,
          username: 'rowan',
          password: 'x',
          assertion: await tenant.mint(),
          scope: 'access_as_user',
        })
        assertRejected(response, 'unsupported_grant_type')
        assert.equal(tenant.stats.snapshot().endpoints.token, before)
      })
    })
  }

  for (const type of ['token', 'id_token', 'code token', 'code id_token', 'none', 'CODE', 'code ', 'device_code']) {
    test(`response_type=${type} → unsupported_response_type at the client`, async () => {
      assertRejectedAtClient(await responseAtClient({ response_type: type }), 'unsupported_response_type', atClient)
    })
  }

  for (const mode of ['fragment', 'form_post', 'web_message', 'query.jwt', 'QUERY']) {
    test(`response_mode=${mode} → invalid_request in the query`, async () => {
      assertRejectedAtClient(await responseAtClient({ response_mode: mode }), 'invalid_request', atClient)
    })
  }

  for (const [name, value, error] of [
    ['request', 'eyJhbGciOiJub25lIn0.e30.', 'request_not_supported'],
    ['request_uri', 'https://evil.example/request', 'request_uri_not_supported'],
    ['request_uri', 'urn:ietf:params:oauth:request_uri:x', 'request_uri_not_supported'],
  ] as const) {
    test(`${name}=${value} → ${error} at the client`, async () => {
      assertRejectedAtClient(await responseAtClient({ [name]: value }), error, atClient)
    })
  }

  test('nothing is issued for a GET, and the code stays valid', async () => {
    await codeOutlives(async ({ code, verifier }) => {
      const query = formBody(
        ['grant_type', 'authorization_code'],
        ['client_id', configured],
        ['code', code],
        ['redirect_uri', redirectUri],
        ['code_verifier', verifier],
      )
      assert.equal((await call(`${tokenUrl}?${query}`)).status, 404)
      assertRejected(await postBody(`${tokenUrl}?${query}`, ''), 'invalid_request')
    })
  })
})

describe('parameters', () => {
  test('without client_id, or with two, /authorize responds with a page', async () => {
    for (const clientId of [undefined, '']) {
      assertPage(await openBrowser(origin).go(authorizationUrl(origin, 'x', { client_id: clientId })))
    }
    for (const second of [configured, otherClient, '']) {
      const url = authorizationUrl(origin, configured)
      url.searchParams.append('client_id', second)
      assertPage(await openBrowser(origin).go(url))
    }
  })

  for (const [name, value] of Object.entries({
    response_type: 'code',
    response_mode: 'query',
    scope: 'access_as_user',
    state: 'another',
    prompt: 'login',
    login_hint: 'rowan',
    domain_hint: 'contoso.example',
    claims: '{}',
  })) {
    test(`${name} twice → invalid_request at the client`, async () => {
      const url = authorizationUrl(origin, configured, { [name]: value })
      url.searchParams.append(name, value)
      const state = name === 'state' ? null : 'a state'
      assertRejectedAtClient(leadsTo(await openBrowser(origin).go(url)), 'invalid_request', { ...atClient, state })
    })
  }

  for (const value of [undefined, '']) {
    test(`response_type ${value === undefined ? 'missing' : 'empty'} → invalid_request at the client`, async () => {
      assertRejectedAtClient(await responseAtClient({ response_type: value }), 'invalid_request', atClient)
    })
  }

  for (const name of ['grant_type', 'client_id', 'client_secret', 'code'] as const) {
    test(`${name} twice at /token → invalid_request, and the code stays valid`, async () => {
      await codeOutlives(async ({ code, verifier }) => {
        const good: Record<string, string> = {
          grant_type: 'authorization_code',
          client_id: configured,
          client_secret: secret,
          code,
          redirect_uri: redirectUri,
          code_verifier: verifier,
        }
        const body = formBody(...Object.entries(good), [name, good[name] ?? ''])
        assertRejected(await postBody(tokenUrl, body), 'invalid_request')
      })
    })
  }

  test('grant_type missing or empty → invalid_request, and the code stays valid', async () => {
    await codeOutlives(async (fresh) => {
      for (const grant of [undefined, '']) {
        assertRejected(await redeem(origin, fresh, { grant_type: grant }), 'invalid_request')
      }
    })
  })

  test('a thousand times the same parameter is rejected like two', async () => {
    const many = 'code=x&'.repeat(1_000)
    assertRejected(
      await postBody(tokenUrl, `${many}grant_type=authorization_code&client_id=${configured}`),
      'invalid_request',
    )
  })
})

describe('bodies', () => {
  const endpoints = ['/token', '/oauth2/v2.0/token', '/revoke'] as const

  for (const type of [
    'application/json',
    'text/plain',
    'multipart/form-data; boundary=x',
    'application/xml',
    'application/octet-stream',
    'application/x-www-form-urlencodedx',
    'text/plain; application/x-www-form-urlencoded',
    '*/*',
  ]) {
    test(`content type ${type} → invalid_request at every endpoint for forms, and the code stays valid`, async () => {
      await codeOutlives(async ({ code, verifier }) => {
        const form = {
          grant_type: 'authorization_code',
          client_id: configured,
          code,
          token: code,
          redirect_uri: redirectUri,
          code_verifier: verifier,
        }
        for (const path of endpoints) {
          for (const body of [JSON.stringify(form), new URLSearchParams(form).toString()]) {
            assertRejected(await postBody(origin + path, body, { 'content-type': type }), 'invalid_request')
          }
        }
      })
    })
  }

  test('no content type, and no body, → invalid_request', async () => {
    for (const path of endpoints) {
      assertRejected(await postBody(origin + path, 'grant_type=authorization_code', {}), 'invalid_request')
      assertRejected(await postBody(origin + path, '', {}), 'invalid_request')
      assertRejected(await postBody(origin + path, ''), 'invalid_request')
    }
  })

  test('a form is no registration', async () => {
    const { status, body } = await postBody(`${origin}/register`, `redirect_uris=${encodeURIComponent(redirectUri)}`)
    assert.equal(status, 400)
    assert.match(String(body['error']), /^invalid_/)
  })

  for (const [attack, metadata] of [
    ['a text', '"x"'],
    ['null', 'null'],
    ['an array', '[]'],
    ['an empty object', '{}'],
    ['redirect_uris null', '{"redirect_uris":null}'],
    ['redirect_uris a text', `{"redirect_uris":"${redirectUri}"}`],
    ['redirect_uris empty', '{"redirect_uris":[]}'],
    ['redirect_uris of numbers', '{"redirect_uris":[1]}'],
    ['redirect_uris nested', `{"redirect_uris":[["${redirectUri}"]]}`],
    ['redirect URIs that are too long', JSON.stringify({ redirect_uris: [`${redirectUri}/`.padEnd(1_900, 'x')] })],
    ['grant types without ours', `{"redirect_uris":["${redirectUri}"],"grant_types":["implicit"]}`],
    ['response types without ours', `{"redirect_uris":["${redirectUri}"],"response_types":["token"]}`],
    ['__proto__', `{"__proto__":{"redirect_uris":["${redirectUri}"]}}`],
    ['broken JSON', '{"redirect_uris":['],
    ['nothing', ''],
    ['arrays, 10,000 deep', '['.repeat(10_000)],
  ] as const) {
    test(`a registration that is ${attack} → 400`, async (t) => {
      // Registrations are limited by address, and this table is longer than that limit.
      const server = await replica(t)
      const response = await postBody(`${server}/register`, metadata, { 'content-type': 'application/json' })
      assert.equal(response.status, 400, JSON.stringify(response.body))
      assert.match(String(response.body['error']), /^invalid_(request|client_metadata|redirect_uri)$/)
      assert.deepEqual(Object.keys(response.body).sort(), ['error', 'error_description'])
    })
  }

  test('no registration brings an id, a secret, a grant or a method of the client’s own', async () => {
    for (const token_endpoint_auth_method of ['private_key_jwt', 'client_secret_jwt', 'tls_client_auth']) {
      const { status, body } = await register(origin, {
        token_endpoint_auth_method,
        client_secret: 'mine',
        client_id: configured,
        grant_types: ['authorization_code', 'client_credentials', 'password'],
        scope: 'admin',
      })
      assert.equal(status, 201)
      assert.equal(body['token_endpoint_auth_method'], 'none')
      assert.deepEqual(body['grant_types'], ['authorization_code', 'refresh_token'])
      assert.notEqual(body['client_id'], configured)
      assert.equal('client_secret' in body, false)
    }
  })

  for (const path of [...endpoints, '/register', '/oauth/consent']) {
    test(`10 MB at ${path} → 413 at once, announced or not, and memory does not notice`, async () => {
      const type = path === '/register' ? 'application/json' : formType['content-type']
      const head = [
        `POST ${path} HTTP/1.1`,
        `Host: ${new URL(origin).host}`,
        `Content-Type: ${type}`,
        'Connection: close',
      ]
      const announced = `${head.join('\r\n')}\r\nContent-Length: 10485760\r\n\r\nx=1`
      assert.equal(statusOf(await raw(origin, announced)), 413)
      const chunk = `8000\r\n${'x'.repeat(0x8000)}\r\n`
      const chunked = `${head.join('\r\n')}\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(320)}0\r\n\r\n`
      const { result, ms, megabytes } = await costOf(() => raw(origin, chunked))
      assert.equal(statusOf(result), 413)
      assert.ok(ms < 5_000 && megabytes < 100, `${ms} ms, ${megabytes} MB`)
    })
  }

  test('one byte more than 32 KB is too much', async () => {
    const form = (bytes: number) => 'x='.padEnd(bytes, 'x')
    assert.equal((await postBody(tokenUrl, form(32 * 1024))).status, 400)
    assertRejected(await postBody(tokenUrl, form(32 * 1024 + 1)), 'invalid_request', 413)
  })
})

const basic = (id: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(password)}`).toString('base64')}`,
})

describe('a client that registered for a secret', async () => {
  const { status, body: registration } = await register(origin, { token_endpoint_auth_method: 'client_secret_post' })
  const clientId = String(registration['client_id'])
  const own = String(registration['client_secret'])
  type Ways = Readonly<Record<string, [form: Record<string, string | undefined>, headers?: Record<string, string>]>>
  const honest: Ways[string] = [{ client_id: clientId, client_secret: own }]
  const right: Ways = {
    'in the form': honest,
    'by Basic': [{ client_id: undefined }, basic(clientId, own)],
  }
  const wrong: Ways = {
    none: [{ client_id: clientId }],
    'an empty one': [{ client_id: clientId, client_secret: '' }],
    'another one': [{ client_id: clientId, client_secret: own.replace(/^./, (first) => (first === 'A' ? 'B' : 'A')) }],
    'that of the configured app': [{ client_id: clientId, client_secret: secret }],
    'none by Basic': [{ client_id: undefined }, basic(clientId, '')],
    'another one by Basic': [{ client_id: undefined }, basic(clientId, secret)],
    'the right one both ways': [{ client_id: clientId, client_secret: own }, basic(clientId, own)],
  }
  const redeemBy = ({ code, verifier }: FreshCode, [form, headers]: Ways[string]) =>
    postForm(tokenUrl, { grant_type: 'authorization_code', code, code_verifier: verifier, ...form }, headers)
  const refreshBy = (refresh_token: string, [form, headers]: Ways[string]) =>
    postForm(tokenUrl, { grant_type: 'refresh_token', refresh_token, ...form }, headers)
  const revokeBy = (token: string, [form, headers]: Ways[string]) =>
    postForm(`${origin}/revoke`, { token, ...form }, headers)

  test('is told it, and when it ends: with the registration, in a year', () => {
    assert.equal(status, 201)
    assert.equal(registration['token_endpoint_auth_method'], 'client_secret_post')
    assert.match(own, /^[A-Za-z0-9_-]{43}$/)
    const { client_id_issued_at: issuedAt, client_secret_expires_at: expiresAt } = registration
    assert.equal(Number(expiresAt) - Number(issuedAt), 365 * 24 * 3_600)
  })

  for (const [way, sent] of Object.entries(right)) {
    test(`redeems, refreshes and revokes with it ${way}`, async () => {
      const first = await redeemBy(await freshCode(origin, clientId), sent)
      assertTokens(first)
      const token = String(first.body['refresh_token'])
      assertTokens(await refreshBy(token, sent))
      assert.equal((await revokeBy(token, sent)).status, 200)
      assertRejected(await refreshBy(token, sent), 'invalid_grant')
    })
  }

  for (const [what, sent] of Object.entries(wrong)) {
    test(`is held to it: ${what} → invalid_client everywhere, and what it has stays valid`, async () => {
      const fresh = await freshCode(origin, clientId)
      const responses = [await redeemBy(fresh, sent)]
      const first = await redeemBy(fresh, honest)
      assertTokens(first)
      const token = String(first.body['refresh_token'])
      responses.push(await refreshBy(token, sent), await revokeBy(token, sent))
      for (const response of responses) {
        assertRejected(response, 'invalid_client', 401)
        const challenge = sent[1] === undefined ? undefined : 'Basic realm="token"'
        assert.equal(response.headers['www-authenticate'], challenge)
      }
      assertTokens(await refreshBy(token, honest))
    })
  }

  test('does not get around it by not saying who it is', async () => {
    const { body } = await redeemBy(await freshCode(origin, clientId), honest)
    const token = String(body['refresh_token'])
    assertRejected(await revokeBy(token, [{}]), 'invalid_client', 401)
    assertTokens(await refreshBy(token, honest))
  })

  test('asks for client_secret_basic and gets that', async () => {
    const { body } = await register(origin, { token_endpoint_auth_method: 'client_secret_basic' })
    assert.equal(body['token_endpoint_auth_method'], 'client_secret_basic')
    const id = String(body['client_id'])
    assertTokens(await redeemBy(await freshCode(origin, id), [{}, basic(id, String(body['client_secret']))]))
  })

  test('keeps it while the seal key is rotated, and no longer', async (t) => {
    const newKey = randomBytes(32).toString('base64')
    const rotated = await replica(t, { MCP_OAUTH_SEAL_KEY: `${newKey}, ${sealKey}` })
    const fresh = await freshCode(origin, clientId)
    assertRejected(await redeem(rotated, fresh), 'invalid_client', 401)
    assertTokens(await redeem(rotated, fresh, { client_secret: own }))
    const dropped = await replica(t, { MCP_OAUTH_SEAL_KEY: newKey })
    const response = await redeem(dropped, await freshCode(origin, clientId), { client_secret: own })
    assertRejected(response, 'invalid_client', 401)
  })
})

describe('client secrets', () => {
  const ask = (
    { code, verifier, clientId }: FreshCode,
    form: Readonly<Record<string, string | undefined>>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<JsonResponse> =>
    postForm(
      tokenUrl,
      {
        grant_type: 'authorization_code',
        code,
        code_verifier: verifier,
        client_id: clientId,
        redirect_uri: redirectUri,
        ...form,
      },
      headers,
    )

  test('the right one is taken in the form', async () => {
    assertTokens(await ask(await freshCode(origin, configured), { client_secret: secret }))
  })

  test('the right one is taken by Basic, with or without the client id in the form', async () => {
    assertTokens(await ask(await freshCode(origin, configured), {}, basic(configured, secret)))
    const alone = await ask(await freshCode(origin, configured), { client_id: undefined }, basic(configured, secret))
    assertTokens(alone)
  })

  test('the right one does not make up for a wrong verifier', async () => {
    await codeOutlives(async (fresh) => {
      for (const code_verifier of [undefined, 'x'.repeat(43)]) {
        const { status } = await ask(fresh, { client_secret: secret, code_verifier })
        assert.equal(status, 400)
        assert.equal((await ask(fresh, { code_verifier }, basic(configured, secret))).status, 400)
      }
    })
  })

  for (const [attack, wrong] of [
    ['wrong', 'wrong'],
    ['one character short', secret.slice(0, -1)],
    ['one character long', `${secret}x`],
    ['in other case', secret.toLowerCase() === secret ? secret.toUpperCase() : secret.toLowerCase()],
    ['one blank', ' '],
    ['followed by a NUL', `${secret}\0`],
    ['of 1,000 characters', 'x'.repeat(1_000)],
  ] as const) {
    test(`one that is ${attack} → invalid_client in the form and by Basic, and the code stays valid`, async () => {
      await codeOutlives(async (fresh) => {
        assertRejected(await ask(fresh, { client_secret: wrong }), 'invalid_client', 401)
        const response = await ask(fresh, { client_id: undefined }, basic(configured, wrong))
        assertRejected(response, 'invalid_client', 401)
        assert.match(String(response.headers['www-authenticate']), /^Basic realm="/)
      })
    })
  }

  for (const [kind, clientId] of [
    ['a registered client', registered],
    ['a document', documented],
  ] as const) {
    test(`${kind} has none, so that any is wrong, and the code stays valid`, async () => {
      await codeOutlives(async (fresh) => {
        for (const any of ['x', secret]) {
          assertRejected(await ask(fresh, { client_secret: any }), 'invalid_client', 401)
          assertRejected(await ask(fresh, { client_id: undefined }, basic(clientId, any)), 'invalid_client', 401)
        }
      }, clientId)
    })
  }

  test('in the form and by Basic at once → invalid_client, though both are right', async () => {
    await codeOutlives(async (fresh) => {
      assertRejected(await ask(fresh, { client_secret: secret }, basic(configured, secret)), 'invalid_client', 401)
      assertRejected(await ask(fresh, { client_secret: secret }, basic(configured, 'wrong')), 'invalid_client', 401)
      assertRejected(await ask(fresh, { client_secret: 'wrong' }, basic(configured, secret)), 'invalid_client', 401)
    })
  })

  test('by Basic for one client, in the form another → invalid_client', async () => {
    await codeOutlives(async (fresh) => {
      assertRejected(await ask(fresh, { client_id: otherClient }, basic(configured, secret)), 'invalid_client', 401)
      assertRejected(await ask(fresh, { client_id: configured }, basic(otherClient, secret)), 'invalid_client', 401)
    })
  })

  for (const authorization of [
    'Basic',
    'Basic ',
    'Basic !!!',
    'Basic Og==',
    `Basic ${Buffer.from(`:${secret}`).toString('base64')}`,
    `Basic ${Buffer.from('%zz:%zz').toString('base64')}`,
    `Bearer ${'x'.repeat(40)}`,
    'Digest username="x"',
    `Basic ${'A'.repeat(8_000)}`,
  ]) {
    test(`"${authorization.slice(0, 30)}" → invalid_client, and the code stays valid`, async () => {
      await codeOutlives(async (fresh) => {
        assertRejected(await ask(fresh, {}, { authorization }), 'invalid_client', 401)
      })
    })
  }

  test('wrong at refresh → invalid_client, and the token stays valid', async () => {
    await refreshTokenOutlives(async (token) => {
      assertRejected(await refresh(token, configured, { client_secret: 'wrong' }), 'invalid_client', 401)
    })
    await refreshTokenOutlives(async (token) => {
      assertRejected(await refresh(token, registered, { client_secret: secret }), 'invalid_client', 401)
    }, registered)
  })

  test('Entra’s view: the server sends its own, never the client’s word for it', async () => {
    const before = outbound.length
    assertTokens(await redeem(origin, await freshCode(origin, registered)))
    const [asked] = outbound.slice(before).filter(({ path }) => path.endsWith('/oauth2/v2.0/token'))
    const form = new URLSearchParams(asked?.body)
    assert.deepEqual([form.get('client_id'), form.get('client_secret')], [configured, secret])
    assert.deepEqual([...form.keys()].sort(), [
      'client_id',
      'client_secret',
      'code',
      'code_verifier',
      'grant_type',
      'redirect_uri',
      'scope',
    ])
  })
})
