import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from '../../../src/config/index.ts'
import { resourceOf } from '../../../src/config/resource.ts'
import { Failure, type Reason } from '../../../src/errors/index.ts'
import { parseRedirectRule } from '../../../src/lib/redirect-policy.ts'
import {
  readAuthorizationRequest,
  readHints,
  readRedirectUri,
} from '../../../src/plugins/oauth-proxy/authorization-request.ts'
import { type Client, clientKey } from '../../../src/plugins/oauth-proxy/clients.ts'
import type { Parameters } from '../../../src/plugins/oauth-proxy/parameters.ts'

const issuer = 'http://localhost:8080'
const apiClientId = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'
const config = readConfig({
  PUBLIC_BASE_URL: issuer,
  GRAPH_TENANT_ID: '11111111-2222-3333-4444-555555555555',
  GRAPH_CLIENT_ID: apiClientId,
  GRAPH_CLIENT_SECRET: 'x',
})
const place = { resource: resourceOf(config), apiScopes: { apiClientId, offered: ['access_as_user', 'read'] } }
const redirectUri = 'http://127.0.0.1:33418/callback'
const client: Client = { id: 'some-client', kind: 'registered', name: 'A client', redirectUris: [redirectUri] }
const complete: Parameters = {
  response_type: 'code',
  state: 'a state',
  scope: 'access_as_user',
  code_challenge: 'x'.repeat(43),
  code_challenge_method: 'S256',
  resource: `${issuer}/mcp`,
}
const read = (changes: Parameters) => readAuthorizationRequest({ ...complete, ...changes }, client, redirectUri, place)

function reasonOf(work: () => unknown): Reason | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    assert.ok(error instanceof Failure, String(error))
    return error.reason
  }
}

test('a request in order is read, with the client by its key', () => {
  assert.deepEqual(read({}), {
    client: clientKey('some-client'),
    redirectUri,
    state: 'a state',
    challenge: 'x'.repeat(43),
    scopes: ['access_as_user'],
    offlineAccess: false,
  })
})

test('scope, state, resource and response_mode may be left out, or empty', () => {
  for (const none of [undefined, '']) {
    const { scopes, state } = read({ scope: none, state: none, resource: none, response_mode: none })
    assert.deepEqual([scopes, state], [['access_as_user', 'read'], undefined])
  }
})

for (const resource of [
  `${issuer}/mcp?x=1`,
  [`${issuer}/mcp`, `${issuer}/mcp`],
  [`${issuer}/mcp`, `${issuer}/mcp/`, `${issuer}/mcp?x=1`],
  ['', `${issuer}/mcp`],
  ['', ''],
]) {
  test(`the resource ${JSON.stringify(resource)} is this one`, () => assert.ok(read({ resource })))
}

const rejected: readonly [changes: Parameters, reason: Reason][] = [
  [{ response_type: undefined }, 'parameter_missing'],
  [{ response_type: 'token' }, 'response_type_not_supported'],
  [{ response_type: 'code id_token' }, 'response_type_not_supported'],
  [{ response_type: ['code', 'code'] }, 'parameter_repeated'],
  [{ response_mode: 'fragment' }, 'response_mode_not_supported'],
  [{ response_mode: 'form_post' }, 'response_mode_not_supported'],
  [{ request: 'eyJ' }, 'request_object_not_supported'],
  [{ request_uri: 'https://client.example/r' }, 'request_uri_not_supported'],
  [{ code_challenge: undefined }, 'pkce_required'],
  [{ code_challenge_method: undefined }, 'pkce_required'],
  [{ code_challenge_method: 'plain' }, 'pkce_required'],
  [{ code_challenge_method: 's256' }, 'pkce_required'],
  [{ code_challenge: 'x'.repeat(42) }, 'pkce_required'],
  [{ code_challenge: `${'x'.repeat(42)}=` }, 'pkce_required'],
  [{ code_challenge: ['x'.repeat(43), 'y'.repeat(43)] }, 'parameter_repeated'],
  [{ resource: 'https://elsewhere.example/mcp' }, 'resource_invalid'],
  [{ resource: issuer }, 'resource_invalid'],
  [{ resource: `${issuer}/?x=/mcp` }, 'resource_invalid'],
  [{ resource: Array(2).fill('https://elsewhere.example/mcp') }, 'resource_invalid'],
  [{ resource: ['', issuer] }, 'resource_invalid'],
  [{ resource: [`${issuer}/mcp`, 'https://elsewhere.example/mcp'] }, 'parameter_repeated'],
  [{ resource: ['https://elsewhere.example/mcp', `${issuer}/mcp`] }, 'parameter_repeated'],
  [{ scope: 'Mail.Read' }, 'scope_not_supported'],
  [{ scope: 'https://graph.microsoft.com/.default' }, 'scope_not_supported'],
  [{ state: ['a', 'b'] }, 'parameter_repeated'],
]
for (const [changes, reason] of rejected) {
  test(`${JSON.stringify(changes)} is rejected: ${reason}`, () =>
    assert.equal(
      reasonOf(() => read(changes)),
      reason,
    ))
}

