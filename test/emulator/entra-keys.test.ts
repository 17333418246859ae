import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { call, startTenant } from './entra-helper.ts'

const emulator = await startTenant()
const { origin, tenantId, api, client, keys, mint } = emulator
const base = `${origin}/${tenantId}`
/** A key set that forgets at once, like a client that just started. */
const published = () => createRemoteJWKSet(new URL(`${base}/discovery/v2.0/keys`))

test('the v2 metadata document names this origin and, like Entra, no PKCE methods', async () => {
  const { body } = await call(`${base}/v2.0/.well-known/openid-configuration`)
  assert.equal(body.issuer, `${base}/v2.0`)
  assert.equal(body.authorization_endpoint, `${base}/oauth2/v2.0/authorize`)
  assert.equal(body.token_endpoint, `${base}/oauth2/v2.0/token`)
  assert.equal(body.jwks_uri, `${base}/discovery/v2.0/keys`)
  assert.equal('code_challenge_methods_supported' in body, false)
})

test('the v1 metadata document has the sts.windows.net issuer with its slash', async () => {
  const { body } = await call(`${base}/.well-known/openid-configuration`)
  assert.equal(body.issuer, `https://sts.windows.net/${tenantId}/`)
  assert.equal(body.jwks_uri, `${base}/discovery/keys`)
})

test('there is no RFC 8414 document', async () => {
  const { status } = await call(`${origin}/.well-known/oauth-authorization-server/${tenantId}/v2.0`)
  assert.equal(status, 404)
})

for (const [segment, code] of [
  ['00000000-1111-2222-3333-444444444444', 90002],
  ['fabrikam.example', 90002],
  ['not_a_tenant', 900023],
  ['common', 50194],
  ['organizations', 50194],
] as const) {
  test(`the tenant "${segment}" is rejected with AADSTS${code}`, async () => {
    const { status, body } = await call(`${origin}/${segment}/v2.0/.well-known/openid-configuration`)
    assert.equal(status, 400)
    assert.deepEqual(body.error_codes, [code])
  })
}

for (const path of ['discovery/v2.0/keys', 'discovery/keys']) {
  test(`${path} publishes two keys without alg`, async () => {
    const { body } = await call(`${base}/${path}`)
    assert.equal(body.keys?.length, 2)
    for (const key of body.keys ?? []) {
      assert.deepEqual(Object.keys(key).sort(), ['e', 'issuer', 'kid', 'kty', 'n', 'use', 'x5t'])
      assert.deepEqual([key['kty'], key['use'], key['issuer']], ['RSA', 'sig', `${base}/v2.0`])
    }
  })
}

test('jose verifies a minted token against the published keys', async () => {
  const { payload } = await jwtVerify(await mint(), published(), { issuer: `${base}/v2.0`, audience: api.clientId })
  assert.equal(payload['preferred_username'], 'rowan@contoso.example')
})

test('a v2 token has the claims and header of a v2 token', async () => {
  const token = await mint({ user: 'gale' })
  const { iat, nbf, exp, aio, rh, uti, sub, sid, ...claims } = decodeJwt(token)
  assert.deepEqual(claims, {
    aud: api.clientId,
    iss: `${base}/v2.0`,
    azp: client.clientId,
    azpacr: '1',
    name: 'Gale Adair',
    oid: emulator.users[1]?.id,
    preferred_username: 'gale@contoso.example',
    scp: 'access_as_user',
    tid: tenantId,
    ver: '2.0',
  })
  assert.ok(aio && rh && uti && sub && sid && iat && nbf && exp)
  assert.deepEqual(Object.keys(decodeProtectedHeader(token)).sort(), ['alg', 'kid', 'typ'])
})

test('a v1 token has upn, appid, the api:// audience, and x5t in its header', async () => {
  const token = await mint({ user: 'gale', version: 1 })
  const claims = decodeJwt(token)
  assert.equal(claims.aud, api.identifierUri)
  assert.equal(claims.iss, `https://sts.windows.net/${tenantId}/`)
  assert.deepEqual([claims['appid'], claims['appidacr']], [client.clientId, '1'])
  assert.deepEqual([claims['upn'], claims['unique_name']], ['gale@contoso.example', 'gale@contoso.example'])
  assert.deepEqual([claims['ver'], claims['amr'], claims['azp']], ['1.0', ['pwd'], undefined])
  assert.deepEqual(Object.keys(decodeProtectedHeader(token)).sort(), ['alg', 'kid', 'typ', 'x5t'])
})

