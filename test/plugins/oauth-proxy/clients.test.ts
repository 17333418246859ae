import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OAuthProxyConfig } from '../../../src/config/oauth-proxy.ts'
import { Failure } from '../../../src/errors.ts'
import { type Client, clientKey } from '../../../src/oauth/client.ts'
import type { Parameters } from '../../../src/oauth/parameters.ts'
import type { Registration } from '../../../src/oauth/registration.ts'
import { createSeals } from '../../../src/oauth/seal.ts'
import { createClients } from '../../../src/plugins/oauth-proxy/clients.ts'

const clientId = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'
const documentUrl = 'https://client.example/client.json'
const secret = 'Zq8Q~very-secret.value_of:the+app'
const config: OAuthProxyConfig = {
  clientId,
  credential: { kind: 'secret', secret },
  scopes: ['access_as_user'],
  redirects: [],
  sealKeys: [],
}
const registration: Registration = { name: 'A client', redirectUris: ['http://127.0.0.1/callback'] }
const documented: Client = { id: documentUrl, kind: 'document', name: 'Documented', redirectUris: [] }

let nowMs = 1_764_000_000_000
const seals = createSeals([Buffer.alloc(32, 1).toString('base64')], () => nowMs)
const registrations = seals<Registration>('registration')
const registeredId = registrations.seal(registration, 1_000_000)

/** URLs whose document was asked for. */
const fetched: string[] = []
const documents = {
  find: async (url: string) => {
    fetched.push(url)
    if (url !== documentUrl) throw new Failure('client_document_unavailable')
    return documented
  },
}
const { find, identify } = createClients({ config, registrations, documents })

test('the configured app is known by its id, in any case, and may use every redirect URI of the list', async () => {
  for (const id of [clientId, clientId.toUpperCase()]) {
    const client = await find(id)
    assert.deepEqual([client.id, client.kind, client.redirectUris], [clientId, 'configured', undefined])
  }
})

test('a registration is known by its sealed self', async () => {
  assert.deepEqual(await find(registeredId), { id: registeredId, kind: 'registered', ...registration })
})

test('a URL is known by its document', async () => {
  assert.equal(await find(documentUrl), documented)
})

test('what is wrong with a document is said', async () => {
  await assert.rejects(find('https://other.example/client.json'), { reason: 'client_document_unavailable' })
})

for (const [name, id] of [
  ['nothing', ''],
  ['a name', 'a-client'],
  ['another app', '11111111-2222-3333-4444-555555555555'],
  ['the configured app with a space', ` ${clientId}`],
  ['a tampered registration', `${registeredId.slice(0, -1)}${registeredId.endsWith('A') ? 'B' : 'A'}`],
  ['a registration in upper case', registeredId.toUpperCase()],
  ['what was sealed for something else', seals<Registration>('code').seal(registration, 1_000_000)],
  ['an http URL', 'http://client.example/client.json'],
  ['a URL without a path', 'https://client.example'],
  ['a URL of an address', 'https://127.0.0.1/client.json'],
  ['a URL with userinfo', 'https://a@client.example/client.json'],
  ['the name of what every object has', 'constructor'],
] as const) {
  test(`${name} is no client, and nothing is fetched for it`, async () => {
    fetched.length = 0
    await assert.rejects(find(id), { name: 'Failure', reason: 'client_unknown' })
    assert.throws(() => identify({ client_id: id }, undefined), {
      reason: id === '' ? 'parameter_missing' : 'client_unknown',
    })
    assert.deepEqual(fetched, [])
  })
}

test('a registration ends', async () => {
  const id = registrations.seal(registration, 1_000)
  assert.ok(await find(id))
  nowMs += 1_000
  await assert.rejects(find(id), { reason: 'client_unknown' })
  assert.throws(() => identify({ client_id: id }, undefined), { reason: 'client_unknown' })
})

const formEncoded = (text: string) => encodeURIComponent(text).replaceAll('%20', '+')
/** HTTP Basic as RFC 6749 section 2.3.1 has it: both parts form-encoded first. */
const basic = (id: string, password: string) => rawBasic(`${formEncoded(id)}:${formEncoded(password)}`)
const rawBasic = (credentials: string) => `Basic ${Buffer.from(credentials).toString('base64')}`

