import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import Fastify, { type FastifyRequest } from 'fastify'
import type { MintOptions } from '../../emulator/mint.ts'
import type { Reason } from '../../src/errors/index.ts'
import { auth } from '../../src/plugins/auth/index.ts'
import { entraKeys } from '../../src/plugins/entra-keys/index.ts'
import { failures } from '../../src/plugins/error-handlers/index.ts'
import { observability } from '../../src/plugins/observability/index.ts'
import { configFor, type Env } from '../helper.ts'
import { startEmulator } from '../tenant.ts'

const tenant = await startEmulator()
after(() => tenant.close())

interface Seen {
  readonly caller: FastifyRequest['caller']
  readonly assertion: string | null
  readonly graphBearerToken: string | null
}

/** The plugin on a server with one route behind it; `seen` is what the route saw of the request. */
async function build(t: TestContext, env: Env = {}) {
  const config = configFor(tenant, env)
  const app = Fastify()
  t.after(() => app.close())
  await app.register(observability)
  await app.register(failures, { config })
  await app.register(entraKeys, { config })
  await app.register(auth, { config })
  const seen: Seen[] = []
  const note = ({ caller, assertion, graphBearerToken }: FastifyRequest) => {
    seen.push({ caller, assertion, graphBearerToken })
    return ''
  }
  app.get('/', { onRequest: [app.authenticateFromCache, app.authenticate] }, note)
  app.get('/public', note)
  await app.ready()
  await app.entraKeys.start()
  const lookups = t.mock.method(app.entraKeys, 'publicKey').mock

  async function call(authorization?: string, url = '/') {
    seen.length = 0
    const response = await app.inject({ url, headers: authorization === undefined ? {} : { authorization } })
    const { statusCode: status, headers } = response
    const reason: Reason | undefined = status === 200 ? undefined : response.json().error.data.reason
    return { status, reason, challenge: headers['www-authenticate'], seen: seen[0] }
  }
  return { app, call, callWith: (token: string) => call(`Bearer ${token}`), lookups: () => lookups.callCount() }
}

/** Seconds since the epoch, now or so much later. */
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds

test('a valid token sets the caller, and the assertion for the exchange', async (t) => {
  const { callWith } = await build(t)
  const token = await tenant.mint({ user: 'rowan' })
  const { status, seen } = await callWith(token)
  assert.equal(status, 200)
  assert.equal(seen?.assertion, token)
  assert.equal(seen?.graphBearerToken, null)
  assert.equal(seen?.caller?.tenantId, tenant.tenantId)
  assert.equal(seen?.caller?.clientId, tenant.client.clientId)
  assert.deepEqual(seen?.caller?.scopes, ['access_as_user'])
})

for (const version of [1, 2] as const) {
  test(`a v${version} token of the tenant is accepted`, async (t) => {
    const { callWith } = await build(t)
    assert.equal((await callWith(await tenant.mint({ version }))).status, 200)
  })
}

test('the log has user and client of a verified token, and the reason of a rejected one', async (t) => {
  const lines: Record<string, unknown>[] = []
  const { app, callWith } = await build(t)
  app.onAudit({
    auth_success: (fields) => lines.push(fields),
    auth_failure: (fields) => lines.push(fields),
  })
  const { seen } = await callWith(await tenant.mint({ user: 'rowan' }))
  await callWith(await tenant.mint({ claims: { aud: 'api://another' } }))
  const logged = lines.map(({ user, client, reason }) => [user, client, reason])
  assert.deepEqual(logged, [
    [seen?.caller?.userKey, tenant.client.clientId, undefined],
    [undefined, undefined, 'wrong_audience'],
  ])
})

test('a verified token is cached: no key lookup, the same frozen caller', async (t) => {
  const { callWith, lookups } = await build(t)
  const token = await tenant.mint()
  const first = await callWith(token)
  for (let i = 0; i < 5; i++) assert.equal((await callWith(token)).seen?.caller, first.seen?.caller)
  assert.equal(lookups(), 1)
  assert.ok(Object.isFrozen(first.seen?.caller))
})

test('another token of the same user is verified by itself', async (t) => {
  const { callWith, lookups } = await build(t)
  const [one, two] = [await callWith(await tenant.mint()), await callWith(await tenant.mint())]
  assert.equal(lookups(), 2)
  assert.equal(one.seen?.caller?.userKey, two.seen?.caller?.userKey)
  assert.notEqual(one.seen?.caller?.tokenHash, two.seen?.caller?.tokenHash)
})

test('a verified token is cached for five minutes', async (t) => {
  const { callWith, lookups } = await build(t)
  const token = await tenant.mint()
  const now = Date.now()
  t.mock.timers.enable({ apis: ['Date'], now })
  await callWith(token)
  t.mock.timers.setTime(now + 5 * 60_000 - 1)
  await callWith(token)
  assert.equal(lookups(), 1)
  t.mock.timers.setTime(now + 5 * 60_000)
  await callWith(token)
  assert.equal(lookups(), 2)
})

