import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt } from 'jose'
import { generate } from 'selfsigned'
import { signIn } from '../../emulator/sign-in.ts'
import { AZURE_CLI_CLIENT_ID } from '../../emulator/tenant.ts'
import { authorizeUrl, call, exchangeForm, postToken, REDIRECT, startTenant } from './entra-helper.ts'

const emulator = await startTenant()
const token = await emulator.mint({ user: 'gale', kind: 'graph', claims: { scp: 'Directory.AccessAsUser.All' } })

type Json = Record<string, unknown>

async function graph(method: 'GET' | 'POST' | 'PATCH', path: string, body?: unknown, bearer = token) {
  const { status, body: response } = await call<Json>(`${emulator.origin}/v1.0${path}`, {
    method,
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  })
  return {
    status,
    body: response as Json & { id: string; appId: string; value: Json[]; error?: { code: string; message: string } },
  }
}

const scope = {
  id: 'a3f2c1d4-5b6e-4f70-8a91-b2c3d4e5f601',
  value: 'access_as_user',
  type: 'User',
  isEnabled: true,
  adminConsentDisplayName: 'Access',
  adminConsentDescription: 'Access',
}

async function newApp(body: Json = {}) {
  const { body: made } = await graph('POST', '/applications', { displayName: 'A test', ...body })
  return made
}

test('an application created through Graph can sign users in, authenticate and exchange tokens', async () => {
  const app = await newApp({
    signInAudience: 'AzureADMyOrg',
    web: { redirectUris: [REDIRECT] },
    api: { requestedAccessTokenVersion: 2, oauth2PermissionScopes: [scope] },
  })
  const uri = `api://${app.appId}`
  assert.equal((await graph('PATCH', `/applications/${app.id}`, { identifierUris: [uri] })).status, 204)
  const { body: secret } = await graph('POST', `/applications/${app.id}/addPassword`, { passwordCredential: {} })
  const clientSecret = String(secret['secretText'])
  const asked = { client_id: app.appId, scope: `openid ${uri}/access_as_user` }

  await assert.rejects(
    signIn(authorizeUrl(emulator, asked), { user: 'rowan' }),
    /AADSTS700016/,
    'no service principal yet',
  )
  const { body: principal } = await graph('POST', '/servicePrincipals', { appId: app.appId })
  const { parameters } = await signIn(authorizeUrl(emulator, asked), { user: 'rowan' })
  const { body: tokens } = await postToken(emulator, {
    grant_type: 'authorization_code',
    client_id: app.appId,
    client_secret: clientSecret,
    code: String(parameters.get('code')),
    redirect_uri: REDIRECT,
  })
  const assertion = String(tokens.access_token)
  assert.equal(decodeJwt(assertion).aud, app.appId)

  const exchange = { ...exchangeForm(emulator, assertion), client_id: app.appId, client_secret: clientSecret }
  assert.deepEqual((await postToken(emulator, exchange)).body.error_codes, [65001])
  const { body: found } = await graph(
    'GET',
    "/servicePrincipals?$filter=appId eq '00000003-0000-0000-c000-000000000000'",
  )
  const consent = { clientId: principal.id, resourceId: found.value[0]?.['id'], consentType: 'AllPrincipals' }
  const { status } = await graph('POST', '/oauth2PermissionGrants', { ...consent, scope: 'ServiceMessage.Read.All' })
  assert.equal(status, 201)
  const { body: exchanged } = await postToken(emulator, exchange)
  assert.equal(decodeJwt(String(exchanged.access_token))['scp'], 'ServiceMessage.Read.All')
})

