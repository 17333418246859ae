import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { test } from 'node:test'
import Fastify from 'fastify'
import { readConfig } from '../../src/config/index.ts'
import { tenantEndpoints } from '../../src/config/tenant.ts'
import type { BoundedRequest, BoundedResponse } from '../../src/lib/bounded-client.ts'
import { createEntraKeys, entraKeys } from '../../src/plugins/entra-keys/index.ts'
import { observability } from '../../src/plugins/observability/index.ts'
import { auditInto } from '../helper.ts'

const tenantId = '11111111-2222-3333-4444-555555555555'
const clientId = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'
const endpoints = tenantEndpoints({ authorityHost: 'https://login.microsoftonline.com', tenantId, clientId })

const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'jwk' })
const keyA = rsa(2048)
const keyB = rsa(2048)
const pemOf = (key: JsonWebKey) => createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
const jwk = (kid: string, key: JsonWebKey = keyA, more: object = {}) => ({ ...key, kid, use: 'sig', ...more })

type StubResponse = Partial<BoundedResponse> | Error
const set = (...keys: unknown[]): StubResponse => ({ body: JSON.stringify({ keys }) })

/** Signing keys from an endpoint and by a clock that the test controls. */
function keysFrom(first: StubResponse, options: { refreshMs?: number } = {}) {
  const endpoint = {
    now: 1_000_000,
    response: first,
    requests: [] as BoundedRequest[],
    lines: [] as Record<string, unknown>[],
  }
  let release: (() => void) | undefined
  let held: Promise<void> = Promise.resolve()
  const keys = createEntraKeys({
    endpoints,
    http: {
      async request(request) {
        endpoint.requests.push(request)
        await held
        if (endpoint.response instanceof Error) throw endpoint.response
        return { status: 200, headers: {}, body: '', ...endpoint.response }
      },
    },
    audit: auditInto(endpoint.lines),
    now: () => endpoint.now,
    ...options,
  })
  return Object.assign(endpoint, {
    keys,
    /** Responses wait until `release`. */
    hold() {
      held = new Promise((resolve) => {
        release = resolve
      })
    },
    release: () => release?.(),
  })
}

const unknown = { name: 'Failure', reason: 'unknown_key' }
const unavailable = { name: 'Failure', reason: 'keys_unavailable' }

test('keys are fetched from the configured tenant and returned as PEM by key id', async () => {
  const { keys, requests } = keysFrom(set(jwk('a', keyA), jwk('b', keyB)))
  await keys.start()
  assert.deepEqual(requests, [{ method: 'GET', url: endpoints.keysUrl }])
  assert.equal(await keys.publicKey('a'), pemOf(keyA))
  assert.equal(await keys.publicKey('b'), pemOf(keyB))
  keys.stop()
})

test('a key with the tenant’s v2 issuer, its v1 issuer, or none is accepted', async () => {
  const { keys } = keysFrom(
    set(jwk('a', keyA, { issuer: endpoints.issuer }), jwk('b', keyA, { issuer: endpoints.issuerV1 }), jwk('c')),
  )
  await keys.start()
  for (const kid of ['a', 'b', 'c']) assert.equal(await keys.publicKey(kid), pemOf(keyA))
  keys.stop()
})

const { n: modulus, e: exponent } = keyA
const unusableKeys: readonly [name: string, key: unknown][] = [
  [
    'an EC key',
    { ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }), kid: 'x', use: 'sig' },
  ],
  ['a symmetric key', { kty: 'oct', kid: 'x', k: 'AAAA', use: 'sig' }],
  ['an encryption key', jwk('x', keyA, { use: 'enc' })],
  ['a key of 1024 bits', jwk('x', rsa(1024))],
  ['a key of another tenant', jwk('x', keyA, { issuer: endpoints.issuer.replace('1', '2') })],
  ['a key of every tenant', jwk('x', keyA, { issuer: 'https://login.microsoftonline.com/{tenantid}/v2.0' })],
  ['a key whose issuer is not a string', jwk('x', keyA, { issuer: null })],
  ['a key without n', { kty: 'RSA', kid: 'x', e: exponent, use: 'sig' }],
  ['a key without e', { kty: 'RSA', kid: 'x', n: modulus, use: 'sig' }],
  ['a key whose n is not a string', { kty: 'RSA', kid: 'x', n: 7, e: exponent, use: 'sig' }],
  ['a key whose id is not a string', { ...jwk('x'), kid: 7 }],
  ['a key without id', { ...jwk('x'), kid: undefined }],
  ['null', null],
  ['a string', 'x'],
]
for (const [name, key] of unusableKeys) {
  test(`${name} is ignored, and the other keys are accepted`, async () => {
    const { keys } = keysFrom(set(key, jwk('good')))
    await keys.start()
    assert.equal(await keys.publicKey('good'), pemOf(keyA))
    await assert.rejects(keys.publicKey('x'), unknown)
    keys.stop()
  })
}

