import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { shareCounts } from '../../../src/plugins/rate-limit/shared-counts.ts'
import { endless, eventually, listen, mcpHeaders, type RunningApp } from '../../helper.ts'
import { connected, type RedisServer, startRedis } from '../../redis-helper.ts'
import { file, originOf } from '../../security/harness.ts'
import { startEmulator } from '../../tenant.ts'

const tenant = await startEmulator()
file.after(() => tenant.close())

const [rowan, gale] = await Promise.all(['rowan', 'gale'].map((user) => tenant.mint({ user })))
const ping = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })

interface Replicas {
  /** Asks one of them as a user, and says how it answered. */
  ask(replica: number, token?: string): Promise<{ status: number; remaining: number; headers: Headers }>
  readonly apps: readonly RunningApp[]
  readonly redis: RedisServer
}

/** Three replicas of one service with a Redis, each by its own address; the public origin is the first one's. */
async function startReplicas(t: TestContext, env: Record<string, string>): Promise<Replicas> {
  const redis = await startRedis(t)
  const shared = { REDIS_URL: redis.url, RATE_LIMIT_WINDOW: endless, ...env }
  const first = await listen(t, shared, tenant)
  const apps = [first]
  for (let i = 1; i < 3; i++) apps.push(await listen(t, { ...shared, PUBLIC_BASE_URL: first.origin }, tenant))
  await Promise.all(apps.map(connected))
  const origins = apps.map(({ app }) => originOf(app))
  async function ask(replica: number, token = rowan) {
    const response = await fetch(`${origins[replica]}/mcp`, { method: 'POST', headers: mcpHeaders(token), body: ping })
    await response.arrayBuffer()
    const { status, headers } = response
    return { status, remaining: Number(headers.get('ratelimit-remaining')), headers }
  }
  return { ask, apps, redis }
}

/** What Redis knows of the users, each by its replicas; reading it over a connection that stays up. */
async function toldOf({ apps }: Replicas): Promise<number[][]> {
  const { sharedStore } = apps[0]?.app ?? assert.fail()
  const told = await sharedStore?.ask(async (redis) => {
    const keys = await redis.keys(sharedStore.key('{rate}:user:*'))
    return Promise.all(keys.map(async (key) => (await redis.hvals(key)).map((count) => Number.parseInt(count, 10))))
  })
  return told ?? []
}

const total = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0)

/** Until Redis knows of so many requests of one user. */
async function told(replicas: Replicas, requests: number): Promise<void> {
  await eventually(async () => (await toldOf(replicas)).some((counts) => total(counts) >= requests))
}

/** Until a replica, asked on and on, refuses this user; so many were let through before. */
async function askUntilRefused({ ask }: Replicas, replica: number, token = rowan): Promise<number> {
  for (let letThrough = 0; letThrough < 200; letThrough++) {
    if ((await ask(replica, token)).status === 429) return letThrough
  }
  return assert.fail('It was never refused')
}

test('a user who spreads calls over the replicas has one limit, and another user is not touched', async (t) => {
  const replicas = await startReplicas(t, { RATE_LIMIT_USER_MAX: '30' })
  let letThrough = 0
  for (let round = 1; letThrough < 3 * round; round++) {
    const before = letThrough
    for (const replica of [0, 1, 2]) if ((await replicas.ask(replica)).status === 200) letThrough++
    if (letThrough === before) break
    await told(replicas, letThrough)
  }
  // Each replica knows what the others had told when it last told something itself.
  assert.ok(letThrough >= 30 && letThrough <= 36, `${letThrough} were let through`)
  for (const replica of [0, 1, 2]) {
    const { status, headers } = await replicas.ask(replica)
    assert.equal(status, 429)
    assert.equal(headers.get('retry-after'), headers.get('ratelimit-reset'))
    assert.equal((await replicas.ask(replica, gale)).status, 200)
  }
})

