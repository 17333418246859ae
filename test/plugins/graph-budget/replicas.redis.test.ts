import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { type CallLimit, createCallLog, type WindowView } from '../../../src/plugins/graph-quota/call-log.ts'
import { createSharedCallLog } from '../../../src/plugins/graph-quota/shared-call-log.ts'
import { eventually, listen, type RunningApp, toolCall } from '../../helper.ts'
import { connected, startRedis, undisturbed as untilUndisturbed } from '../../redis-helper.ts'
import { type Answer, file, originOf, post, reasonOf } from '../../security/harness.ts'
import { startEmulator } from '../../tenant.ts'

const tenant = await startEmulator()
file.after(() => tenant.close())

interface Replica extends RunningApp {
  ask(user: string, args?: Record<string, unknown>): Promise<Answer>
}

/** Three replicas of one service, a Redis that they share, and a Graph that allows 40 calls a minute. */
async function startReplicas(t: TestContext) {
  const redis = await startRedis(t)
  const replicas: Replica[] = []
  for (let i = 0; i < 3; i++) {
    const running = await listen(t, { REDIS_URL: redis.url, GRAPH_CALLS_PER_MINUTE: '40' }, tenant)
    const origin = originOf(running.app)
    // A single message costs the tenant least: a busy process takes a Redis that answers for one that is gone.
    const ask: Replica['ask'] = async (user, args = { id: 'MC1268761', body: 'none' }) =>
      post(origin, toolCall('getMessage', args), await mint(user))
    replicas.push({ ...running, ask })
  }
  await Promise.all(replicas.map(connected))
  await eventually(async () => (await listeners(replicas)) === 3)
  const before = tenant.stats.snapshot().endpoints.graph
  return { redis, replicas, reads: () => tenant.stats.snapshot().endpoints.graph - before }
}

async function listeners([replica]: readonly Replica[]): Promise<unknown> {
  const { sharedStore: store } = replica?.app ?? assert.fail()
  const answer = await store?.ask((redis) => redis.pubsub('NUMSUB', store.key('graph-paused')))
  return answer?.[1]
}

const tokens = new Map<string, Promise<string>>()
function mint(user: string): Promise<string> {
  const token = tokens.get(user) ?? tenant.mint({ user })
  tokens.set(user, token)
  return token
}

const isServed = ({ body }: Answer) => body.result?.structuredContent !== undefined
const secondsOf = ({ body }: Answer) => {
  const meta = body.result?._meta?.['mcp-message-center-server/error'] as { retryAfterSeconds?: number } | undefined
  return meta?.retryAfterSeconds
}
const users = (count: number) => Array.from({ length: count }, (_, i) => `load-${i + 1}`)

type Service = Awaited<ReturnType<typeof startReplicas>>

const undisturbed = <Found extends object>(t: TestContext, work: (service: Service) => Promise<Found>) =>
  untilUndisturbed(
    () => startReplicas(t),
    ({ replicas }) => replicas.flatMap(({ app }) => app.sharedStore ?? []),
    work,
  )

test('three replicas spend 40 calls a minute together, to the call, and say when there are more', async (t) => {
  const { answers, made } = await undisturbed(t, async ({ replicas, reads }) => {
    // What does not fit is exchanged for and asks Graph nothing: the signatures for twenty users hold everything up.
    for (const { ask } of replicas) for (const user of users(20)) await ask(user, { id: 'none' })
    const answers: Answer[] = []
    await Promise.all(
      replicas.map(async ({ ask }) => {
        for (const user of users(20)) answers.push(...(await Promise.all([ask(user), ask(user)])))
      }),
    )
    return { answers, made: reads() }
  })
  assert.equal(made, 40)
  assert.equal(answers.filter(isServed).length, 40)
  for (const refused of answers.filter((answer) => !isServed(answer))) {
    assert.equal(reasonOf(refused), 'graph_quota_exceeded')
    assert.ok(Number(secondsOf(refused)) > 30 && Number(secondsOf(refused)) <= 60, String(secondsOf(refused)))
  }
})

test('one busy user gets a quarter of it, wherever they call; a second one gets in', async (t) => {
  const { last, ofOne, others, made } = await undisturbed(t, async ({ replicas, reads }) => {
    let last: Answer | undefined
    for (let round = 0; round < 5; round++) for (const { ask } of replicas) last = await ask('rowan')
    const ofOne = reads()
    const others = await Promise.all(replicas.map(({ ask }) => ask('gale')))
    return { last, ofOne, others, made: reads() }
  })
  assert.equal(ofOne, 10)
  assert.match(last?.body.result?.content?.[0]?.text ?? '', /^graph_quota_exceeded: .* your share of the 40 /)
  assert.deepEqual(others.map(isServed), [true, true, true])
  assert.equal(made, 13)
})

