import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ClientAuthError,
  ConfidentialClientApplication,
  CryptoProvider,
  InteractionRequiredAuthError,
  ServerError,
} from '@azure/msal-node'
import { decodeJwt } from 'jose'
import { request } from 'undici'
import { CONDITIONAL_ACCESS_CLAIMS } from '../../emulator/entra/claims-request.ts'
import { signIn } from '../../emulator/sign-in.ts'
import type { AppRegistration } from '../../emulator/tenant.ts'
import { apiScope, REDIRECT, startTenant } from './entra-helper.ts'

const emulator = await startTenant()
const { origin, tenantId, api, client, mint, tenant } = emulator
const base = `${origin}/${tenantId}`
const GRAPH_SCOPES = ['https://graph.microsoft.com/.default']

/** MSAL rejects an `http:` authority, but accepts the real one with metadata that points here. */
function msal({ clientId, clientSecret }: Pick<AppRegistration, 'clientId' | 'clientSecret'>) {
  return new ConfidentialClientApplication({
    auth: {
      clientId,
      clientSecret,
      authority: `https://login.microsoftonline.com/${tenantId}`,
      authorityMetadata: JSON.stringify({
        issuer: `https://login.microsoftonline.com/${tenantId}/v2.0`,
        authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
        token_endpoint: `${base}/oauth2/v2.0/token`,
        jwks_uri: `${base}/discovery/v2.0/keys`,
      }),
    },
  })
}

/** Signs a user in with MSAL’s own URL, PKCE included, and redeems the code with MSAL. */
async function signInWithMsal(app: AppRegistration, user: string, claims?: string) {
  const confidential = msal(app)
  const { verifier, challenge } = await new CryptoProvider().generatePkceCodes()
  const scopes = [apiScope(api)]
  const url = await confidential.getAuthCodeUrl({
    scopes,
    redirectUri: REDIRECT,
    codeChallenge: challenge,
    codeChallengeMethod: 'S256',
    ...(claims !== undefined && { claims }),
  })
  const { parameters } = await signIn(url, { user })
  const code = parameters.get('code') ?? ''
  const result = await confidential.acquireTokenByCode({ scopes, redirectUri: REDIRECT, code, codeVerifier: verifier })
  return { confidential, result }
}

async function exchange(oboAssertion: string) {
  return msal(api).acquireTokenOnBehalfOf({ oboAssertion, scopes: GRAPH_SCOPES })
}

test('msal exchanges a minted user token for a Graph token of that user', async () => {
  const result = await exchange(await mint({ user: 'rowan' }))
  const rowan = emulator.users[0]
  assert.equal(result?.account?.homeAccountId, `${rowan?.id}.${tenantId}`)
  assert.equal(result?.account?.username, 'rowan@contoso.example')
  assert.ok(result?.scopes.includes('https://graph.microsoft.com/ServiceMessage.Read.All'))
  assert.ok(result?.scopes.includes('https://graph.microsoft.com/.default'))
  const claims = decodeJwt(result?.accessToken ?? '')
  assert.equal(claims.aud, 'https://graph.microsoft.com')
  assert.equal(claims.iss, `https://sts.windows.net/${tenantId}/`)
  assert.ok(String(claims['scp']).split(' ').includes('ServiceMessage.Read.All'))
  assert.deepEqual([claims['oid'], claims['tid'], claims['upn']], [rowan?.id, tenantId, 'rowan@contoso.example'])
  assert.equal(claims['appid'], api.clientId)
})

test('msal finds its OBO token in its cache', async () => {
  const confidential = msal(api)
  const asked = { oboAssertion: await mint({ user: 'gale' }), scopes: GRAPH_SCOPES }
  await confidential.acquireTokenOnBehalfOf(asked)
  emulator.stats.reset()
  const again = await confidential.acquireTokenOnBehalfOf(asked)
  assert.equal(again?.fromCache, true)
  assert.equal(emulator.stats.snapshot().grants.on_behalf_of, 0)
})

