import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { CallLimit } from '../../../src/plugins/graph-quota/call-limits.ts'
import { createGraphQuota, type GraphCaller } from '../../../src/plugins/graph-quota/index.ts'
import { auditInto } from '../../helper.ts'

const minute = (calls: number): CallLimit => ({ window: 'minute', calls })
const hour = (calls: number): CallLimit => ({ window: 'hour', calls })

/** The quota of one replica, whose clock moves only when somebody waits. */
function quotaOf(t: TestContext, ...limits: CallLimit[]) {
  t.mock.timers.enable({ apis: ['Date', 'setTimeout'], now: 1_000_000 })
  const pass = (ms: number) => t.mock.timers.tick(ms)
  const lines: Record<string, unknown>[] = []
  const waits: number[] = []
  const quota = createGraphQuota({
    limits,
    audit: auditInto(lines),
    now: () => Date.now(),
    sleep: async (ms) => {
      waits.push(ms)
      pass(Math.ceil(ms))
    },
  })
  const admit = (user: string, withinMs = 20_000) =>
    quota.admit({ accessToken: `token of ${user}`, correlationId: 'id-1', user, tool: 'getMessages' }, withinMs)
  /** How many calls of a user are admitted before one is not. */
  async function spend(user: string): Promise<number> {
    for (let calls = 0; ; calls++) {
      try {
        await admit(user)
      } catch {
        return calls
      }
    }
  }
  return { quota, pass, lines, waits, admit, spend }
}

test('a user whose share is used is told so, and when there is more; others are admitted', async (t) => {
  const { admit, spend, pass, lines } = quotaOf(t, minute(40), hour(800))
  assert.equal(await spend('busy'), 10)
  pass(20_500)
  const detail = "You have used your share of your tenant's 40 calls a minute; the rest is for other users."
  await assert.rejects(admit('busy'), {
    reason: 'graph_quota_exceeded',
    message: detail,
    details: { detail, retryAfterSeconds: 40 },
  })
  await admit('other')
  assert.deepEqual(lines.at(-1), {
    level: 'warn',
    event: 'graph_quota_exceeded',
    requestId: 'id-1',
    user: 'busy',
    tool: 'getMessages',
    window: 'minute',
    scope: 'user',
    seconds: 40,
  })
  pass(39_500)
  await admit('busy')
})

test('where the tenant’s quota is used, everybody is told so', async (t) => {
  const { admit, spend, lines } = quotaOf(t, minute(1_000), hour(15))
  assert.deepEqual([await spend('a'), await spend('b')], [10, 5])
  await assert.rejects(admit('c'), {
    details: { detail: "Your tenant's 15 calls an hour are used.", retryAfterSeconds: 3_600 },
  })
  assert.deepEqual([lines.at(-1)?.['window'], lines.at(-1)?.['scope']], ['hour', 'tenant'])
})

test('no user gets more than a quarter of what Graph allows, in a minute or in an hour, however often they ask', async (t) => {
  const { quota, spend, pass } = quotaOf(t, minute(240), hour(800))
  const inMinute: number[] = []
  for (let i = 0; i < 10; i++) {
    inMinute.push(await spend('without a role'))
    for (let again = 0; again < 100; again++) assert.equal(await spend('without a role'), 0)
    pass(60_000)
  }
  assert.deepEqual(inMinute, [60, 60, 60, 20, 0, 0, 0, 0, 0, 0])
  assert.equal(quota.left['hour'], 600)
})

test('together users get all of it, and not one call more', async (t) => {
  const { spend } = quotaOf(t, minute(240), hour(800))
  const calls: number[] = []
  for (let i = 0; i < 6; i++) calls.push(await spend(`user-${i}`))
  assert.deepEqual(calls, [60, 60, 60, 60, 0, 0])
})

test('a rejected call costs nothing: neither the user’s hour, nor the tenant’s', async (t) => {
  const { quota, spend, pass } = quotaOf(t, minute(40), hour(160))
  for (const left of [120, 80, 40]) {
    for (const user of ['a', 'b', 'c', 'd']) assert.equal(await spend(user), 10)
    for (let again = 0; again < 50; again++) assert.equal(await spend('e'), 0)
    assert.deepEqual(quota.left, { minute: 0, hour: left })
    pass(60_000)
  }
  for (let minutes = 0; minutes < 4; minutes++) {
    assert.equal(await spend('e'), 10)
    pass(60_000)
  }
})

