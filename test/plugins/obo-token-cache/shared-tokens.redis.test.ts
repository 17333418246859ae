import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { Redis } from 'ioredis'
import type { Caller } from '../../../src/plugins/auth/claims.ts'
import { createOboTokenCache } from '../../../src/plugins/obo-token-cache/index.ts'
import { createSharedTokens } from '../../../src/plugins/obo-token-cache/shared-tokens.ts'
import { connectSharedStore } from '../../../src/plugins/redis/index.ts'
import { auditInto, eventually } from '../../helper.ts'
import { type RedisServer, startRedis, undisturbed } from '../../redis-helper.ts'

/**
 * Caches as replicas have them, at one Redis. Entra and the clock are the test's own, so that an exchange can be held
 * and time can pass; what Redis itself forgets is up to its own clock.
 */
const minute = 60_000
const scopes = ['scope']
const prefix = 'mcp-message-center-server:obo:'
const newKey = () => randomBytes(32).toString('base64')

interface World {
  readonly server: RedisServer
  /** A client of the test's own. */
  readonly redis: Redis
  readonly clock: { now: number }
  readonly keys: readonly string[]
}

async function startWorld(t: TestContext): Promise<World> {
  const server = await startRedis(t)
  const redis = new Redis(server.url)
  redis.on('error', () => {})
  t.after(() => redis.disconnect())
  return { server, redis, clock: { now: Date.now() }, keys: [newKey()] }
}

async function startReplica(t: TestContext, { server, clock, keys }: World, name: string) {
  const lines: Record<string, unknown>[] = []
  const store = await connectSharedStore(server.url, auditInto(lines))
  t.after(() => store.client.disconnect())
  const now = () => clock.now
  const shared = createSharedTokens({ store, secrets: keys, now })
  let exchanges = 0
  let latest = ''
  let held: Promise<void> | undefined
  const cache = createOboTokenCache({
    ...{ tenantId: 'tenant', clientId: 'client', audit: auditInto(lines), shared, now },
    async exchange({ assertion }) {
      const number = ++exchanges
      await held
      return { accessToken: `${name}-${number} of ${assertion}`, expiresAtMs: clock.now + 60 * minute }
    },
  })
  const callerOf = (assertion: string): Caller => ({
    ...{ tenantId: 'tenant', userKey: assertion, clientId: 'any', scopes: [] },
    expiresAtMs: clock.now + 24 * 60 * minute,
    tokenHash: hash('sha256', assertion, 'base64url'),
  })
  await eventually(async () => (await store.ask((client) => client.ping())) === 'PONG')
  return {
    ...{ cache, shared, store },
    async get(assertion: string): Promise<string> {
      latest = await cache.get({ caller: callerOf(assertion), assertion, scopes, correlationId: 'id' })
      return latest
    },
    /** As when Graph rejects the token that is cached, or one that no longer is. */
    evict: (assertion: string, accessToken = latest) =>
      cache.evict({ caller: callerOf(assertion), scopes }, accessToken),
    exchanges: () => exchanges,
    /** Entra's responses to this replica wait for what this returns. */
    hold() {
      let release = () => {}
      held = new Promise((resolve) => {
        release = resolve
      })
      return () => {
        held = undefined
        release()
      }
    },
  }
}

async function startPair(t: TestContext) {
  const world = await startWorld(t)
  return { ...world, a: await startReplica(t, world, 'a'), b: await startReplica(t, world, 'b') }
}

const values = (redis: Redis) => redis.keys(`${prefix}*`)
/** When Redis has as many tokens. */
const stored = (redis: Redis, count = 1) => eventually(async () => (await values(redis)).length === count)
const onlyKey = async (redis: Redis) => (await values(redis))[0] ?? assert.fail('there is no value')

test('what one replica exchanged, another does not', async (t) => {
  const { redis, a, b } = await startPair(t)
  assert.equal(await a.get('x'), 'a-1 of x')
  await stored(redis)
  assert.equal(await b.get('x'), 'a-1 of x')
  assert.equal(await b.get('x'), 'a-1 of x')
  assert.deepEqual(b.cache.stats.requests, { hit: 1, shared: 1, miss: 0 })
  assert.deepEqual(a.cache.stats.requests, { hit: 0, shared: 0, miss: 1 })
})

