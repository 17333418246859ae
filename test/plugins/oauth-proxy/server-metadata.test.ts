import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Compile } from 'typebox/compile'
import {
  AuthorizationServerMetadata,
  authorizationServerMetadata,
} from '../../../src/plugins/oauth-proxy/server-metadata.ts'

const issuer = 'https://mcp.contoso.example'
const keysUrl = 'https://login.microsoftonline.com/t/discovery/v2.0/keys'
const metadata = authorizationServerMetadata(issuer, keysUrl, ['access_as_user'])

test('the issuer is the public origin, exactly', () => assert.equal(metadata.issuer, issuer))

for (const [name, path] of [
  ['authorization_endpoint', '/authorize'],
  ['token_endpoint', '/token'],
  ['registration_endpoint', '/register'],
  ['revocation_endpoint', '/revoke'],
] as const) {
  test(`the ${name} is on the issuer’s origin`, () => assert.equal(metadata[name], issuer + path))
}

test('keys are those of the tenant, which signs the tokens', () => assert.equal(metadata.jwks_uri, keysUrl))

test('scopes are those that are offered, and the list is a copy', () => {
  const scopes = ['access_as_user', 'read']
  const { scopes_supported } = authorizationServerMetadata(issuer, keysUrl, scopes)
  assert.deepEqual(scopes_supported, scopes)
  scopes.push('write')
  assert.deepEqual(scopes_supported, ['access_as_user', 'read'])
})

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

test('clients learn that ids may be URLs and that every answer names the issuer', () => {
  assert.equal(metadata.client_id_metadata_document_supported, true)
  assert.equal(metadata.authorization_response_iss_parameter_supported, true)
})

test('what OpenID Connect Discovery requires is there', () => {
  assert.deepEqual(metadata.subject_types_supported, ['pairwise'])
  assert.deepEqual(metadata.id_token_signing_alg_values_supported, ['RS256'])
})

test('the metadata is what its schema says, and the schema leaves nothing of it out', () => {
  assert.ok(Compile(AuthorizationServerMetadata).Check(metadata))
  assert.deepEqual(Object.keys(metadata).sort(), Object.keys(AuthorizationServerMetadata.properties).sort())
})
