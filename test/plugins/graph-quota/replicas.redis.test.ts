import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import type { Redis } from 'ioredis'
import { eventually, listen, type RunningApp, toolCall } from '../../helper.ts'
import { connected, forgeCounters, startRedis, undisturbed as untilUndisturbed } from '../../redis-helper.ts'
import { file, type HttpResponse, originOf, post, reasonOf } from '../../security/harness.ts'
import { startEmulator } from '../../tenant.ts'

const tenant = await startEmulator()
file.after(() => tenant.close())

interface Replica extends RunningApp {
  ask(user: string, args?: Record<string, unknown>): Promise<HttpResponse>
}

/** Three replicas of one service, a Redis that they share, and a Graph that allows 40 calls a minute. */
async function startReplicas(t: TestContext) {
  const redis = await startRedis(t)
  const replicas: Replica[] = []
  for (let i = 0; i < 3; i++) {
    const running = await listen(t, { REDIS_URL: redis.url, GRAPH_CALLS_PER_MINUTE: '40' }, tenant)
    const origin = originOf(running.app)
    // One call to Graph each, that costs the tenant least: a busy process takes a Redis that answers for one that is gone.
    const ask: Replica['ask'] = async (user, args = { filter: "id eq 'MC1268761'" }) =>
      post(origin, toolCall('getMessages', args), await mint(user))
    replicas.push({ ...running, ask })
  }
  await Promise.all(replicas.map(connected))
  const before = tenant.stats.snapshot().endpoints.graph
  return { redis, replicas, reads: () => tenant.stats.snapshot().endpoints.graph - before }
}

const tokens = new Map<string, Promise<string>>()
function mint(user: string): Promise<string> {
  const token = tokens.get(user) ?? tenant.mint({ user })
  tokens.set(user, token)
  return token
}

const isServed = ({ body }: HttpResponse) => body.result?.structuredContent !== undefined
const secondsOf = ({ body }: HttpResponse) => {
  const meta = body.result?._meta?.['mcp-message-center-server/error'] as { retryAfterSeconds?: number } | undefined
  return meta?.retryAfterSeconds
}
const users = (count: number) => Array.from({ length: count }, (_, i) => `load-${i + 1}`)

type Service = Awaited<ReturnType<typeof startReplicas>>

const undisturbed = <Found extends object>(t: TestContext, work: (service: Service) => Promise<Found>) =>
  untilUndisturbed(() => startReplicas(t), work)

test('three replicas spend 40 calls a minute together, to the call, and say when there are more', async (t) => {
  const { responses, made } = await undisturbed(t, async ({ replicas, reads }) => {
    // What does not fit is exchanged for and asks Graph nothing: the signatures for twenty users hold everything up.
    for (const { ask } of replicas) for (const user of users(20)) await ask(user, { top: -1 })
    const responses: HttpResponse[] = []
    await Promise.all(
      replicas.map(async ({ ask }) => {
        for (const user of users(20)) responses.push(...(await Promise.all([ask(user), ask(user)])))
      }),
    )
    return { responses, made: reads() }
  })
  assert.equal(made, 40)
  assert.equal(responses.filter(isServed).length, 40)
  for (const rejected of responses.filter((response) => !isServed(response))) {
    assert.equal(reasonOf(rejected), 'graph_quota_exceeded')
    assert.ok(Number(secondsOf(rejected)) > 30 && Number(secondsOf(rejected)) <= 60, String(secondsOf(rejected)))
  }
})

