import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { endless, listen, mcpHeaders, type RunningApp } from '../../helper.ts'
import {
  connected,
  forgeCounters,
  type RedisServer,
  startRedis,
  undisturbed as untilUndisturbed,
} from '../../redis-helper.ts'
import { file, originOf } from '../../security/harness.ts'
import { startEmulator } from '../../tenant.ts'

const tenant = await startEmulator()
file.after(() => tenant.close())

const [rowan, gale] = await Promise.all(['rowan', 'gale'].map((user) => tenant.mint({ user })))
const ping = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })

/** Three replicas of one service with a Redis, each by its own address; the public origin is the first one's. */
async function startReplicas(t: TestContext, env: Record<string, string>) {
  const redis = await startRedis(t)
  const shared = { REDIS_URL: redis.url, RATE_LIMIT_WINDOW: endless, ...env }
  const first = await listen(t, shared, tenant)
  const replicas: RunningApp[] = [first]
  for (let i = 1; i < 3; i++) replicas.push(await listen(t, { ...shared, PUBLIC_BASE_URL: first.origin }, tenant))
  await Promise.all(replicas.map(connected))
  const origins = replicas.map(({ app }) => originOf(app))
  /** Asks a replica as a user. */
  async function ask(replica: number, token = rowan) {
    const response = await fetch(`${origins[replica]}/mcp`, { method: 'POST', headers: mcpHeaders(token), body: ping })
    await response.arrayBuffer()
    const { status, headers } = response
    return { status, remaining: Number(headers.get('ratelimit-remaining')), headers }
  }
  return { ask, replicas, redis }
}

type Service = Awaited<ReturnType<typeof startReplicas>>

const undisturbed = <Found extends object>(
  t: TestContext,
  env: Record<string, string>,
  work: (service: Service) => Promise<Found>,
) => untilUndisturbed(() => startReplicas(t, env), work)

/** Until a replica, asked on and on, rejects this user; so many were served before. */
async function askUntilRejected({ ask }: Service, replica: number): Promise<number> {
  for (let served = 0; served < 200; served++) {
    if ((await ask(replica)).status === 429) return served
  }
  return assert.fail('It was never rejected')
}

test('a user who spreads calls over the replicas has one limit, and another user is not touched', async (t) => {
  await undisturbed(t, { RATE_LIMIT_USER_MAX: '30' }, async ({ ask }) => {
    for (let i = 0; i < 30; i++) {
      const { status, remaining } = await ask(i % 3)
      assert.deepEqual([status, remaining], [200, 29 - i])
    }
    for (const replica of [0, 1, 2]) {
      const { status, headers } = await ask(replica)
      assert.equal(status, 429)
      assert.equal(headers.get('retry-after'), headers.get('ratelimit-reset'))
      assert.ok(Number(headers.get('retry-after')) > 0)
      assert.equal((await ask(replica, gale)).status, 200)
    }
    return {}
  })
})

test('whoever writes to Redis cannot lock a user out: a tenth of the limit is each replica’s own', async (t) => {
  await undisturbed(t, { RATE_LIMIT_USER_MAX: '30' }, async ({ ask, replicas }) => {
    assert.equal((await ask(0)).status, 200)
    await forgeCounters(replicas[0] ?? assert.fail(), '*rate:user*')
    const statuses: number[] = []
    for (let i = 0; i < 3; i++) statuses.push((await ask(0)).status)
    assert.deepEqual(statuses, [200, 200, 429])
    return {}
  })
})

test('addresses are counted by each replica for itself', async (t) => {
  const { ask } = await startReplicas(t, { RATE_LIMIT_MAX: '2' })
  for (const replica of [0, 1, 2]) {
    for (const status of [401, 401, 429]) assert.equal((await ask(replica, 'no-token')).status, status)
  }
})

test('Redis learns hashes of users and counts, and forgets them', async (t) => {
  await undisturbed(t, { RATE_LIMIT_WINDOW: '10 minutes' }, async ({ ask, replicas }) => {
    for (const replica of [0, 1]) {
      await ask(replica)
      await ask(replica, 'no-token')
    }
    const { sharedStore } = replicas[0]?.app ?? assert.fail()
    const keys = (await sharedStore?.ask((redis) => redis.keys('*'))) ?? []
    assert.equal(keys.length, 1)
    assert.match(keys[0] ?? '', /^mcp-message-center-server:rate:user:[\w-]{22}$/)
    const [count, ttl = 0] =
      (await sharedStore?.ask(
        async (redis) => [await redis.get(keys[0] ?? ''), await redis.pttl(keys[0] ?? '')] as const,
      )) ?? []
    assert.equal(count, '2')
    assert.ok(ttl > 0 && ttl <= 600_000)
    return {}
  })
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
  test(`while Redis ${what}, each replica holds the limit by itself, and they agree again afterwards`, async (t) => {
    const service = await startReplicas(t, { RATE_LIMIT_USER_MAX: '60' })
    const { ask, redis, replicas } = service
    for (let i = 0; i < 8; i++) assert.equal((await ask(0)).status, 200)
    await stop(redis)
    for (let i = 0; i < 20; i++) assert.equal((await ask(1)).status, 200)
    assert.equal(await askUntilRejected(service, 0), 60 - 8)
    assert.equal(await askUntilRejected(service, 1), 60 - 20)
    await resume(redis, t)
    await Promise.all(replicas.map(connected))
    await ask(2)
    const { remaining } = await ask(2)
    assert.ok(remaining <= 58)
  })
}

test('a full Redis rejects nobody', async (t) => {
  const { ask, replicas } = await startReplicas(t, { RATE_LIMIT_USER_MAX: '5' })
  await replicas[0]?.app.sharedStore?.ask((redis) => redis.config('SET', 'maxmemory', '1'))
  for (const replica of [0, 1]) for (let i = 0; i < 5; i++) assert.equal((await ask(replica)).status, 200)
  assert.equal((await ask(0)).status, 429)
})
