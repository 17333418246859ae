import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCallRecords, mergeRounds } from '../../load/call-records.ts'

const more = { name: 'a load', startSeconds: 0, cpuUs: 500 }

/** Records under a clock of the test's. */
function createRecords() {
  let nowMs = 5_000
  const records = createCallRecords(() => nowMs)
  const pass = (ms: number) => {
    nowMs += ms
  }
  return { records, pass }
}

test('only correct responses count for rate, latency and size', () => {
  const { records, pass } = createRecords()
  records.record({ kind: 'correct' }, 10, 100)
  records.record({ kind: 'correct' }, 30, 300)
  records.record({ kind: 'failed', error: 'HTTP 503' }, 1, 7)
  records.record({ kind: 'failed', error: 'HTTP 503' }, 1, 7)
  records.record({ kind: 'wrong', reason: 'was read as somebody else' }, 1, 7)
  pass(2_000)
  const closed = records.summary(more)
  assert.deepEqual([closed.correct, closed.failed, closed.wrong], [2, 2, 1])
  assert.equal(closed.perSecond, 1)
  assert.equal(closed.cpuUsPerCall, 100)
  assert.equal(closed.bytesPerResponse, 200)
  assert.ok(Math.abs(closed.latencyMs.max - 30) < 0.1)
  assert.deepEqual(closed.errors, { 'HTTP 503': 2 })
  assert.deepEqual(closed.wrongReasons, ['was read as somebody else'])
})

test('the timeline has rates, each slice for itself, and leaves out one that is incomplete', () => {
  const { records, pass } = createRecords()
  for (let slice = 0; slice < 3; slice++) {
    for (let call = 0; call <= slice; call++) records.record({ kind: 'correct' }, 1, 1)
    if (slice === 1) records.record({ kind: 'failed', error: 'UND_ERR_SOCKET' }, 1, 0)
    pass(250)
  }
  records.record({ kind: 'correct' }, 1, 1)
  const { timeline } = records.summary(more)
  assert.deepEqual(
    timeline.map(({ atSeconds, correctPerSecond }) => [atSeconds, correctPerSecond]),
    [
      [0.125, 4],
      [0.375, 8],
      [0.625, 12],
    ],
  )
  assert.equal(timeline[1]?.errorsPerSecond, 4)
})

test('rounds have medians of rates and costs, and sums of counts', () => {
  const rounds = [1, 3, 2].map((calls) => {
    const { records, pass } = createRecords()
    for (let call = 0; call < calls; call++) records.record({ kind: 'correct' }, calls * 10, 50)
    records.record({ kind: 'failed', error: `HTTP ${500 + calls}` }, 1, 0)
    pass(1_000)
    return records.summary({ ...more, cpuUs: (calls + 1) * calls * 100 })
  })
  const whole = mergeRounds(rounds)
  assert.deepEqual([whole.correct, whole.failed, whole.perSecond, whole.cpuUsPerCall], [6, 3, 2, 200])
  assert.ok(Math.abs(whole.latencyMs.p50 - 20) < 0.1)
  assert.ok(Math.abs(whole.latencyMs.max - 30) < 0.1)
  assert.equal(whole.seconds, 3)
  assert.deepEqual(Object.keys(whole.errors).sort(), ['HTTP 501', 'HTTP 502', 'HTTP 503'])
  const times = whole.timeline.map(({ atSeconds }) => atSeconds)
  assert.deepEqual(
    times,
    [...times].sort((a, b) => a - b),
  )
})
