import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import Fastify from 'fastify'
import { readConfig } from '../../src/config/index.ts'
import { discoveryRoutes } from '../../src/routes/discovery.ts'

const tenantId = '11111111-2222-3333-4444-555555555555'
const clientId = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'
const base = 'https://mcp.contoso.example'
const entra = `https://login.microsoftonline.com/${tenantId}`

async function build(t: TestContext, env: Record<string, string> = {}) {
  const app = Fastify()
  t.after(() => app.close())
  const config = readConfig({
    GRAPH_TENANT_ID: tenantId,
    GRAPH_CLIENT_ID: clientId,
    GRAPH_CLIENT_SECRET: 'zq7mark',
    PUBLIC_BASE_URL: base,
    ...env,
  })
  await app.register(discoveryRoutes, { config })
  return app
}

/** Who signs clients in, and under which names they ask for scopes. */
const places = {
  'the proxy': {
    env: {},
    issuer: base,
    authorizationEndpoint: `${base}/authorize`,
    tokenEndpoint: `${base}/token`,
    scopes: ['access_as_user'],
  },
  'Entra itself': {
    env: { MCP_OAUTH_PROXY: 'off' },
    issuer: `${entra}/v2.0`,
    authorizationEndpoint: `${entra}/oauth2/v2.0/authorize`,
    tokenEndpoint: `${entra}/oauth2/v2.0/token`,
    scopes: [`api://${clientId}/access_as_user`],
  },
}

for (const [place, { env, ...expected }] of Object.entries(places)) {
  for (const url of ['/.well-known/oauth-protected-resource/mcp', '/.well-known/oauth-protected-resource']) {
    test(`${url} is the metadata of RFC 9728, names ${place} and no offline_access`, async (t) => {
      const app = await build(t, env)
      const response = await app.inject({ url, headers: { host: 'evil.example', 'x-forwarded-host': 'evil.example' } })
      assert.equal(response.statusCode, 200)
      assert.deepEqual(response.json(), {
        resource: `${base}/mcp`,
        resource_name: 'Microsoft 365 Message Center',
        authorization_servers: [expected.issuer],
        scopes_supported: expected.scopes,
        bearer_methods_supported: ['header'],
      })
    })
  }

  test(`/discover says where and how to sign in with ${place}, and nothing secret`, async (t) => {
    const app = await build(t, env)
    const response = await app.inject('/discover')
    assert.deepEqual(response.json(), {
      ...expected,
      tenantId,
      clientId,
      pkceRequired: true,
      grantTypes: ['authorization_code', 'refresh_token'],
    })
    assert.doesNotMatch(response.body, /zq7mark/)
  })
}

test('/discover names the client that users sign in to', async (t) => {
  const other = '99999999-2222-4333-8444-555555555555'
  const app = await build(t, { MCP_OAUTH_CLIENT_ID: other, MCP_OAUTH_CLIENT_SECRET: 'zq8' })
  assert.equal((await app.inject('/discover')).json().clientId, other)
})