test('Graph asks one replica to wait: none asks it meanwhile, and each says for how long', async (t) => {
  t.after(() => tenant.faults.clear())
  const { replicas, reads } = await undisturbed(t, async ({ replicas: [one = assert.fail(), ...more] }) => {
    for (const { ask } of [one, ...more]) assert.ok(isServed(await ask('rowan')))
    tenant.faults.add({ target: 'graph', kind: 'status', status: 429, retryAfter: 9, times: 1 })
    assert.equal(reasonOf(await one.ask('rowan')), 'graph_throttled')
    return {}
  })
  await eventually(() => replicas.every(({ app }) => app.graphBudget.isPaused))
  const before = reads()
  const refused = await Promise.all(
    replicas.flatMap(({ ask }) => ['rowan', 'gale', 'priya'].map((user) => ask(user, { id: 'MC1268761' }))),
  )
  assert.equal(reads(), before)
  for (const answer of refused) {
    assert.equal(reasonOf(answer), 'graph_throttled')
    assert.ok(Number(secondsOf(answer)) >= 6 && Number(secondsOf(answer)) <= 9, String(secondsOf(answer)))
  }
  for (const { logs } of replicas) {
    assert.equal(logs.filter(({ event }) => event === 'graph_paused').length, 1)
  }
})

test('what is no number of milliseconds pauses nobody, and no number for longer than a minute', async (t) => {
  const { replicas } = await startReplicas(t)
  const [{ app, logs } = assert.fail(), other = assert.fail()] = replicas
  const tell = (message: string) => other.app.sharedStore?.publish('graph-paused', message)
  const told = ['', '0', '-5000', '1e7', '5000.5', ' 5000', 'soon', '{"ms":5000}', '999999999', '٥٠٠٠']
  for (const message of told) await tell(message)
  await tell('99999999')
  await eventually(() => app.graphBudget.isPaused)
  assert.deepEqual(
    logs.filter(({ event }) => event === 'graph_paused').map(({ seconds, toldBy }) => [seconds, toldBy]),
    [[60, 'replica']],
  )
})

test('whoever can write to Redis pauses nobody: what no replica has tagged, or what is told again later, is not heard', async (t) => {
  const { redis, replicas } = await startReplicas(t)
  const [{ app, logs } = assert.fail(), other = assert.fail()] = replicas
  const { sharedStore: store } = other.app
  const channel = store?.key('graph-paused') ?? ''
  const tell = (message: string) => store?.ask((client) => client.publish(channel, message))
  const time = Date.now().toString(36)
  const old = `intruder ${(Date.now() - 120_000).toString(36)}`
  for (const message of [
    '60000',
    'intruder 60000',
    `intruder ${time}  60000`,
    `intruder ${time} ${'A'.repeat(16)} 60000`,
    `intruder ${time} ${store?.tag('another-channel', `intruder ${time} 60000`)} 60000`,
    `intruder ${time} ${store?.tag(channel, `intruder ${time} 1000`)} 60000`,
    `${old} ${store?.tag(channel, `${old} 60000`)} 60000`,
  ]) {
    await tell(message)
  }
  await eventually(() => logs.some(({ event, what }) => event === 'redis_forged' && what === 'graph-paused'))
  assert.equal(app.graphBudget.isPaused, false)
  await tell(`intruder ${time} ${store?.tag(channel, `intruder ${time} 60000`)} 60000`)
  await eventually(() => app.graphBudget.isPaused)
  assert.ok(redis.port > 0)
})

for (const [what, count, scoreOf] of [
  ['now', 39, () => Date.now()],
  ['now, and more than there can be', 60, () => Date.now()],
  ['in times to come', 39, () => '+inf'],
] as const) {
  test(`whoever can write to Redis spends no budget: calls that nobody made, ${what}, do not count`, async (t) => {
    const { replicas, reads } = await startReplicas(t)
    const [one = assert.fail(), two = assert.fail()] = replicas
    assert.ok(isServed(await one.ask('rowan')))
    const { sharedStore: store } = one.app
    const forged = Array.from({ length: count }, (_, i) => [
      scoreOf(),
      `intruder${i}:1:${Date.now().toString(36)}:x`,
    ]).flat()
    assert.ok(await store?.ask((client) => client.zadd(store.key('{graph-budget}:calls'), ...forged)))
    for (let i = 0; i < 3; i++) for (const { ask } of [one, two]) assert.ok(isServed(await ask('rowan')))
    assert.equal(reads(), 7)
    assert.ok(one.logs.some(({ event, what: forged }) => event === 'redis_forged' && forged === 'graph-budget'))
  })
}

test('calls that were made cannot be entered again under a later time, or for another user', async (t) => {
  const { replicas } = await startReplicas(t)
  const { sharedStore: store } = replicas[0]?.app ?? assert.fail()
  assert.ok(store)
  const take = createSharedCallLog([{ window: 'minute', ms: 3_600_000, calls: 4 }], store)
  for (const user of ['a', 'b', 'c', 'd']) assert.equal((await take(user, true))?.[0]?.waitMs, 0)
  assert.ok(Number((await take('e', true))?.[0]?.waitMs) > 0, 'genuine ones count')
  const everybody = store.key('{graph-budget}:calls')
  await store.ask(async (client) => {
    const ids = await client.zrange(everybody, '0', '-1')
    await client.zadd(everybody, ...ids.flatMap((id) => [Date.now() + 1_000_000, id]))
  })
  assert.equal(await take('e', true), undefined)
})

