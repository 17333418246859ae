import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { afterEach, type TestContext, test } from 'node:test'
import type { Emulator } from '../../emulator/app.ts'
import type { FaultRule } from '../../emulator/fault-rule.ts'
import { buildApp } from '../../src/app.ts'
import { tenantEndpoints } from '../../src/config/tenant.ts'
import { createBoundedClient } from '../../src/lib/bounded-client.ts'
import { createEntraKeys } from '../../src/plugins/entra-keys/index.ts'
import { configFor, eventually, listen, shortTimeouts, startTenant } from '../helper.ts'
import { startEmulator } from '../tenant.ts'
import { call, costOf, file, listTools, originOf, post, reasonOf, serve, startBystander } from './harness.ts'

const tenant = await startEmulator()
file.after(() => tenant.close())
afterEach(() => tenant.faults.clear())

const keyFetches = ({ stats }: Emulator) => stats.snapshot().endpoints.keys

/** A valid token's claims and signature under an invented key id: only the header differs. */
async function tokensWithInventedKids(count: number): Promise<string[]> {
  const [, claims, signature] = (await tenant.mint()).split('.')
  return Array.from({ length: count }, () => {
    const header = { typ: 'JWT', alg: 'RS256', kid: randomBytes(20).toString('base64url') }
    return `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${claims}.${signature}`
  })
}

test('300 invented key ids in a burst cost one fetch, and valid tokens are served meanwhile', async (t) => {
  const { origin, app } = await listen(t, {}, tenant)
  await app.entraKeys.start() // The fetch at listen is not the burst's.
  const invented = await tokensWithInventedKids(300)
  const valid = await Promise.all(Array.from({ length: 20 }, (_, n) => tenant.mint({ user: `load-${n}` })))
  const fetchedBefore = keyFetches(tenant)

  const burst = Promise.all(invented.map((token) => post(origin, listTools, token)))
  const served = await Promise.all(valid.map((token) => post(origin, listTools, token)))
  const rejected = await burst

  assert.deepEqual(new Set(served.map(({ status }) => status)), new Set([200]))
  assert.deepEqual(new Set(rejected.map((one) => `${one.status} ${reasonOf(one)}`)), new Set(['401 unknown_key']))
  assert.equal(keyFetches(tenant) - fetchedBefore, 1)

  const more = await Promise.all((await tokensWithInventedKids(50)).map((token) => post(origin, listTools, token)))
  assert.ok(more.every(({ status }) => status === 401))
  assert.equal(keyFetches(tenant) - fetchedBefore, 1, 'the cooldown lasts')
})

test('an unknown key id causes another fetch after the cooldown, and not before', async (t) => {
  let now = 0
  const keys = createEntraKeys({ ...ingredients(t), now: () => now })
  await keys.start()
  const fetchedBefore = keyFetches(tenant)
  const burst = () => Promise.allSettled(Array.from({ length: 200 }, (_, n) => keys.publicKey(`invented-${n}`)))

  for (const [at, fetches] of [
    [0, 1],
    [29_999, 1],
    [30_000, 2],
    [59_999, 2],
    [60_000, 3],
  ] as const) {
    now = at
    await burst()
    assert.equal(keyFetches(tenant) - fetchedBefore, fetches, `after ${at} ms`)
  }
})

test('the cooldown holds while the endpoint is down', async (t) => {
  let now = 0
  const keys = createEntraKeys({ ...ingredients(t), now: () => now })
  await keys.start()
  tenant.faults.add({ target: 'keys', kind: 'status', status: 503 })
  const fetchedBefore = keyFetches(tenant)
  for (now = 0; now < 60_000; now += 1_000) await Promise.allSettled([keys.publicKey(`a${now}`), keys.publicKey('b')])
  assert.equal(keyFetches(tenant) - fetchedBefore, 2)
  assert.match(await keys.publicKey(tenant.keys.current.kid), /BEGIN PUBLIC KEY/)
})