const badResponses: readonly [name: string, response: StubResponse][] = [
  ['an error', new Error('rejected')],
  ['a 500', { status: 500, body: JSON.stringify({ keys: [jwk('a')] }) }],
  [
    'a redirect',
    { status: 302, headers: { location: 'https://evil.example/' }, body: JSON.stringify({ keys: [jwk('a')] }) },
  ],
  ['HTML', { body: '<html>' }],
  ['truncated JSON', { body: '{"keys":[' }],
  ['null', { body: 'null' }],
  ['an array', { body: '[]' }],
  ['keys that are not an array', { body: '{"keys":"none"}' }],
  ['no keys', set()],
  ['only unusable keys', set(jwk('a', keyA, { use: 'enc' }))],
]
for (const [name, response] of badResponses) {
  test(`${name} at start leaves no set, and is logged`, async () => {
    const { keys, lines } = keysFrom(response)
    await keys.start()
    assert.equal(keys.loaded, false)
    assert.equal(lines[0]?.['event'], 'keys_unavailable')
    await assert.rejects(keys.publicKey('a'), unavailable)
    keys.stop()
  })

  test(`${name} later leaves the last good set in use`, async () => {
    const endpoint = keysFrom(set(jwk('a')))
    const removed: string[] = []
    endpoint.keys.onRemoved((kid) => removed.push(kid))
    await endpoint.keys.start()
    endpoint.response = response
    await endpoint.keys.start()
    assert.equal(await endpoint.keys.publicKey('a'), pemOf(keyA))
    assert.deepEqual(removed, [])
    endpoint.keys.stop()
  })
}

test('a thousand invented key ids cost one fetch per cooldown, and known ones none', async () => {
  const { keys, requests, ...endpoint } = keysFrom(set(jwk('a')))
  await keys.start()
  const burst = await Promise.allSettled(Array.from({ length: 1_000 }, (_, i) => keys.publicKey(`invented-${i}`)))
  assert.ok(burst.every(({ status }) => status === 'rejected'))
  for (let i = 0; i < 50; i++) await assert.rejects(keys.publicKey(`late-${i}`), unknown)
  await keys.publicKey('a')
  assert.equal(requests.length, 2)
  assert.ok(endpoint.lines.length > 0)
  keys.stop()
})

test('the cooldown lasts 30 seconds', async () => {
  const endpoint = keysFrom(set(jwk('a')))
  const { keys, requests } = endpoint
  await keys.start()
  await assert.rejects(keys.publicKey('x'), unknown)
  endpoint.now += 29_999
  await assert.rejects(keys.publicKey('x'), unknown)
  assert.equal(requests.length, 2)
  endpoint.now += 1
  await assert.rejects(keys.publicKey('x'), unknown)
  assert.equal(requests.length, 3)
  keys.stop()
})

test('the cooldown holds while the endpoint fails', async () => {
  const endpoint = keysFrom(set(jwk('a')))
  const { keys, requests } = endpoint
  await keys.start()
  endpoint.response = new Error('down')
  for (let i = 0; i < 20; i++) await assert.rejects(keys.publicKey(`x-${i}`), unknown)
  assert.equal(requests.length, 2)
  keys.stop()
})

test('a new key is accepted from the first token signed with it', async () => {
  const endpoint = keysFrom(set(jwk('a')))
  await endpoint.keys.start()
  endpoint.response = set(jwk('a'), jwk('b', keyB))
  assert.equal(await endpoint.keys.publicKey('b'), pemOf(keyB))
  endpoint.keys.stop()
})

test('concurrent callers share one fetch', async () => {
  const endpoint = keysFrom(set(jwk('a')))
  endpoint.hold()
  const callers = Array.from({ length: 50 }, () => endpoint.keys.publicKey('a'))
  endpoint.release()
  assert.deepEqual(new Set(await Promise.all(callers)), new Set([pemOf(keyA)]))
  assert.equal(endpoint.requests.length, 1)
  endpoint.keys.stop()
})

