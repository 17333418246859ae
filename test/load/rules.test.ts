import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCallRecords } from '../../load/call-records.ts'
import { failuresAtMost, fewestForP99, fewestForShare, noFailures, onlyFailures, p99Within } from '../../load/rules.ts'

/** Calls that took 10 ms, some that took a second, and some that failed. */
function measure({ fast = 0, slow = 0, failed = 0 }) {
  const records = createCallRecords()
  for (let call = 0; call < fast; call++) records.record({ kind: 'correct' }, 10, 1)
  for (let call = 0; call < slow; call++) records.record({ kind: 'correct' }, 1_000, 1)
  for (let call = 0; call < failed; call++) records.record({ kind: 'failed', error: 'HTTP 502' }, 10, 0)
  return records.summary({ name: 'a load', startSeconds: 0, cpuUs: 0 })
}

test('a p99 beyond its limit fails, from as many calls on as have one', () => {
  assert.equal(p99Within(100, measure({ fast: fewestForP99 - 1, slow: 1 })).passed, true)
  assert.equal(p99Within(100, measure({ fast: fewestForP99 - 10, slow: 10 })).passed, false)
})

test('a p99 of a handful of calls fails nothing, and the rule says so', () => {
  const { passed, observed } = p99Within(100, measure({ slow: 9 }))
  assert.equal(passed, true)
  assert.match(observed, /too few to judge: 9, and not 300/)
  const many = measure({ slow: fewestForP99 })
  assert.equal(p99Within(100, many).passed, false)
  assert.equal(p99Within(100, many, measure({ fast: 9 })).passed, true)
})

test('a share of failures beyond its limit fails, from as many calls on as have one', () => {
  const few = failuresAtMost(0.02, 'a load', measure({ fast: 8, failed: 1 }))
  assert.equal(few.passed, true)
  assert.match(few.observed, /^1 of 9, 11\.1 %, HTTP 502; too few to judge/)
  assert.equal(failuresAtMost(0.02, 'a load', measure({ fast: fewestForShare, failed: 4 })).passed, true)
  assert.equal(failuresAtMost(0.02, 'a load', measure({ fast: fewestForShare, failed: 5 })).passed, false)
})

test('where no call may fail, one that does is enough', () => {
  assert.equal(noFailures(measure({ fast: 2 })).passed, true)
  const { passed, observed } = noFailures(measure({ fast: 2 }), measure({ fast: 1, failed: 1 }))
  assert.deepEqual([passed, observed], [false, '1 × HTTP 502 (a load)'])
})

test('where calls may fail by some errors, another one fails', () => {
  assert.equal(onlyFailures(/^HTTP 50[23]$/, 'a rule', measure({ failed: 1 })).passed, true)
  assert.equal(onlyFailures(/^HTTP 503$/, 'a rule', measure({ failed: 1 })).passed, false)
})