const identified: readonly [name: string, form: Parameters, authorization: string | undefined, id: string][] = [
  ['the configured app without a secret', { client_id: clientId }, undefined, clientId],
  ['the configured app in upper case', { client_id: clientId.toUpperCase() }, undefined, clientId],
  ['the configured app with its secret', { client_id: clientId, client_secret: secret }, undefined, clientId],
  ['the configured app with an empty secret', { client_id: clientId, client_secret: '' }, undefined, clientId],
  ['the configured app by Basic', {}, basic(clientId, secret), clientId],
  ['the configured app by Basic, its secret as it is', {}, rawBasic(`${clientId}:${secret}`), clientId],
  ['the configured app by Basic, named in the form too', { client_id: clientId }, basic(clientId, secret), clientId],
  ['the configured app by Basic without a secret', {}, basic(clientId, ''), clientId],
  ['the configured app by Basic without a colon', {}, rawBasic(clientId), clientId],
  ['the scheme in lower case', {}, basic(clientId, secret).replace('Basic', 'basic'), clientId],
  ['a registration', { client_id: registeredId }, undefined, registeredId],
  ['a registration by Basic', {}, basic(registeredId, ''), registeredId],
  ['a document', { client_id: documentUrl }, undefined, documentUrl],
  ['a document by Basic', {}, basic(documentUrl, ''), documentUrl],
]
for (const [name, form, authorization, id] of identified) {
  test(`${name} is identified, without a fetch`, () => {
    fetched.length = 0
    assert.equal(identify(form, authorization), clientKey(id))
    assert.deepEqual(fetched, [])
  })
}

const refused: readonly [name: string, form: Parameters, authorization: string | undefined][] = [
  ['a wrong secret', { client_id: clientId, client_secret: 'wrong' }, undefined],
  ['a secret that is cut short', { client_id: clientId, client_secret: secret.slice(1) }, undefined],
  ['a secret and more', { client_id: clientId, client_secret: `${secret} ` }, undefined],
  ['a secret in another case', { client_id: clientId, client_secret: secret.toLowerCase() }, undefined],
  ['a wrong secret by Basic', {}, basic(clientId, 'wrong')],
  ['a secret by Basic that is not encoded as it has to be', {}, rawBasic(`${clientId}:%zz`)],
  ['half a character by Basic', {}, rawBasic(`${clientId}:%c3`)],
  ['the right secret both ways', { client_id: clientId, client_secret: secret }, basic(clientId, secret)],
  ['a secret in the form and none by Basic', { client_secret: secret }, basic(clientId, '')],
  ['one client by Basic and another in the form', { client_id: registeredId }, basic(clientId, secret)],
  ['a registration with a secret', { client_id: registeredId, client_secret: secret }, undefined],
  ['a registration by Basic with a secret', {}, basic(registeredId, secret)],
  ['a document with a secret', { client_id: documentUrl, client_secret: secret }, undefined],
  ['a document by Basic with a secret', {}, basic(documentUrl, secret)],
  ['Basic without an id', {}, rawBasic(`:${secret}`)],
  ['Basic with nothing', {}, 'Basic '],
  ['Basic alone', {}, 'Basic'],
  ['Basic beside an id in the form, with nothing', { client_id: clientId }, 'Basic '],
  ['Basic that is not base64', { client_id: clientId }, 'Basic !!!'],
  ['Basic twice', { client_id: clientId }, `${basic(clientId, secret)}, ${basic(clientId, secret)}`],
  ['a bearer token', { client_id: clientId }, 'Bearer abc'],
  ['another scheme', { client_id: clientId }, `Digest ${basic(clientId, secret).slice(6)}`],
  ['an empty header', { client_id: clientId }, ''],
]
for (const [name, form, authorization] of refused) {
  test(`${name} is refused`, () => {
    assert.throws(() => identify(form, authorization), { name: 'Failure', reason: 'client_secret_refused' })
  })
}

test('a stranger by Basic is unknown', () => {
  assert.throws(() => identify({}, basic('a-client', secret)), { reason: 'client_unknown' })
})

test('nobody is missed by name', () => {
  assert.throws(() => identify({}, undefined), { reason: 'parameter_missing', details: { detail: 'It is client_id.' } })
})

for (const [name, form] of [
  ['client_id', { client_id: [clientId, clientId] }],
  ['client_secret', { client_id: clientId, client_secret: [secret, 'wrong'] }],
] as const) {
  test(`a ${name} that comes twice is refused, with and without Basic`, () => {
    for (const authorization of [undefined, basic(clientId, secret)]) {
      assert.throws(() => identify(form as unknown as Parameters, authorization), { reason: 'parameter_repeated' })
    }
  })
}

test('no failure repeats what was sent', () => {
  for (const authorization of [basic(clientId, 'zq7-wrong'), rawBasic('zq7-wrong:zq7-wrong'), 'Bearer zq7-wrong']) {
    assert.throws(
      () => identify({}, authorization),
      (error: Failure) => !JSON.stringify([error.message, error.details]).includes('zq7'),
    )
  }
})
