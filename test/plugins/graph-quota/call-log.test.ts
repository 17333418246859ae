import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type CallLimit, createCallLog } from '../../../src/plugins/graph-quota/call-log.ts'

const minute = (calls: number): CallLimit => ({ window: 'minute', ms: 60_000, calls })
const hour = (calls: number): CallLimit => ({ window: 'hour', ms: 3_600_000, calls })

/** A log under a limit, and how many calls in a row it admits of a user at one time. */
function logOf(...limits: CallLimit[]) {
  const log = createCallLog(limits)
  const admits = (user: string, nowMs: number) => log.views(user, nowMs).every(({ waitMs }) => waitMs === 0)
  function spend(user: string, nowMs: number): number {
    for (let calls = 0; ; calls++) {
      if (!admits(user, nowMs)) return calls
      log.enter(user, nowMs)
    }
  }
  return { log, admits, spend }
}

test('one busy user gets a quarter of a window, and so does each further one while as much is left', () => {
  const { spend } = logOf(minute(240))
  assert.deepEqual(
    ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((user) => spend(user, 0)),
    [60, 60, 60, 30, 15, 8, 4, 2],
  )
})

test('one busy user of a small limit gets half of it, and each further one half of what is left', () => {
  const { spend } = logOf(minute(16))
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((user) => spend(user, 0)),
    [8, 4, 2, 1],
  )
})

test('who has had their share waits until the oldest of their own calls has left', () => {
  const { log, spend } = logOf(minute(40))
  log.enter('other', 0)
  log.enter('a', 10_000)
  assert.equal(spend('a', 20_000), 9)
  assert.deepEqual(log.views('a', 30_000), [{ all: 11, own: 10, waitMs: 40_000 }])
})

test('many users together get all of it, and not one call more', () => {
  const { spend } = logOf(minute(40))
  const users = Array.from({ length: 60 }, (_, i) => `user-${i}`)
  assert.equal(
    users.reduce((sum, user) => sum + spend(user, 0), 0),
    40,
  )
})

test('a window slides: a call leaves it a minute later to the millisecond', () => {
  const { log, admits } = logOf(minute(2))
  log.enter('a', 1_000)
  assert.equal(admits('b', 1_000), true)
  log.enter('b', 31_000)
  assert.equal(admits('c', 60_999), false)
  assert.equal(admits('c', 61_000), true)
  assert.equal(admits('a', 61_000), true)
  assert.equal(admits('b', 61_000), false, 'they had as much of it as is left')
  assert.equal(admits('b', 91_000), true)
})

test('both windows have to admit a call, and the later one says when', () => {
  const { log, spend } = logOf(minute(10), hour(12))
  assert.equal(spend('a', 0), 5)
  assert.equal(spend('a', 60_000), 1)
  const [ofMinute, ofHour] = log.views('a', 60_000)
  assert.deepEqual(ofMinute, { all: 1, own: 1, waitMs: 0 })
  assert.deepEqual(ofHour, { all: 6, own: 6, waitMs: 3_540_000 })
})

test('the calls of others are no wait for somebody who has had none, until nothing is left', () => {
  const { log, spend } = logOf(minute(8))
  for (const user of ['a', 'b', 'c', 'd']) spend(user, 0)
  assert.equal(log.views('new', 10_000)[0]?.all, 8)
  assert.equal(log.views('new', 10_000)[0]?.waitMs, 50_000)
})

/** The rule by definition, over every call there ever was. */
function waitByDefinition(
  calls: readonly (readonly [user: string, atMs: number])[],
  user: string,
  nowMs: number,
  limit: number,
) {
  const fits = (atMs: number) => {
    const counted = calls.filter(([, callMs]) => callMs + 60_000 > atMs)
    const own = counted.filter(([who]) => who === user).length
    return counted.length + own < limit && own < Math.max(Math.floor(limit / 4), 10)
  }
  let waitMs = 0
  while (!fits(nowMs + waitMs)) waitMs += 1_000
  return waitMs
}

for (const [limit, maxSeconds] of [
  [7, 25],
  [44, 3],
] as const) {
  test(`whatever was called of ${limit}, the wait is the shortest after which the rule holds`, () => {
    const step = fc.record({ user: fc.constantFrom('a', 'a', 'b', 'c'), afterSeconds: fc.nat({ max: maxSeconds }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const log = createCallLog([minute(limit)])
        const calls: [string, number][] = []
        let nowMs = 0
        for (const { user, afterSeconds } of steps) {
          nowMs += afterSeconds * 1_000
          const waitMs = log.views(user, nowMs)[0]?.waitMs
          assert.equal(waitMs, waitByDefinition(calls, user, nowMs, limit))
          if (waitMs !== 0) continue
          log.enter(user, nowMs)
          calls.push([user, nowMs])
        }
      }),
    )
  })
}