test("the API registration's requestedAccessTokenVersion decides the version", async (t) => {
  t.after(() => {
    api.requestedAccessTokenVersion = 2
  })
  api.requestedAccessTokenVersion = 1
  assert.equal(decodeJwt(await mint())['ver'], '1.0')
})

test('an ID token is for the client and has no scp', async () => {
  const claims = decodeJwt(await mint({ kind: 'id' }))
  assert.equal(claims.aud, client.clientId)
  assert.equal(claims['scp'], undefined)
})

test('an app-only token has roles and idtyp, and no user', async () => {
  const claims = decodeJwt(await mint({ kind: 'app' }))
  assert.equal(claims['idtyp'], 'app')
  assert.ok(Array.isArray(claims['roles']))
  assert.deepEqual([claims['scp'], claims['preferred_username']], [undefined, undefined])
})

test('subjects are pairwise, object ids are not', async () => {
  const forApi = decodeJwt(await mint())
  const forClient = decodeJwt(await mint({ kind: 'id' }))
  assert.notEqual(forApi.sub, forClient.sub)
  assert.equal(forApi['oid'], forClient['oid'])
})

test('claims can be set and dropped, and the header too', async () => {
  const token = await mint({ claims: { tid: 'other' }, drop: ['oid'], header: { kid: 'nobody' } })
  const claims = decodeJwt(token)
  assert.deepEqual([claims['tid'], claims['oid']], ['other', undefined])
  assert.equal(decodeProtectedHeader(token).kid, 'nobody')
})

test('a foreign key signs under a published id, and jose rejects it', async () => {
  const token = await mint({ key: 'foreign' })
  assert.equal(decodeProtectedHeader(token).kid, keys.current.kid)
  await assert.rejects(jwtVerify(token, published()), { code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' })
})

test('alg none leaves the signature empty', async () => {
  assert.match(await mint({ header: { alg: 'none' } }), /^[^.]+\.[^.]+\.$/)
})

test('a load user has the same object id in every tenant process', async () => {
  const first = decodeJwt(await mint({ user: 'load-00042' }))['oid']
  const { createDirectory } = await import('../../emulator/directory.ts')
  assert.equal(createDirectory().find('load-00042@contoso.example')?.id, first)
  assert.notEqual(createDirectory().find('load-00043')?.id, first)
})

test('a load user’s object id identifies the user; similar ids do not', async () => {
  const { createDirectory } = await import('../../emulator/directory.ts')
  const names = ['load-0', 'load-42', 'load-00042', 'load-999999999']
  const ids = names.map((name) => createDirectory().find(name)?.id ?? '')
  assert.equal(new Set(ids).size, names.length)
  const elsewhere = createDirectory()
  assert.deepEqual(
    ids.map((id) => elsewhere.find(id.toUpperCase())?.userPrincipalName),
    names.map((name) => `${name}@contoso.example`),
  )
  assert.equal(elsewhere.find(ids[1] ?? ''), elsewhere.find('load-42'))
  const [id = ''] = ids.slice(2)
  for (const other of [id.replace('500', '100'), id.replace('500', '000'), id.replace('-8000-', '-9000-'), `${id}0`]) {
    assert.equal(elsewhere.find(other), undefined, other)
  }
})

test('minting for an unknown user is an error', async () => {
  await assert.rejects(mint({ user: 'nobody@fabrikam.example' }), RangeError)
})

test('a rotated key signs at once while the old ones stay published', async () => {
  const old = await mint()
  const { kid } = await keys.rotate()
  const fresh = await mint()
  assert.equal(decodeProtectedHeader(fresh).kid, kid)
  await jwtVerify(old, published())
  await jwtVerify(fresh, published())
})

test('a retired key is no longer published', async () => {
  const { kid } = await keys.rotate()
  const token = await mint()
  assert.equal(keys.retire(kid), true)
  await assert.rejects(jwtVerify(token, published()), { code: 'ERR_JWKS_NO_MATCHING_KEY' })
  assert.equal(keys.retire(kid), false)
})