test('after the clock was set back a cached token is verified again', async (t) => {
  const { callWith, lookups } = await build(t)
  const token = await tenant.mint()
  const now = Date.now()
  t.mock.timers.enable({ apis: ['Date'], now })
  await callWith(token)
  t.mock.timers.setTime(now - 1_000)
  assert.equal((await callWith(token)).status, 200)
  assert.equal(lookups(), 2)
})

test('a cached token expires at its exp, and within the leeway is verified again', async (t) => {
  const { callWith, lookups } = await build(t)
  const exp = inSeconds(100)
  const token = await tenant.mint({ claims: { exp } })
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  assert.equal((await callWith(token)).status, 200)
  t.mock.timers.setTime(exp * 1000 - 1)
  assert.equal((await callWith(token)).status, 200)
  assert.equal(lookups(), 1)
  t.mock.timers.setTime(exp * 1000 + 59_000)
  assert.equal((await callWith(token)).status, 200)
  assert.equal(lookups(), 2)
  t.mock.timers.setTime(exp * 1000 + 60_000)
  assert.equal((await callWith(token)).reason, 'expired')
})

test('an expired token for another API is first of all for another API', async (t) => {
  const { callWith } = await build(t)
  const claims = { aud: '99999999-1111-2222-3333-444444444444', exp: inSeconds(-3_600) }
  assert.equal((await callWith(await tenant.mint({ claims }))).reason, 'wrong_audience')
})

test('when a signing key is removed, its cached tokens are evicted and no others', async (t) => {
  const { app, callWith, lookups } = await build(t)
  const old = tenant.keys.current.kid
  await tenant.keys.rotate()
  await app.entraKeys.start()
  const [before, since] = [await tenant.mint({ key: old }), await tenant.mint()]
  for (const token of [before, since]) assert.equal((await callWith(token)).status, 200)
  tenant.keys.retire(old)
  await app.entraKeys.start()
  assert.equal((await callWith(before)).reason, 'unknown_key')
  const count = lookups()
  assert.equal((await callWith(since)).status, 200)
  assert.equal(lookups(), count)
})

test('no request starts with the caller of another', async (t) => {
  const { call, callWith } = await build(t)
  const nobody = { caller: null, assertion: null, graphBearerToken: null }
  await callWith(await tenant.mint())
  assert.deepEqual((await call(undefined, '/public')).seen, nobody)
  assert.deepEqual((await call(`Bearer ${await tenant.mint()}`, '/public')).seen, nobody)
})

const rejected: readonly [name: string, mint: () => MintOptions, reason: Reason, status: number][] = [
  ['signed by a forger', () => ({ key: 'foreign' }), 'bad_signature', 401],
  ['of alg none', () => ({ header: { alg: 'none' } }), 'algorithm_not_supported', 401],
  ['of alg HS256', () => ({ header: { alg: 'HS256' } }), 'algorithm_not_supported', 401],
  ['with a critical extension', () => ({ header: { crit: ['b64'], b64: true } }), 'malformed_token', 401],
  ['without kid', () => ({ header: { kid: undefined } }), 'unknown_key', 401],
  ['with an invented kid', () => ({ header: { kid: 'invented' } }), 'unknown_key', 401],
  ['expired', () => ({ claims: { exp: inSeconds(-61) } }), 'expired', 401],
  ['without exp', () => ({ drop: ['exp'] }), 'missing_claim', 401],
  ['whose exp is a string', () => ({ claims: { exp: 'soon' } }), 'missing_claim', 401],
  ['of another century', () => ({ claims: { exp: inSeconds(3_000_000_000) } }), 'lifetime_too_long', 401],
  ['not valid yet', () => ({ claims: { nbf: inSeconds(120) } }), 'not_yet_valid', 401],
  ['issued in the future', () => ({ claims: { iat: inSeconds(120) } }), 'not_yet_valid', 401],
  ['of another issuer', () => ({ claims: { iss: 'https://login.evil.example/v2.0' } }), 'wrong_issuer', 401],
  ['for another API', () => ({ claims: { aud: 'api://another' } }), 'wrong_audience', 401],
  ['for Graph', () => ({ kind: 'graph' }), 'graph_audience', 401],
  ['that is an ID token', () => ({ kind: 'id' }), 'wrong_audience', 401],
  ['that is an ID token for this API', () => ({ kind: 'id', claims: { aud: tenant.api.clientId } }), 'id_token', 401],
  ['bound to a key', () => ({ claims: { cnf: { jkt: 'x' } } }), 'key_bound_token', 401],
  ['of an app alone', () => ({ kind: 'app' }), 'app_only', 403],
  ['without the scope', () => ({ claims: { scp: 'other' } }), 'missing_scope', 403],
]
for (const [name, options, reason, status] of rejected) {
  test(`a token ${name} is rejected as ${reason} each time`, async (t) => {
    const { callWith } = await build(t)
    const token = await tenant.mint(options())
    for (let i = 0; i < 2; i++) {
      const response = await callWith(token)
      assert.deepEqual(
        { ...response, challenge: typeof response.challenge },
        { status, reason, challenge: 'string', seen: undefined },
      )
    }
  })
}

