import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { test } from 'node:test'
import Fastify from 'fastify'
import { readConfig } from '../../src/config/index.ts'
import { tenantEndpoints } from '../../src/config/tenant.ts'
import type { BoundedAnswer, BoundedRequest } from '../../src/lib/bounded-client.ts'
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

type Answer = Partial<BoundedAnswer> | Error
const set = (...keys: unknown[]): Answer => ({ body: JSON.stringify({ keys }) })

/** Keys whose endpoint answers what the test says, with a clock of the test's own. */
function keysOf(first: Answer, options: { refreshMs?: number } = {}) {
  const world = {
    now: 1_000_000,
    answer: first,
    requests: [] as BoundedRequest[],
    lines: [] as Record<string, unknown>[],
  }
  let release: (() => void) | undefined
  let held: Promise<void> = Promise.resolve()
  const keys = createEntraKeys({
    endpoints,
    http: {
      async request(request) {
        world.requests.push(request)
        await held
        if (world.answer instanceof Error) throw world.answer
        return { status: 200, headers: {}, body: '', ...world.answer }
      },
    },
    audit: auditInto(world.lines),
    now: () => world.now,
    ...options,
  })
  return Object.assign(world, {
    keys,
    /** Answers wait until `release`. */
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

test('keys come from the configured tenant, as PEM by their id', async () => {
  const { keys, requests } = keysOf(set(jwk('a', keyA), jwk('b', keyB)))
  await keys.start()
  assert.deepEqual(requests, [{ method: 'GET', url: endpoints.keysUrl }])
  assert.equal(await keys.publicKey('a'), pemOf(keyA))
  assert.equal(await keys.publicKey('b'), pemOf(keyB))
  keys.stop()
})

test('a key of v2, of v1, or of no named issuer is the tenant’s', async () => {
  const { keys } = keysOf(
    set(jwk('a', keyA, { issuer: endpoints.issuer }), jwk('b', keyA, { issuer: endpoints.issuerV1 }), jwk('c')),
  )
  await keys.start()
  for (const kid of ['a', 'b', 'c']) assert.equal(await keys.publicKey(kid), pemOf(keyA))
  keys.stop()
})

const { n: modulus, e: exponent } = keyA
const strangers: readonly [name: string, key: unknown][] = [
  [
    'an EC key',
    { ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }), kid: 'x', use: 'sig' },
  ],
  ['a symmetric key', { kty: 'oct', kid: 'x', k: 'AAAA', use: 'sig' }],
  ['an encryption key', jwk('x', keyA, { use: 'enc' })],
  ['a key of 1024 bits', jwk('x', rsa(1024))],
  ['a key of another tenant', jwk('x', keyA, { issuer: endpoints.issuer.replace('1', '2') })],
  ['a key of every tenant', jwk('x', keyA, { issuer: 'https://login.microsoftonline.com/{tenantid}/v2.0' })],
  ['a key whose issuer is no text', jwk('x', keyA, { issuer: null })],
  ['a key without n', { kty: 'RSA', kid: 'x', e: exponent, use: 'sig' }],
  ['a key without e', { kty: 'RSA', kid: 'x', n: modulus, use: 'sig' }],
  ['a key whose n is no text', { kty: 'RSA', kid: 'x', n: 7, e: exponent, use: 'sig' }],
  ['a key whose id is no text', { ...jwk('x'), kid: 7 }],
  ['a key without id', { ...jwk('x'), kid: undefined }],
  ['null', null],
  ['a text', 'x'],
]
for (const [name, stranger] of strangers) {
  test(`${name} is left out, and the others count`, async () => {
    const { keys } = keysOf(set(stranger, jwk('good')))
    await keys.start()
    assert.equal(await keys.publicKey('good'), pemOf(keyA))
    await assert.rejects(keys.publicKey('x'), unknown)
    keys.stop()
  })
}

const noSets: readonly [name: string, answer: Answer][] = [
  ['an error', new Error('refused')],
  ['a 500', { status: 500, body: JSON.stringify({ keys: [jwk('a')] }) }],
  [
    'a redirect',
    { status: 302, headers: { location: 'https://evil.example/' }, body: JSON.stringify({ keys: [jwk('a')] }) },
  ],
  ['HTML', { body: '<html>' }],
  ['half an answer', { body: '{"keys":[' }],
  ['null', { body: 'null' }],
  ['a list', { body: '[]' }],
  ['keys that are no list', { body: '{"keys":"none"}' }],
  ['no keys', set()],
  ['only foreign keys', set(jwk('a', keyA, { use: 'enc' }))],
]
for (const [name, answer] of noSets) {
  test(`${name} at start is no set, and is told to the log`, async () => {
    const { keys, lines } = keysOf(answer)
    await keys.start()
    assert.equal(keys.loaded, false)
    assert.equal(lines[0]?.['event'], 'keys_unavailable')
    await assert.rejects(keys.publicKey('a'), unavailable)
    keys.stop()
  })

  test(`${name} later leaves the last good set as it was`, async () => {
    const world = keysOf(set(jwk('a')))
    const removed: string[] = []
    world.keys.onRemoved((kid) => removed.push(kid))
    await world.keys.start()
    world.answer = answer
    await world.keys.start()
    assert.equal(await world.keys.publicKey('a'), pemOf(keyA))
    assert.deepEqual(removed, [])
    world.keys.stop()
  })
}

test('a thousand callers with invented ids cost one fetch in a cooldown, and known keys none', async () => {
  const { keys, requests, ...world } = keysOf(set(jwk('a')))
  await keys.start()
  const burst = await Promise.allSettled(Array.from({ length: 1_000 }, (_, i) => keys.publicKey(`invented-${i}`)))
  assert.ok(burst.every(({ status }) => status === 'rejected'))
  for (let i = 0; i < 50; i++) await assert.rejects(keys.publicKey(`late-${i}`), unknown)
  await keys.publicKey('a')
  assert.equal(requests.length, 2)
  assert.ok(world.lines.length > 0)
  keys.stop()
})

test('the cooldown lasts 30 seconds', async () => {
  const world = keysOf(set(jwk('a')))
  const { keys, requests } = world
  await keys.start()
  await assert.rejects(keys.publicKey('x'), unknown)
  world.now += 29_999
  await assert.rejects(keys.publicKey('x'), unknown)
  assert.equal(requests.length, 2)
  world.now += 1
  await assert.rejects(keys.publicKey('x'), unknown)
  assert.equal(requests.length, 3)
  keys.stop()
})

test('the cooldown holds while the endpoint fails', async () => {
  const world = keysOf(set(jwk('a')))
  const { keys, requests } = world
  await keys.start()
  world.answer = new Error('down')
  for (let i = 0; i < 20; i++) await assert.rejects(keys.publicKey(`x-${i}`), unknown)
  assert.equal(requests.length, 2)
  keys.stop()
})

test('a new key is known to the first caller who brings it', async () => {
  const world = keysOf(set(jwk('a')))
  await world.keys.start()
  world.answer = set(jwk('a'), jwk('b', keyB))
  assert.equal(await world.keys.publicKey('b'), pemOf(keyB))
  world.keys.stop()
})

test('who comes while a fetch is under way waits for that one', async () => {
  const world = keysOf(set(jwk('a')))
  world.hold()
  const callers = Array.from({ length: 50 }, () => world.keys.publicKey('a'))
  world.release()
  assert.deepEqual(new Set(await Promise.all(callers)), new Set([pemOf(keyA)]))
  assert.equal(world.requests.length, 1)
  world.keys.stop()
})

test('without a set, callers cause one try a second, not one each', async () => {
  const world = keysOf(new Error('down'))
  const { keys, requests } = world
  for (let i = 0; i < 20; i++) await assert.rejects(keys.publicKey('a'), unavailable)
  assert.equal(requests.length, 1)
  world.now += 1_000
  await assert.rejects(keys.publicKey('a'), unavailable)
  assert.equal(requests.length, 2)
  world.now += 1_000
  world.answer = set(jwk('a'))
  assert.equal(await keys.publicKey('a'), pemOf(keyA))
  keys.stop()
})

test('who listens hears of each key that leaves or changes, and of no other', async () => {
  const world = keysOf(set(jwk('stays'), jwk('leaves'), jwk('changes')))
  const removed: string[] = []
  world.keys.onRemoved((kid) => removed.push(kid))
  await world.keys.start()
  world.answer = set(jwk('stays'), jwk('changes', keyB), jwk('comes'))
  await world.keys.start()
  assert.deepEqual(removed, ['leaves', 'changes'])
  assert.equal(await world.keys.publicKey('changes'), pemOf(keyB))
  await assert.rejects(world.keys.publicKey('leaves'), unknown)
  world.keys.stop()
})

test('the log hears of a set that is news, and of no other', async () => {
  const world = keysOf(set(jwk('a')))
  for (let i = 0; i < 3; i++) await world.keys.start()
  assert.deepEqual(world.lines, [{ level: 'info', event: 'keys_loaded', keys: ['a'], gone: [] }])
  world.keys.stop()
})

/** Hours pass in a moment; what the fetches wait for is let through after each. */
async function pass(mock: { tick(ms: number): void }, ms: number) {
  mock.tick(ms)
  for (let i = 0; i < 30; i++) await Promise.resolve()
}

test('a good set is fetched anew about once an hour, and not after stop', async (t) => {
  const world = keysOf(set(jwk('a')))
  await world.keys.start()
  world.keys.stop()
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const again = keysOf(set(jwk('a')))
  await again.keys.start()
  await pass(t.mock.timers, 54 * 60_000 - 1)
  assert.equal(again.requests.length, 1)
  await pass(t.mock.timers, 12 * 60_000 + 1)
  assert.equal(again.requests.length, 2)
  again.keys.stop()
  await pass(t.mock.timers, 10 * 3_600_000)
  assert.equal(again.requests.length, 2)
  assert.equal(world.requests.length, 1)
})

test('a failed fetch is tried again after a second without a set, and after the cooldown with one', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const world = keysOf(new Error('down'))
  await world.keys.start()
  await pass(t.mock.timers, 999)
  assert.equal(world.requests.length, 1)
  world.answer = set(jwk('a'))
  await pass(t.mock.timers, 1)
  assert.equal(world.requests.length, 2)
  world.answer = new Error('down')
  await world.keys.start()
  await pass(t.mock.timers, 29_999)
  assert.equal(world.requests.length, 3)
  await pass(t.mock.timers, 1)
  assert.equal(world.requests.length, 4)
  world.keys.stop()
})

test('the plugin fetches nothing before the server listens, and ends with it', async () => {
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