test('a token stays in Redis for as long as it is used', async (t) => {
  const { redis, a } = await startPair(t)
  await a.get('x')
  await stored(redis)
  const key = await onlyKey(redis)
  assert.match(key, /^mcp-message-center-server:obo:[\w-]{43}$/)
  const lifeMs = await redis.pttl(key)
  assert.ok(lifeMs > 54 * minute && lifeMs <= 55 * minute, `${lifeMs}`)
})

test('a token that has expired is not stored in Redis', async (t) => {
  const { redis, clock, a } = await startPair(t)
  for (const agoMs of [0, 1, minute]) await a.shared.put('x', { accessToken: 'x', expiresAtMs: clock.now - agoMs })
  await a.shared.put('y', { accessToken: 'y', expiresAtMs: clock.now + minute })
  assert.deepEqual(await values(redis), [`${prefix}y`])
})

test('a token longer than what is read of one is not stored', async (t) => {
  const { redis, a } = await startPair(t)
  const assertion = 'x'.repeat(32 * 1024)
  assert.equal(await a.get(assertion), `a-1 of ${assertion}`)
  await a.get('y')
  await stored(redis)
})

test('two replicas at once may exchange once each, and both are served', async (t) => {
  const { redis, a, b } = await startPair(t)
  const release = [a.hold(), b.hold()]
  const calls = [a.get('x'), a.get('x'), b.get('x'), b.get('x')]
  await eventually(() => a.exchanges() + b.exchanges() === 2)
  for (const go of release) go()
  assert.deepEqual(await Promise.all(calls), ['a-1 of x', 'a-1 of x', 'b-1 of x', 'b-1 of x'])
  await stored(redis)
})

test('an evicted token is gone from Redis, and one exchange follows it', async (t) => {
  const { redis, a, b } = await startPair(t)
  await a.get('x')
  await stored(redis)
  a.evict('x')
  assert.equal(a.cache.stats.entries, 0)
  await stored(redis, 0)
  assert.equal(await a.get('x'), 'a-2 of x')
  await stored(redis)
  assert.equal(await b.get('x'), 'a-2 of x')
})

test('a token that another replica has evicted is used until Graph rejects it here too', async (t) => {
  const { redis, a, b } = await startPair(t)
  await a.get('x')
  await stored(redis)
  await b.get('x')
  a.evict('x')
  await a.get('x')
  await stored(redis)
  assert.equal(await b.get('x'), 'a-1 of x')
  b.evict('x')
  assert.notEqual(await b.get('x'), 'a-1 of x')
})

test('an exchange that ran during an eviction leaves nothing in Redis', async (t) => {
  const { redis, a } = await startPair(t)
  const release = a.hold()
  const call = a.get('x')
  await eventually(() => a.exchanges() === 1)
  a.evict('x')
  release()
  assert.equal(await call, 'a-1 of x')
  await a.store.ask((client) => client.ping())
  assert.deepEqual(await values(redis), [])
})

test('an old token is refreshed by one replica, and the others take the new one without an exchange', async (t) => {
  const { exchanges, token } = await undisturbed(
    async () => ({ ...(await startPair(t)), replicas: [] }),
    async ({ redis, clock, a, b }) => {
      await a.get('x')
      await stored(redis)
      await b.get('x')
      const key = await onlyKey(redis)
      const old = await redis.get(key)
      clock.now += 50 * minute
      assert.equal(await a.get('x'), 'a-1 of x', 'the old one serves meanwhile')
      await eventually(async () => (await redis.get(key)) !== old)
      await eventually(async () => (await b.get('x')) !== 'a-1 of x')
      return { exchanges: [a.exchanges(), b.exchanges()], token: await b.get('x') }
    },
  )
  assert.deepEqual([exchanges, token], [[2, 0], 'a-2 of x'])
})

test('with keys in rotation every replica reads what the others stored', async (t) => {
  const world = await startWorld(t)
  const [older = ''] = world.keys
  const newer = newKey()
  const before = await startReplica(t, { ...world, keys: [older, newer] }, 'before')
  const after = await startReplica(t, { ...world, keys: [newer, older] }, 'after')
  await before.get('x')
  await after.get('y')
  await stored(world.redis, 2)
  assert.equal(await after.get('x'), 'before-1 of x')
  assert.equal(await before.get('y'), 'after-1 of y')
})

