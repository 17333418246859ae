import assert from 'node:assert/strict'
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { test } from 'node:test'
import type { Emulator } from '../../emulator/app.ts'
import type { MintOptions } from '../../emulator/mint.ts'
import { eventually, listen } from '../helper.ts'
import { startEmulator } from '../tenant.ts'
import { file, type HttpResponse, isRpcError, listTools, post, reasonOf, startBystander } from './harness.ts'

const tenant = await startEmulator()
file.after(() => tenant.close())
const { origin, app } = await listen(file, {}, tenant)
const { tenantId, api, client } = tenant
const otherTenantId = randomUUID()
const { kid } = tenant.keys.current
const now = () => Math.floor(Date.now() / 1000)

interface Attack {
  readonly attack: string
  readonly token: MintOptions | ((tenant: Emulator) => Promise<string>)
  readonly reason: string
  /** Default: 401 `invalid_token`. */
  readonly status?: 401 | 403
}

const withHeader = (header: Record<string, unknown>): MintOptions => ({ header })
const withClaims = (claims: Record<string, unknown>): MintOptions => ({ claims })
const badKid = (attack: string, value: unknown): Attack => ({
  attack: `kid ${attack}`,
  token: withHeader({ kid: value }),
  reason: 'unknown_key',
})

const headers: readonly Attack[] = [
  ...['none', 'None', 'NONE', 'nOnE', ''].map((alg) => ({
    attack: `alg "${alg}"`,
    token: withHeader({ alg }),
    reason: 'algorithm_not_supported',
  })),
  { attack: 'alg absent', token: withHeader({ alg: undefined }), reason: 'algorithm_not_supported' },
  { attack: 'alg as an array of RS256', token: withHeader({ alg: ['RS256'] }), reason: 'algorithm_not_supported' },
  { attack: 'alg rs256 in lower case', token: withHeader({ alg: 'rs256' }), reason: 'algorithm_not_supported' },
  { attack: 'HS256 keyed with the public key', token: withHeader({ alg: 'HS256' }), reason: 'algorithm_not_supported' },
  ...['RS384', 'RS512', 'PS256'].map((alg) => ({
    attack: `a valid ${alg} signature`,
    token: withHeader({ alg }),
    reason: 'algorithm_not_supported',
  })),
  { attack: 'an ES256 signature', token: () => es256(), reason: 'algorithm_not_supported' },
  {
    attack: 'an HS256 signature under an RS256 header',
    token: async () => {
      const [, claims, signature] = (await tenant.mint({ header: { alg: 'HS256' } })).split('.')
      const [header] = (await tenant.mint()).split('.')
      return `${header}.${claims}.${signature}`
    },
    reason: 'bad_signature',
  },
  { attack: 'crit', token: withHeader({ crit: ['exp'] }), reason: 'malformed_token' },
  { attack: 'crit that is empty', token: withHeader({ crit: [] }), reason: 'malformed_token' },
  { attack: 'crit with b64', token: withHeader({ crit: ['b64'], b64: false }), reason: 'malformed_token' },
  badKid('absent', undefined),
  badKid('of no key', 'no-such-key'),
  badKid('with a trailing newline', `${kid}\n`),
  badKid('as a path', `../../${kid}`),
  badKid('of 5,000 characters', kid.repeat(200).slice(0, 5_000)),
]

const signatures: readonly Attack[] = [
  { attack: 'signed by a forger under a published kid', token: { key: 'foreign' }, reason: 'bad_signature' },
  {
    attack: 'signed by a forger who brings the key along as jwk',
    token: async ({ keys, mint }) => mint({ key: 'foreign', header: { jwk: (await keys.foreign()).jwk } }),
    reason: 'bad_signature',
  },
  { attack: 'without its signature', token: async () => altered(([h, c]) => `${h}.${c}.`), reason: 'bad_signature' },
  {
    attack: 'with half of its signature',
    token: async () => altered(([h, c, s]) => `${h}.${c}.${s.slice(0, 170)}`),
    reason: 'bad_signature',
  },
  {
    attack: 'with another user written into it',
    token: async () =>
      altered(([h, c, s]) => {
        const claims: object = JSON.parse(Buffer.from(c, 'base64url').toString())
        return `${h}.${base64url({ ...claims, oid: tenant.users[1]?.id })}.${s}`
      }),
    reason: 'bad_signature',
  },
  { attack: 'one word', token: async () => 'token', reason: 'malformed_token' },
  { attack: 'three words', token: async () => 'a.b.c', reason: 'malformed_token' },
  { attack: 'two parts', token: async () => altered(([h, c]) => `${h}.${c}`), reason: 'malformed_token' },
  {
    attack: 'five parts (JWE)',
    token: async () => altered(([h, c, s]) => `${h}.${c}.${s}.a.b`),
    reason: 'malformed_token',
  },
  { attack: 'claims that are text', token: async () => signedText('"claims"'), reason: 'malformed_token' },
  { attack: 'claims that are null', token: async () => signedText('null'), reason: 'malformed_token' },
  { attack: 'claims that are an array', token: async () => signedText('[1]'), reason: 'malformed_token' },
  { attack: 'claims that are not JSON', token: async () => signedText('{"aud":'), reason: 'malformed_token' },
]