test('a replica that has just started holds a user to what the others let through', async (t) => {
  const replicas = await startReplicas(t, { RATE_LIMIT_USER_MAX: '10' })
  for (let i = 0; i < 9; i++) assert.equal((await replicas.ask(0)).status, 200)
  await told(replicas, 9)
  assert.equal((await replicas.ask(1)).remaining, 9)
  await told(replicas, 10)
  await eventually(async () => (await replicas.ask(1)).status === 429)
})

test('Redis learns hashes and counts, and forgets them', async (t) => {
  const replicas = await startReplicas(t, { RATE_LIMIT_USER_MAX: '10', RATE_LIMIT_WINDOW: '10 minutes' })
  for (const replica of [0, 1]) {
    await replicas.ask(replica)
    await replicas.ask(replica, 'no-token')
  }
  const { sharedStore } = replicas.apps[0]?.app ?? assert.fail()
  const read = () =>
    sharedStore?.ask(async (redis) => {
      const keys = (await redis.keys('*')).sort()
      return Promise.all(
        keys.map(async (key) => ({ key, counts: await redis.hgetall(key), ttl: await redis.pttl(key) })),
      )
    })
  // By address and by user, from two replicas.
  await eventually(async () => (await read())?.flatMap(({ counts }) => Object.keys(counts)).length === 4)
  const kept = await read()
  assert.equal(kept?.length, 2)
  for (const [i, { key, counts, ttl }] of (kept ?? []).entries()) {
    const by = ['address', 'user'][i]
    assert.match(key, new RegExp(`^mcp-message-center-server:\\{rate\\}:${by}:[\\w-]{22}:\\d+$`))
    assert.equal(Object.keys(counts).length, 2)
    for (const count of Object.values(counts)) assert.match(count, /^1:[\w-]{16}$/)
    for (const replica of Object.keys(counts)) assert.match(replica, /^[\w-]{8}$/)
    assert.ok(ttl > 0 && ttl <= 600_000)
  }
})

/**
 * Until a replica counts so many requests of the others, which it hears when it tells of its own.
 *
 * @returns how many it has let through itself by then
 */
async function heardOf(replicas: Replicas, replica: number, own: number, others: number): Promise<number> {
  await replicas.ask(replica)
  await told(replicas, own + 1 + others)
  let asked = own + 1
  await eventually(async () => {
    asked++
    return (await replicas.ask(replica)).remaining === 100 - asked - others
  })
  return asked
}

test('without Redis each replica holds the limit by itself, with what it knew of the others', async (t) => {
  const replicas = await startReplicas(t, { RATE_LIMIT_USER_MAX: '100' })
  for (let i = 0; i < 8; i++) await replicas.ask(0)
  await told(replicas, 8)
  const own = await heardOf(replicas, 1, 0, 8)
  replicas.redis.process.kill('SIGKILL')
  await once(replicas.redis.process, 'exit')
  assert.equal(await askUntilRefused(replicas, 1), 100 - 8 - own)
  assert.equal(await askUntilRefused(replicas, 2), 100)
})

const losses = [
  {
    what: 'hangs',
    stop: async ({ process }: RedisServer) => void process.kill('SIGSTOP'),
    resume: async ({ process }: RedisServer) => void process.kill('SIGCONT'),
  },
  {
    what: 'dies and comes back empty',
    stop: async ({ process }: RedisServer) => {
      process.kill('SIGKILL')
      await once(process, 'exit')
    },
    resume: async ({ port }: RedisServer, t: TestContext) => void (await startRedis(t, port)),
  },
]
for (const { what, stop, resume } of losses) {
  test(`a Redis that ${what} holds no request up, and replicas agree again when it is back`, async (t) => {
    const replicas = await startReplicas(t, { RATE_LIMIT_USER_MAX: '100' })
    for (const replica of [0, 1]) await replicas.ask(replica)
    await told(replicas, 2)
    await stop(replicas.redis)
    // One that waited for the store would wait for its budget of 50 ms; half of twenty are not slow by chance.
    const tookMs: number[] = []
    for (let i = 0; i < 20; i++) {
      const startMs = performance.now()
      assert.equal((await replicas.ask(i % 2)).status, 200)
      tookMs.push(performance.now() - startMs)
    }
    tookMs.sort((a, b) => a - b)
    assert.ok((tookMs[10] ?? 0) < 50, `half of them took longer than ${tookMs[10]} ms`)
    await resume(replicas.redis, t)
    await Promise.all(replicas.apps.map(connected))
    await told(replicas, 22)
    const own = await heardOf(replicas, 0, 11, 11)
    assert.equal(await askUntilRefused(replicas, 0), 100 - 11 - own)
  })
}