test('one busy user gets a quarter of it, wherever they call; a second one gets in', async (t) => {
  const { last, ofOne, others, made } = await undisturbed(t, async ({ replicas, reads }) => {
    let last: HttpResponse | undefined
    for (let round = 0; round < 5; round++) for (const { ask } of replicas) last = await ask('rowan')
    const ofOne = reads()
    const others = await Promise.all(replicas.map(({ ask }) => ask('gale')))
    return { last, ofOne, others, made: reads() }
  })
  assert.equal(ofOne, 10)
  assert.match(last?.body.result?.content?.[0]?.text ?? '', /^graph_quota_exceeded: .* your share of your tenant's 40 /)
  assert.deepEqual(others.map(isServed), [true, true, true])
  assert.equal(made, 13)
})

test('Graph asks one replica to wait: none asks it meanwhile, and each says for how long', async (t) => {
  t.after(() => tenant.faults.clear())
  const { replicas, rejected, asked } = await undisturbed(t, async ({ replicas, reads }) => {
    const [one = assert.fail(), ...more] = replicas
    for (const { ask } of [one, ...more]) assert.ok(isServed(await ask('rowan')))
    tenant.faults.add({ target: 'graph', kind: 'status', status: 429, retryAfter: 9, times: 1 })
    assert.equal(reasonOf(await one.ask('rowan')), 'graph_throttled')
    const before = reads()
    const people = ['rowan', 'gale', 'priya']
    const rejected = await Promise.all(replicas.flatMap(({ ask }) => people.map((user) => ask(user))))
    return { rejected, asked: reads() - before }
  })
  assert.equal(asked, 0)
  for (const response of rejected) {
    assert.equal(reasonOf(response), 'graph_throttled')
    assert.ok(Number(secondsOf(response)) >= 6 && Number(secondsOf(response)) <= 9, String(secondsOf(response)))
  }
  for (const { logs } of replicas) {
    assert.equal(logs.filter(({ event }) => event === 'graph_paused').length, 1)
  }
})

for (const [what, write] of [
  ['that never ends', (client, key) => client.set(key, '1')],
  ['of a day', (client, key) => client.set(key, '1', 'PX', 86_400_000)],
  ['of an hour', (client, key) => client.set(key, '1', 'PX', 3_600_000)],
] satisfies [string, (client: Redis, key: string) => Promise<unknown>][]) {
  test(`a pause ${what} was written by no replica, and stops none`, async (t) => {
    const { replicas } = await startReplicas(t)
    const [{ app, ask } = assert.fail()] = replicas
    const { sharedStore: store } = app
    await store?.ask((client) => write(client, store.key('graph-paused')))
    assert.ok(isServed(await ask('rowan')))
    assert.equal(app.graphQuota.isPaused, false)
  })
}

test('a long pause is shared for a minute: then each replica asks Graph itself', async (t) => {
  t.after(() => tenant.faults.clear())
  await undisturbed(t, async ({ replicas }) => {
    const [one = assert.fail()] = replicas
    tenant.faults.add({ target: 'graph', kind: 'status', status: 429, retryAfter: 600, times: 1 })
    assert.equal(reasonOf(await one.ask('rowan')), 'graph_throttled')
    const { sharedStore: store } = one.app
    let leftMs = 0
    await eventually(async () => {
      leftMs = (await store?.ask((client) => client.pttl(store.key('graph-paused')))) ?? 0
      return leftMs > 0
    })
    assert.ok(leftMs > 50_000 && leftMs <= 60_000, `${leftMs}`)
    return {}
  })
})

for (const [what, signal] of [
  ['hangs', 'SIGSTOP'],
  ['dies', 'SIGKILL'],
] as const) {
  test(`a Redis that ${what} fails no call: each replica counts in its own memory`, async (t) => {
    const { redis, replicas, reads } = await startReplicas(t)
    const [one = assert.fail(), two = assert.fail()] = replicas
    for (let i = 0; i < 6; i++) assert.ok(isServed(await one.ask('rowan')))
    redis.process.kill(signal)
    if (signal === 'SIGKILL') await once(redis.process, 'exit')
    const spend = async ({ ask }: { ask: (user: string) => Promise<HttpResponse> }) => {
      for (let calls = 0; ; calls++) {
        const response = await ask('rowan')
        if (isServed(response)) continue
        assert.equal(reasonOf(response), 'graph_quota_exceeded')
        return calls
      }
    }
    assert.equal(await spend(one), 10)
    assert.equal(await spend(two), 10)
    assert.equal(reads(), 26)
  })
}

test('whoever writes to Redis slows calls to Graph down, and stops none: a tenth is each replica’s own', async (t) => {
  const { served, reason } = await undisturbed(t, async ({ replicas }) => {
    const [one = assert.fail()] = replicas
    assert.ok(isServed(await one.ask('rowan')))
    await forgeCounters(one, '*graph-quota*')
    const responses: HttpResponse[] = []
    // Of the tenant's forty calls four, of which the first was one; of a user's ten, one.
    for (const user of ['gale', 'priya', 'load-1', 'load-2']) responses.push(await one.ask(user))
    return { served: responses.map(isServed), reason: reasonOf(responses.at(-1) ?? assert.fail()) }
  })
  assert.deepEqual(served, [true, true, true, false])
  assert.equal(reason, 'graph_quota_exceeded')
})

test('Redis learns counts and hashes of users, for as long as they count', async (t) => {
  await undisturbed(t, async ({ replicas }) => {
    const [{ app, ask } = assert.fail()] = replicas
    await ask('rowan')
    const keys = (await app.sharedStore?.ask((redis) => redis.keys('*:graph-quota:*'))) ?? []
    assert.equal(keys.length, 2)
    for (const key of keys) {
      assert.match(key, /^mcp-message-center-server:graph-quota:(tenant:minute:all|user:minute:[\w-]{22})$/)
      const lifetimeMs = Number(await app.sharedStore?.ask((redis) => redis.pttl(key)))
      assert.ok(lifetimeMs > 50_000 && lifetimeMs <= 60_000, String(lifetimeMs))
      assert.equal(await app.sharedStore?.ask((redis) => redis.get(key)), '1')
    }
    return {}
  })
})