const rules = ['http://127.0.0.1', 'http://localhost', 'https://app.example/callback'].map(
  (entry) => parseRedirectRule(entry) ?? assert.fail(entry),
)
const redirect = (uri: string | string[] | undefined, of: Client = client) =>
  readRedirectUri({ redirect_uri: uri }, of, { issuer, redirects: rules })

test('a registered client may use its own redirect URI, on any port of loopback', () => {
  assert.equal(redirect(redirectUri), redirectUri)
  assert.equal(redirect('http://127.0.0.1:5000/callback'), 'http://127.0.0.1:5000/callback')
})

test('the configured client may use any on the list', () => {
  const { redirectUris: _, ...configured } = client
  assert.equal(redirect('https://app.example/callback', configured), 'https://app.example/callback')
})

for (const [what, uri, reason] of [
  ['one on the list that is not its own', 'https://app.example/callback', 'redirect_not_registered'],
  ['another path', 'http://127.0.0.1:33418/other', 'redirect_not_registered'],
  ['another loopback name', 'http://localhost:33418/callback', 'redirect_not_registered'],
  ['one that is not on the list', 'https://new.example/callback', 'redirect_not_listed'],
  ['one that is neither', 'javascript:alert(1)', 'redirect_not_listed'],
  ['none', undefined, 'parameter_missing'],
  ['two', [redirectUri, redirectUri], 'parameter_repeated'],
] as const) {
  test(`a registered client may not use ${what}`, () => {
    assert.equal(
      reasonOf(() => redirect(typeof uri === 'object' ? [...uri] : uri)),
      reason,
    )
  })
}

test('what is rejected is named, and for the operator the line that allows it, where there is one', () => {
  for (const [uri, allowLine] of [
    ['https://new.example/callback#secret', undefined],
    [
      'https://new.example/callback',
      'MCP_OAUTH_REDIRECT_URI_PREFIXES=http://127.0.0.1,http://localhost,https://app.example/callback,https://new.example/callback',
    ],
    ['https://app.example/callback', undefined],
  ] as const) {
    assert.throws(
      () => redirect(uri),
      ({ details }: Failure) => {
        const redirectUri = uri.replace('#secret', '')
        assert.deepEqual(
          [details.detail, details.redirectUri, details.allowLine],
          [`Received: ${redirectUri}`, redirectUri, allowLine],
        )
        return true
      },
    )
  }
})

test('nobody may be sent back to this server itself', () => {
  const own = `${issuer}/authorize?client_id=another`
  assert.equal(
    reasonOf(() => redirect(own, { ...client, redirectUris: [own] })),
    'redirect_not_listed',
  )
  const { redirectUris: _, ...configured } = client
  assert.equal(
    reasonOf(() => redirect(`${issuer}/oauth/callback`, configured)),
    'redirect_not_listed',
  )
})

const noHints = { prompt: undefined, login_hint: undefined, domain_hint: undefined, claims: undefined }

for (const [prompt, passed] of [
  ['login', 'login'],
  ['select_account', 'select_account'],
  ['none', 'none'],
  ['consent', undefined],
  ['consent login', 'login'],
  ['login select_account', 'login'],
  ['anything', undefined],
  ['', undefined],
] as const) {
  test(`prompt=${prompt} is passed to Entra as ${passed}`, () => {
    assert.deepEqual(readHints({ prompt }), { ...noHints, prompt: passed })
  })
}

test('hints go on as they came, and nothing else does', () => {
  const hints = { login_hint: 'rowan@contoso.example', domain_hint: 'contoso.example', claims: '{"access_token":{}}' }
  assert.deepEqual(readHints({ ...hints, resource: 'x', nonce: 'y', acr_values: 'z' }), { ...noHints, ...hints })
  assert.equal(
    reasonOf(() => readHints({ login_hint: ['a', 'b'] })),
    'parameter_repeated',
  )
})
