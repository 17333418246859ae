import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Failure, oauthError, type Reason } from '../../../src/errors/index.ts'
import { parseRedirectRule } from '../../../src/lib/redirect-policy.ts'
import {
  type ClientMetadata,
  type Registration,
  readRegistration,
  registeredMethod,
} from '../../../src/plugins/oauth-proxy/registration.ts'
import { createSeals } from '../../../src/plugins/oauth-proxy/seal.ts'

const rules = ['http://127.0.0.1', 'https://app.example/callback']
  .map(parseRedirectRule)
  .filter((rule) => rule !== undefined)
const redirect_uris = ['http://127.0.0.1:33418/callback']
const read = (metadata: ClientMetadata = {}) => readRegistration({ redirect_uris, ...metadata }, rules)

/** The registration, or the failure if there is none. */
function outcomeOf(metadata: ClientMetadata): Registration | Failure {
  try {
    return readRegistration(metadata, rules)
  } catch (error) {
    assert.ok(error instanceof Failure, String(error))
    return error
  }
}

function rejectionOf(metadata: ClientMetadata): Failure {
  const outcome = outcomeOf({ redirect_uris, ...metadata })
  return outcome instanceof Failure ? outcome : assert.fail('It was registered')
}

const longUri = (length: number) => 'http://127.0.0.1/'.padEnd(length, 'a')

test('a registration remembers the name and the redirect URIs, and nothing else', () => {
  const metadata = {
    client_name: 'A client',
    redirect_uris,
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    software_id: 'x',
  }
  assert.deepEqual(readRegistration(metadata, rules), { name: 'A client', redirectUris: redirect_uris })
})

for (const [method, registered] of [
  ['client_secret_post', 'client_secret_post'],
  ['client_secret_basic', 'client_secret_basic'],
  ['none', 'none'],
  ['private_key_jwt', 'none'],
  ['client_secret_jwt', 'none'],
  ['CLIENT_SECRET_POST', 'none'],
  ['', 'none'],
  [undefined, 'none'],
  [null, 'none'],
  [['client_secret_post'], 'none'],
] as const) {
  test(`a client that asks for ${JSON.stringify(method)} is registered with ${registered}`, () => {
    const metadata = { redirect_uris, token_endpoint_auth_method: method }
    assert.equal(registeredMethod(metadata), registered)
    const registration = readRegistration(metadata, rules)
    assert.equal('hasSecret' in registration, registered !== 'none')
  })
}

test('redirect URIs are enough', () => {
  assert.deepEqual(read(), { name: 'Unnamed app', redirectUris: redirect_uris })
})

test('a name is registered as it will be shown', () => {
  const registration = read({ client_name: ` A\u202e ${'n'.repeat(100)}` })
  assert.equal('name' in registration && registration.name, `A ${'n'.repeat(57)}…`)
})

test('redirect URIs that this server would not use are left out, and each is registered once', () => {
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
  assert.deepEqual(registration.redirectUris, ['https://app.example/callback', ...redirect_uris])
})

const rejections: readonly [name: string, metadata: ClientMetadata, reason: Reason, detail: RegExp][] = [
  [
    'foreign redirect URIs alone',
    { redirect_uris: ['https://evil.example/'] },
    'redirect_uris_not_allowed',
    /operator/,
  ],
  ['a scheme that runs', { redirect_uris: ['javascript:alert(1)'] }, 'redirect_uris_not_allowed', /own scheme/],
  ['a fragment', { redirect_uris: ['http://localhost:1/cb#x'] }, 'redirect_uris_not_allowed', /fragment/],
  ['a default port', { redirect_uris: ['http://localhost:80/cb'] }, 'redirect_uris_not_allowed', /default port/],
  [
    'a code of its own',
    { redirect_uris: ['http://localhost:1/cb?code=1'] },
    'redirect_uris_not_allowed',
    /parameter of/,
  ],
  ['other grants alone', { grant_types: ['client_credentials'] }, 'client_metadata_invalid', /grant_types/],
  ['refresh alone', { grant_types: ['refresh_token'] }, 'client_metadata_invalid', /grant_types/],
  ['the implicit response type', { response_types: ['token'] }, 'client_metadata_invalid', /response_types/],
  ['no redirect URIs', { redirect_uris: undefined }, 'client_metadata_invalid', /redirect_uris/],
  ['null for them', { redirect_uris: null }, 'client_metadata_invalid', /redirect_uris/],
  ['an empty list of them', { redirect_uris: [] }, 'client_metadata_invalid', /redirect_uris/],
  ['a redirect URI outside a list', { redirect_uris: redirect_uris[0] }, 'client_metadata_invalid', /redirect_uris/],
  ['a list of what is no text', { redirect_uris: [7, null, [], {}] }, 'client_metadata_invalid', /redirect_uris/],
  [
    'an allowed one in a list of its own',
    { redirect_uris: [redirect_uris] },
    'client_metadata_invalid',
    /redirect_uris/,
  ],
  ['over-long ones alone', { redirect_uris: [longUri(1_200), longUri(1_300)] }, 'client_metadata_invalid', /too long/],
  [
    'what no URI may be longer than',
    { redirect_uris: [longUri(9_000)] },
    'redirect_uris_not_allowed',
    /as browsers write it/,
  ],
]
for (const [name, metadata, reason, detail] of rejections) {
  test(`a client with ${name} is rejected`, () => {
    const failure = rejectionOf(metadata)
    assert.equal(failure.reason, reason)
    assert.match(failure.details.detail ?? '', detail)
  })
}

