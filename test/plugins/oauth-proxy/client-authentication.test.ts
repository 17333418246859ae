import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Failure } from '../../../src/errors/index.ts'
import { authenticateClient } from '../../../src/plugins/oauth-proxy/client-authentication.ts'
import { createClientSecrets } from '../../../src/plugins/oauth-proxy/client-secret.ts'
import { clientKey } from '../../../src/plugins/oauth-proxy/clients.ts'
import type { Parameters } from '../../../src/plugins/oauth-proxy/parameters.ts'
import type { Registration } from '../../../src/plugins/oauth-proxy/registration.ts'
import { createSeals } from '../../../src/plugins/oauth-proxy/seal.ts'

const clientId = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'
const documentUrl = 'https://client.example/client.json'
const secret = 'Zq8Q~very-secret.value_of:the+app'
const registration: Registration = { name: 'A client', redirectUris: ['http://127.0.0.1/callback'] }

const sealKey = Buffer.alloc(32, 1).toString('base64')
const secrets = createClientSecrets([sealKey])
const registrations = createSeals([sealKey])<Registration>('registration')
const registeredId = await registrations.seal(registration, 1_000_000)
/** A client that was given a secret. */
const confidentialId = await registrations.seal({ ...registration, hasSecret: true }, 1_000_000)
const itsSecret = secrets.secretOf(confidentialId)

const context = { entraClientId: clientId, registrations, secrets, credential: { kind: 'secret', secret } } as const
const identify = (body: Parameters, authorization: string | undefined) =>
  authenticateClient(context, { body, headers: { authorization } })

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
  ['a client with a secret', { client_id: confidentialId, client_secret: itsSecret }, undefined, confidentialId],
  ['a client with a secret by Basic', {}, basic(confidentialId, itsSecret), confidentialId],
  ['a client with a secret by Basic, as it is', {}, rawBasic(`${confidentialId}:${itsSecret}`), confidentialId],
  ['a document', { client_id: documentUrl }, undefined, documentUrl],
  ['a document by Basic', {}, basic(documentUrl, ''), documentUrl],
]
for (const [name, form, authorization, id] of identified) {
  test(`${name} is identified, without a fetch`, async () => {
    assert.deepEqual(await identify(form, authorization), { id, key: clientKey(id), hasSecret: id === confidentialId })
  })
}

/** A client assertion that nobody signed; only its payload is read. */
const assertionOf = (payload: unknown) =>
  ['{"alg":"RS256"}', JSON.stringify(payload), 'signature']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.')

for (const [name, id] of [
  ['a document’s client', documentUrl],
  ['the configured app', clientId],
  ['a registration', registeredId],
] as const) {
  test(`an assertion names ${name} where client_id does not, without a fetch`, async () => {
    assert.equal((await identify({ client_assertion: assertionOf({ sub: id }) }, undefined))?.key, clientKey(id))
  })
}

test('an assertion is not looked at where the client is named otherwise', async () => {
  for (const client_assertion of [
    assertionOf({ sub: documentUrl }),
    assertionOf({ sub: 'an-unknown-client' }),
    'x',
    '...',
  ]) {
    assert.equal(
      (await identify({ client_id: registeredId, client_assertion }, undefined))?.key,
      clientKey(registeredId),
    )
    assert.equal((await identify({ client_assertion }, basic(registeredId, '')))?.key, clientKey(registeredId))
  }
})

test('an assertion stands for no secret', async () => {
  const form = { client_id: clientId, client_secret: 'wrong', client_assertion: assertionOf({ sub: clientId }) }
  await assert.rejects(identify(form, undefined), { reason: 'client_authentication_failed' })
})

test('an assertion about nobody that is known here is rejected', async () => {
  await assert.rejects(identify({ client_assertion: assertionOf({ sub: 'a-client' }) }, undefined), {
    reason: 'client_unknown',
  })
})

for (const [name, client_assertion] of [
  ['an empty one', ''],
  ['one that is no JWT', 'x'],
  ['one of dots', '..'],
  ['one whose payload is no JSON', 'e30.e.e30'],
  ['one whose payload is null', assertionOf(null)],
  ['one whose payload is a text', assertionOf(clientId)],
  ['one without a subject', assertionOf({ iss: clientId })],
  ['one whose subject is no text', assertionOf({ sub: [clientId] })],
  ['one whose subject is empty', assertionOf({ sub: '' })],
  ['one whose subject is longer than a client id', assertionOf({ sub: `https://client.example/${'a'.repeat(2_048)}` })],
] as const) {
  test(`an assertion names nobody: ${name}`, async () =>
    assert.equal(await identify({ client_assertion }, undefined), undefined))
}

const rejected: readonly [name: string, form: Parameters, authorization: string | undefined][] = [
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
  [
    'a registration with the secret that it would have',
    { client_id: registeredId, client_secret: secrets.secretOf(registeredId) },
    undefined,
  ],
  ['a client without its secret', { client_id: confidentialId }, undefined],
  ['a client with an empty secret', { client_id: confidentialId, client_secret: '' }, undefined],
  ['a client with another’s secret', { client_id: confidentialId, client_secret: secret }, undefined],
  ['a client with half of its secret', { client_id: confidentialId, client_secret: itsSecret.slice(0, 42) }, undefined],
  ['a client without its secret by Basic', {}, basic(confidentialId, '')],
  ['a client with a wrong secret by Basic', {}, basic(confidentialId, secrets.secretOf(registeredId))],
  ['a client with its secret both ways', { client_secret: itsSecret }, basic(confidentialId, itsSecret)],
  ['an assertion in place of a secret', { client_assertion: assertionOf({ sub: confidentialId }) }, undefined],
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
for (const [name, form, authorization] of rejected) {
  test(`${name} is rejected`, async () => {
    await assert.rejects(identify(form, authorization), { name: 'Failure', reason: 'client_authentication_failed' })
  })
}

test('an unknown client by Basic is unknown', async () => {
  await assert.rejects(identify({}, basic('a-client', secret)), { reason: 'client_unknown' })
})

test('a request may say nothing of who asks', async () => assert.equal(await identify({}, undefined), undefined))

for (const [name, form] of [
  ['client_id', { client_id: [clientId, clientId] }],
  ['client_secret', { client_id: clientId, client_secret: [secret, 'wrong'] }],
  ['client_assertion', { client_id: clientId, client_assertion: ['x', 'y'] }],
] as const) {
  test(`a ${name} that comes twice is rejected, with and without Basic`, async () => {
    for (const authorization of [undefined, basic(clientId, secret)]) {
      await assert.rejects(identify(form as unknown as Parameters, authorization), { reason: 'parameter_repeated' })
    }
  })
}

test('no failure repeats what was sent', async () => {
  for (const authorization of [
    basic(clientId, 'zq7mark-wrong'),
    rawBasic('zq7mark-wrong:zq7mark-wrong'),
    'Bearer zq7mark-wrong',
  ]) {
    await assert.rejects(
      identify({}, authorization),
      (error: Failure) => !JSON.stringify([error.message, error.details]).includes('zq7mark'),
    )
  }
})