test('a new key is accepted at once, a removed one rejected, with the tokens it signed', async (t) => {
  const own = await startTenant(t)
  const { origin, app } = await listen(t, {}, own)
  const old = own.keys.current
  const oldToken = await own.mint({ user: 'rowan' })
  assert.equal((await post(origin, listTools, oldToken)).status, 200)

  await own.keys.rotate()
  const newToken = await own.mint({ user: 'rowan' })
  assert.equal((await post(origin, listTools, newToken)).status, 200)
  assert.equal((await post(origin, listTools, oldToken)).status, 200)
  assert.equal((await post(origin, listTools, await own.mint({ key: old.kid }))).status, 200)

  const unseen = await own.mint({ key: old.kid })
  own.keys.retire(old.kid)
  await app.entraKeys.start()
  for (const token of [oldToken, unseen]) assert.equal(reasonOf(await post(origin, listTools, token)), 'unknown_key')
  assert.equal((await post(origin, listTools, newToken)).status, 200)
})

test('a verified token is evicted when another key takes over its key id', async (t) => {
  const { origin, app } = await listen(t, {}, tenant)
  const token = await tenant.mint()
  assert.equal((await post(origin, listTools, token)).status, 200)

  const foreign = await tenant.keys.foreign()
  const { kid } = tenant.keys.current
  tenant.faults.add({ target: 'keys', kind: 'status', status: 200, body: { keys: [{ ...foreign.jwk, kid }] } })
  await app.entraKeys.start()
  assert.equal(reasonOf(await post(origin, listTools, token)), 'bad_signature')
})

for (const [what, jwk] of Object.entries<Record<string, unknown>>({
  'of 1024 bits': { n: randomBytes(128).toString('base64url') },
  'for encryption': { use: 'enc' },
  'of another kind': { kty: 'oct', k: 'c2VjcmV0' },
  'without a modulus': { n: undefined },
  'without an id': { kid: undefined },
})) {
  test(`a published key ${what} is ignored, and the valid ones are accepted`, async (t) => {
    const keys = createEntraKeys(ingredients(t))
    const { keys: valid } = tenant.keys.jwks(tenantEndpoints(configFor(tenant).entra).issuer)
    const odd = { ...(await tenant.keys.foreign()).jwk, kid: 'odd', ...jwk }
    tenant.faults.add({ target: 'keys', kind: 'status', status: 200, body: { keys: [null, 7, odd, ...valid] } })
    await keys.start()
    await assert.rejects(keys.publicKey('odd'), { reason: 'unknown_key' })
    assert.match(await keys.publicKey(tenant.keys.current.kid), /BEGIN PUBLIC KEY/)
  })
}

/** Failures of the keys endpoint; the last two end at the server's own deadline. */
const faults: readonly { readonly name: string; readonly fault: Omit<FaultRule, 'target'> }[] = [
  { name: 'is down', fault: { kind: 'status', status: 503 } },
  { name: 'is not found', fault: { kind: 'status', status: 404 } },
  { name: 'resets connections', fault: { kind: 'reset' } },
  { name: 'returns HTML', fault: { kind: 'html' } },
  { name: 'returns truncated JSON', fault: { kind: 'truncated' } },
  { name: 'returns an empty object', fault: { kind: 'empty-object' } },
  { name: 'returns wrong types', fault: { kind: 'wrong-types' } },
  { name: 'returns an empty set', fault: { kind: 'status', status: 200, body: { keys: [] } } },
  { name: 'returns 50 MB', fault: { kind: 'huge' } },
  { name: 'returns a gzip bomb', fault: { kind: 'gzip-bomb' } },
  { name: 'redirects', fault: { kind: 'redirect' } },
  { name: 'never ends its response', fault: { kind: 'endless' } },
  { name: 'hangs', fault: { kind: 'hang' } },
]

/** Longer than any fetch may take with one of these. */
const withinMs = 4_000