const v1 = 1 as const
const issuers: readonly Attack[] = [
  {
    attack: 'iss of another tenant (v2)',
    token: withClaims({ iss: `${tenant.origin}/${otherTenantId}/v2.0` }),
    reason: 'wrong_issuer',
  },
  {
    attack: 'iss of another tenant (v1)',
    token: { version: v1, claims: { iss: `https://sts.windows.net/${otherTenantId}/` } },
    reason: 'wrong_issuer',
  },
  {
    attack: 'v1 iss without its slash',
    token: { version: v1, claims: { iss: `https://sts.windows.net/${tenantId}` } },
    reason: 'wrong_issuer',
  },
  {
    attack: 'iss as an array',
    token: withClaims({ iss: [`${tenant.origin}/${tenantId}/v2.0`] }),
    reason: 'wrong_issuer',
  },
  { attack: 'iss absent', token: { drop: ['iss'] }, reason: 'missing_claim' },
  { attack: 'tid absent', token: { drop: ['tid'] }, reason: 'missing_claim' },
  { attack: 'tid of another tenant', token: withClaims({ tid: otherTenantId }), reason: 'wrong_tenant' },
]

const graph = 'https://graph.microsoft.com'
const audiences: readonly Attack[] = [
  { attack: 'aud absent', token: { drop: ['aud'] }, reason: 'missing_claim' },
  { attack: 'aud of another API', token: withClaims({ aud: randomUUID() }), reason: 'wrong_audience' },
  { attack: 'aud an array of ours', token: withClaims({ aud: [api.clientId] }), reason: 'wrong_audience' },
  {
    attack: "aud an array of ours and Graph's",
    token: withClaims({ aud: [api.clientId, graph] }),
    reason: 'graph_audience',
  },
  { attack: "aud Graph's URI", token: withClaims({ aud: graph }), reason: 'graph_audience' },
  {
    attack: "aud Graph's application id",
    token: withClaims({ aud: '00000003-0000-0000-c000-000000000000' }),
    reason: 'graph_audience',
  },
  { attack: 'a Graph token of the same user', token: { kind: 'graph' }, reason: 'graph_audience' },
]

const times: readonly Attack[] = [
  { attack: 'exp absent', token: { drop: ['exp'] }, reason: 'missing_claim' },
  { attack: 'exp as text', token: withClaims({ exp: String(now() + 3600) }), reason: 'missing_claim' },
  { attack: 'exp as an array', token: withClaims({ exp: [now() + 3600] }), reason: 'missing_claim' },
  { attack: 'exp 61 s ago', token: withClaims({ exp: now() - 61 }), reason: 'expired' },
  { attack: 'exp negative', token: withClaims({ exp: -1 }), reason: 'expired' },
  { attack: 'exp in ten years', token: withClaims({ exp: now() + 315_360_000 }), reason: 'lifetime_too_long' },
  { attack: 'exp in milliseconds', token: withClaims({ exp: Date.now() + 3_600_000 }), reason: 'lifetime_too_long' },
  { attack: 'nbf in ten minutes', token: withClaims({ nbf: now() + 600 }), reason: 'not_yet_valid' },
  { attack: 'nbf as text', token: withClaims({ nbf: String(now()) }), reason: 'missing_claim' },
  { attack: 'iat in ten minutes', token: withClaims({ iat: now() + 600 }), reason: 'not_yet_valid' },
  { attack: 'iat as text', token: withClaims({ iat: String(now()) }), reason: 'missing_claim' },
]