test('a burst of a user whose share is used holds up nobody else', async (t) => {
  const { admit, spend } = quotaOf(t, minute(40))
  assert.equal(await spend('busy'), 10)
  const burst = Array.from({ length: 100 }, () => assert.rejects(admit('busy'), { reason: 'graph_quota_exceeded' }))
  await Promise.all([...burst, admit('other')])
})

test('a short wait is waited for, a little longer than it has to be', async (t) => {
  const { admit, spend, pass, waits, lines } = quotaOf(t, minute(2))
  assert.equal(await spend('a'), 2)
  const rejected = lines.length
  pass(56_000)
  await admit('a')
  assert.equal(waits.length, 1)
  assert.ok((waits[0] ?? 0) >= 4_100 && (waits[0] ?? 0) <= 4_400, `${waits[0]}`)
  assert.equal(lines.length, rejected, 'and nobody is told')
})

test('a wait that does not fit into what is left of the call is not begun', async (t) => {
  const { admit, spend, pass, waits } = quotaOf(t, minute(2))
  await spend('a')
  pass(56_000)
  await assert.rejects(admit('a', 4_050), { reason: 'graph_quota_exceeded' })
  assert.deepEqual(waits, [])
})

test('without a user the token counts as one', async (t) => {
  const { quota } = quotaOf(t, minute(40))
  const call = (accessToken: string) => quota.admit({ accessToken, correlationId: 'id-1' }, 20_000)
  for (let i = 0; i < 10; i++) await call('one')
  await assert.rejects(call('one'), { reason: 'graph_quota_exceeded' })
  await call('two')
})

test('a pause holds everybody, with the seconds that are left, and then nobody', async (t) => {
  const { quota, admit, pass, lines } = quotaOf(t, minute(40))
  quota.pause(30_000)
  assert.equal(quota.isPaused, true)
  pass(10_200)
  for (const user of ['a', 'b']) {
    await assert.rejects(admit(user), { reason: 'graph_throttled', details: { retryAfterSeconds: 20 } })
  }
  assert.equal(quota.left['minute'], 40, 'what was not called costs nothing')
  pass(19_800)
  assert.equal(quota.isPaused, false)
  await admit('a')
  assert.deepEqual(lines, [{ level: 'warn', event: 'graph_paused', seconds: 30, source: 'graph' }])
})

test('a short pause is waited for by all, and not in step', async (t) => {
  const { quota, admit, waits, pass } = quotaOf(t)
  quota.pause(3_000)
  await admit('a')
  pass(60_000)
  quota.pause(3_000)
  await admit('b')
  for (const ms of waits) assert.ok(ms >= 3_100 && ms <= 3_400, `${ms}`)
  assert.notEqual(waits[0], waits[1])
})

test('a pause is prolonged and never cut short, and logged again only where it is', async (t) => {
  const { quota, pass, lines } = quotaOf(t)
  quota.pause(10_000)
  pass(500)
  quota.pause(10_000)
  quota.pause(1_000)
  pass(9_999)
  assert.equal(quota.isPaused, true)
  quota.pause(60_000)
  pass(60_000)
  assert.equal(quota.isPaused, false)
  assert.deepEqual(
    lines.map(({ seconds }) => seconds),
    [10, 60],
  )
})

test('no pause is longer than an hour', (t) => {
  const { quota, pass } = quotaOf(t)
  quota.pause(86_400_000)
  pass(3_600_000)
  assert.equal(quota.isPaused, false)
})

test('a caller who goes away ends the wait', async () => {
  const quota = createGraphQuota({ limits: [], audit() {} })
  quota.pause(4_000)
  const abort = new AbortController()
  const user: GraphCaller = { accessToken: 'x', correlationId: 'id-1', signal: abort.signal }
  const waiting = quota.admit(user, 20_000)
  setImmediate(() => abort.abort())
  await assert.rejects(waiting, { reason: 'call_cancelled' })
})

test('what is left is known for each window that has a limit, and comes back with time', async (t) => {
  const { quota, spend, pass } = quotaOf(t, minute(10), hour(100))
  assert.deepEqual(quota.left, { minute: 10, hour: 100 })
  await spend('a')
  assert.deepEqual(quota.left, { minute: 0, hour: 90 })
  pass(60_000)
  assert.deepEqual(quota.left, { minute: 10, hour: 90 })
  assert.deepEqual(createGraphQuota({ limits: [], audit() {} }).left, {})
})

test('without a limit nothing is counted', async (t) => {
  const { admit, waits } = quotaOf(t)
  for (let i = 0; i < 1_000; i++) await admit('a')
  assert.deepEqual(waits, [])
})
