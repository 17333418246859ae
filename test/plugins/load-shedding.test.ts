import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLoadShedding, isBehind, type Load } from '../../src/plugins/load-shedding.ts'
import { auditInto } from '../helper.ts'

const many = 50

const loads: readonly [name: string, load: Load, expected: boolean][] = [
  ['a turn that is in time', { lateMs: 0, cameInTurn: many, isShedding: false }, false],
  ['a turn of 100 ms', { lateMs: 100, cameInTurn: many, isShedding: false }, false],
  ['a longer one', { lateMs: 100.1, cameInTurn: many, isShedding: false }, true],
  [
    'a longer one with few requests, which is a pause',
    { lateMs: 5_000, cameInTurn: many - 1, isShedding: false },
    false,
  ],
  ['a turn of 25 ms while requests are shed', { lateMs: 25, cameInTurn: many, isShedding: true }, false],
  ['a longer one while requests are shed', { lateMs: 25.1, cameInTurn: many, isShedding: true }, true],
  ['a pause while requests are shed', { lateMs: 5_000, cameInTurn: many - 1, isShedding: true }, false],
]
for (const [name, load, expected] of loads) {
  test(`${name}: ${expected ? 'behind' : 'not behind'}`, () => assert.equal(isBehind(load), expected))
}

/** On a clock that stands still until a test moves it. */
function build() {
  const clock = { nowMs: 1_000 }
  const lines: Record<string, unknown>[] = []
  const shedding = createLoadShedding({ audit: auditInto(lines), now: () => clock.nowMs })
  /** So many requests one after the other, each for so long. @returns how many were let in */
  function come(requests: number, eachMs = 0): number {
    let letIn = 0
    for (let i = 0; i < requests; i++) {
      if (shedding.enterRequest() !== undefined) letIn++
      clock.nowMs += eachMs
    }
    return letIn
  }
  function turn(afterMs = 0) {
    clock.nowMs += afterMs
    shedding.turned()
  }
  turn()
  return { ...shedding, clock, lines, come, turn }
}

test('within one turn, requests are let in until it is too late, and again when it is over', () => {
  const { come, turn } = build()
  assert.equal(come(500, 1), 121, '20 ms until the next turn is due, 100 of patience')
  turn()
  assert.equal(come(20, 1), 20)
})

test('once requests are shed, turns are kept short, until none had to be shed for a second', () => {
  const { come, turn } = build()
  come(500, 1)
  turn()
  assert.equal(come(500, 1), many)
  turn(900)
  assert.equal(come(500, 1), many)
  turn(1_000)
  assert.equal(come(500, 1), 121)
})

test('after a pause nobody is shed: neither in its turn, nor what has come meanwhile', () => {
  const { come, turn, clock } = build()
  come(10)
  clock.nowMs += 3_000
  assert.equal(come(10), 10)
  turn()
  assert.equal(come(300, 0.3), 300)
})

test('at most 2,000 requests and 256 calls are in flight, and who leaves makes room', () => {
  const { enterRequest, enterCall, come } = build()
  const leave = enterRequest() ?? assert.fail()
  assert.equal(come(2_500), 1_999)
  leave()
  assert.equal(come(2), 1)
  const calls = Array.from({ length: 300 }, enterCall).filter((entered) => entered !== undefined)
  assert.equal(calls.length, 256)
  calls[0]?.()
  assert.notEqual(enterCall(), undefined)
  assert.equal(enterCall(), undefined)
})

test('what was shed is told of at once, then once a second, all of it, and no more when it is over', () => {
  const { come, turn, lines, clock, enterCall } = build()
  come(many)
  clock.nowMs += 1_000
  come(5)
  turn()
  assert.deepEqual(lines, [{ level: 'warn', event: 'overloaded', late: 5, full: 0, inFlight: many }])
  for (let turns = 0; turns < 10; turns++) {
    come(many + 7, 1)
    turn(40)
  }
  assert.equal(lines.length, 1)
  for (let i = 0; i < 259; i++) enterCall()
  turn(100)
  assert.deepEqual([lines[1]?.['late'], lines[1]?.['full']], [70, 3])
  turn(5_000)
  assert.equal(lines.length, 2)
})
