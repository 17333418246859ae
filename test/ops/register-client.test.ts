import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { decodeJwt } from 'jose'
import { startTenant } from '../helper.ts'
import { enterDeviceCode, fakeAz, graphArgs, ops, tenantArgs } from './helper.ts'

const name = 'A new client'

async function start(t: TestContext) {
  const tenant = await startTenant(t)
  const env = fakeAz(t, tenant, 'gale')
  const args = ['register', 'client', ...graphArgs(tenant), '--az', '--display-name', name]
  return {
    tenant,
    register: (...more: readonly string[]) => ops([...args, '--server', tenant.api.clientId, ...more], { env }),
    app() {
      const found = tenant.applications.applications.find(({ displayName }) => displayName === name)
      assert.ok(found)
      return found
    },
    api() {
      const found = tenant.applications.applications.find(({ appId }) => appId === tenant.api.clientId)
      assert.ok(found)
      return found.api
    },
  }
}

test('the client of the two-app model: a redirect URI, a secret, and a permission on the API', async (t) => {
  const { register, app, api, tenant } = await start(t)
  const args = [
    '--public-base-url',
    'https://mcp.example.com',
    '--redirect-uri',
    'https://agent.example/callback',
    '--secret',
  ]
  const { code, out, err } = await register(...args)
  assert.equal(code, 0, err)
  const { appId, web, requiredResourceAccess, passwordCredentials, isFallbackPublicClient } = app()
  assert.deepEqual(web.redirectUris, ['https://agent.example/callback', 'https://mcp.example.com/oauth/callback'])
  const id = api().oauth2PermissionScopes[0]?.id
  assert.deepEqual(requiredResourceAccess, [
    { resourceAppId: tenant.api.clientId, resourceAccess: [{ id, type: 'Scope' }] },
  ])
  assert.equal(isFallbackPublicClient, null)
  assert.ok(
    out.includes(`\nMCP_OAUTH_CLIENT_ID=${appId}\nMCP_OAUTH_CLIENT_SECRET=${passwordCredentials[0]?.secretText}\n`),
    out,
  )
  assert.match(out, new RegExp(`Each user is asked for consent once.*/adminconsent\\?client_id=${appId}`))
  assert.deepEqual([api().preAuthorizedApplications, api().knownClientApplications], [[], []])

  for (const method of ['POST', 'PATCH'] as const)
    tenant.faults.add({ target: 'graph', kind: 'status', status: 418, method })
  assert.match((await register(...args)).out, /^Nothing to change\.$/m)
})

test('--admin-consent grants access to the API for all users', async (t) => {
  const { register, app, tenant } = await start(t)
  const { code, err } = await register('--admin-consent')
  assert.equal(code, 0, err)
  const grant = tenant.applications.grants.at(-1)
  assert.deepEqual([grant?.scope, grant?.consentType], ['access_as_user', 'AllPrincipals'])
  const clientPrincipal = tenant.applications.servicePrincipals.find(({ id }) => id === grant?.clientId)
  assert.equal(clientPrincipal?.appId, app().appId)
})

test('the hint about user consent is printed until admin consent is granted or the API pre-authorizes the client', async (t) => {
  const asked = /^Each user is asked for consent once/m
  const consented = await start(t)
  assert.match((await consented.register()).out, asked)
  await consented.register('--admin-consent')
  assert.doesNotMatch((await consented.register()).out, asked)
  const known = await start(t)
  await known.register('--preauthorize')
  assert.doesNotMatch((await known.register()).out, asked)
})

test('the API is changed only with --preauthorize and --known-client; existing clients stay', async (t) => {
  const { register, app, api, tenant } = await start(t)
  const known = tenant.client.clientId
  api().knownClientApplications.push(known)
  const { out } = await register('--preauthorize', '--known-client')
  const { appId } = app()
  const delegatedPermissionIds = [api().oauth2PermissionScopes[0]?.id]
  assert.deepEqual(api().preAuthorizedApplications, [{ appId, delegatedPermissionIds }])
  assert.deepEqual(api().knownClientApplications, [known, appId])
  assert.doesNotMatch(out, /asked for consent/)
})

test('a public client gets tokens with a device code', async (t) => {
  const { register, app, tenant } = await start(t)
  const { code, out, err } = await register('--public', '--redirect-uri', 'http://localhost', '--preauthorize')
  assert.equal(code, 0, err)
  const { appId, isFallbackPublicClient, publicClient } = app()
  assert.deepEqual([isFallbackPublicClient, publicClient.redirectUris], [true, ['http://localhost']])
  assert.doesNotMatch(out, /\.env\.local/)
  assert.ok(out.includes(`npm run ops -- token --client-id ${appId}\n`))

  const args = ['token', ...tenantArgs(tenant), '--api', tenant.api.clientId, '--client-id', appId]
  const token = await ops(args, { onProgress: enterDeviceCode({ user: 'rowan' }) })
  assert.equal(token.code, 0, token.err)
  assert.deepEqual([decodeJwt(token.out)['azp'], decodeJwt(token.out)['scp']], [appId, 'access_as_user'])
})

test('a missing API or scope is reported before anything is written', async (t) => {
  const { register, tenant, api } = await start(t)
  const count = tenant.applications.applications.length
  const missing = await register('--server', '11111111-2222-4333-8444-555555555555')
  assert.match(missing.err, /no service principal of 11111111-.*\nRun npm run ops -- register server first/)
  api().oauth2PermissionScopes.length = 0
  assert.match((await register()).err, /has no delegated permission access_as_user\.\n.*register server/)
  assert.equal(tenant.applications.applications.length, count)
})
