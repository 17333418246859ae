import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createLatencies, curvePercentiles } from '../../load/latencies.ts'
import { format, formatShare, median } from '../../load/numbers.ts'

/** The two values between which so many percent of all values lie; they are one where that is a whole number of them. */
function around(values: readonly number[], percentile: number): readonly [number, number] {
  const sorted = [...values].sort((a, b) => a - b)
  const rank = (percentile / 100) * sorted.length
  const at = (index: number) => sorted[Math.min(sorted.length - 1, Math.max(0, index - 1))] ?? Number.NaN
  return [at(Math.floor(rank)), at(Math.ceil(rank))]
}

test('percentiles are those of the values, to three figures', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 60_000_000 }), { minLength: 1, maxLength: 300 }),
      fc.constantFrom(1, 25, 50, 75, 90, 99, 99.9, 100),
      (microseconds, percentile) => {
        const latencies = createLatencies()
        for (const us of microseconds) latencies.recordMs(us / 1000)
        const [least, most] = around(microseconds, percentile)
        const us = latencies.at(percentile) * 1000
        assert.ok(us >= least * 0.998 - 1 && us <= most * 1.002 + 1, `${us} is not from ${least} to ${most}`)
      },
    ),
    { numRuns: 200 },
  )
})

test('nothing recorded has no percentiles', () => {
  const { p50, p99, max, curve } = createLatencies().summary()
  assert.deepEqual([p50, p99, max], [Number.NaN, Number.NaN, Number.NaN])
  assert.deepEqual(curve, [])
})

test('a latency out of range counts as the nearest in range', () => {
  const latencies = createLatencies()
  latencies.recordMs(-5)
  latencies.recordMs(1e9)
  assert.equal(latencies.count, 2)
  assert.ok(latencies.at(1) <= 0.001)
  assert.ok(Math.abs(latencies.at(100) - 600_000) < 600)
})

test('a curve rises from the lowest value to the highest', () => {
  const latencies = createLatencies()
  for (let ms = 1; ms <= 1000; ms++) latencies.recordMs(ms)
  const { curve } = latencies.summary()
  assert.equal(curve.length, curvePercentiles.length)
  assert.ok(Math.abs((curve[0] ?? 0) - 1) < 0.01)
  assert.ok(Math.abs((curve.at(-1) ?? 0) - 1000) < 2)
  assert.deepEqual(
    [...curve].sort((a, b) => a - b),
    curve,
  )
})

for (const [values, expected] of [
  [[3, 1, 2], 2],
  [[4, 1, 2, 3], 2.5],
  [[7], 7],
  [[], Number.NaN],
  [[Number.NaN, 1, 3, Number.NaN], 2],
] as const) {
  test(`the median of ${JSON.stringify(values)} is ${expected}`, () => assert.equal(median(values), expected))
}

for (const [value, expected] of [
  [12_345.6, '12,346'],
  [123.4, '123'],
  [1.2345, '1.23'],
  [0, '0'],
  [Number.NaN, '–'],
  [Number.POSITIVE_INFINITY, '–'],
] as const) {
  test(`${value} is shown as ${expected}`, () => assert.equal(format(value), expected))
}

for (const [part, whole, expected] of [
  [0, 0, '0 %'],
  [1, 8, '12.5 %'],
  [1, 200, '0.50 %'],
  [1, 1_000_000, '< 0.01 %'],
] as const) {
  test(`${part} of ${whole} is shown as ${expected}`, () => assert.equal(formatShare(part, whole), expected))
}
