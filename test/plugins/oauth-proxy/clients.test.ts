import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../../src/errors/index.ts'
import type { Client } from '../../../src/plugins/oauth-proxy/clients.ts'
import { findClient, findKnownClient, mayUse } from '../../../src/plugins/oauth-proxy/clients.ts'
import type { Registration } from '../../../src/plugins/oauth-proxy/registration.ts'
import { createSeals } from '../../../src/plugins/oauth-proxy/seal.ts'

const clientId = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'
const documentUrl = 'https://client.example/client.json'
const rejectedUrl = 'https://client.example/rejected.json'
const registration: Registration = { name: 'A client', redirectUris: ['http://127.0.0.1/callback'] }
const documented: Client = {
  id: documentUrl,
  kind: 'document',
  name: 'Documented',
  redirectUris: ['http://127.0.0.1/callback'],
}

let nowMs = 1_764_000_000_000
const sealKey = Buffer.alloc(32, 1).toString('base64')
const seals = createSeals([sealKey], () => nowMs)
const registrations = seals<Registration>('registration')
const registeredId = await registrations.seal(registration, 1_000_000)

/** URLs whose document was asked for. */
const fetched: string[] = []
const documents = {
  find: async (url: string) => {
    fetched.push(url)
    if (url === rejectedUrl) throw new Failure('client_document_invalid')
    if (url !== documentUrl) throw new Failure('client_document_unavailable')
    return documented
  },
}
const context = { entraClientId: clientId, registrations, documents }
const find = (id: string) => findClient(context, id)

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
  ['what was sealed for something else', await seals<Registration>('code').seal(registration, 1_000_000)],
  ['an http URL', 'http://client.example/client.json'],
  ['a URL without a path', 'https://client.example'],
  ['a URL of an address', 'https://127.0.0.1/client.json'],
  ['a URL with userinfo', 'https://a@client.example/client.json'],
  ['the name of what every object has', 'constructor'],
] as const) {
  test(`${name} is no client, and nothing is fetched for it`, async () => {
    fetched.length = 0
    await assert.rejects(find(id), { name: 'Failure', reason: 'client_unknown' })
    assert.equal(await findKnownClient(context, id), undefined)
    assert.deepEqual(fetched, [])
  })
}

test('a registration ends', async () => {
  const id = await registrations.seal(registration, 1_000)
  assert.ok(await find(id))
  nowMs += 1_000
  await assert.rejects(find(id), { reason: 'client_unknown' })
  assert.equal(await findKnownClient(context, id), undefined)
})

for (const [name, id, uri, expected] of [
  ['the configured app', clientId, 'https://any.example/', true],
  ['a registration', registeredId, 'http://127.0.0.1:5000/callback', true],
  ['a registration', registeredId, 'http://127.0.0.1/other', false],
  ['a document', documentUrl, 'http://127.0.0.1:5000/callback', true],
  ['a document', documentUrl, 'https://any.example/', false],
  ['a document that cannot be used any more', rejectedUrl, 'http://127.0.0.1/callback', false],
] as const) {
  test(`${name} may ${expected ? '' : 'not '}use ${uri}`, async () =>
    assert.equal(await mayUse(context, id, uri), expected))
}

test('a document that cannot be fetched at the moment is waited for, and says for how long', async () => {
  await assert.rejects(mayUse(context, 'https://other.example/client.json', 'http://127.0.0.1/callback'), {
    reason: 'client_document_pending',
    details: { retryAfterSeconds: 10, cause: new Failure('client_document_unavailable') },
  })
})

test('nobody may use anything', async () => {
  await assert.rejects(mayUse(context, 'a-client', 'http://127.0.0.1/callback'), { reason: 'client_unknown' })
})
