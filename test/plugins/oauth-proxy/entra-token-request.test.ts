import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { beforeEach, test } from 'node:test'
import { inspect } from 'node:util'
import type { FaultRule } from '../../../emulator/fault-rule.ts'
import { signIn } from '../../../emulator/sign-in.ts'
import type { Failure, Reason } from '../../../src/errors/index.ts'
import { userKeyOf } from '../../../src/plugins/auth/claims.ts'
import { withClientSecret } from '../../../src/plugins/client-credential/client-authentication.ts'
import { redeemGrant } from '../../../src/plugins/oauth-proxy/entra-token-request.ts'
import { pkcePair } from '../../sign-in-helper.ts'
import { claimsOf, startTokenEndpoint } from '../../token-endpoint.ts'

const { tenant, posted, options } = await startTokenEndpoint()
const { api } = tenant
const { endpoints, http } = options
const redirectUri = 'http://localhost:5005/oauth/callback'
const scope = `${api.clientId}/access_as_user openid profile offline_access`

/** The pauses between attempts since the test began. */
const slept: number[] = []
beforeEach(() => {
  slept.length = 0
})

type SignInGrant = Parameters<typeof redeemGrant>[1]
const context = {
  entraClientId: api.clientId,
  withClientAuth: options.withClientAuth,
  endpoints,
  entra: http,
  tokenMs: 10_000,
}
const create =
  (own: Partial<typeof context> = {}) =>
  (grant: SignInGrant, correlationId: string) =>
    redeemGrant({ ...context, ...own }, grant, correlationId, async (ms) => void slept.push(ms))
const redeem = create()

/** A code fresh from a sign-in at the tenant. */
async function codeGrant(parameters: Readonly<Record<string, string>> = {}, user = 'rowan') {
  const { verifier, challenge } = pkcePair()
  const url = new URL(endpoints.authorizeUrl)
  for (const [name, value] of Object.entries({
    client_id: api.clientId,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope,
    state: 's',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...parameters,
  })) {
    url.searchParams.set(name, value)
  }
  const { parameters: response } = await signIn(url, { user })
  return {
    grant_type: 'authorization_code' as const,
    code: response.get('code') ?? '',
    redirect_uri: redirectUri,
    code_verifier: verifier,
    scope,
  }
}

/** A grant for when the response does not depend on it. */
const anyGrant: SignInGrant = { grant_type: 'refresh_token', refresh_token: 'r'.repeat(40), scope }

/** Redeems a grant while Entra responds as the rule says. */
function redeemGiven(rule: Omit<FaultRule, 'target'>, grant: SignInGrant = anyGrant) {
  tenant.faults.add({ target: 'token', ...rule })
  return redeem(grant, randomUUID())
}

async function failureOf(call: Promise<unknown>): Promise<Failure> {
  const error = await call.then(
    () => assert.fail('It was redeemed'),
    (cause: Failure) => cause,
  )
  assert.equal(error.name, 'Failure', String(error))
  return error
}

