import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Redis } from 'ioredis'
import { Failure } from '../../../src/errors/index.ts'
import type { Caller } from '../../../src/plugins/auth/claims.ts'
import { createOboTokenCache } from '../../../src/plugins/obo-token-cache/index.ts'
import { createSharedTokens, type SharedTokensOptions } from '../../../src/plugins/obo-token-cache/shared-tokens.ts'
import { createTokenSeal } from '../../../src/plugins/obo-token-cache/token-seal.ts'
import { createSharedStore } from '../../../src/plugins/redis/index.ts'
import { auditInto, eventually } from '../../helper.ts'
import { type RedisServer, startRedis, undisturbed } from '../../redis-helper.ts'

/**
 * Caches as replicas have them, at one Redis. Entra and the clock are the test's own, so that an exchange can be held
 * and time can pass; what Redis itself forgets is up to its own clock.
 */
const minute = 60_000
const prefix = 'mcp-message-center-server:obo:'
const newKey = () => randomBytes(32).toString('base64')

interface World {
  readonly server: RedisServer
  /** A client of the test's own. */
  readonly redis: Redis
  readonly clock: { now: number }
  readonly keys: readonly string[]
}

async function startWorld(t: TestContext, redisArguments: readonly string[] = []): Promise<World> {
  const server = await startRedis(t, undefined, redisArguments)
  const redis = new Redis(server.url)
  redis.on('error', () => {})
  t.after(() => redis.disconnect())
  return { server, redis, clock: { now: Date.now() }, keys: [newKey()] }
}

