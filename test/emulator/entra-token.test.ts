import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt } from 'jose'
import { signIn } from '../../emulator/sign-in.ts'
import { apiScope, authorizeUrl, type JsonResponse, pkce, postToken, REDIRECT, startTenant } from './entra-helper.ts'

let passedMs = 0
const emulator = await startTenant({ clock: () => Date.now() + passedMs })
const { api, client, tenant } = emulator
const SPA = 'http://localhost:5005/spa'
const NATIVE = 'http://127.0.0.1:5005'
const DAY_MS = 86_400_000

interface Signed {
  code: string
  verifier: string
}

async function codeFor(changes: Record<string, string | undefined> = {}, user = 'rowan'): Promise<Signed> {
  const { verifier, challenge } = pkce()
  const url = authorizeUrl(emulator, { code_challenge: challenge, code_challenge_method: 'S256', ...changes })
  return { code: (await signIn(url, { user })).parameters.get('code') ?? '', verifier }
}

function redeem({ code, verifier }: Signed, changes: Record<string, string | undefined> = {}, headers = {}) {
  const form = {
    grant_type: 'authorization_code',
    client_id: client.clientId,
    client_secret: client.clientSecret,
    redirect_uri: REDIRECT,
    code,
    code_verifier: verifier,
    ...changes,
  }
  return postToken(emulator, form, headers)
}

function refresh(refresh_token: string | undefined, changes: Record<string, string | undefined> = {}, headers = {}) {
  const { clientId: client_id, clientSecret: client_secret } = client
  return postToken(
    emulator,
    { grant_type: 'refresh_token', client_id, client_secret, refresh_token, ...changes },
    headers,
  )
}

function assertAadsts({ body }: JsonResponse, code: number): void {
  assert.deepEqual(body.error_codes, [code])
}

test('a code gives an access token, an ID token and a refresh token', async () => {
  const { status, body } = await redeem(await codeFor({ nonce: 'the nonce' }))
  assert.equal(status, 200)
  assert.equal(body.scope, apiScope(api))
  assert.equal(body.token_type, 'Bearer')
  assert.equal(decodeJwt(body.id_token ?? '')['nonce'], 'the nonce')
  assert.ok(body.refresh_token && body.access_token && body.expires_in === body.ext_expires_in)
})

test('without openid and offline_access there is only the access token', async () => {
  const { body } = await redeem(await codeFor({ scope: apiScope(api) }))
  assert.equal(body.id_token, undefined)
  assert.equal(body.refresh_token, undefined)
})

test('a secret in the Authorization header is accepted', async () => {
  const basic = Buffer.from(`${client.clientId}:${encodeURIComponent(client.clientSecret)}`).toString('base64')
  const form = { client_id: undefined, client_secret: undefined }
  assert.equal((await redeem(await codeFor(), form, { authorization: `Basic ${basic}` })).status, 200)
})

test('a plain challenge is verified', async () => {
  const challenge = 'p'.repeat(43)
  const signed = await codeFor({ code_challenge: challenge, code_challenge_method: 'plain' })
  assertAadsts(await redeem(signed), 501481)
  assert.equal((await redeem({ ...signed, verifier: challenge })).status, 200)
})

test('a code is valid once', async () => {
  const signed = await codeFor()
  assert.equal((await redeem(signed)).status, 200)
  assertAadsts(await redeem(signed), 54005)
})

test('a code is valid for ten minutes', async (t) => {
  t.after(() => {
    passedMs = 0
  })
  const signed = await codeFor()
  passedMs = 601_000
  assertAadsts(await redeem(signed), 70008)
})