test('without a set, all callers together cause one attempt a second', async () => {
  const endpoint = keysFrom(new Error('down'))
  const { keys, requests } = endpoint
  for (let i = 0; i < 20; i++) await assert.rejects(keys.publicKey('a'), unavailable)
  assert.equal(requests.length, 1)
  endpoint.now += 1_000
  await assert.rejects(keys.publicKey('a'), unavailable)
  assert.equal(requests.length, 2)
  endpoint.now += 1_000
  endpoint.response = set(jwk('a'))
  assert.equal(await keys.publicKey('a'), pemOf(keyA))
  keys.stop()
})

test('listeners are called for each key that is removed or changed, and for no other', async () => {
  const endpoint = keysFrom(set(jwk('stays'), jwk('removed'), jwk('changed')))
  const removed: string[] = []
  endpoint.keys.onRemoved((kid) => removed.push(kid))
  await endpoint.keys.start()
  endpoint.response = set(jwk('stays'), jwk('changed', keyB), jwk('added'))
  await endpoint.keys.start()
  assert.deepEqual(removed, ['removed', 'changed'])
  assert.equal(await endpoint.keys.publicKey('changed'), pemOf(keyB))
  await assert.rejects(endpoint.keys.publicKey('removed'), unknown)
  endpoint.keys.stop()
})

test('a changed set is logged, an unchanged one is not', async () => {
  const endpoint = keysFrom(set(jwk('a')))
  for (let i = 0; i < 3; i++) await endpoint.keys.start()
  assert.deepEqual(endpoint.lines, [{ level: 'info', event: 'keys_loaded', keys: ['a'], removed: [] }])
  endpoint.keys.stop()
})

/** Advances the mocked timers, then runs the promises that they settled. */
async function advance(mock: { tick(ms: number): void }, ms: number) {
  mock.tick(ms)
  for (let i = 0; i < 30; i++) await Promise.resolve()
}

test('a good set is refreshed about once an hour, and not after stop', async (t) => {
  const endpoint = keysFrom(set(jwk('a')))
  await endpoint.keys.start()
  endpoint.keys.stop()
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const again = keysFrom(set(jwk('a')))
  await again.keys.start()
  await advance(t.mock.timers, 54 * 60_000 - 1)
  assert.equal(again.requests.length, 1)
  await advance(t.mock.timers, 12 * 60_000 + 1)
  assert.equal(again.requests.length, 2)
  again.keys.stop()
  await advance(t.mock.timers, 10 * 3_600_000)
  assert.equal(again.requests.length, 2)
  assert.equal(endpoint.requests.length, 1)
})

test('a failed fetch is retried after a second without a set, and after the cooldown with one', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const endpoint = keysFrom(new Error('down'))
  await endpoint.keys.start()
  await advance(t.mock.timers, 999)
  assert.equal(endpoint.requests.length, 1)
  endpoint.response = set(jwk('a'))
  await advance(t.mock.timers, 1)
  assert.equal(endpoint.requests.length, 2)
  endpoint.response = new Error('down')
  await endpoint.keys.start()
  await advance(t.mock.timers, 29_999)
  assert.equal(endpoint.requests.length, 3)
  await advance(t.mock.timers, 1)
  assert.equal(endpoint.requests.length, 4)
  endpoint.keys.stop()
})

test('the plugin fetches nothing before the server listens, and closes with it', async () => {
  const app = Fastify()
  const config = readConfig({
    GRAPH_TENANT_ID: tenantId,
    GRAPH_CLIENT_ID: clientId,
    GRAPH_CLIENT_SECRET: 'x',
    ENTRA_AUTHORITY_HOST: 'http://127.0.0.1:9',
  })
  await app.register(observability)
  await app.register(entraKeys, { config })
  await app.ready()
  assert.equal(app.entraKeys.loaded, false)
  await app.close()
})

test('an outage is logged every 30 seconds, and the next one at once', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const endpoint = keysFrom(new Error('rejected'))
  const attempts = async (seconds: number) => {
    for (let i = 0; i < seconds; i++) {
      endpoint.now += 1_000
      await advance(t.mock.timers, 1_000)
    }
  }
  const logged = () => endpoint.lines.filter(({ event }) => event === 'keys_unavailable').length
  await endpoint.keys.start()
  await attempts(29)
  assert.deepEqual([endpoint.requests.length, logged()], [30, 1])
  await attempts(1)
  assert.equal(logged(), 2)
  endpoint.response = set(jwk('a'))
  await attempts(1)
  assert.equal(endpoint.keys.loaded, true)
  endpoint.response = new Error('rejected')
  await endpoint.keys.start()
  assert.equal(logged(), 3)
  endpoint.keys.stop()
})