async function startReplica(
  t: TestContext,
  { server, clock, keys }: World,
  name: string,
  more: Pick<SharedTokensOptions, 'patienceMs' | 'lockMs' | 'renewEveryMs'> = {},
) {
  const redis = new Redis(server.url, { enableOfflineQueue: false, maxRetriesPerRequest: 0 })
  const lines: Record<string, unknown>[] = []
  const store = createSharedStore(redis, auditInto(lines))
  t.after(() => store.close())
  const now = () => clock.now
  const shared = createSharedTokens({ store, seal: createTokenSeal(keys, now), now, ...more })
  let exchanges = 0
  let latest = ''
  let failing: Failure | undefined
  let held: Promise<void> | undefined
  const cache = createOboTokenCache({
    ...{ tenantId: 'tenant', clientId: 'client', scopes: ['scope'], audit: auditInto(lines), shared, store, now },
    async exchange({ assertion }) {
      const number = ++exchanges
      await held
      if (failing !== undefined) throw failing
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
    ...{ cache, store, lines },
    async get(assertion: string): Promise<string> {
      latest = await cache.get({ caller: callerOf(assertion), assertion, correlationId: 'id' })
      return latest
    },
    /** As Graph refuses the token that is kept, or one that is kept no more. */
    evict: (assertion: string, accessToken = latest) => cache.evict(callerOf(assertion), accessToken),
    exchanges: () => exchanges,
    fail(failure?: Failure) {
      failing = failure
    },
    /** Entra's answers to this replica wait for what this returns. */
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

async function startPair(
  t: TestContext,
  redisArguments: readonly string[] = [],
  more: Parameters<typeof startReplica>[3] = {},
) {
  const world = await startWorld(t, redisArguments)
  return { ...world, a: await startReplica(t, world, 'a', more), b: await startReplica(t, world, 'b', more) }
}

async function elapsedMs(work: Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work
  return performance.now() - start
}

const locks = (redis: Redis) => redis.keys(`${prefix}*:lock`)
const values = async (redis: Redis) => (await redis.keys(`${prefix}*`)).filter((key) => key.endsWith('}'))
/** When the store has everything that was left to it. */
const settled = async (redis: Redis, count = 1) =>
  eventually(async () => (await values(redis)).length === count && (await locks(redis)).length === 0)
const onlyKey = async (redis: Redis) => (await values(redis))[0] ?? assert.fail('there is no value')

/** Waits until somebody holds a lock. @returns its name */
async function locked(redis: Redis): Promise<string> {
  await eventually(async () => (await locks(redis)).length === 1)
  return (await locks(redis))[0] ?? assert.fail()
}

test('what one replica exchanged, another does not', async (t) => {
  const { redis, a, b } = await startPair(t)
  assert.equal(await a.get('x'), 'a-1 of x')
  await settled(redis)
  assert.equal(await b.get('x'), 'a-1 of x')
  assert.equal(await b.get('x'), 'a-1 of x')
  assert.deepEqual(b.cache.stats.requests, { hit: 1, shared: 1, miss: 0 })
  assert.deepEqual(a.cache.stats.requests, { hit: 0, shared: 0, miss: 1 })
})

test('a token stays in Redis for as long as it is used, beside its lock', async (t) => {
  const { redis, a } = await startPair(t)
  const release = a.hold()
  const call = a.get('x')
  const lock = await locked(redis)
  const lockLifeMs = await redis.pttl(lock)
  release()
  await call
  await settled(redis)
  const key = await onlyKey(redis)
  assert.match(key, /^mcp-message-center-server:obo:\{[\w-]{43}\}$/)
  assert.equal(lock, `${key}:lock`)
  const lifeMs = await redis.pttl(key)
  assert.ok(lifeMs > 54 * minute && lifeMs <= 55 * minute, `${lifeMs}`)
  assert.ok(lockLifeMs > 0 && lockLifeMs <= 10_000, `${lockLifeMs}`)
})

test('token and lock are in one slot of a cluster, which takes no command on two', async (t) => {
  const nodes = join(tmpdir(), `${randomBytes(8).toString('hex')}.conf`)
  t.after(() => rmSync(nodes, { force: true }))
  const world = await startWorld(t, ['--cluster-enabled', 'yes', '--cluster-config-file', nodes])
  await world.redis.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
  await eventually(async () => String(await world.redis.cluster('INFO')).includes('cluster_state:ok'))
  const [a, b] = [await startReplica(t, world, 'a'), await startReplica(t, world, 'b')]
  await a.get('x')
  await settled(world.redis)
  assert.equal(await b.get('x'), 'a-1 of x')
  a.evict('x')
  await settled(world.redis, 0)
})

test('a token that is used no more is not put into Redis', async (t) => {
  const { redis, clock, a } = await startPair(t)
  const release = a.hold()
  const call = a.get('x')
  await locked(redis)
  // Exchanged while the clock stood an hour earlier than it stands when the answer is here.
  const { now } = clock
  clock.now = now - 60 * minute
  release()
  await call
  await eventually(async () => (await locks(redis)).length === 0)
  assert.equal(await redis.dbsize(), 1)
  clock.now = now
})

test('while one replica exchanges the others wait, and take what it leaves', async (t) => {
  const { redis, a, b } = await startPair(t)
  const release = a.hold()
  const first = a.get('x')
  await locked(redis)
  const others = [b.get('x'), b.get('x')]
  await new Promise((resolve) => setTimeout(resolve, 200))
  release()
  assert.deepEqual(await Promise.all([first, ...others]), ['a-1 of x', 'a-1 of x', 'a-1 of x'])
  assert.deepEqual([a.exchanges(), b.exchanges()], [1, 0])
})

test('an exchange that fails gives up the lock at once, and each replica hears of Entra itself', async (t) => {
  const { redis, a, b } = await startPair(t)
  a.fail(new Failure('claims_required', { claims: '{}' }))
  const release = a.hold()
  const refused = assert.rejects(a.get('x'), { reason: 'claims_required' })
  await locked(redis)
  const waiting = b.get('x')
  release()
  await refused
  const tookMs = await elapsedMs(waiting)
  assert.equal(await waiting, 'b-1 of x')
  assert.ok(tookMs < 500, `${tookMs} ms`)
  await settled(redis)
  await assert.rejects(a.get('x'), { reason: 'claims_required' }, 'a remembers for itself')
})

test('a replica that died with the lock costs the others what is left of its lock, and no call', async (t) => {
  const { redis, a, b } = await startPair(t)
  const release = a.hold()
  const dead = a.get('x')
  const lock = await locked(redis)
  a.store.close()
  const tookMs = await elapsedMs(b.get('x'))
  assert.ok(tookMs > 2_000 && tookMs < 3_500, `${tookMs} ms`)
  assert.equal(b.exchanges(), 1)
  await settled(redis)
  assert.equal(await redis.exists(lock), 0)
  release()
  await dead
})

test('a replica that is slow keeps its lock, and the others go on waiting', async (t) => {
  const { b, found } = await undisturbed(
    () => startPair(t, [], { lockMs: 250, renewEveryMs: 80 }),
    (pair) => [pair.a.store, pair.b.store],
    async ({ redis, a, b }) => {
      const release = a.hold()
      const first = a.get('x')
      await locked(redis)
      const second = b.get('x')
      await new Promise((resolve) => setTimeout(resolve, 450))
      release()
      return { found: [await first, await second] }
    },
  )
  assert.deepEqual(found, ['a-1 of x', 'a-1 of x'])
  assert.equal(b.exchanges(), 0)
})

test('a lock that never ends is waited for no longer than patience has it', async (t) => {
  const world = await startWorld(t)
  const a = await startReplica(t, world, 'a', { patienceMs: 300 })
  const release = a.hold()
  const call = a.get('x')
  const lock = await locked(world.redis)
  a.evict('x')
  release()
  await call
  await world.redis.set(lock, 'of nobody')
  const tookMs = await elapsedMs(a.get('x'))
  assert.ok(tookMs > 300 && tookMs < 1_000, `${tookMs} ms`)
  assert.equal(await world.redis.get(lock), 'of nobody')
})

test('a lock that ends while others wait goes to one of them', async (t) => {
  const { redis, a, b } = await startPair(t)
  const release = a.hold()
  const slow = a.get('x')
  await redis.pexpire(await locked(redis), 300)
  const tookMs = await elapsedMs(b.get('x'))
  assert.ok(tookMs < 1_000, `${tookMs} ms`)
  assert.equal(b.exchanges(), 1)
  await settled(redis)
  release()
  assert.equal(await slow, 'a-1 of x', 'whoever is slow is served all the same')
})

test('nobody gives up a lock that is another’s, nor leaves a token without one', async (t) => {
  const { redis, a } = await startPair(t)
  const release = a.hold()
  const call = a.get('x')
  const lock = await locked(redis)
  await redis.set(lock, 'of another', 'PX', minute)
  release()
  await call
  await a.store.ask((client) => client.ping())
  assert.equal(await redis.get(lock), 'of another')
  assert.deepEqual(await values(redis), [])
})

test('an eviction reaches Redis and every replica, and one exchange follows it', async (t) => {
  const { redis, a, b } = await startPair(t)
  await a.get('x')
  await settled(redis)
  await b.get('x')
  a.evict('x')
  await eventually(() => b.cache.size === 0)
  assert.deepEqual([a.cache.size, await values(redis)], [0, []])
  const tokens = await Promise.all([a.get('x'), b.get('x')])
  assert.ok(!tokens.includes('a-1 of x'))
  await settled(redis)
  assert.equal(a.exchanges() + b.exchanges(), 2)
})

test('a replica does not hear its own eviction, which would cost the exchange that has begun since', async (t) => {
  const { redis, a, b } = await startPair(t)
  await a.get('x')
  await settled(redis)
  await b.get('x')
  const release = a.hold()
  a.evict('x')
  const next = a.get('x')
  await eventually(() => b.cache.size === 0)
  await a.store.ask((client) => client.ping())
  release()
  assert.equal(await next, 'a-2 of x')
  assert.equal(a.cache.size, 1)
})

test('an exchange that ran at another replica during an eviction leaves its token nowhere', async (t) => {
  const { redis, a, b } = await startPair(t)
  const release = b.hold()
  const running = b.get('x')
  await locked(redis)
  a.evict('x')
  await eventually(async () => (await locks(redis)).length === 0)
  release()
  assert.equal(await running, 'b-1 of x')
  await b.store.ask((client) => client.ping())
  assert.deepEqual(await values(redis), [])
  assert.equal(await b.get('x'), 'b-2 of x')
})

test('an exchange that began after an eviction counts, though the eviction is heard later', async (t) => {
  const { redis, a } = await startPair(t)
  await a.get('x')
  await settled(redis)
  a.evict('x')
  assert.equal(await a.get('x'), 'a-2 of x')
  await settled(redis)
  // Its own message may have come meanwhile; the token is in Redis even so.
  assert.equal(await a.get('x'), 'a-2 of x')
  assert.equal(a.exchanges(), 2)
})

test('what is told evicts the one token that it names, and what is no key evicts nothing', async (t) => {
  const { redis, a } = await startPair(t)
  await a.get('x')
  await settled(redis)
  const key = (await onlyKey(redis)).slice(prefix.length + 1, -1)
  await a.get('y')
  const tell = (message: string) =>
    redis.publish('mcp-message-center-server:obo-evicted', `0123abcd ${Date.now().toString(36)}  ${message}`)
  for (const nonsense of ['', '*', `${key}\n`, `${key}a`, key.slice(1), 'é'.repeat(43), '{}'.repeat(1_000_000)]) {
    assert.equal(await tell(nonsense), 2, 'both replicas listen')
  }
  await tell(key)
  await eventually(() => a.cache.size < 2)
  assert.equal(a.cache.size, 1)
  assert.deepEqual([await a.get('y'), a.exchanges()], ['a-2 of y', 2])
})

test('an old token is replaced by one replica, and the others take the new one', async (t) => {
  const { redis, clock, a, b } = await startPair(t)
  await a.get('x')
  await settled(redis)
  await b.get('x')
  clock.now += 50 * minute
  await redis.pexpire(await onlyKey(redis), 5 * minute)
  const release = a.hold()
  assert.equal(await a.get('x'), 'a-1 of x')
  await locked(redis)
  for (let i = 0; i < 5; i++) assert.equal(await b.get('x'), 'a-1 of x', 'the old one serves meanwhile')
  release()
  await eventually(async () => (await a.get('x')) === 'a-2 of x' && (await b.get('x')) === 'a-2 of x')
  assert.deepEqual([a.exchanges(), b.exchanges()], [2, 0])
  assert.ok((await redis.pttl(await onlyKey(redis))) > 54 * minute)
})

test('a replica that finds its old token replaced already makes no exchange', async (t) => {
  const { redis, clock, a, b } = await startPair(t)
  await a.get('x')
  await settled(redis)
  await b.get('x')
  clock.now += 50 * minute
  await redis.pexpire(await onlyKey(redis), 5 * minute)
  await a.get('x')
  await eventually(async () => (await a.get('x')) === 'a-2 of x')
  await eventually(async () => (await redis.pttl(await onlyKey(redis))) > 54 * minute)
  await eventually(async () => (await b.get('x')) === 'a-2 of x')
  assert.equal(b.exchanges(), 0)
})

test('with keys in rotation every replica reads what the others left', async (t) => {
  const world = await startWorld(t)
  const [older = ''] = world.keys
  const newer = newKey()
  const before = await startReplica(t, { ...world, keys: [older, newer] }, 'before')
  const after = await startReplica(t, { ...world, keys: [newer, older] }, 'after')
  await before.get('x')
  await after.get('y')
  await settled(world.redis, 2)
  assert.equal(await after.get('x'), 'before-1 of x')
  assert.equal(await before.get('y'), 'after-1 of y')
})

test('a value of an unknown key counts as none, and is replaced', async (t) => {
  const world = await startWorld(t)
  const a = await startReplica(t, world, 'a')
  const stranger = await startReplica(t, { ...world, keys: [newKey()] }, 'stranger')
  await a.get('x')
  await settled(world.redis)
  const theValue = async () => (await world.redis.getBuffer(await onlyKey(world.redis))) ?? assert.fail()
  const before = await theValue()
  assert.equal(await stranger.get('x'), 'stranger-1 of x')
  assert.deepEqual(stranger.cache.stats.shared, { opened: 0, unreadable: 1 })
  await eventually(async () => !before.equals(await theValue()))
  assert.deepEqual(stranger.cache.stats.requests, { hit: 0, shared: 0, miss: 1 })
})

const vandalism: readonly [what: string, unreadable: number, (redis: Redis, key: string) => Promise<unknown>][] = [
  ['damaged', 1, (redis, key) => redis.setrange(key, 40, '!')],
  [
    'cut short',
    1,
    async (redis, key) => redis.set(key, (await redis.getBuffer(key))?.subarray(0, 40) ?? '', 'PX', minute),
  ],
  ['empty', 1, (redis, key) => redis.set(key, '', 'PX', minute)],
  ['of a hundred megabytes', 1, (redis, key) => redis.setrange(key, 100 * 1024 * 1024, '!')],
  ['never to end', 0, (redis, key) => redis.persist(key)],
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
    await settled(redis)
    const key = await onlyKey(redis)
    await a.get('y')
    await settled(redis, 2)
    await vandalise(redis, key)
    assert.equal(await b.get('x'), 'b-1 of x')
    assert.equal(await b.get('y'), 'a-2 of y')
    assert.deepEqual(b.cache.stats.shared, { opened: 1, unreadable })
  })
}

test('a Redis that is full costs exchanges, no call and no lock', async (t) => {
  const { redis, a, b } = await startPair(t)
  await a.get('shared before')
  await settled(redis)
  const release = a.hold()
  const call = a.get('x')
  await locked(redis)
  await redis.config('SET', 'maxmemory', '1')
  release()
  assert.equal(await call, 'a-2 of x')
  await eventually(async () => (await locks(redis)).length === 0, 1_000)
  assert.equal(await b.get('x'), 'b-1 of x')
  assert.equal(await b.get('shared before'), 'a-1 of shared before', 'what is there is read')
  assert.ok(b.lines.some(({ event }) => event === 'redis_refused'))
  await redis.config('SET', 'maxmemory', '0')
  await b.get('y')
  await settled(redis, 2)
})

test('a Redis that freezes while one exchanges and another waits holds up neither', async (t) => {
  const { server, redis, a, b } = await startPair(t)
  const release = a.hold()
  const first = a.get('x')
  await locked(redis)
  const second = b.get('x')
  server.process.kill('SIGSTOP')
  const tookMs = await elapsedMs(second)
  assert.ok(tookMs < 500, `${tookMs} ms`)
  release()
  assert.deepEqual([await first, await second], ['a-1 of x', 'b-1 of x'])
  server.process.kill('SIGCONT')
})

test('a Redis that dies while one exchanges and another waits holds up neither', async (t) => {
  const { server, redis, a, b } = await startPair(t)
  const release = a.hold()
  const first = a.get('x')
  await locked(redis)
  const second = b.get('x')
  server.process.kill('SIGKILL')
  await once(server.process, 'exit')
  assert.equal(await second, 'b-1 of x')
  release()
  assert.equal(await first, 'a-1 of x')
  a.evict('x')
  assert.equal(await a.get('x'), 'a-2 of x')
})
