import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { AADSTS } from '../../emulator/entra/aadsts-table.ts'
import type { MintOptions } from '../../emulator/mint.ts'
import { apiScope, exchangeForm, type JsonResponse, postToken, startTenant } from './entra-helper.ts'

const emulator = await startTenant()
const { api, client, tenant, mint } = emulator
const now = () => Math.floor(Date.now() / 1000)

afterEach(() => {
  tenant.consent.apiToGraph = 'granted'
})

async function exchange(
  options: MintOptions = {},
  changes: Record<string, string | undefined> = {},
): Promise<JsonResponse> {
  return postToken(emulator, { ...exchangeForm(emulator, await mint(options)), ...changes })
}

function assertAadsts({ status, body }: JsonResponse, code: number): void {
  assert.deepEqual(body.error_codes, [code])
  assert.equal(status, AADSTS.get(code)?.status ?? 400)
  assert.equal(body.error, AADSTS.get(code)?.error)
}

test('an exchange returns a v1 Graph token with exactly the requested scopes', async () => {
  const { status, body } = await exchange()
  assert.equal(status, 200)
  assert.deepEqual(Object.keys(body).sort(), ['access_token', 'expires_in', 'ext_expires_in', 'scope', 'token_type'])
  assert.equal(decodeJwt(body.access_token ?? '')['ver'], '1.0')
  assert.ok(decodeProtectedHeader(body.access_token ?? '').x5t)
})

test('openid, offline_access and client_info add ID token, refresh token and client info', async () => {
  const scope = 'https://graph.microsoft.com/.default openid profile offline_access'
  const { body } = await exchange({}, { scope, client_info: '1' })
  assert.equal(decodeJwt(body.id_token ?? '').aud, api.clientId)
  assert.ok(body.refresh_token)
  const info: unknown = JSON.parse(Buffer.from(body.client_info ?? '', 'base64url').toString())
  assert.deepEqual(info, { uid: emulator.users[0]?.id, utid: emulator.tenantId })
})

test('a v1 assertion is accepted', async () => {
  assert.equal((await exchange({ version: 1 })).status, 200)
})

test('a single Graph permission is returned as it was requested', async () => {
  const { body } = await exchange({}, { scope: 'https://graph.microsoft.com/ServiceMessage.Read.All' })
  assert.equal(body.scope, 'https://graph.microsoft.com/ServiceMessage.Read.All')
  assert.equal(decodeJwt(body.access_token ?? '')['scp'], 'ServiceMessage.Read.All')
})

const assertions: { name: string; options: MintOptions; code: number }[] = [
  { name: 'a forged signature', options: { key: 'foreign' }, code: 50013 },
  { name: 'alg none', options: { header: { alg: 'none' } }, code: 50013 },
  { name: 'HS256 with the public key', options: { header: { alg: 'HS256' } }, code: 50013 },
  { name: 'RS384', options: { header: { alg: 'RS384' } }, code: 50013 },
  { name: 'an unpublished kid', options: { header: { kid: 'nobody' } }, code: 50013 },
  { name: 'another issuer', options: { claims: { iss: 'https://fabrikam.example/v2.0' } }, code: 50013 },
  { name: 'a Graph token', options: { kind: 'graph' }, code: 500131 },
  { name: 'another audience', options: { claims: { aud: 'api://fabrikam' } }, code: 500131 },
  { name: 'an ID token', options: { kind: 'id' }, code: 240002 },
  { name: 'an expired token', options: { claims: { exp: now() - 3600 } }, code: 500133 },
  { name: 'a token not valid yet', options: { claims: { nbf: now() + 3600 } }, code: 500133 },
  { name: 'a token without exp', options: { drop: ['exp'] }, code: 500133 },
  { name: 'an app-only token', options: { kind: 'app' }, code: 7000114 },
  { name: 'an unknown user', options: { claims: { oid: '00000000-0000-4000-8000-000000000000' } }, code: 50034 },
  { name: 'a disabled user', options: { user: 'dana' }, code: 50057 },
  { name: 'an unassigned user', options: { user: 'una' }, code: 50105 },
  { name: 'a user without consent', options: { user: 'cato' }, code: 65001 },
  { name: 'a user blocked by policy', options: { user: 'blake' }, code: 53003 },
  { name: 'a user who must enrol', options: { user: 'mika' }, code: 50079 },
  { name: 'a user who must use MFA', options: { user: 'signe' }, code: 50076 },
]
for (const { name, options, code } of assertions) {
  test(`${name} is rejected with AADSTS${code}`, async () => assertAadsts(await exchange(options), code))
}