test('Graph responses with the token that msal got', async () => {
  const result = await exchange(await mint({ user: 'rowan' }))
  const { statusCode, body } = await request(`${origin}/v1.0/admin/serviceAnnouncement/messages`, {
    headers: { authorization: `Bearer ${result?.accessToken}` },
  })
  await body.dump()
  assert.equal(statusCode, 200)
})

test('msal signs a user in by code with PKCE', async () => {
  const { result } = await signInWithMsal(client, 'priya')
  assert.equal(result.account?.username, 'priya@contoso.example')
  assert.deepEqual(result.scopes, [apiScope(api)])
  const claims = decodeJwt(result.accessToken)
  assert.deepEqual([claims.aud, claims['azp'], claims['scp']], [api.clientId, client.clientId, 'access_as_user'])
})

test('msal refreshes silently', async () => {
  const { confidential, result } = await signInWithMsal(client, 'priya')
  assert.ok(result.account)
  const scopes = [apiScope(api)]
  const renewed = await confidential.acquireTokenSilent({ account: result.account, scopes, forceRefresh: true })
  assert.equal(renewed.fromCache, false)
  assert.notEqual(renewed.accessToken, result.accessToken)
})

test('in the single-app model the API signs in and exchanges for itself', async () => {
  const { result } = await signInWithMsal(api, 'rowan')
  assert.equal(decodeJwt(result.accessToken)['azp'], api.clientId)
  assert.ok((await exchange(result.accessToken))?.accessToken)
})

test('msal gets an app-only token by client credentials', async () => {
  const result = await msal(client).acquireTokenByClientCredential({ scopes: [`${api.identifierUri}/.default`] })
  const claims = decodeJwt(result?.accessToken ?? '')
  assert.deepEqual([claims['idtyp'], claims['scp'], claims.aud], ['app', undefined, api.clientId])
})

for (const [user, code] of [
  ['mika', '50079'],
  ['signe', '50076'],
] as const) {
  test(`msal sees the ${code} challenge of ${user}, and a sign-in with its claims satisfies it`, async () => {
    const challenged = exchange((await signInWithMsal(client, user)).result.accessToken)
    await assert.rejects(challenged, (error) => {
      assert.ok(error instanceof InteractionRequiredAuthError)
      assert.equal(error.claims, CONDITIONAL_ACCESS_CLAIMS)
      assert.match(error.errorMessage, new RegExp(`AADSTS${code}`))
      return true
    })
    const { result } = await signInWithMsal(client, user, CONDITIONAL_ACCESS_CLAIMS)
    assert.deepEqual(decodeJwt(result.accessToken)['acrs'], ['p1'])
    assert.ok((await exchange(result.accessToken))?.accessToken)
  })
}

test('msal sees missing consent with its suberror as interaction, and without as a server error', async (t) => {
  t.after(() => {
    tenant.consent.apiToGraph = 'granted'
  })
  const assertion = await mint({ user: 'rowan' })
  tenant.consent.apiToGraph = 'missing'
  await assert.rejects(exchange(assertion), InteractionRequiredAuthError)
  tenant.consent.apiToGraph = 'missing_without_suberror'
  await assert.rejects(
    exchange(assertion),
    (error) => error instanceof ServerError && /AADSTS65001/.test(error.message),
  )
})

test('msal sees a wrong secret as invalid_client', async () => {
  const attempt = msal({ ...api, clientSecret: 'wrong' }).acquireTokenOnBehalfOf({
    oboAssertion: await mint(),
    scopes: GRAPH_SCOPES,
  })
  await assert.rejects(attempt, { errorCode: 'invalid_client' })
})

test('msal rejects an http authority, hence the metadata workaround', async () => {
  const { clientId, clientSecret } = api
  const direct = new ConfidentialClientApplication({ auth: { clientId, clientSecret, authority: base } })
  await assert.rejects(
    direct.acquireTokenOnBehalfOf({ oboAssertion: await mint(), scopes: GRAPH_SCOPES }),
    (error) => error instanceof Error && !(error instanceof ClientAuthError),
  )
})