const subjects: readonly Attack[] = [
  { attack: 'a token bound to a key', token: withClaims({ cnf: { jkt: 'x' } }), reason: 'key_bound_token' },
  { attack: 'oid absent', token: { drop: ['oid'] }, reason: 'missing_claim' },
  { attack: 'oid empty', token: withClaims({ oid: '' }), reason: 'missing_claim' },
  { attack: "the client's ID token", token: { kind: 'id' }, reason: 'wrong_audience' },
  {
    attack: 'an ID token for this API, where it is its own client',
    token: { kind: 'id', claims: { aud: api.clientId } },
    reason: 'id_token',
  },
  { attack: 'an app-only token', token: { kind: 'app' }, reason: 'app_only', status: 403 },
  { attack: 'an app-only token (v1)', token: { kind: 'app', version: v1 }, reason: 'app_only', status: 403 },
  {
    attack: 'an app-only token without idtyp',
    token: { kind: 'app', drop: ['idtyp'] },
    reason: 'app_only',
    status: 403,
  },
  {
    attack: 'an app-only token with a scope written in',
    token: { kind: 'app', claims: { scp: 'access_as_user' } },
    reason: 'app_only',
    status: 403,
  },
  { attack: "a user's token without scp", token: { drop: ['scp'] }, reason: 'app_only', status: 403 },
  { attack: 'scp as an array', token: withClaims({ scp: ['access_as_user'] }), reason: 'app_only', status: 403 },
  { attack: 'scp of another scope', token: withClaims({ scp: 'User.Read' }), reason: 'missing_scope', status: 403 },
  {
    attack: 'scp that begins like ours',
    token: withClaims({ scp: 'access_as_user2' }),
    reason: 'missing_scope',
    status: 403,
  },
  {
    attack: 'our scope among the roles',
    token: withClaims({ scp: 'User.Read', roles: ['access_as_user'] }),
    reason: 'missing_scope',
    status: 403,
  },
]

const suites = { headers, signatures, issuers, audiences, times, subjects }
for (const [suite, attacks] of Object.entries(suites)) {
  for (const { attack, token: asked, reason, status = 401 } of attacks) {
    test(`${suite}: ${attack} → ${status} ${reason}`, async () => {
      const token = typeof asked === 'function' ? await asked(tenant) : await tenant.mint(asked)
      const response = await post(origin, listTools, token)
      assertRejected(response, status, reason)
      assertSilentAbout(token, response)
    })
  }
}

test('a token signed by a published key of another tenant is rejected', async (t) => {
  const foreign = await tenant.keys.foreign()
  const token = await tenant.mint({ key: 'foreign', header: { kid: foreign.kid } })
  const publish = (issuer: string) => {
    const published = tenant.keys.jwks(`${tenant.origin}/${tenantId}/v2.0`).keys
    const body = { keys: [...published, { ...foreign.jwk, issuer }] }
    tenant.faults.add({ target: 'keys', kind: 'status', status: 200, body })
  }
  t.after(async () => {
    tenant.faults.clear()
    await app.entraKeys.start()
  })

  publish(`${tenant.origin}/${otherTenantId}/v2.0`)
  await app.entraKeys.start()
  assertRejected(await post(origin, listTools, token), 401, 'unknown_key')
  assert.equal((await post(origin, listTools, await tenant.mint())).status, 200)

  tenant.faults.clear()
  publish(`${tenant.origin}/${tenantId}/v2.0`)
  await app.entraKeys.start()
  assert.equal((await post(origin, listTools, token)).status, 200)
})

test('a token cannot name the URL that its key is fetched from', async (t) => {
  const bystander = await startBystander(t)
  const url = `${bystander.origin}/keys`
  const token = await tenant.mint({
    key: 'foreign',
    header: { jku: url, x5u: url, kid: 'from-afar' },
    claims: { iss: bystander.origin },
  })
  assertRejected(await post(origin, listTools, token), 401, 'unknown_key')
  assert.equal(bystander.received.length, 0)
})

test('where client applications are listed, no other is accepted', async (t) => {
  const { origin: strict } = await listen(t, { MCP_ALLOWED_CLIENT_IDS: client.clientId.toUpperCase() }, tenant)
  const other = randomUUID()
  for (const [attack, asked] of Object.entries<MintOptions>({
    'azp not listed': withClaims({ azp: other }),
    'azp not listed, appid listed': withClaims({ azp: other, appid: client.clientId }),
    'azp absent': { drop: ['azp'] },
    'azp as an array': withClaims({ azp: [client.clientId] }),
    'azp null': withClaims({ azp: null }),
    'appid not listed (v1)': { version: v1, claims: { appid: other } },
  })) {
    const token = await tenant.mint(asked)
    const response = await post(strict, listTools, token)
    assert.equal(reasonOf(response), 'client_not_allowed', attack)
    assertRejected(response, 403, 'client_not_allowed')
    assertSilentAbout(token, response)
  }
  for (const version of [1, 2] as const) {
    assert.equal((await post(strict, listTools, await tenant.mint({ version }))).status, 200, `version ${version}`)
  }
})