const tokens = { token_type: 'Bearer', access_token: 'an-access-token', expires_in: 3599 }
const idToken = (claims: unknown) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`

test('a code gives the user’s tokens, as Entra wrote them, and the nonce of the sign-in', async () => {
  const { accessToken, refreshToken, expiresInSeconds, user, ...rest } = await redeem(
    await codeGrant({ nonce: 'a-nonce' }),
    randomUUID(),
  )
  const claims = claimsOf(accessToken)
  assert.equal(claims.oid, tenant.tenant.directory.find('rowan')?.id)
  assert.equal(claims.scp, 'access_as_user')
  assert.equal(user, userKeyOf(claims))
  assert.ok(refreshToken && refreshToken.length > 40)
  assert.ok(expiresInSeconds > 3_000)
  assert.deepEqual(rest, { scope: `${api.clientId}/access_as_user`, nonce: 'a-nonce' })
  assert.deepEqual([posted.length, slept], [1, []])
})

test('a refresh token gives new tokens', async () => {
  const first = await redeem(await codeGrant(), randomUUID())
  const refreshed = await redeem(
    { grant_type: 'refresh_token', refresh_token: first.refreshToken ?? '', scope },
    randomUUID(),
  )
  assert.ok(refreshed.accessToken && refreshed.refreshToken)
  assert.equal(posted.length, 2)
})

test('a code is posted with everything that RFC 6749 names, the secret in the form and the correlation id beside it', async () => {
  const grant = await codeGrant()
  const correlationId = randomUUID()
  await redeem(grant, correlationId)
  const [request] = posted
  assert.deepEqual([request?.method, request?.url], ['POST', endpoints.tokenUrl])
  assert.deepEqual(request?.headers, {
    'content-type': 'application/x-www-form-urlencoded',
    'client-request-id': correlationId,
  })
  assert.deepEqual([...new URLSearchParams(request?.body)].sort(), [
    ['client_id', api.clientId],
    ['client_secret', api.clientSecret],
    ['code', grant.code],
    ['code_verifier', grant.code_verifier],
    ['grant_type', 'authorization_code'],
    ['redirect_uri', redirectUri],
    ['scope', scope],
  ])
})

test('a refresh token is posted with nothing of a code', async () => {
  await redeemGiven({ kind: 'status', status: 200, body: tokens })
  assert.deepEqual([...new URLSearchParams(posted[0]?.body)].map(([name]) => name).sort(), [
    'client_id',
    'client_secret',
    'grant_type',
    'refresh_token',
    'scope',
  ])
})

test('what is in a grant cannot become another field', async () => {
  const refresh_token = 'r&client_id=evil&client_secret=x+y%20z=é'
  await redeemGiven(
    { kind: 'status', status: 200, body: tokens },
    { grant_type: 'refresh_token', refresh_token, scope },
  )
  const form = new URLSearchParams(posted[0]?.body)
  assert.deepEqual([form.getAll('client_id'), form.getAll('refresh_token')], [[api.clientId], [refresh_token]])
})

test('a refresh token that Entra repeats is given back unchanged', async () => {
  const body = { ...tokens, refresh_token: 'r'.repeat(40) }
  assert.equal((await redeemGiven({ kind: 'status', status: 200, body })).refreshToken, 'r'.repeat(40))
})

for (const [name, own, expected] of [
  ['nothing more', {}, {}],
  ['a lifetime as text', { expires_in: '3599' }, {}],
  ['a token type in lower case', { token_type: 'bearer' }, {}],
  ['a scope', { scope: 'a b' }, { scope: 'a b' }],
  ['an empty scope', { scope: '' }, {}],
  ['a scope that is no text', { scope: ['a'] }, {}],
  ['a refresh token', { refresh_token: 'another' }, { refreshToken: 'another' }],
  ['an empty refresh token', { refresh_token: '' }, {}],
  ['a refresh token that is no text', { refresh_token: { a: 1 } }, {}],
  ['an ID token with a nonce', { id_token: idToken({ nonce: 'n' }) }, { nonce: 'n' }],
  ['an ID token without one', { id_token: idToken({ sub: 'x' }) }, {}],
  ['an ID token whose nonce is no text', { id_token: idToken({ nonce: 7 }) }, {}],
  ['an ID token of null', { id_token: idToken(null) }, {}],
  ['an ID token that is none', { id_token: 'x' }, {}],
  ['an ID token of garbage', { id_token: 'a.!!!.c' }, {}],
  ['an ID token that is no text', { id_token: 7 }, {}],
] as const) {
  test(`a response with ${name} can be used`, async () => {
    const { user, ...rest } = await redeemGiven({ kind: 'status', status: 200, body: { ...tokens, ...own } })
    assert.deepEqual(rest, {
      accessToken: 'an-access-token',
      expiresInSeconds: 3599,
      scope: undefined,
      refreshToken: undefined,
      nonce: undefined,
      ...expected,
    })
  })
}

const unusable: readonly [name: string, rule: Omit<FaultRule, 'target'>][] = [
  ['{}', { kind: 'empty-object' }],
  ['wrong types', { kind: 'wrong-types' }],
  ['HTML', { kind: 'html' }],
  ['half a response', { kind: 'truncated' }],
  ['nothing', { kind: 'status', status: 200 }],
  ['null', { kind: 'status', status: 200, body: 'null' }],
  ['a list', { kind: 'status', status: 200, body: [tokens] }],
  ['no access token', { kind: 'status', status: 200, body: { ...tokens, access_token: undefined } }],
  ['an empty access token', { kind: 'status', status: 200, body: { ...tokens, access_token: '' } }],
  ['an access token that is no text', { kind: 'status', status: 200, body: { ...tokens, access_token: 7 } }],
  ['no token type', { kind: 'status', status: 200, body: { ...tokens, token_type: undefined } }],
  ['another token type', { kind: 'status', status: 200, body: { ...tokens, token_type: 'pop' } }],
  ['no lifetime', { kind: 'status', status: 200, body: { ...tokens, expires_in: undefined } }],
  ['a lifetime of null', { kind: 'status', status: 200, body: { ...tokens, expires_in: null } }],
  ['a lifetime of 0', { kind: 'status', status: 200, body: { ...tokens, expires_in: 0 } }],
  ['a lifetime below 0', { kind: 'status', status: 200, body: { ...tokens, expires_in: -1 } }],
  ['a lifetime in words', { kind: 'status', status: 200, body: { ...tokens, expires_in: 'soon' } }],
  ['a redirect', { kind: 'redirect' }],
  ['a reset', { kind: 'reset' }],
  ['50 MB', { kind: 'huge' }],
  ['a gzip bomb', { kind: 'gzip-bomb' }],
  ['silence', { kind: 'hang' }],
  ['HTML with 400', { kind: 'html', status: 400 }],
  ['500', { kind: 'status', status: 500 }],
  ['502 with HTML', { kind: 'html', status: 502 }],
  ['503', { kind: 'status', status: 503, body: { error: 'invalid_grant', error_codes: [70000] } }],
  ['504', { kind: 'status', status: 504 }],
  ['AADSTS90033', { kind: 'aadsts', code: 90033 }],
]
for (const [name, rule] of unusable) {
  test(`${name} from Entra is tried once more, and then exchange_unavailable`, async () => {
    const { reason } = await failureOf(redeemGiven(rule))
    assert.equal(reason, 'exchange_unavailable')
    assert.equal(posted.length, 2)
    assert.equal(posted[0]?.body, posted[1]?.body)
    const [ms, ...more] = slept
    assert.ok(ms !== undefined && ms >= 100 && ms <= 300 && more.length === 0, `${slept}`)
  })

  test(`${name} from Entra once does no harm`, async () => {
    tenant.faults.add({ target: 'token', ...rule, times: 1 })
    const { accessToken } = await redeem(await codeGrant(), randomUUID())
    assert.ok(accessToken)
    assert.equal(posted.length, 2)
  })
}

test('nobody there is exchange_unavailable, after one more try', async () => {
  const nowhere = create({ endpoints: { ...endpoints, tokenUrl: 'http://127.0.0.1:9/token' } })
  assert.equal((await failureOf(nowhere(anyGrant, randomUUID()))).reason, 'exchange_unavailable')
  assert.equal(posted.length, 2)
})

test('if Entra took the code before its response was lost, the user signs in again', async () => {
  const grant = await codeGrant()
  let calls = 0
  const losing = create({
    entra: {
      request: async (request) => {
        const response = await http.request(request)
        return ++calls === 1 ? { ...response, status: 502, body: '' } : response
      },
    },
  })
  const { reason, details } = await failureOf(losing(grant, randomUUID()))
  assert.equal(reason, 'grant_rejected')
  assert.equal(details.aadsts, 'AADSTS54005')
  assert.equal(calls, 2)
})

const rejections: readonly [code: number, reason: Reason][] = [
  [70000, 'grant_rejected'],
  [70008, 'grant_rejected'],
  [54005, 'grant_rejected'],
  [501481, 'grant_rejected'],
  [700082, 'grant_rejected'],
  [50173, 'grant_rejected'],
  [50057, 'grant_rejected'],
  [50105, 'grant_rejected'],
  [53003, 'grant_rejected'],
  [65001, 'grant_rejected'],
  [7000215, 'credential_rejected'],
  [7000222, 'credential_rejected'],
  [700016, 'exchange_misconfigured'],
  [70011, 'exchange_misconfigured'],
]
for (const [code, expected] of rejections) {
  test(`AADSTS${code} is ${expected}, and not tried again`, async () => {
    const { reason, details } = await failureOf(redeemGiven({ kind: 'aadsts', code }))
    assert.equal(reason, expected)
    assert.deepEqual([posted.length, slept], [1, []])
    assert.deepEqual((details.cause as { error_codes: number[] }).error_codes, [code])
    assert.equal(details.aadsts, `AADSTS${code}`)
  })
}

test('a claims challenge is one more reason to sign in again', async () => {
  const claims = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'
  const { reason, details } = await failureOf(redeemGiven({ kind: 'aadsts', code: 50079, claims }))
  assert.deepEqual([reason, details.aadsts], ['grant_rejected', 'AADSTS50079'])
  assert.equal(posted.length, 1)
})

test('an error response without a number rejects the grant', async () => {
  const { reason, details } = await failureOf(
    redeemGiven({ kind: 'status', status: 400, body: { error: 'invalid_grant', error_description: 'No.' } }),
  )
  assert.deepEqual([reason, details.detail], ['grant_rejected', undefined])
})

test('a wrong secret is an error of the server, and the code stays valid for the right one', async () => {
  const grant = await codeGrant()
  const wrong = create({ withClientAuth: withClientSecret('not-the-secret-of-this-app') })
  assert.equal((await failureOf(wrong(grant, randomUUID()))).reason, 'credential_rejected')
  assert.ok((await redeem(grant, randomUUID())).accessToken)
})

for (const [name, rule, seconds] of [
  ['that says how long', { kind: 'status', status: 429, retryAfter: 17 }, 17],
  ['that does not', { kind: 'status', status: 429 }, 10],
  ['over tokens', { kind: 'status', status: 429, retryAfter: 5, body: tokens }, 5],
] as const) {
  test(`a 429 ${name} is exchange_throttled with ${seconds} seconds to wait, and not tried again`, async () => {
    const { reason, details } = await failureOf(redeemGiven(rule))
    assert.deepEqual([reason, details.retryAfterSeconds], ['exchange_throttled', seconds])
    assert.deepEqual([posted.length, slept], [1, []])
  })
}

for (const [retryAfter, tries] of [
  [60, 1],
  [2, 1],
  [1, 2],
] as const) {
  test(`a 503 that says ${retryAfter} s says it to the client, after ${tries} of two tries`, async () => {
    const { reason, details } = await failureOf(redeemGiven({ kind: 'status', status: 503, retryAfter }))
    assert.deepEqual([reason, details.retryAfterSeconds], ['exchange_unavailable', retryAfter])
    assert.deepEqual([posted.length, slept.length], [tries, tries - 1])
  })
}

const secretCode = `1.${'c'.repeat(60)}`
const secretVerifier = 'v'.repeat(43)
const secretToken = `0.${'t'.repeat(60)}`
const secrets = [api.clientSecret, secretCode, secretVerifier, secretToken, 'an-access-token']
const echo = { error: 'invalid_grant', error_description: `Bad: ${secrets.slice(0, -1).join(', ')}.` }

for (const [name, rule] of [
  ['an error response that repeats everything', { kind: 'status', status: 400, body: echo }],
  ['a 500 that repeats everything', { kind: 'status', status: 500, body: echo }],
  ['a 429 that repeats everything', { kind: 'status', status: 429, body: echo }],
  ['a response without a lifetime', { kind: 'status', status: 200, body: { ...tokens, expires_in: 0 } }],
  ['a reset', { kind: 'reset' }],
  ['AADSTS70008', { kind: 'aadsts', code: 70008 }],
  ['AADSTS7000215', { kind: 'aadsts', code: 7000215 }],
] as const) {
  for (const grant of [
    {
      grant_type: 'authorization_code',
      code: secretCode,
      redirect_uri: redirectUri,
      code_verifier: secretVerifier,
      scope,
    },
    { grant_type: 'refresh_token', refresh_token: secretToken, scope },
  ] as const) {
    test(`nothing secret is in the failure that ${name} becomes, with ${grant.grant_type}`, async () => {
      const own: readonly string[] = Object.values(grant)
      const failure = await failureOf(redeemGiven(rule, grant))
      const shown = inspect(failure, { depth: 10, showHidden: true, maxStringLength: null })
      for (const secret of secrets.filter((one) => one === api.clientSecret || own.includes(one))) {
        assert.ok(!shown.includes(secret), `${secret} is in ${shown}`)
      }
      assert.ok(!shown.includes('an-access-token'))
    })
  }
}

test('a grant has one deadline, however many tries: none begins after it', async () => {
  tenant.faults.add({ target: 'token', kind: 'hang' })
  const started = performance.now()
  const failure = await failureOf(create({ tokenMs: 300 })(anyGrant, randomUUID()))
  assert.equal(failure.reason, 'exchange_unavailable')
  assert.ok(performance.now() - started < 1_500)
  assert.deepEqual([posted.length, slept], [1, []])
})