/** Whatever the failure, before a set was loaded and after. */
async function withstand(t: TestContext, { fault }: (typeof faults)[number]) {
  tenant.faults.add({ ...fault, target: 'keys' })
  const deadlineMs = /endless|hang/.test(fault.kind) ? 300 : 5_000
  const app = await buildApp(configFor(tenant, { PORT: '0', LOG_LEVEL: 'silent' }, shortTimeouts(deadlineMs)))
  t.after(() => app.close())
  await app.listen({ host: '127.0.0.1', port: 0 })
  const origin = originOf(app)
  const token = await tenant.mint()

  // Before: no token can be verified, which is not the caller's error.
  const early = await costOf(() => post(origin, listTools, token))
  assert.equal(early.result.status, 503)
  assert.equal(early.result.headers['www-authenticate'], undefined)
  assert.ok(early.ms < withinMs, `it took ${early.ms} ms`)
  assert.equal((await call(`${origin}/readyz`)).status, 503)
  assert.equal((await call(`${origin}/healthz`)).status, 200)

  tenant.faults.clear()
  await app.entraKeys.start()
  assert.equal((await call(`${origin}/readyz`)).status, 200)
  assert.equal((await post(origin, listTools, token)).status, 200)

  // After: known keys stay in use, during the fetch and after it has failed.
  tenant.faults.add({ ...fault, target: 'keys' })
  const unseen = await Promise.all(['gale', 'priya'].map((user) => tenant.mint({ user })))
  const fetched = costOf(() => app.entraKeys.start())
  assert.equal((await post(origin, listTools, unseen[0])).status, 200)
  const { ms } = await fetched
  assert.ok(ms < withinMs, `it took ${ms} ms`)
  for (const known of [token, ...unseen]) assert.equal((await post(origin, listTools, known)).status, 200)
  assert.equal((await call(`${origin}/readyz`)).status, 200)
}

const holds = 'known keys stay in use, readiness is accurate, and it takes a bounded time'
for (const one of faults) test(`the keys endpoint ${one.name}: ${holds}`, (t) => withstand(t, one))

test('a server that started without keys retries by itself', async (t) => {
  tenant.faults.add({ target: 'keys', kind: 'status', status: 503, times: 1 })
  const app = await buildApp(configFor(tenant, { PORT: '0', LOG_LEVEL: 'silent' }))
  t.after(() => app.close())
  await app.listen({ host: '127.0.0.1', port: 0 })
  await eventually(async () => (await call(`${originOf(app)}/readyz`)).status === 200)
})

for (const kind of ['huge', 'gzip-bomb'] as const) {
  test(`ten fetches of a ${kind} response are each cut off, within bounded memory`, async (t) => {
    const { app, logs } = await listen(t, {}, tenant)
    await app.entraKeys.start()
    tenant.faults.add({ target: 'keys', kind })
    const { megabytes } = await costOf(async () => {
      for (let times = 0; times < 10; times++) await app.entraKeys.start()
    })
    assert.equal(app.entraKeys.stats.failures, 10)
    const line = logs.find(({ event }) => event === 'keys_unavailable')
    assert.match(JSON.stringify(line), /"too_large/)
    assert.ok(megabytes < 250, `memory rose by ${megabytes} MB`)
  })
}

test('a slow keys endpoint delays only tokens with an unknown key', async (t) => {
  const { origin, app } = await listen(t, {}, tenant)
  await app.entraKeys.start() // The fetch at listen ends before the endpoint gets slow.
  tenant.faults.add({ target: 'keys', kind: 'delay', delayMs: 300 })
  const [invented = ''] = await tokensWithInventedKids(1)
  const valid = await tenant.mint()
  const fetchedBefore = keyFetches(tenant)
  const ended: string[] = []
  const slow = post(origin, listTools, invented).finally(() => ended.push('the unknown key'))
  await eventually(() => keyFetches(tenant) > fetchedBefore)
  assert.equal((await post(origin, listTools, valid)).status, 200)
  assert.deepEqual(ended, [])
  assert.equal(reasonOf(await slow), 'unknown_key')
})

test('a redirect of the keys endpoint is not followed', async (t) => {
  const bystander = await startBystander(t)
  const app = await buildApp(configFor(tenant, { LOG_LEVEL: 'silent' }))
  tenant.faults.add({ target: 'keys', kind: 'redirect', location: `${bystander.origin}/keys` })
  await serve(t, app)
  assert.equal(app.entraKeys.loaded, false)
  assert.equal(bystander.received.length, 0)
})

/** The real client against the emulator, without a server around it, so that a test can hold the clock. */
function ingredients(t: { after(end: () => unknown): void }) {
  const http = createBoundedClient({
    connectTimeoutMs: 2_000,
    deadlineMs: 5_000,
    maxBodyBytes: 256 * 1024,
    connections: 1,
  })
  t.after(() => http.close())
  return { endpoints: tenantEndpoints(configFor(tenant).entra), http, audit() {} }
}