for (const { name, changes, code } of [
  { name: 'another verifier', changes: { code_verifier: 'v'.repeat(43) }, code: 501481 },
  { name: 'no verifier', changes: { code_verifier: undefined }, code: 501481 },
  { name: 'another redirect URI', changes: { redirect_uri: 'http://localhost:5006/oauth/callback' }, code: 500112 },
  { name: 'no redirect URI', changes: { redirect_uri: undefined }, code: 900144 },
  { name: 'no secret', changes: { client_secret: undefined }, code: 7000218 },
  { name: 'a wrong secret', changes: { client_secret: 'wrong' }, code: 7000215 },
  { name: 'a code that never was', changes: { code: '1.never' }, code: 70000 },
  {
    name: 'a foreign resource',
    changes: { resource: 'https://mcp.contoso.example', scope: apiScope(api) },
    code: 9010010,
  },
  { name: 'a resource and a bare scope', changes: { resource: api.identifierUri, scope: 'openid' }, code: 901002 },
  { name: 'another client', changes: { client_id: api.clientId, client_secret: api.clientSecret }, code: 70000 },
  { name: 'a bare API scope', changes: { scope: 'access_as_user' }, code: 650053 },
]) {
  test(`${name} is rejected with AADSTS${code}, and the code stays valid`, async () => {
    const signed = await codeFor()
    assertAadsts(await redeem(signed, changes), code)
    assert.equal((await redeem(signed)).status, 200)
  })
}

test('a verifier for a code without a challenge is rejected', async () => {
  const signed = await codeFor({ code_challenge: undefined, code_challenge_method: undefined })
  assertAadsts(await redeem(signed), 501481)
  assert.equal((await redeem(signed, { code_verifier: undefined })).status, 200)
})

test('a code for two resources needs a scope that names one', async () => {
  const signed = await codeFor({ scope: `User.Read ${apiScope(api)}` })
  assertAadsts(await redeem(signed), 28003)
  assertAadsts(await redeem(signed, { scope: `User.Read ${apiScope(api)}` }), 28000)
  assert.equal((await redeem(signed, { scope: apiScope(api) })).status, 200)
})

test('a native app sends no secret', async () => {
  const signed = await codeFor({ redirect_uri: NATIVE })
  assertAadsts(await redeem(signed, { redirect_uri: NATIVE }), 700025)
  const { status, body } = await redeem(signed, { redirect_uri: NATIVE, client_secret: undefined })
  assert.equal(status, 200)
  assert.equal(decodeJwt(body.access_token ?? '')['azpacr'], '0')
})

test('a single-page app redeems across origins, with PKCE and without a secret', async () => {
  const spa = { redirect_uri: SPA, client_secret: undefined }
  const origin = { origin: 'http://localhost:5005' }
  const signed = await codeFor({ redirect_uri: SPA })
  assertAadsts(await redeem(signed, spa), 9002327)
  const { status, headers } = await redeem(signed, spa, origin)
  assert.equal(status, 200)
  assert.equal(headers['access-control-allow-origin'], '*')
  const bare = await codeFor({ redirect_uri: SPA, code_challenge: undefined, code_challenge_method: undefined })
  assertAadsts(await redeem({ ...bare, verifier: '' }, spa, origin), 9002325)
})

test('only a single-page app redeems across origins', async () => {
  assertAadsts(await redeem(await codeFor(), {}, { origin: 'http://localhost:5005' }), 9002326)
})

test('a refresh token is reusable', async () => {
  const { refresh_token } = (await redeem(await codeFor())).body
  assert.equal((await refresh(refresh_token)).status, 200)
  assert.equal((await refresh(refresh_token)).status, 200)
})

test('a refresh without a scope repeats the scope', async () => {
  const { refresh_token } = (await redeem(await codeFor())).body
  assert.equal((await refresh(refresh_token)).body.scope, apiScope(api))
})

for (const { name, changes, code } of [
  { name: 'a garbled one', changes: { refresh_token: 'garbled' }, code: 70000 },
  { name: 'another client', changes: { client_id: api.clientId, client_secret: api.clientSecret }, code: 70000 },
  { name: 'no secret', changes: { client_secret: undefined }, code: 7000218 },
  { name: 'two resources', changes: { scope: `User.Read ${apiScope(api)}` }, code: 28000 },
  {
    name: 'a foreign resource',
    changes: { scope: apiScope(api), resource: 'https://mcp.contoso.example' },
    code: 9010010,
  },
]) {
  test(`a refresh with ${name} is rejected with AADSTS${code}`, async () => {
    const { refresh_token } = (await redeem(await codeFor())).body
    assertAadsts(await refresh(refresh_token, changes), code)
  })
}

