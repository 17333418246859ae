import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from '../../../src/config/index.ts'
import { resourceOf } from '../../../src/config/resource.ts'
import { tenantEndpoints } from '../../../src/config/tenant.ts'
import { serverMetadata } from '../../../src/plugins/oauth-proxy/server-metadata.ts'

const issuer = 'https://mcp.contoso.example'
const config = readConfig({
  PUBLIC_BASE_URL: issuer,
  GRAPH_TENANT_ID: '11111111-2222-3333-4444-555555555555',
  GRAPH_CLIENT_ID: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
  GRAPH_CLIENT_SECRET: 'x',
  MCP_OAUTH_SCOPES: 'access_as_user,read',
})
const endpoints = tenantEndpoints(config.entra)
const metadata = serverMetadata({ issuer, endpoints, resource: resourceOf(config) })

test('the issuer is the public origin, exactly', () => assert.equal(metadata.issuer, issuer))

for (const [name, path] of [
  ['authorization_endpoint', '/authorize'],
  ['token_endpoint', '/token'],
  ['registration_endpoint', '/register'],
  ['revocation_endpoint', '/revoke'],
] as const) {
  test(`the ${name} is on the issuer’s origin`, () => assert.equal(metadata[name], issuer + path))
}

test('keys are those of the tenant, which signs the tokens', () =>
  assert.equal(
    metadata.jwks_uri,
    'https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/discovery/v2.0/keys',
  ))

test('scopes are those that are offered', () => assert.deepEqual(metadata.scopes_supported, ['access_as_user', 'read']))

test('no more is promised than is served: the code with S256, in the query, and its refresh', () => {
  assert.deepEqual(metadata.response_types_supported, ['code'])
  assert.deepEqual(metadata.response_modes_supported, ['query'])
  assert.deepEqual(metadata.grant_types_supported, ['authorization_code', 'refresh_token'])
  assert.deepEqual(metadata.code_challenge_methods_supported, ['S256'])
})

test('the methods are those that clients can have: none, or a secret that they register for, either way', () => {
  const methods = ['none', 'client_secret_post', 'client_secret_basic']
  assert.deepEqual(metadata.token_endpoint_auth_methods_supported, methods)
  assert.deepEqual(metadata.revocation_endpoint_auth_methods_supported, methods)
})

test('clients learn that ids may be URLs and that every response names the issuer', () => {
  assert.equal(metadata.client_id_metadata_document_supported, true)
  assert.equal(metadata.authorization_response_iss_parameter_supported, true)
})

test('what OpenID Connect Discovery requires is there', () => {
  assert.deepEqual(metadata.subject_types_supported, ['pairwise'])
  assert.deepEqual(metadata.id_token_signing_alg_values_supported, ['RS256'])
})
