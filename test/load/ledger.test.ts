import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLedger, ofRounds } from '../../load/ledger.ts'

const more = { name: 'a load', beganSeconds: 0, cpuUsPerCall: 100 }

/** A ledger under a clock that moves as it is told. */
function ledgerOf() {
  let nowMs = 5_000
  const ledger = createLedger(() => nowMs)
  const pass = (ms: number) => {
    nowMs += ms
  }
  return { ledger, pass }
}

test('right answers alone count for rate, latency and size', () => {
  const { ledger, pass } = ledgerOf()
  ledger.record({ kind: 'right' }, 10, 100)
  ledger.record({ kind: 'right' }, 30, 300)
  ledger.record({ kind: 'failed', what: 'HTTP 503' }, 1, 7)
  ledger.record({ kind: 'failed', what: 'HTTP 503' }, 1, 7)
  ledger.record({ kind: 'wrong', why: 'it was read as somebody else' }, 1, 7)
  pass(2_000)
  const closed = ledger.close(more)
  assert.deepEqual([closed.right, closed.failed, closed.wrong], [2, 2, 1])
  assert.equal(closed.perSecond, 1)
  assert.equal(closed.bytesPerAnswer, 200)
  assert.ok(Math.abs(closed.latencyMs.max - 30) < 0.1)
  assert.deepEqual(closed.errors, { 'HTTP 503': 2 })
  assert.deepEqual(closed.wrongs, ['it was read as somebody else'])
})

test('the timeline has rates, each slice for itself, and leaves out one that is not over', () => {
  const { ledger, pass } = ledgerOf()
  for (let slice = 0; slice < 3; slice++) {
    for (let call = 0; call <= slice; call++) ledger.record({ kind: 'right' }, 1, 1)
    if (slice === 1) ledger.record({ kind: 'failed', what: 'connection lost' }, 1, 0)
    pass(100)
  }
  const { timeline } = ledger.close(more)
  assert.deepEqual(
    timeline.map(({ atSeconds, rightPerSecond }) => [Math.round(atSeconds * 100), Math.round(rightPerSecond)]),
    [
      [5, 10],
      [15, 20],
      [25, 30],
    ],
  )
  assert.deepEqual(timeline[1]?.errorsPerSecond, { 'connection lost': 10 })
})

test('rounds have medians of rates and costs, and sums of counts', () => {
  const rounds = [1, 3, 2].map((calls) => {
    const { ledger, pass } = ledgerOf()
    for (let call = 0; call < calls; call++) ledger.record({ kind: 'right' }, calls * 10, 50)
    ledger.record({ kind: 'failed', what: `HTTP ${500 + calls}` }, 1, 0)
    pass(1_000)
    return ledger.close({ ...more, cpuUsPerCall: calls * 100 })
  })
  const whole = ofRounds(rounds)
  assert.deepEqual([whole.right, whole.failed, whole.perSecond, whole.cpuUsPerCall], [6, 3, 2, 200])
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
