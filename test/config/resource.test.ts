import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from '../../src/config/index.ts'
import { isResource, resourceOf } from '../../src/config/resource.ts'

const tenantId = '11111111-2222-3333-4444-555555555555'
const clientId = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'
const resourceFor = (env: Readonly<Record<string, string>> = {}) =>
  resourceOf(
    readConfig({
      GRAPH_TENANT_ID: tenantId,
      GRAPH_CLIENT_ID: clientId,
      GRAPH_CLIENT_SECRET: 'x',
      PUBLIC_BASE_URL: 'https://mcp.contoso.example/',
      MCP_OAUTH_REQUIRED_SCOPES: 'access_as_user read',
      ...env,
    }),
  )
const resource = 'https://mcp.contoso.example/mcp'
const resourceMetadataUrl = 'https://mcp.contoso.example/.well-known/oauth-protected-resource/mcp'

test('with the proxy, clients sign in at this server, for names without prefix', () => {
  assert.deepEqual(resourceFor(), {
    resource,
    resourceMetadataUrl,
    authorizationServer: 'https://mcp.contoso.example',
    authorizeUrl: 'https://mcp.contoso.example/authorize',
    tokenUrl: 'https://mcp.contoso.example/token',
    scopes: ['access_as_user', 'read'],
  })
})

test('with the proxy, the scopes are those that it gives', () => {
  const { scopes } = resourceFor({ MCP_OAUTH_SCOPES: `access_as_user api://${clientId}/read write` })
  assert.deepEqual(scopes, ['access_as_user', 'read', 'write'])
})

test('without it, clients sign in at Entra, for names with the API’s prefix', () => {
  const entra = `https://login.microsoftonline.com/${tenantId}`
  assert.deepEqual(resourceFor({ MCP_OAUTH_PROXY: 'off' }), {
    resource,
    resourceMetadataUrl,
    authorizationServer: `${entra}/v2.0`,
    authorizeUrl: `${entra}/oauth2/v2.0/authorize`,
    tokenUrl: `${entra}/oauth2/v2.0/token`,
    scopes: [`api://${clientId}/access_as_user`, `api://${clientId}/read`],
  })
})

for (const asked of [
  resource,
  `${resource}/`,
  'HTTPS://mcp.contoso.example/mcp',
  'https://MCP.Contoso.Example/mcp/',
  'https://mcp.contoso.example:443/mcp',
  `${resource}?`,
  `${resource}?a=b&c`,
  `${resource}/?a=b`,
  `${resource}?a=/x@y?z`,
]) {
  test(`${asked} is this resource`, () => assert.equal(isResource(asked, { resource }), true))
}

for (const asked of [
  '',
  'mcp',
  '/mcp',
  'https://mcp.contoso.example',
  'https://mcp.contoso.example/',
  'https://mcp.contoso.example/MCP',
  'https://mcp.contoso.example/mcp//',
  'https://mcp.contoso.example//mcp',
  'https://mcp.contoso.example/mcp/more',
  'https://mcp.contoso.example/mcpmore',
  'https://mcp.contoso.example/other',
  'https://mcp.contoso.example:8443/mcp',
  'http://mcp.contoso.example/mcp',
  'https://mcp.contoso.example./mcp',
  'https://mcp.contoso.example?/mcp',
  'https://mcp.contoso.example/?https://mcp.contoso.example/mcp',
  'https://evil.example/?https://mcp.contoso.example/mcp',
  'https://evil.example?@mcp.contoso.example/mcp',
  'https://user@mcp.contoso.example/mcp?a=b',
  'https://mcp.contoso.example/mcp?a#b',
  'https://mcp.contoso.example/mcp?#',
  'https://mcp.contoso.example/mcp%3Fa=b',
  '?a=b',
  'https://mcp.contoso.example/mcp#',
  'https://mcp.contoso.example/mcp#a',
  'https://@mcp.contoso.example/mcp',
  'https://user@mcp.contoso.example/mcp',
  'https://mcp.contoso.example@evil.example/mcp',
  'https://mcp.contoso.example.evil.example/mcp',
  'https://evil.example/https://mcp.contoso.example/mcp',
  'https://mcp.contoso.example%2fmcp',
  'https://mcp.contoso.example/%6dcp',
  'https://graph.microsoft.com',
  `api://${clientId}`,
  clientId,
  `${resource} ${resource}`,
  `${resource},https://evil.example/mcp`,
]) {
  test(`${JSON.stringify(asked)} is another resource`, () => assert.equal(isResource(asked, { resource }), false))
}

test('the resource of a server on loopback has its port', () => {
  const local = { resource: 'http://localhost:8080/mcp' }
  assert.equal(isResource('http://localhost:8080/mcp/', local), true)
  for (const other of ['http://localhost/mcp', 'http://127.0.0.1:8080/mcp', 'http://localhost:8081/mcp']) {
    assert.equal(isResource(other, local), false, other)
  }
})