const encode = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const header = { alg: 'RS256', kid: 'k' }
for (const [name, token] of [
  ['one part', 'abc'],
  ['two parts', `${encode(header)}.${encode({})}`],
  ['four parts', `${encode(header)}.${encode({})}.AAAA.AAAA`],
  ['dots only', '..'],
  ['a header that is not JSON', `${encode('{')}.${encode({})}.AAAA`],
  ['a header that is null', `${encode(null)}.${encode({})}.AAAA`],
  ['a payload that is not JSON', `${encode(header)}.${encode('{')}.AAAA`],
  ['a payload that is null', `${encode(header)}.${encode(null)}.AAAA`],
  ['a payload that is an array', `${encode(header)}.${encode([])}.AAAA`],
  ['a payload that is a string', `${encode(header)}.${encode('"x"')}.AAAA`],
  ['a payload that is a number', `${encode(header)}.${encode('7')}.AAAA`],
] as const) {
  test(`a token of ${name} is a 401`, async (t) => {
    const { callWith } = await build(t)
    const { status, reason } = await callWith(token)
    assert.equal(status, 401, reason)
    assert.ok(reason === 'malformed_token' || reason === 'unknown_key', reason)
  })
}

test('a signature that is truncated, empty or of another token is rejected', async (t) => {
  const { callWith } = await build(t)
  const [head, payload, signature = ''] = (await tenant.mint()).split('.')
  const [, , other] = (await tenant.mint({ user: 'gale' })).split('.')
  for (const forged of [signature.slice(0, -8), '', other]) {
    const { status, reason } = await callWith(`${head}.${payload}.${forged}`)
    assert.equal(status, 401)
    assert.ok(reason === 'bad_signature' || reason === 'malformed_token', reason)
  }
})

test('without signing keys a caller gets a 503 and no challenge', async (t) => {
  const config = configFor(tenant, { ENTRA_AUTHORITY_HOST: 'http://127.0.0.1:9' })
  const app = Fastify()
  t.after(() => app.close())
  await app.register(observability)
  await app.register(failures, { config })
  await app.register(entraKeys, { config })
  await app.register(auth, { config })
  app.get('/', { onRequest: [app.authenticateFromCache, app.authenticate] }, () => '')
  const { statusCode, headers } = await app.inject({
    url: '/',
    headers: { authorization: `Bearer ${await tenant.mint()}` },
  })
  assert.equal(statusCode, 503)
  assert.equal(headers['www-authenticate'], undefined)
})

test('no token is a 401 where sign-in is required', async (t) => {
  const { call } = await build(t)
  const { status, reason } = await call()
  assert.deepEqual([status, reason], [401, 'missing_token'])
})

test('where sign-in is not required, no token is no caller and an invalid one is still rejected', async (t) => {
  const { call, callWith } = await build(t, { MCP_REQUIRE_AUTH: 'false' })
  assert.deepEqual((await call()).seen, { caller: null, assertion: null, graphBearerToken: null })
  assert.equal((await call('Basic x')).status, 200)
  assert.equal((await call('Bearer x y')).reason, 'malformed_authorization')
  assert.equal((await callWith(await tenant.mint({ key: 'foreign' }))).reason, 'bad_signature')
  assert.ok((await callWith(await tenant.mint())).seen?.caller)
})

test('a Graph token is accepted as a credential where the switch allows it: no caller, no assertion', async (t) => {
  const { callWith } = await build(t, { ALLOW_GRAPH_BEARER_TOKEN: 'true' })
  const graphBearerToken = await tenant.mint({ kind: 'graph' })
  assert.deepEqual((await callWith(graphBearerToken)).seen, { caller: null, assertion: null, graphBearerToken })
})

test('the switch for Graph tokens accepts nothing else', async (t) => {
  const { callWith } = await build(t, { ALLOW_GRAPH_BEARER_TOKEN: 'true' })
  assert.equal((await callWith(await tenant.mint({ key: 'foreign' }))).reason, 'bad_signature')
  assert.equal((await callWith(await tenant.mint({ claims: { aud: 'api://another' } }))).reason, 'wrong_audience')
})

test('only listed clients are accepted where there is a list', async (t) => {
  const other = '99999999-9999-4999-8999-999999999999'
  const strict = await build(t, { MCP_ALLOWED_CLIENT_IDS: other })
  assert.equal((await strict.callWith(await tenant.mint())).reason, 'client_not_allowed')
  assert.equal((await strict.callWith(await tenant.mint({ claims: { azp: other } }))).status, 200)
})
