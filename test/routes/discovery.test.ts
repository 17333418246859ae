import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import Fastify from 'fastify'
import { readConfig } from '../../src/config.ts'
import { discoveryRoutes } from '../../src/routes/discovery.ts'

const tenantId = '11111111-2222-3333-4444-555555555555'
const clientId = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'
const issuer = `https://login.microsoftonline.com/${tenantId}/v2.0`
const scopes = [`api://${clientId}/access_as_user`]

async function build(t: TestContext) {
  const app = Fastify()
  t.after(() => app.close())
  const config = readConfig({
    GRAPH_TENANT_ID: tenantId,
    GRAPH_CLIENT_ID: clientId,
    GRAPH_CLIENT_SECRET: 'zq7',
    PUBLIC_BASE_URL: 'https://mcp.contoso.example',
  })
  await app.register(discoveryRoutes, { config })
  return app
}

for (const url of ['/.well-known/oauth-protected-resource/mcp', '/.well-known/oauth-protected-resource']) {
  test(`${url} is the metadata of RFC 9728, without offline_access`, async (t) => {
    const app = await build(t)
    const response = await app.inject({ url, headers: { host: 'evil.example', 'x-forwarded-host': 'evil.example' } })
    assert.equal(response.statusCode, 200)
    assert.deepEqual(response.json(), {
      resource: 'https://mcp.contoso.example/mcp',
      resource_name: 'Microsoft 365 Message Center',
      authorization_servers: [issuer],
      scopes_supported: scopes,
      bearer_methods_supported: ['header'],
    })
  })
}

test('/discover says where and how to sign in, and nothing secret', async (t) => {
  const app = await build(t)
  const response = await app.inject('/discover')
  assert.deepEqual(response.json(), {
    issuer,
    tenantId,
    clientId,
    authorizationEndpoint: `https://login.microsoftonline.com/${tenantId}/oauth2/v2.0/authorize`,
    tokenEndpoint: `https://login.microsoftonline.com/${tenantId}/oauth2/v2.0/token`,
    scopes,
    pkceRequired: true,
    grantTypes: ['authorization_code', 'refresh_token'],
  })
  assert.doesNotMatch(response.body, /zq7/)
})