for (const [what, signal] of [
  ['hangs', 'SIGSTOP'],
  ['dies', 'SIGKILL'],
] as const) {
  test(`a Redis that ${what} fails no call: each replica goes on with what it has spent itself`, async (t) => {
    const { redis, replicas, reads } = await startReplicas(t)
    const [one = assert.fail(), two = assert.fail()] = replicas
    for (let i = 0; i < 6; i++) assert.ok(isServed(await one.ask('rowan')))
    redis.process.kill(signal)
    if (signal === 'SIGKILL') await once(redis.process, 'exit')
    const spend = async ({ ask }: { ask: (user: string) => Promise<Answer> }) => {
      for (let calls = 0; ; calls++) {
        const answer = await ask('rowan')
        if (isServed(answer)) continue
        assert.equal(reasonOf(answer), 'graph_quota_exceeded')
        return calls
      }
    }
    assert.equal(await spend(one), 4, 'it knows of six')
    assert.equal(await spend(two), 10, 'it knows of none')
    assert.equal(reads(), 20)
  })
}

test('a Redis that has lost everything does not make a replica forget what it spent', async (t) => {
  const { replicas, reads } = await startReplicas(t)
  const [{ app, ask } = assert.fail()] = replicas
  for (let i = 0; i < 11; i++) await ask('rowan')
  assert.equal(reads(), 10)
  await app.sharedStore?.ask((redis) => redis.flushall())
  assert.equal(reasonOf(await ask('rowan')), 'graph_quota_exceeded')
})

test('Redis learns times and hashes of users, for as long as they count, all in one slot of a cluster', async (t) => {
  await undisturbed(t, async ({ replicas }) => {
    const [{ app, ask } = assert.fail()] = replicas
    await ask('rowan')
    const keys = (await app.sharedStore?.ask((redis) => redis.keys('*'))) ?? []
    assert.equal(keys.length, 2)
    for (const key of keys) {
      assert.match(key, /^mcp-message-center-server:\{graph-budget\}:calls(:[\w-]{22})?$/)
      const lifetimeMs = Number(await app.sharedStore?.ask((redis) => redis.pttl(key)))
      assert.ok(lifetimeMs > 50_000 && lifetimeMs <= 60_000, String(lifetimeMs))
      const members = (await app.sharedStore?.ask((redis) => redis.zrange(key, '0', '-1'))) ?? []
      assert.equal(members.length, 1)
      assert.match(members[0] ?? '', /^[\w-]{12}:1:[0-9a-z]+:[\w-]{16}$/)
    }
    return {}
  })
})

for (const [limited, sequence, expectedCalls] of [
  [[7, 8, 9, 10, 11], 'aaaaabbacdeabcdefa', 7],
  // Of these a user's own share binds.
  [[40, 44], 'aaaaaaaaabaaaabcaa', 13],
] as const) {
  test(`the shared log admits, refuses and says when as the log in memory does (${limited})`, async (t) => {
    await undisturbed(t, async ({ replicas }) => {
      const { sharedStore: store } = replicas[0]?.app ?? assert.fail()
      assert.ok(store)
      // The first limit binds; the others have the wait of the same calls reckoned from less to pass.
      const limits = limited.map((calls, i): CallLimit => ({ window: 'minute', ms: 60_000 * (i + 1), calls }))
      const take = createSharedCallLog(limits, store)
      const log = createCallLog(limits)
      let admitted = 0
      for (const user of sequence) {
        await new Promise((resolve) => setTimeout(resolve, 20))
        const expected = log.views(user, performance.now())
        const views = (await take(user, true)) ?? assert.fail('the store did not answer')
        const counts = (all: readonly WindowView[]) => all.map(({ all, own }) => [all, own])
        assert.deepEqual(counts(views), counts(expected), `${user} after ${admitted}`)
        for (const [i, { waitMs }] of views.entries()) {
          const expectedMs = expected[i]?.waitMs ?? 0
          assert.ok(Math.abs(waitMs - expectedMs) <= (expectedMs === 0 ? 0 : 19), `${waitMs} for ${expectedMs} ms`)
        }
        if (!views.every(({ waitMs }) => waitMs === 0)) continue
        log.enter(user, performance.now())
        admitted++
      }
      assert.equal(admitted, expectedCalls)
      return {}
    })
  })
}

test('a call that must not be entered is not, and one that leaves makes room', async (t) => {
  await undisturbed(t, async ({ replicas }) => {
    const { sharedStore: store } = replicas[0]?.app ?? assert.fail()
    assert.ok(store)
    const take = createSharedCallLog([{ window: 'minute', ms: 500, calls: 1 }], store)
    const none = { all: 0, own: 0, waitMs: 0 }
    assert.deepEqual([await take('a', false), await take('a', true)], [[none], [none]])
    const [{ waitMs } = assert.fail()] = (await take('b', true)) ?? []
    assert.ok(waitMs > 0 && waitMs <= 500, String(waitMs))
    await new Promise((resolve) => setTimeout(resolve, waitMs + 5))
    assert.deepEqual(await take('b', true), [none])
    return {}
  })
})