test('more callers than are told of at a time all get their turn', async (t) => {
  const { apps } = await startReplicas(t, {})
  const sharedStore = apps[0]?.app.sharedStore ?? assert.fail()
  const shared = shareCounts(sharedStore, { by: 'many', windowMs: 60_000, max: 100, now: () => 60_000 })
  t.after(() => shared.close())
  for (let i = 0; i < 1_200; i++) shared.changed({ id: `caller-${i}`, shiftMs: 0, window: 1, own: 1, others: 0 })
  await eventually(
    async () => (await sharedStore.ask((redis) => redis.keys(sharedStore.key('{rate}:many:*'))))?.length === 1_200,
  )
})

test('of a window that was over before Redis could be told, it is told nothing', async (t) => {
  const { apps } = await startReplicas(t, {})
  const sharedStore = apps[0]?.app.sharedStore ?? assert.fail()
  const shared = shareCounts(sharedStore, { by: 'over', windowMs: 60_000, max: 100, now: () => 120_000 })
  t.after(() => shared.close())
  for (const window of [1, 2]) shared.changed({ id: `of-${window}`, shiftMs: 0, window, own: 1, others: 0 })
  const keys = () => sharedStore.ask((redis) => redis.keys(sharedStore.key('{rate}:over:*')))
  await eventually(async () => (await keys())?.length === 1)
  assert.deepEqual(await keys(), [sharedStore.key('{rate}:over:of-2:2')])
})

test('a replica that stops leaves nothing behind that keeps its process alive', async (t) => {
  const replicas = await startReplicas(t, { RATE_LIMIT_USER_MAX: '40' })
  await replicas.ask(2)
  await replicas.apps[2]?.app.close()
  const { sharedStore } = replicas.apps[2]?.app ?? assert.fail()
  const { skipped } = sharedStore?.stats ?? assert.fail()
  await replicas.ask(0)
  await told(replicas, 1)
  assert.equal(sharedStore?.stats.skipped, skipped)
})

for (const [what, forge] of [
  ['a vast count', () => '999999999'],
  ['no number', () => 'nonsense'],
  ['a count that leaves one request', () => '8'],
  ['a tag of its own', () => `9:${'A'.repeat(16)}`],
  ['another replica’s count and tag', (genuine: string) => genuine],
] as const) {
  test(`whoever can write to Redis shuts nobody out with ${what}`, async (t) => {
    const replicas = await startReplicas(t, { RATE_LIMIT_USER_MAX: '10' })
    assert.equal((await replicas.ask(0)).status, 200)
    await told(replicas, 1)
    const { sharedStore } = replicas.apps[1]?.app ?? assert.fail()
    await sharedStore?.ask(async (redis) => {
      const [key = ''] = await redis.keys(sharedStore.key('{rate}:user:*'))
      const [genuine = ''] = await redis.hvals(key)
      const copies = what.startsWith('another') ? 9 : 1
      const forged = Array.from({ length: copies }, (_, i) => [`intruder${i}`, forge(genuine)]).flat()
      await redis.hset(key, ...forged)
    })
    let letThrough = 1
    for (let i = 0; i < 4; i++) {
      if ((await replicas.ask(1)).status === 200) letThrough++
      // As often as replicas tell each other, and once more.
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
    assert.ok(letThrough >= 4, `${letThrough} were let through`)
  })
}