test('a refresh after a revocation is rejected with AADSTS50173', async () => {
  const { refresh_token } = (await redeem(await codeFor({}, 'load-00077'))).body
  const user = tenant.directory.find('load-00077')
  assert.ok(user)
  tenant.revokeSessions(user, Math.floor(Date.now() / 1000))
  assertAadsts(await refresh(refresh_token), 50173)
})

test('a refresh token expires after 90 days', async (t) => {
  t.after(() => {
    passedMs = 0
  })
  const { refresh_token } = (await redeem(await codeFor())).body
  passedMs = 89 * DAY_MS
  assert.equal((await refresh(refresh_token)).status, 200)
  passedMs = 91 * DAY_MS
  assertAadsts(await refresh(refresh_token), 700082)
})

test('a single-page app’s refresh tokens expire a day after the sign-in', async (t) => {
  t.after(() => {
    passedMs = 0
  })
  const spa = { redirect_uri: SPA, client_secret: undefined }
  const headers = { origin: 'http://localhost:5005' }
  const first = (await redeem(await codeFor({ redirect_uri: SPA }), spa, headers)).body
  passedMs = DAY_MS / 2
  const second = (await refresh(first.refresh_token, { client_secret: undefined }, headers)).body
  assert.ok(second.refresh_token)
  passedMs = DAY_MS + 1000
  assertAadsts(await refresh(second.refresh_token, { client_secret: undefined }, headers), 700084)
})

test('an app that is its own API refreshes by client id, not by api://', async () => {
  const { clientId: client_id, clientSecret: client_secret } = api
  const signed = await codeFor({ client_id })
  const { body } = await redeem(signed, { client_id, client_secret })
  assertAadsts(await refresh(body.refresh_token, { client_id, client_secret, scope: apiScope(api) }), 90009)
  const scope = `${client_id}/access_as_user`
  const renewed = await refresh(body.refresh_token, { client_id, client_secret, scope })
  assert.equal(renewed.body.scope, scope)
  assert.equal(decodeJwt(renewed.body.access_token ?? '').aud, client_id)
})

test('a v1 token has the audience as written in the scope', async (t) => {
  t.after(() => {
    api.requestedAccessTokenVersion = 2
  })
  api.requestedAccessTokenVersion = 1
  const { body } = await redeem(await codeFor())
  assert.equal(decodeJwt(body.access_token ?? '').aud, api.identifierUri)
  const byGuid = await refresh(body.refresh_token, { scope: `${api.clientId}/access_as_user` })
  assert.equal(decodeJwt(byGuid.body.access_token ?? '').aud, api.clientId)
})

test('client credentials return an app-only token without scope', async () => {
  const { clientId: client_id, clientSecret: client_secret } = client
  const form = { grant_type: 'client_credentials', client_id, client_secret }
  const { body } = await postToken(emulator, { ...form, scope: `${api.identifierUri}/.default` })
  assert.deepEqual(Object.keys(body).sort(), ['access_token', 'expires_in', 'ext_expires_in', 'token_type'])
  assert.equal(decodeJwt(body.access_token ?? '')['idtyp'], 'app')
  assertAadsts(await postToken(emulator, { ...form, scope: apiScope(api) }), 1002012)
  assertAadsts(await postToken(emulator, { ...form, client_secret: undefined, scope: apiScope(api) }), 7000216)
})

test('clientCapabilities become xms_cc', async () => {
  const claims = JSON.stringify({ access_token: { xms_cc: { values: ['cp1'] } } })
  const { body } = await redeem(await codeFor({ claims }))
  const payload = decodeJwt(body.access_token ?? '')
  assert.deepEqual([payload['xms_cc'], payload['acrs']], [['cp1'], undefined])
})