const forms: { name: string; changes: () => Record<string, string | undefined>; code: number }[] = [
  { name: 'no secret', changes: () => ({ client_secret: undefined }), code: 7000218 },
  { name: 'a wrong secret', changes: () => ({ client_secret: 'wrong' }), code: 7000215 },
  { name: 'an unknown client', changes: () => ({ client_id: 'fabrikam' }), code: 700038 },
  {
    name: 'a garbled client assertion',
    changes: () => ({
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: 'not a token',
    }),
    code: 50027,
  },
  { name: 'no assertion', changes: () => ({ assertion: undefined }), code: 900144 },
  { name: 'a garbled assertion', changes: () => ({ assertion: 'not a token' }), code: 50013 },
  { name: 'no requested_token_use', changes: () => ({ requested_token_use: undefined }), code: 900144 },
  { name: 'another requested_token_use', changes: () => ({ requested_token_use: 'impersonation' }), code: 9002313 },
  { name: 'no scope', changes: () => ({ scope: undefined }), code: 900144 },
  { name: 'an unknown resource', changes: () => ({ scope: 'https://fabrikam.example/.default' }), code: 500011 },
  { name: 'two resources', changes: () => ({ scope: `User.Read ${apiScope(api)}` }), code: 28000 },
  { name: 'a Graph permission without consent', changes: () => ({ scope: 'User.Read' }), code: 65001 },
  { name: 'an unknown grant type', changes: () => ({ grant_type: 'password' }), code: 70003 },
  {
    name: 'the client app presenting the API’s assertion',
    changes: () => ({ client_id: client.clientId, client_secret: client.clientSecret }),
    code: 500131,
  },
]
for (const { name, changes, code } of forms) {
  test(`${name} is rejected with AADSTS${code}`, async () => assertAadsts(await exchange({}, changes()), code))
}

test('a parameter sent twice is rejected with AADSTS9000411', async () => {
  const { body } = await postToken(emulator, {}, {})
  assert.deepEqual(body.error_codes, [900144])
  const form = new URLSearchParams(exchangeForm(emulator, await mint()))
  form.append('scope', 'openid')
  const { request } = await import('undici')
  const twice = await request(`${emulator.origin}/${emulator.tenantId}/oauth2/v2.0/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
  })
  assert.match(await twice.body.text(), /AADSTS9000411/)
})

test('50079 comes as interaction_required with claims, 50076 as invalid_grant with claims and basic_action', async () => {
  const enrol = (await exchange({ user: 'mika' })).body
  assert.deepEqual([enrol.error, enrol.suberror, typeof enrol.claims], ['interaction_required', undefined, 'string'])
  const useMfa = (await exchange({ user: 'signe' })).body
  assert.deepEqual([useMfa.error, useMfa.suberror, typeof useMfa.claims], ['invalid_grant', 'basic_action', 'string'])
  assert.ok(JSON.parse(useMfa.claims ?? '').access_token.capolids.essential)
})

test('53003 comes without claims', async () => {
  assert.equal((await exchange({ user: 'blake' })).body.claims, undefined)
})

test('an assertion with acrs satisfies Conditional Access, claims in the exchange do not', async () => {
  assert.equal((await exchange({ user: 'mika', claims: { acrs: ['p1'] } })).status, 200)
  const claims = (await exchange({ user: 'mika' })).body.claims
  assertAadsts(await exchange({ user: 'mika' }, { claims }), 50079)
})

for (const [state, code, suberror] of [
  ['missing', 65001, 'consent_required'],
  ['missing_without_suberror', 65001, undefined],
  ['admin_required', 90094, 'consent_required'],
] as const) {
  test(`consent to Graph "${state}" gives AADSTS${code} with suberror ${suberror}`, async () => {
    tenant.consent.apiToGraph = state
    const response = await exchange()
    assertAadsts(response, code)
    assert.equal(response.body.suberror, suberror)
  })
}

test('an assertion issued before a revocation is rejected, one issued afterwards is exchanged', async () => {
  const user = tenant.directory.find('load-00001')
  assert.ok(user)
  const before = await mint({ user: user.id })
  tenant.revokeSessions(user, now())
  const after = await mint({ user: user.id })
  assertAadsts(await postToken(emulator, exchangeForm(emulator, before)), 50173)
  assert.equal((await postToken(emulator, exchangeForm(emulator, after))).status, 200)
})

test('an error body has every member that Entra gives it', async () => {
  const id = '0b2f5a6e-6f0b-4a60-9a2b-9a1f5a6e6f0b'
  const form = exchangeForm(emulator, await mint())
  const { status, body, headers } = await postToken(
    emulator,
    { ...form, client_secret: 'x' },
    { 'client-request-id': id },
  )
  assert.equal(status, 401)
  assert.equal(headers['cache-control'], 'no-store, no-cache')
  assert.deepEqual(Object.keys(body), [
    ...['error', 'error_description', 'error_codes', 'timestamp', 'trace_id', 'correlation_id', 'error_uri'],
  ])
  assert.equal(body.correlation_id, id)
  assert.equal(body.error_uri, 'https://login.microsoftonline.com/error?code=7000215')
  const { timestamp, trace_id } = body
  assert.ok(
    body.error_description?.endsWith(`Trace ID: ${trace_id} Correlation ID: ${id} Timestamp: ${timestamp}`),
    body.error_description,
  )
})

test('exchanges are counted by user, successful or not', async () => {
  emulator.stats.reset()
  await exchange({ user: 'gale' })
  await exchange({ user: 'mika' })
  const { exchangesByUser, grants } = emulator.stats.snapshot()
  assert.deepEqual(exchangesByUser, { 'gale@contoso.example': 1, 'mika@contoso.example': 1 })
  assert.equal(grants.on_behalf_of, 2)
})
