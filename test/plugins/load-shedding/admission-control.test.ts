import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAdmissionControl, isBehind, type Load } from '../../../src/plugins/load-shedding/admission-control.ts'
import { auditInto } from '../../helper.ts'

const loads: readonly [name: string, load: Load, expected: boolean][] = [
  ['a request at once', { waitedMs: 0, taken: 64, isOverloaded: false }, false],
  ['one after 100 ms', { waitedMs: 100, taken: 64, isOverloaded: false }, false],
  ['a later one', { waitedMs: 100.1, taken: 64, isOverloaded: false }, true],
  ['a later one after few others, as after a pause', { waitedMs: 5_000, taken: 63, isOverloaded: false }, false],
  ['in an overload, one after 10 ms', { waitedMs: 10, taken: 32, isOverloaded: true }, false],
  ['in an overload, a later one', { waitedMs: 10.1, taken: 32, isOverloaded: true }, true],
  ['in an overload, a later one after few others', { waitedMs: 5_000, taken: 31, isOverloaded: true }, false],
]
for (const [name, load, expected] of loads) {
  test(`${name}: ${expected ? 'behind' : 'not behind'}`, () => assert.equal(isBehind(load), expected))
}

/** On a clock that stands still, and turns that last, until a test moves them. */
function build() {
  let nowMs = 1_000
  const waiting: (() => void)[] = []
  const lines: Record<string, unknown>[] = []
  const shedding = createAdmissionControl({
    audit: auditInto(lines),
    now: () => nowMs,
    afterTurn: (done) => void waiting.push(done),
  })
  function pass(ms: number) {
    nowMs += ms
  }
  /** So many requests one after the other, each for so long. @returns how many were let in */
  function come(requests: number, eachMs = 0): number {
    let letIn = 0
    for (let i = 0; i < requests; i++) {
      if (shedding.enterRequest() !== undefined) letIn++
      pass(eachMs)
    }
    return letIn
  }
  /** Ends a turn. @param afterMs how long nothing comes then */
  function turn(afterMs = 0) {
    assert.equal(waiting.length, 1, 'a turn is watched once')
    for (const done of waiting.splice(0)) done()
    pass(afterMs)
  }
  return { ...shedding, lines, pass, come, turn }
}

test('within one turn, requests are let in until it is too late, and again when it is over', () => {
  const { come, turn } = build()
  assert.equal(come(500, 1), 101)
  turn()
  assert.equal(come(10, 1), 10)
})

test('once requests are refused, turns are kept short, until none had to be for 200 ms', () => {
  const { come, turn } = build()
  come(500, 1)
  turn()
  assert.equal(come(500, 1), 32)
  turn(150)
  assert.equal(come(500, 1), 32)
  turn(199)
  assert.equal(come(500, 1), 101)
})

test('in an overload, as many callers who each wait for their answer are all answered, so that it ends', () => {
  const { come, turn } = build()
  come(500, 1)
  for (let turns = 0; turns < 10; turns++) {
    turn()
    assert.equal(come(32, 1), 32)
  }
  turn()
  assert.equal(come(100, 1), 100, 'it is over')
})

test('after a pause nobody is refused: neither in its turn, nor what has come meanwhile', () => {
  const { come, turn, pass } = build()
  come(10)
  pass(3_000)
  assert.equal(come(10), 10)
  turn()
  assert.equal(come(300, 0.3), 300)
})

test('time in which nothing comes counts for no turn', () => {
  const { come, turn } = build()
  come(60)
  turn(60_000)
  assert.equal(come(60), 60)
})

test('at most 2,000 requests and 192 calls are in flight, and who leaves makes room', () => {
  const { enterRequest, enterCall, come } = build()
  const leave = enterRequest() ?? assert.fail()
  assert.equal(come(2_500), 1_999)
  leave()
  assert.equal(come(2), 1)
  const calls = Array.from({ length: 300 }, enterCall).filter((entered) => entered !== undefined)
  assert.equal(calls.length, 192)
  calls[0]?.()
  assert.notEqual(enterCall(), undefined)
  assert.equal(enterCall(), undefined)
})

test('what was refused is told, all of it, and only where there was any', () => {
  const { come, pass, say, lines, enterCall } = build()
  say()
  assert.deepEqual(lines, [])
  come(64)
  pass(1_000)
  come(5)
  for (let i = 0; i < 195; i++) enterCall()
  say()
  assert.deepEqual(lines, [{ level: 'warn', event: 'overloaded', late: 5, full: 0, calls: 3, inFlight: 64 }])
  say()
  assert.equal(lines.length, 1)
})
