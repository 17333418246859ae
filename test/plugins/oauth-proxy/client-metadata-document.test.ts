import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Failure } from '../../../src/errors/index.ts'
import { parseRedirectRule } from '../../../src/lib/redirect-policy.ts'
import { readClientDocument } from '../../../src/plugins/oauth-proxy/client-documents.ts'
import { type Client, isDocumentUrl } from '../../../src/plugins/oauth-proxy/clients.ts'

for (const url of [
  'https://client.example/client.json',
  'https://client.example/a/b/',
  'https://client.example/.well-known/oauth/client?version=1',
  'https://client.example:8443/client.json',
  'https://a.b-c.client.example/x',
  'https://xn--bcher-kva.example/client.json',
  `https://client.example/${'a'.repeat(512 - 'https://client.example/'.length)}`,
]) {
  test(`${url.slice(0, 80)} is the URL of a document`, () => assert.equal(isDocumentUrl(url), true))
}

const otherUrls: readonly [name: string, urls: readonly string[]][] = [
  [
    'no URL',
    ['', 'client', 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee', 'https://', 'https:///client.json', '//a.example/b'],
  ],
  [
    'another scheme',
    ['http://client.example/client.json', 'HTTPS://client.example/client.json', 'ftp://client.example/x', 'data:,{}'],
  ],
  [
    'a scheme that is not written out',
    ['https:client.example/client.json', 'https:/client.example/x', 'https:\\\\client.example\\x'],
  ],
  [
    'no path',
    ['https://client.example', 'https://client.example/', 'https://client.example?a', 'https://client.example/?a'],
  ],
  [
    'userinfo or an at sign',
    [
      'https://a@client.example/x',
      'https://a:b@client.example/x',
      'https://@client.example/x',
      'https://client.example@evil.example/x',
      'https://client.example/@x',
    ],
  ],
  ['a fragment', ['https://client.example/x#', 'https://client.example/x#a', 'https://client.example/#/x']],
  [
    'dot segments',
    [
      'https://client.example/a/../x',
      'https://client.example/./x',
      'https://client.example/x/..',
      'https://client.example/%2e%2e/x',
      'https://client.example/a/%2E/x',
      'https://client.example/a%2eb',
    ],
  ],
  ['an encoded slash or backslash', ['https://client.example/a%2Fb', 'https://client.example/a%5cb']],
  ['a backslash', ['https://client.example\\x', 'https://client.example/a\\b']],
  [
    'white space and control characters',
    [
      ' https://client.example/x',
      'https://client.example/x ',
      'https://client.example/x\n',
      'https://client.example/a\tb',
      'https://client\n.example/x',
      'https://client.example/a b',
    ],
  ],
  [
    'an address',
    [
      'https://127.0.0.1/x',
      'https://20.20.20.20/x',
      'https://169.254.169.254/metadata/instance',
      'https://[::1]/x',
      'https://[2606:4700::1111]/x',
      'https://127.1/x',
      'https://2130706433/x',
      'https://0x7f.0.0.1/x',
      'https://0177.0.0.1/x',
      'https://0.127.0.0.1_/x',
    ],
  ],
  ['a name without a dot', ['https://localhost/x', 'https://localhost:8443/x', 'https://intranet/x']],
  ['a final dot', ['https://client.example./x', 'https://localhost./x', 'https://127.0.0.1./x']],
  ['upper case in its host', ['https://Client.example/x', 'https://CLIENT.EXAMPLE/x']],
  ['a port that need not be written', ['https://client.example:443/x', 'https://client.example:/x']],
  ['letters beyond ASCII', ['https://bücher.example/x', 'https://client.example/ä', 'https://client。example/x']],
  ['513 characters', [`https://client.example/${'a'.repeat(513 - 'https://client.example/'.length)}`]],
]
for (const [name, urls] of otherUrls) {
  test(`with ${name} a client id is not the URL of a document`, () => {
    for (const url of urls) assert.equal(isDocumentUrl(url), false, JSON.stringify(url.slice(0, 100)))
  })
}

test('whatever is the URL of a document is https, in its canonical form, with a named host and a path', () => {
  const splinter = fc.constantFrom(
    '/',
    '\\',
    '@',
    '#',
    '?',
    ':',
    '.',
    '..',
    '%2e',
    '%',
    '\t',
    '[::1]',
    '127.0.0.1',
    ' ',
  )
  const mutated = fc
    .tuple(fc.webUrl({ validSchemes: ['https'], withQueryParameters: true }), fc.nat(), fc.nat({ max: 4 }), splinter)
    .map(([url, place, cut, put]) => {
      const at = place % url.length
      return url.slice(0, at) + put + url.slice(at + cut)
    })
  fc.assert(
    fc.property(fc.oneof(mutated, fc.webUrl(), fc.string()), (text) => {
      if (!isDocumentUrl(text)) return
      const { href, protocol, hostname, pathname, username, password, hash } = new URL(text)
      assert.equal(href, text)
      assert.equal(protocol, 'https:')
      assert.match(hostname, /^[^[\]]*[a-z][^[\]]*$/)
      assert.ok(hostname.includes('.') && pathname.length > 1)
      assert.equal(username + password + hash, '')
    }),
    { numRuns: 2_000 },
  )
})

const clientId = 'https://client.example/client.json'
const rules = ['http://127.0.0.1', 'https://app.example/callback']
  .map(parseRedirectRule)
  .filter((rule) => rule !== undefined)
const document = {
  client_id: clientId,
  client_name: 'A client',
  redirect_uris: ['http://127.0.0.1/callback'],
  token_endpoint_auth_method: 'none',
}
const read = (own: Readonly<Record<string, unknown>> = {}) =>
  readClientDocument({ ...document, ...own }, clientId, rules)

/** The client, or the failure if a document gives none. */
function outcomeOf(value: unknown): Client | Failure {
  try {
    return readClientDocument(value, clientId, rules)
  } catch (error) {
    assert.ok(error instanceof Failure, String(error))
    return error
  }
}

function rejectionOf(value: unknown): Failure {
  const outcome = outcomeOf(value)
  assert.ok(outcome instanceof Failure, 'The document was accepted')
  assert.equal(outcome.reason, 'client_document_invalid')
  return outcome
}

test('a document gives its client', () => {
  assert.deepEqual(read(), {
    id: clientId,
    kind: 'document',
    name: 'A client',
    redirectUris: ['http://127.0.0.1/callback'],
  })
})

test('a document may leave out its name and its authentication method', () => {
  const client = readClientDocument({ client_id: clientId, redirect_uris: document.redirect_uris }, clientId, rules)
  assert.deepEqual(client, {
    id: clientId,
    kind: 'document',
    name: 'client.example',
    redirectUris: document.redirect_uris,
  })
})

const both = ['none', 'private_key_jwt']
for (const [what, method, methods] of [
  ['none, and no list', 'none', undefined],
  ['none, whatever else the list has', 'none', ['private_key_jwt']],
  ['none, and a list that is none', 'none', 7],
  ['nothing at all', undefined, undefined],
  ['null for both', null, null],
  ['an empty list', undefined, []],
  ['no method, and none in the list', undefined, ['private_key_jwt', 'none']],
  ['null, and none in the list', null, both],
  ['private_key_jwt, and none in the list', 'private_key_jwt', both],
  ['client_secret_basic, and none in the list', 'client_secret_basic', ['client_secret_basic', 'none']],
  ['a method that is no text, and none in the list', 7, both],
  ['none in the list, among what nobody knows', 'private_key_jwt', [null, 7, {}, 'attest_jwt_client_auth', 'none']],
] as const) {
  test(`a client that names ${what} is a public one`, () => {
    const own = { token_endpoint_auth_method: method, token_endpoint_auth_methods_supported: methods }
    assert.deepEqual(read({ ...own, jwks_uri: 'https://client.example/keys' }), read())
  })
}

for (const [what, method, methods] of [
  ['private_key_jwt, and no list', 'private_key_jwt', undefined],
  ['private_key_jwt, and null for a list', 'private_key_jwt', null],
  ['private_key_jwt, and an empty list', 'private_key_jwt', []],
  ['private_key_jwt, and nothing else in the list', 'private_key_jwt', ['private_key_jwt']],
  ['private_key_jwt, and none outside a list', 'private_key_jwt', 'none'],
  ['private_key_jwt, and none as a member', 'private_key_jwt', { none: 'none', 0: 'none' }],
  ['private_key_jwt, and none in a list within the list', 'private_key_jwt', [['none']]],
  ['private_key_jwt, and None', 'private_key_jwt', ['None', ' none']],
  ['client_secret_post, and the other secret in the list', 'client_secret_post', ['client_secret_basic']],
  ['client_secret_jwt', 'client_secret_jwt', undefined],
  ['tls_client_auth', 'tls_client_auth', undefined],
  ['an empty method', '', undefined],
  ['no method, and a list without none', undefined, ['private_key_jwt']],
  ['no method, and a list of what nobody knows', undefined, [7, null]],
] as const) {
  test(`a client that names ${what} is rejected: it cannot do without client authentication`, () => {
    const own = { token_endpoint_auth_method: method, token_endpoint_auth_methods_supported: methods }
    assert.match(rejectionOf({ ...document, ...own }).details.detail ?? '', /token_endpoint_auth_method/)
  })
}

test('a document may say what nobody here looks at', () => {
  const own = { jwks_uri: 'https://client.example/keys', contacts: [1], software_id: {}, logo_uri: 'javascript:1' }
  assert.deepEqual(read(own), read())
})

test('its name is shown like any other, and a host with a port is named in full', () => {
  assert.equal(read({ client_name: ' A\u202e  name ' }).name, 'A name')
  const id = 'https://client.example:8443/x'
  const client = readClientDocument({ ...document, client_id: id, client_name: 7 }, id, rules)
  assert.equal(client.name, 'client.example:8443')
})

test('redirect URIs that are not allowed here are left out', () => {
  const redirect_uris = [
    'https://evil.example/',
    'http://127.0.0.1.evil.example/',
    'https://app.example/callback',
    7,
    null,
    ['http://127.0.0.1/callback'],
    'http://127.0.0.1:3000/callback',
  ]
  assert.deepEqual(read({ redirect_uris }).redirectUris, [
    'https://app.example/callback',
    'http://127.0.0.1:3000/callback',
  ])
})

test('the first of redirect URIs that are not allowed is named for the log', () => {
  const redirect_uris = [7, 'https://new.example/callback', 'https://other.example/']
  assert.equal(rejectionOf({ ...document, redirect_uris }).details.redirectUri, 'https://new.example/callback')
})

for (const [name, value, detail] of [
  ['undefined', undefined, /JSON object/],
  ['null', null, /JSON object/],
  ['a text', '{}', /JSON object/],
  ['a number', 7, /JSON object/],
  ['a list', [document], /client_id/],
  ['an empty object', {}, /client_id/],
] as const) {
  test(`${name} is no document`, () => {
    assert.match(rejectionOf(value).details.detail ?? '', detail)
  })
}

const invalid: readonly [name: string, own: Readonly<Record<string, unknown>>, detail: RegExp][] = [
  ['the id of another', { client_id: 'https://other.example/client.json' }, /client_id/],
  ['its id with a slash more', { client_id: `${clientId}/` }, /client_id/],
  ['its id in a list', { client_id: [clientId] }, /client_id/],
  ['its id in upper case', { client_id: clientId.toUpperCase() }, /client_id/],
  ['no id', { client_id: undefined }, /client_id/],
  ['a secret', { client_secret: 'x' }, /secret/],
  ['an empty secret', { client_secret: '' }, /secret/],
  ['a secret of null', { client_secret: null }, /secret/],
  ['the end of a secret', { client_secret_expires_at: 0 }, /secret/],
  ['client_secret_basic', { token_endpoint_auth_method: 'client_secret_basic' }, /token_endpoint_auth_method/],
  ['private_key_jwt', { token_endpoint_auth_method: 'private_key_jwt' }, /token_endpoint_auth_method/],
  ['a method that is no text', { token_endpoint_auth_method: ['none'] }, /token_endpoint_auth_method/],
  ['no redirect URIs', { redirect_uris: undefined }, /redirect_uris/],
  ['a redirect URI outside a list', { redirect_uris: 'http://127.0.0.1/callback' }, /redirect_uris/],
  ['redirect URIs in an object', { redirect_uris: { 0: 'http://127.0.0.1/callback', length: 1 } }, /redirect_uris/],
  ['an empty list of redirect URIs', { redirect_uris: [] }, /None of its redirect_uris/],
  ['foreign redirect URIs alone', { redirect_uris: ['https://evil.example/'] }, /None of its redirect_uris/],
]
for (const [name, own, detail] of invalid) {
  test(`a document with ${name} is rejected`, () => {
    assert.match(rejectionOf({ ...document, ...own }).details.detail ?? '', detail)
  })
}

test('whatever a document holds, it gives its client or is rejected', () => {
  fc.assert(
    fc.property(
      fc.jsonValue(),
      fc.dictionary(fc.constantFrom(...Object.keys(document)), fc.jsonValue()),
      (any, own) => {
        assert.ok(rejectionOf(any))
        const outcome = outcomeOf({ ...document, ...own })
        assert.ok(outcome instanceof Failure || outcome.id === clientId)
      },
    ),
  )
})