test('a secret is returned once, a certificate only where it is selected', async () => {
  const { cert } = await generate([{ name: 'commonName', value: 'a test' }], { keySize: 2048 })
  const key = cert.replaceAll(/-----[^-]+-----|\s/g, '')
  const app = await newApp({ keyCredentials: [{ type: 'AsymmetricX509Cert', usage: 'Verify', key }] })
  const { body: made } = await graph('POST', `/applications/${app.id}/addPassword`, {
    passwordCredential: { displayName: 'x' },
  })
  assert.equal(typeof made['secretText'], 'string')
  const { body: plain } = await graph('GET', `/applications/${app.id}`)
  assert.ok(!JSON.stringify(plain).includes(String(made['secretText'])))
  assert.ok(!JSON.stringify(plain).includes(key))
  const { body: selected } = await graph('GET', `/applications/${app.id}?$select=id,keyCredentials`)
  assert.deepEqual(Object.keys(selected), ['id', 'keyCredentials'])
  assert.ok(JSON.stringify(selected).includes(key))
})

test('collections are replaced, objects are merged', async () => {
  const app = await newApp({ web: { redirectUris: [REDIRECT] }, api: { oauth2PermissionScopes: [scope] } })
  await graph('PATCH', `/applications/${app.id}`, {
    web: { redirectUris: ['https://one.example/callback'] },
    api: { requestedAccessTokenVersion: 2 },
  })
  const { body } = await graph('GET', `/applications/${app.id}`)
  assert.deepEqual(body['web'], { redirectUris: ['https://one.example/callback'] })
  const api = body['api'] as { requestedAccessTokenVersion: number; oauth2PermissionScopes: Json[] }
  assert.deepEqual([api.requestedAccessTokenVersion, api.oauth2PermissionScopes.length], [2, 1])
})

test('filters work, also on predefined apps', async () => {
  const { body: byName } = await graph(
    'GET',
    `/applications?$filter=displayName eq 'Message Center Client'&$select=appId`,
  )
  assert.deepEqual(byName.value, [{ appId: emulator.client.clientId }])
  const { body: none } = await graph('GET', `/applications?$filter=appId eq '${scope.id}'`)
  assert.deepEqual(none.value, [])
})

for (const [name, patch, code] of [
  ['an enabled scope is removed', { api: { oauth2PermissionScopes: [] } }, 'CannotDeleteOrUpdateEnabledEntitlement'],
  [
    'an enabled scope is renamed',
    { api: { oauth2PermissionScopes: [{ ...scope, value: 'other' }] } },
    'CannotDeleteOrUpdateEnabledEntitlement',
  ],
  [
    'two scopes have one name',
    { api: { oauth2PermissionScopes: [scope, { ...scope, id: AZURE_CLI_CLIENT_ID }] } },
    'DuplicateValue',
  ],
  [
    'an identifier URI of a foreign domain',
    { identifierUris: ['https://elsewhere.example/api'] },
    'HostNameNotOnVerifiedDomain',
  ],
  ['a redirect URI over http', { web: { redirectUris: ['http://app.example/callback'] } }, 'Request_BadRequest'],
  ['a property that is none', { colour: 'red' }, 'Request_BadRequest'],
  ['a value of another kind', { displayName: 7 }, 'Request_BadRequest'],
  [
    'a preauthorized app that is unknown',
    { api: { preAuthorizedApplications: [{ appId: scope.id, delegatedPermissionIds: [scope.id] }] } },
    'InvalidAppId',
  ],
  [
    'a preauthorized scope that is unknown',
    {
      api: {
        preAuthorizedApplications: [{ appId: AZURE_CLI_CLIENT_ID, delegatedPermissionIds: [AZURE_CLI_CLIENT_ID] }],
      },
    },
    'Request_BadRequest',
  ],
  [
    'a certificate that is none',
    { keyCredentials: [{ type: 'AsymmetricX509Cert', usage: 'Verify', key: 'AAAA' }] },
    'KeyCredentialsInvalidValue',
  ],
  [
    'a certificate without its key',
    { keyCredentials: [{ type: 'AsymmetricX509Cert', usage: 'Verify', key: null }] },
    'Request_BadRequest',
  ],
] as const) {
  test(`rejected without a change: ${name}`, async () => {
    const app = await newApp({ api: { oauth2PermissionScopes: [scope] } })
    const { body: before } = await graph('GET', `/applications/${app.id}`)
    const { status, body } = await graph('PATCH', `/applications/${app.id}`, patch)
    assert.deepEqual([status, body.error?.code], [400, code])
    assert.deepEqual((await graph('GET', `/applications/${app.id}`)).body, before)
  })
}

