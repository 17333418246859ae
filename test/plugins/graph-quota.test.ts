import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GraphUser } from '../../src/plugins/graph-client/index.ts'
import type { CallLimit } from '../../src/plugins/graph-quota/call-log.ts'
import { createGraphBudget } from '../../src/plugins/graph-quota/index.ts'
import { auditInto } from '../helper.ts'

const minute = (calls: number): CallLimit => ({ window: 'minute', ms: 60_000, calls })
const hour = (calls: number): CallLimit => ({ window: 'hour', ms: 3_600_000, calls })

/** A budget of one replica, whose clock moves only when somebody waits. */
function budgetOf(...limits: CallLimit[]) {
  const clock = { now: 1_000_000 }
  const lines: Record<string, unknown>[] = []
  const waits: number[] = []
  const budget = createGraphBudget({
    limits,
    audit: auditInto(lines),
    now: () => clock.now,
    sleep: async (ms) => {
      waits.push(ms)
      clock.now += ms
    },
  })
  const admit = (user: string, withinMs = 20_000) =>
    budget.admit({ accessToken: `token of ${user}`, correlationId: 'id-1', user, tool: 'getMessages' }, withinMs)
  async function spend(user: string): Promise<number> {
    for (let calls = 0; ; calls++) {
      try {
        await admit(user)
      } catch {
        return calls
      }
    }
  }
  return { budget, clock, lines, waits, admit, spend }
}

test('a user whose share is spent is told so, and when; others get in', async () => {
  const { admit, spend, clock, lines } = budgetOf(minute(40), hour(800))
  assert.equal(await spend('busy'), 10)
  clock.now += 20_500
  await assert.rejects(admit('busy'), {
    reason: 'graph_quota_exceeded',
    message: 'You have used your share of the 40 calls a minute that your tenant has; what is left is for others.',
    details: {
      detail: 'You have used your share of the 40 calls a minute that your tenant has; what is left is for others.',
      retryAfterSeconds: 40,
    },
  })
  await admit('other')
  assert.deepEqual(lines.at(-1), {
    level: 'warn',
    event: 'graph_quota_exceeded',
    requestId: 'id-1',
    user: 'busy',
    tool: 'getMessages',
    window: 'minute',
    why: 'share',
    seconds: 40,
  })
  clock.now += 39_500
  await admit('busy')
})

test('where nothing is left, everybody is told so', async () => {
  const { admit, spend, lines } = budgetOf(minute(1_000), hour(3))
  assert.deepEqual([await spend('a'), await spend('b')], [2, 1])
  await assert.rejects(admit('c'), {
    details: { detail: "The tenant's 3 calls an hour are used.", retryAfterSeconds: 3_600 },
  })
  assert.deepEqual([lines.at(-1)?.['window'], lines.at(-1)?.['why']], ['hour', 'all'])
})

test('a short wait is waited for, a little longer than it has to be', async () => {
  const { admit, spend, clock, waits, lines } = budgetOf(minute(2))
  assert.equal(await spend('a'), 1)
  const refused = lines.length
  clock.now += 56_000
  await admit('a')
  assert.equal(waits.length, 1)
  assert.ok((waits[0] ?? 0) >= 4_100 && (waits[0] ?? 0) <= 4_400, `${waits[0]}`)
  assert.equal(lines.length, refused, 'and nobody is told')
})

test('a wait that does not fit into what is left of the call is not begun', async () => {
  const { admit, spend, clock, waits } = budgetOf(minute(2))
  await spend('a')
  clock.now += 56_000
  await assert.rejects(admit('a', 4_050), { reason: 'graph_quota_exceeded' })
  assert.deepEqual(waits, [])
})

test('without a user the token counts, and is known by its hash', async () => {
  const { budget } = budgetOf(minute(4))
  const call = (accessToken: string) => budget.admit({ accessToken, correlationId: 'id-1' }, 20_000)
  await call('one')
  await call('one')
  await assert.rejects(call('one'), { reason: 'graph_quota_exceeded' })
  await call('two')
})

test('a pause holds everybody, with the seconds that are left, and then nobody', async () => {
  const { budget, admit, clock, lines } = budgetOf(minute(40))
  budget.pause(30_000)
  assert.equal(budget.isPaused, true)
  clock.now += 10_200
  for (const user of ['a', 'b']) {
    await assert.rejects(admit(user), { reason: 'graph_throttled', details: { retryAfterSeconds: 20 } })
  }
  assert.equal(budget.left['minute'], 40, 'what was not called costs nothing')
  clock.now += 19_800
  assert.equal(budget.isPaused, false)
  await admit('a')
  assert.deepEqual(lines, [{ level: 'warn', event: 'graph_paused', seconds: 30, toldBy: 'graph' }])
})

test('a short pause is waited for by all, and not in step', async () => {
  const { budget, admit, waits, clock } = budgetOf()
  const beganMs = clock.now
  budget.pause(3_000)
  await admit('a')
  clock.now = beganMs
  await admit('b')
  for (const ms of waits) assert.ok(ms >= 3_100 && ms <= 3_400, `${ms}`)
  assert.notEqual(waits[0], waits[1])
})

test('a pause is prolonged and never cut short, and one that is no news is not told again', async () => {
  const { budget, clock, lines } = budgetOf()
  budget.pause(10_000)
  clock.now += 500
  budget.pause(10_000)
  budget.pause(1_000)
  clock.now += 9_999
  assert.equal(budget.isPaused, true)
  budget.pause(60_000)
  clock.now += 60_000
  assert.equal(budget.isPaused, false)
  assert.deepEqual(
    lines.map(({ seconds }) => seconds),
    [10, 60],
  )
})

test('no pause is longer than an hour', () => {
  const { budget, clock } = budgetOf()
  budget.pause(86_400_000)
  clock.now += 3_600_000
  assert.equal(budget.isPaused, false)
})

test('a caller who goes away ends the wait', async () => {
  const budget = createGraphBudget({ limits: [], audit() {} })
  budget.pause(4_000)
  const abort = new AbortController()
  const user: GraphUser = { accessToken: 'x', correlationId: 'id-1', signal: abort.signal }
  const waiting = budget.admit(user, 20_000)
  setImmediate(() => abort.abort())
  await assert.rejects(waiting, { reason: 'call_cancelled' })
})

test('what is left is known for each window that has a limit, and comes back with time', async () => {
  const { budget, spend, clock } = budgetOf(minute(10), hour(100))
  assert.deepEqual(budget.left, { minute: 10, hour: 100 })
  await spend('a')
  assert.deepEqual(budget.left, { minute: 5, hour: 95 })
  clock.now += 60_000
  assert.deepEqual(budget.left, { minute: 10, hour: 95 })
  assert.deepEqual(budgetOf().budget.left, {})
})

test('without a limit nothing is counted', async () => {
  const { admit, waits } = budgetOf()
  for (let i = 0; i < 1_000; i++) await admit('a')
  assert.deepEqual(waits, [])
})