test('the first of redirect URIs that are not allowed is named for the log', () => {
  const uris = [null, 'https://new.example/callback?a=b#c', 'https://other.example/']
  assert.equal(rejectionOf({ redirect_uris: uris }).details.redirectUri, 'https://new.example/callback')
})

test('an error response repeats nothing that the client sent', () => {
  for (const metadata of [
    { redirect_uris: ['https://evil.example/zq7mark'] },
    { grant_types: ['zq7mark'] },
    { response_types: ['zq7mark'] },
  ]) {
    assert.doesNotMatch(JSON.stringify(oauthError(rejectionOf(metadata)).body), /zq7mark|evil/)
  }
})

test('grant and response types beyond those that are served do no harm', () => {
  const grant_types = ['implicit', 'authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:jwt-bearer']
  assert.ok(read({ grant_types, response_types: ['code', 'id_token'] }))
})

test('whatever is registered fits a client id, which may have 2,048 characters', async () => {
  const seal = createSeals([Buffer.alloc(32, 1).toString('base64')])<Registration>('registration')
  const uri = fc
    .string({ unit: fc.constantFrom(...'abcdefgh0123456789-_~&=?/'), maxLength: 450 })
    .map((path) => `http://127.0.0.1/${path}`)
  const unit = fc.oneof(
    fc.constantFrom('"', '\\', 'é', '例', '🤖'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit, maxLength: 100, size: 'max' }),
      fc.array(uri, { minLength: 1, maxLength: 20 }),
      fc.constantFrom('none', 'client_secret_post'),
      async (client_name, uris, token_endpoint_auth_method) => {
        const registration = outcomeOf({ client_name, redirect_uris: uris, token_endpoint_auth_method })
        if (registration instanceof Failure) return
        const id = await seal.seal(registration, 60_000)
        assert.ok(id.length <= 2_048, `${id.length} characters`)
        const opened = await seal.open(id)
        assert.deepEqual('value' in opened && opened.value, registration)
      },
    ),
    { numRuns: 500 },
  )
})

test('the longest registration that is taken fits as well', async () => {
  const seal = createSeals([Buffer.alloc(32, 1).toString('base64')])<Registration>('registration')
  const idOf = (length: number) => {
    const uris = ['a', 'b', 'c', 'd'].map((one) => `http://127.0.0.1/${one.repeat(length)}`)
    const registration = read({ client_name: '例'.repeat(60), redirect_uris: uris })
    return registration.redirectUris.length < 4 ? undefined : seal.seal(registration, 60_000)
  }
  const ids = await Promise.all(Array.from({ length: 500 }, (_, length) => idOf(length)))
  const taken = ids.filter((id) => id !== undefined)
  assert.ok(taken.length > 200 && taken.length < 500)
  assert.ok(taken.every((id) => id.length <= 2_048))
})

test('of redirect URIs that are too long together, those that fit are registered, in their order', () => {
  const uris = Array.from({ length: 20 }, (_, i) => longUri(100).replace('aa', `${i}/`))
  const registration = read({ redirect_uris: [longUri(1_300), ...uris] })
  const { length } = registration.redirectUris
  assert.ok(length > 5 && length < 20, String(length))
  assert.deepEqual(registration.redirectUris, uris.slice(0, length))
})

test('a long redirect URI does not take the place of a short one behind it', () => {
  const registration = read({ redirect_uris: [longUri(600), longUri(700), ...redirect_uris] })
  assert.deepEqual(registration.redirectUris, [longUri(600), ...redirect_uris])
})

for (const [name, metadata, expected] of [
  ['null for every member but one', { client_name: null, grant_types: null, response_types: null, scope: null }, {}],
  ['members that nobody here looks at', { logo_uri: 7, jwks: { keys: [] }, contacts: [null] }, {}],
  ['null, numbers and objects among its redirect URIs', { redirect_uris: [null, 7, {}, ...redirect_uris] }, {}],
  ['an over-long redirect URI among good ones', { redirect_uris: [longUri(9_000), ...redirect_uris] }, {}],
  ['a hundred redirect URIs', { redirect_uris: [...Array(99).fill('https://evil.example/'), ...redirect_uris] }, {}],
  ['a name of 10,000 characters', { client_name: 'n'.repeat(10_000) }, { name: `${'n'.repeat(59)}…` }],
  ['a name that is no text', { client_name: { en: 'A client' } }, {}],
  ['empty lists', { grant_types: [], response_types: [] }, {}],
  ['lists of null', { grant_types: [null], response_types: [null] }, {}],
  ['null among its grants', { grant_types: [null, 'authorization_code'], response_types: ['code', null] }, {}],
  ['a grant outside a list', { grant_types: 'authorization_code', response_types: 'code' }, {}],
  ['many and long grants', { grant_types: [...Array(99).fill('g'.repeat(200)), 'authorization_code'] }, {}],
  ['a method that is no text', { token_endpoint_auth_method: 7 }, {}],
] as const) {
  test(`a client with ${name} is registered`, () => {
    const registration = { name: 'Unnamed app', redirectUris: redirect_uris, ...expected }
    assert.deepEqual(read(metadata), registration)
  })
}

test('whatever a client sends, it is registered or rejected', () => {
  const members = ['redirect_uris', 'client_name', 'grant_types', 'response_types', 'token_endpoint_auth_method']
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...members), fc.jsonValue()), (metadata) => {
      assert.ok(outcomeOf(metadata) instanceof Failure)
      const outcome = outcomeOf({ ...metadata, redirect_uris })
      assert.ok(outcome instanceof Failure || outcome.redirectUris.length === 1)
    }),
  )
})