test('a Graph token is rejected as what it is: the way to a confused deputy', async () => {
  const response = await post(origin, listTools, await tenant.mint({ kind: 'graph' }))
  assert.match(response.body.error?.message ?? '', /confused deputy/)
})

test('a request without a token gets the challenge, and no error', async () => {
  const response = await post(origin, listTools)
  assertRejected(response, 401, 'missing_token')
  assert.doesNotMatch(challengeOf(response), /error/)
})

test('a token that was rejected before is rejected with the same reason', async () => {
  const token = await tenant.mint(withClaims({ tid: otherTenantId }))
  for (let times = 0; times < 3; times++) assertRejected(await post(origin, listTools, token), 401, 'wrong_tenant')
})

test('a cached token expires at its exp', async () => {
  const exp = now() - 59
  const token = await tenant.mint(withClaims({ exp }))
  assert.equal((await post(origin, listTools, token)).status, 200)
  await eventually(async () => (await post(origin, listTools, token)).status === 401)
  assertRejected(await post(origin, listTools, token), 401, 'expired')
})

for (const [name, options] of Object.entries<MintOptions>({
  'a v2 token': { version: 2 },
  'a v1 token': { version: 1 },
  'a v2 token whose audience is the URI': withClaims({ aud: api.identifierUri }),
  'a v1 token whose audience is the id': { version: 1, claims: { aud: api.clientId } },
  'a token that expired 30 s ago': withClaims({ exp: now() - 30 }),
  'a token that begins in 30 s': withClaims({ nbf: now() + 30, iat: now() + 30 }),
  'a token without nbf and iat': { drop: ['nbf', 'iat'] },
  'a token of 28 hours': withClaims({ exp: now() + 28 * 3600 }),
  'a token with more scopes than needed': withClaims({ scp: 'User.Read access_as_user openid' }),
  "a token signed by the tenant's older key": { key: tenant.keys.published[0]?.kid ?? '' },
})) {
  test(`${name} is accepted`, async () => {
    const { status, body } = await post(origin, listTools, await tenant.mint(options))
    assert.equal(status, 200)
    assert.ok(Array.isArray(body.result?.['tools']))
  })
}

/** Status, reason, JSON-RPC shape, and the one challenge that goes with them. */
function assertRejected(response: HttpResponse, status: 401 | 403, reason: string) {
  assert.deepEqual([response.status, reasonOf(response)], [status, reason])
  assert.ok(isRpcError(response), response.text)
  const challenge = challengeOf(response)
  assert.match(
    challenge,
    /^Bearer resource_metadata="http:\/\/localhost:\d+\/\.well-known\/oauth-protected-resource\/mcp"/,
  )
  assert.match(challenge, /scope="access_as_user"/)
  const expected = {
    missing_token: undefined,
    client_not_allowed: undefined,
    app_only: 'insufficient_scope',
    missing_scope: 'insufficient_scope',
  }
  const error = reason in expected ? expected[reason as keyof typeof expected] : 'invalid_token'
  assert.equal(/ error="([^"]*)"/.exec(challenge)?.[1], error)
}

function challengeOf({ headers }: HttpResponse): string {
  const challenge = headers['www-authenticate']
  assert.equal(typeof challenge, 'string', 'exactly one WWW-Authenticate')
  return String(challenge)
}

/** No part of the token comes back, in whatever place. */
function assertSilentAbout(token: string, { text, headers }: HttpResponse) {
  const whole = text + JSON.stringify(headers)
  for (const part of [token, ...token.split('.')].filter((one) => one.length >= 8)) {
    assert.ok(!whole.includes(part), 'a part of the token was echoed')
  }
}

async function altered(change: (parts: [string, string, string]) => string): Promise<string> {
  const [header = '', claims = '', signature = ''] = (await tenant.mint()).split('.')
  return change([header, claims, signature])
}

/** A good signature over whatever text stands where the claims should. */
function signedText(text: string): string {
  const signedPart = `${base64url({ alg: 'RS256', typ: 'JWT', kid })}.${Buffer.from(text).toString('base64url')}`
  return `${signedPart}.${sign('sha256', Buffer.from(signedPart), tenant.keys.current.privateKey).toString('base64url')}`
}

async function es256(): Promise<string> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const [, claims] = (await tenant.mint()).split('.')
  const signedPart = `${base64url({ alg: 'ES256', typ: 'JWT', kid })}.${claims}`
  const signature = sign('sha256', Buffer.from(signedPart), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return `${signedPart}.${signature.toString('base64url')}`
}

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