test('a value of an unknown key counts as none, and is replaced', async (t) => {
  const world = await startWorld(t)
  const a = await startReplica(t, world, 'a')
  const other = await startReplica(t, { ...world, keys: [newKey()] }, 'other')
  await a.get('x')
  await stored(world.redis)
  const theValue = async () => world.redis.get(await onlyKey(world.redis))
  const before = await theValue()
  assert.equal(await other.get('x'), 'other-1 of x')
  assert.deepEqual(other.cache.stats.shared, { opened: 0, unreadable: 1 })
  await eventually(async () => (await theValue()) !== before)
  assert.deepEqual(other.cache.stats.requests, { hit: 0, shared: 0, miss: 1 })
})

const vandalism: readonly [what: string, unreadable: number, (redis: Redis, key: string) => Promise<unknown>][] = [
  ['damaged', 1, (redis, key) => redis.setrange(key, 60, '!')],
  ['cut short', 1, async (redis, key) => redis.set(key, (await redis.get(key))?.slice(0, 60) ?? '', 'PX', minute)],
  ['empty', 0, (redis, key) => redis.set(key, '', 'PX', minute)],
  ['of a hundred megabytes', 1, (redis, key) => redis.setrange(key, 100 * 1024 * 1024, '!')],
  ['a list', 0, (redis, key) => redis.multi().del(key).lpush(key, 'a').pexpire(key, minute).exec()],
  [
    'another user’s',
    1,
    async (redis, key) => {
      const [other = ''] = (await values(redis)).filter((name) => name !== key)
      return redis.copy(other, key, 'REPLACE')
    },
  ],
]
for (const [what, unreadable, vandalise] of vandalism) {
  test(`a value that is ${what} counts as none`, async (t) => {
    const { redis, a, b } = await startPair(t)
    await a.get('x')
    await stored(redis)
    const key = await onlyKey(redis)
    await a.get('y')
    await stored(redis, 2)
    await vandalise(redis, key)
    assert.equal(await b.get('x'), 'b-1 of x')
    assert.equal(await b.get('y'), 'a-2 of y')
    assert.deepEqual(b.cache.stats.shared, { opened: 1, unreadable })
  })
}

test('a value that Redis never forgets counts until the token in it expires', async (t) => {
  const { redis, clock, a, b } = await startPair(t)
  await a.get('x')
  await stored(redis)
  await redis.persist(await onlyKey(redis))
  clock.now += 55 * minute
  assert.equal(await b.get('x'), 'b-1 of x')
  assert.deepEqual(b.cache.stats.shared, { opened: 0, unreadable: 1 })
})

test('a Redis that is full costs exchanges and no call', async (t) => {
  const { redis, a, b } = await startPair(t)
  await a.get('shared before')
  await stored(redis)
  await redis.config('SET', 'maxmemory', '1')
  assert.equal(await a.get('x'), 'a-2 of x')
  assert.equal(await b.get('x'), 'b-1 of x')
  assert.equal(await b.get('shared before'), 'a-1 of shared before', 'what is there is read')
  await redis.config('SET', 'maxmemory', '0')
  await b.get('y')
  await stored(redis, 2)
})

for (const signal of ['SIGSTOP', 'SIGKILL'] as const) {
  test(`a Redis that gets a ${signal} during an exchange holds up nobody`, async (t) => {
    const { server, a, b } = await startPair(t)
    const release = a.hold()
    const first = a.get('x')
    await eventually(() => a.exchanges() === 1)
    server.process.kill(signal)
    if (signal === 'SIGKILL') await once(server.process, 'exit')
    const startMs = performance.now()
    assert.equal(await b.get('x'), 'b-1 of x')
    assert.ok(performance.now() - startMs < 500, `${performance.now() - startMs} ms`)
    release()
    assert.equal(await first, 'a-1 of x')
    a.evict('x')
    assert.equal(await a.get('x'), 'a-2 of x')
    server.process.kill('SIGCONT')
  })
}
