import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPause } from '../../../src/plugins/graph-quota/pause.ts'
import { auditInto } from '../../helper.ts'

/** A replica's pause, and what it logs. */
function pauseOf(startMs = 123_456.75) {
  const clock = { now: startMs }
  const lines: Record<string, unknown>[] = []
  const pause = createPause({ store: undefined, audit: auditInto(lines), now: () => clock.now })
  return { pause, clock, lines }
}

for (const [waitMs, seconds] of [
  [1_000, 1],
  [1_001, 2],
  [30_000, 30],
] as const) {
  // A process' clock counts in parts of a millisecond: a second later it is not always 1,000 more, to the last digit.
  for (const startMs of [123_456.75, 131_000.2, 131_000.3, 32_000.7]) {
    test(`a pause of ${waitMs} ms at ${startMs} is logged`, () => {
      const { pause, lines } = pauseOf(startMs)
      pause.begin(waitMs)
      assert.deepEqual(lines, [{ level: 'warn', event: 'graph_paused', seconds, source: 'graph' }])
    })
  }
}

test('a pause that begins when another has ended is logged', () => {
  const { pause, clock, lines } = pauseOf()
  for (let i = 0; i < 3; i++) {
    pause.begin(1_000)
    clock.now += 1_000
  }
  assert.equal(lines.length, 3)
})

test('further rejections within a pause are not logged, however many', () => {
  const { pause, clock, lines } = pauseOf()
  pause.begin(1_000)
  for (let i = 0; i < 50; i++) {
    clock.now += 19
    pause.begin(1_000)
  }
  assert.equal(lines.length, 1)
})

test('a wait of no time is no pause', async () => {
  const { pause, lines } = pauseOf()
  pause.begin(0)
  assert.deepEqual([await pause.check(), lines], [0, []])
})

test('Graph’s word stops this replica for an hour at most', async () => {
  const { pause, lines } = pauseOf()
  pause.begin(7_200_000)
  assert.ok(Math.abs((await pause.check()) - 3_600_000) < 0.001)
  assert.deepEqual(
    lines.map(({ seconds }) => seconds),
    [3_600],
  )
})
