import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Compile } from 'typebox/compile'
import { parseRedirectRule } from '../../src/oauth/redirect-policy.ts'
import { ClientMetadata, type Registration, readRegistration, registeredClient } from '../../src/oauth/registration.ts'
import { createSeals } from '../../src/oauth/seal.ts'

const rules = ['http://127.0.0.1', 'https://app.example/callback']
  .map(parseRedirectRule)
  .filter((rule) => rule !== undefined)
const redirect_uris = ['http://127.0.0.1:33418/callback']
const read = (metadata: Partial<ClientMetadata> = {}) => readRegistration({ redirect_uris, ...metadata }, rules)

test('a registration remembers the name and the redirect URIs, and nothing else', () => {
  const metadata = {
    client_name: 'A client',
    redirect_uris,
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_post',
    software_id: 'x',
  }
  assert.deepEqual(readRegistration(metadata, rules), { name: 'A client', redirectUris: redirect_uris })
})

test('redirect URIs are enough', () => {
  assert.deepEqual(read(), { name: 'An application without a name', redirectUris: redirect_uris })
})

test('a name is kept as it will be shown', () => {
  const registration = read({ client_name: ` A\u202e ${'n'.repeat(100)}` })
  assert.equal('name' in registration && registration.name, `A ${'n'.repeat(57)}…`)
})

test('redirect URIs that this server would not use are left out, and each is kept once', () => {
  const registration = read({
    redirect_uris: [
      'vscode://app/callback',
      'https://evil.example/callback',
      'http://127.0.0.1.evil.example/',
      'https://app.example/callback',
      ...redirect_uris,
      'https://app.example/callback',
      'http://127.0.0.1:33418/callback#',
    ],
  })
  assert.deepEqual('redirectUris' in registration && registration.redirectUris, [
    'https://app.example/callback',
    ...redirect_uris,
  ])
})

const refusals: readonly [name: string, metadata: Partial<ClientMetadata>, error: string, detail: RegExp][] = [
  ['foreign redirect URIs alone', { redirect_uris: ['https://evil.example/'] }, 'redirect_uris_refused', /operator/],
  ['a scheme that runs', { redirect_uris: ['javascript:alert(1)'] }, 'redirect_uris_refused', /operator/],
  ['other grants alone', { grant_types: ['client_credentials'] }, 'client_metadata_refused', /grant_types/],
  ['refresh alone', { grant_types: ['refresh_token'] }, 'client_metadata_refused', /grant_types/],
  ['no grants', { grant_types: [] }, 'client_metadata_refused', /grant_types/],
  ['the implicit answer', { response_types: ['token'] }, 'client_metadata_refused', /response_types/],
  ['no answers', { response_types: [] }, 'client_metadata_refused', /response_types/],
  [
    'too much in all',
    { redirect_uris: Array.from({ length: 20 }, (_, i) => `http://127.0.0.1/${i}/${'a'.repeat(100)}`) },
    'client_metadata_refused',
    /too long/,
  ],
]
for (const [name, metadata, error, detail] of refusals) {
  test(`a client with ${name} is refused`, () => {
    const result = read(metadata)
    assert.equal('error' in result && result.error, error)
    assert.match('detail' in result ? result.detail : '', detail)
  })
}

test('a refusal repeats nothing that the client sent', () => {
  for (const metadata of [
    { redirect_uris: ['https://evil.example/zq7'] },
    { grant_types: ['zq7'] },
    { response_types: ['zq7'] },
  ]) {
    assert.doesNotMatch(JSON.stringify(read(metadata)), /zq7|evil/)
  }
})

test('grants and answers beyond those that are served do no harm', () => {
  const grant_types = ['implicit', 'authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:jwt-bearer']
  assert.ok('redirectUris' in read({ grant_types, response_types: ['code', 'id_token'] }))
})

test('a registered client has the sealed registration for its id', () => {
  const registration: Registration = { name: 'A client', redirectUris: redirect_uris }
  assert.deepEqual(registeredClient('the id', registration), {
    id: 'the id',
    kind: 'registered',
    name: 'A client',
    redirectUris: redirect_uris,
  })
})

test('whatever is registered fits a client id, which may have 2,048 characters', () => {
  const seal = createSeals([Buffer.alloc(32, 1).toString('base64')])<Registration>('registration')
  const uri = fc
    .string({ unit: fc.constantFrom(...'abcdefgh0123456789-_~&=?/'), maxLength: 450 })
    .map((path) => `http://127.0.0.1/${path}`)
  const unit = fc.oneof(
    fc.constantFrom('"', '\\', 'é', '例', '🤖'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  )
  fc.assert(
    fc.property(
      fc.string({ unit, maxLength: 100, size: 'max' }),
      fc.array(uri, { minLength: 1, maxLength: 20 }),
      (client_name, uris) => {
        const registration = read({ client_name, redirect_uris: uris })
        if ('error' in registration) return
        const id = seal.seal(registration, 60_000)
        assert.ok(id.length <= 2_048, `${id.length} characters`)
        assert.deepEqual(seal.open(id), { value: registration })
      },
    ),
    { numRuns: 500 },
  )
})

test('the longest registration that is taken fits as well', () => {
  const seal = createSeals([Buffer.alloc(32, 1).toString('base64')])<Registration>('registration')
  const idOf = (length: number) => {
    const uris = ['a', 'b', 'c', 'd'].map((one) => `http://127.0.0.1/${one.repeat(length)}`)
    const registration = read({ client_name: '例'.repeat(60), redirect_uris: uris })
    return 'error' in registration ? undefined : seal.seal(registration, 60_000)
  }
  const taken = Array.from({ length: 500 }, (_, length) => idOf(length)).filter((id) => id !== undefined)
  assert.ok(taken.length > 200 && taken.length < 500)
  assert.ok(taken.every((id) => id.length <= 2_048))
})

const schema = Compile(ClientMetadata)
for (const [name, metadata, expected] of [
  ['redirect URIs alone', { redirect_uris }, true],
  ['members that nobody here looks at', { redirect_uris, logo_uri: 7, jwks: { keys: [] } }, true],
  ['twenty redirect URIs', { redirect_uris: Array(20).fill('https://app.example/callback') }, true],
  ['twenty-one redirect URIs', { redirect_uris: Array(21).fill('https://app.example/callback') }, false],
  ['a redirect URI of 501 characters', { redirect_uris: ['a'.repeat(501)] }, false],
  ['no redirect URIs', {}, false],
  ['an empty list of them', { redirect_uris: [] }, false],
  ['a redirect URI outside a list', { redirect_uris: redirect_uris[0] }, false],
  ['a redirect URI that is no text', { redirect_uris: [7] }, false],
  ['a name of 201 characters', { redirect_uris, client_name: 'a'.repeat(201) }, false],
  ['a name that is no text', { redirect_uris, client_name: {} }, false],
  ['eleven grants', { redirect_uris, grant_types: Array(11).fill('authorization_code') }, false],
  ['grants outside a list', { redirect_uris, grant_types: 'authorization_code' }, false],
  ['an answer of 101 characters', { redirect_uris, response_types: ['a'.repeat(101)] }, false],
  ['a method that is no text', { redirect_uris, token_endpoint_auth_method: null }, false],
] as const) {
  test(`a description with ${name} is ${expected ? '' : 'not '}well-formed`, () => {
    assert.equal(schema.Check(metadata), expected)
  })
}