test('names and subjects of federated credentials are unique', async () => {
  const app = await newApp()
  const path = `/applications/${app.id}/federatedIdentityCredentials`
  const credential = {
    name: 'one',
    issuer: 'https://issuer.example',
    subject: 'a',
    audiences: ['api://AzureADTokenExchange'],
  }
  assert.equal((await graph('POST', path, credential)).status, 201)
  assert.equal((await graph('POST', path, { ...credential, subject: 'b' })).status, 409)
  assert.equal(
    (await graph('POST', path, { ...credential, name: 'two' })).body.error?.code,
    'InvalidFederatedIdentityCredentialValue',
  )
  assert.equal((await graph('POST', path, { ...credential, name: 'two', audiences: [] })).status, 400)
  assert.deepEqual(
    (await graph('GET', path)).body.value.map(({ name }) => name),
    ['one'],
  )
})

test('a new object is not found until it is replicated', async () => {
  emulator.applications.replicationDelay = 2
  const app = await newApp()
  const { status, body } = await graph('POST', '/servicePrincipals', { appId: app.appId })
  assert.deepEqual([status, body.error?.code], [400, 'NoBackingApplicationObject'])
  assert.equal((await graph('GET', `/applications/${app.id}`)).body.error?.code, 'Request_ResourceNotFound')
  emulator.applications.replicationDelay = 0
  assert.equal((await graph('GET', `/applications/${app.id}`)).status, 200)
  assert.equal((await graph('POST', '/servicePrincipals', { appId: app.appId })).status, 201)
  assert.equal((await graph('POST', '/servicePrincipals', { appId: app.appId })).status, 409)
})

for (const [name, user, scp, statuses] of [
  ['a permission that only reads', 'gale', 'Application.Read.All', [200, 403, 403]],
  ['the permission to write, but not to consent', 'gale', 'Application.ReadWrite.All', [200, 201, 403]],
  [
    'all permissions, but no role',
    'nico',
    'Application.ReadWrite.All DelegatedPermissionGrant.ReadWrite.All',
    [200, 403, 403],
  ],
  ['another permission', 'gale', 'ServiceMessage.Read.All', [403, 403, 403]],
] as const) {
  test(`${name}: ${statuses.join(', ')}`, async () => {
    const bearer = await emulator.mint({ user, kind: 'graph', claims: { scp } })
    const responses = [
      await graph('GET', '/applications', undefined, bearer),
      await graph('POST', '/applications', { displayName: 'B' }, bearer),
      await graph('GET', '/oauth2PermissionGrants', undefined, bearer),
    ]
    assert.deepEqual(
      responses.map(({ status }) => status),
      statuses,
    )
    for (const { status, body } of responses) {
      if (status === 403) assert.equal(body.error?.code, 'Authorization_RequestDenied')
    }
  })
}

test('pre-authorized clients need no consent, others do', async () => {
  const app = await newApp({ api: { oauth2PermissionScopes: [scope], requestedAccessTokenVersion: 2 } })
  await graph('POST', '/servicePrincipals', { appId: app.appId })
  await graph('PATCH', `/applications/${app.id}`, { identifierUris: [`api://${app.appId}`] })
  const silent = authorizeUrl(emulator, { scope: `api://${app.appId}/access_as_user`, prompt: 'none' })
  const cookies = new Map<string, string>()
  await signIn(authorizeUrl(emulator), { user: 'rowan', cookies })
  assert.equal((await signIn(silent, { user: 'rowan', cookies })).parameters.get('error'), 'interaction_required')
  const preAuthorizedApplications = [{ appId: emulator.client.clientId, delegatedPermissionIds: [scope.id] }]
  await graph('PATCH', `/applications/${app.id}`, { api: { preAuthorizedApplications } })
  assert.ok((await signIn(silent, { user: 'rowan', cookies })).parameters.has('code'))
})
