import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPause } from '../../../src/plugins/graph-quota/pause.ts'
import { auditInto } from '../../helper.ts'

/** A replica's pause, what it logs, what it tells the others, and how it hears of theirs. */
function pauseOf(startMs = 123_456.75) {
  const clock = { now: startMs }
  const lines: Record<string, unknown>[] = []
  const told: string[] = []
  let hear = (_message: string) => {}
  const pause = createPause({
    store: {
      async publish(_topic, message) {
        told.push(message)
      },
      subscribe(_topic, listener) {
        hear = listener
      },
    },
    audit: auditInto(lines),
    now: () => clock.now,
  })
  return { pause, clock, lines, told, hear: (message: string) => hear(message) }
}

for (const [waitMs, seconds] of [
  [1_000, 1],
  [1_001, 2],
  [30_000, 30],
] as const) {
  // A process' clock counts in parts of a millisecond: a second later it is not always 1,000 more, to the last digit.
  for (const startMs of [123_456.75, 131_000.2, 131_000.3, 32_000.7]) {
    test(`a pause of ${waitMs} ms at ${startMs} is logged, and told to the other replicas`, () => {
      const { pause, lines, told } = pauseOf(startMs)
      pause.begin(waitMs)
      assert.deepEqual(told, [String(waitMs)])
      assert.deepEqual(lines, [{ level: 'warn', event: 'graph_paused', seconds, toldBy: 'graph' }])
    })
  }
}

test('a pause that begins when another is over is news', () => {
  const { pause, clock, lines, told } = pauseOf()
  for (let i = 0; i < 3; i++) {
    pause.begin(1_000)
    clock.now += 1_000
  }
  assert.deepEqual([lines.length, told.length], [3, 3])
})

test('another replica’s pause of a second is kept, logged, and not told again', () => {
  const { pause, lines, told, hear } = pauseOf()
  hear('1000')
  assert.ok(Math.abs(pause.leftMs - 1_000) < 0.001)
  assert.deepEqual(lines, [{ level: 'warn', event: 'graph_paused', seconds: 1, toldBy: 'replica' }])
  assert.deepEqual(told, [])
})

test('further refusals within a pause are no news, however many', () => {
  const { pause, clock, lines, told } = pauseOf()
  pause.begin(1_000)
  for (let i = 0; i < 50; i++) {
    clock.now += 19
    pause.begin(1_000)
  }
  assert.deepEqual([lines.length, told.length], [1, 1])
})

test('a wait of no time is no pause', () => {
  const { pause, lines, told } = pauseOf()
  pause.begin(0)
  assert.deepEqual([pause.leftMs, lines, told], [0, [], []])
})

test('another replica’s word stops this one for a minute at most, and Graph’s for an hour', () => {
  const { pause, lines, hear } = pauseOf()
  hear('3600000')
  assert.ok(Math.abs(pause.leftMs - 60_000) < 0.001)
  pause.begin(7_200_000)
  assert.ok(Math.abs(pause.leftMs - 3_600_000) < 0.001)
  assert.deepEqual(
    lines.map(({ seconds, toldBy }) => [seconds, toldBy]),
    [
      [60, 'replica'],
      [3_600, 'graph'],
    ],
  )
})
