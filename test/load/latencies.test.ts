import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createLatencies } from '../../load/latencies.ts'
import { median, rounded } from '../../load/statistics.ts'

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
  const { p50, p99, max, mean, curve } = createLatencies().summary()
  assert.deepEqual([p50, p99, max, mean], [Number.NaN, Number.NaN, Number.NaN, Number.NaN])
  assert.deepEqual(curve, [])
})

test('what is out of range is kept as the nearest that is in it', () => {
  const latencies = createLatencies()
  latencies.recordMs(-5)
  latencies.recordMs(1e9)
  assert.equal(latencies.count, 2)
  assert.ok(latencies.at(1) <= 0.001)
  assert.ok(Math.abs(latencies.at(100) - 600_000) < 600)
})

test('two distributions make one', () => {
  const [one, other] = [createLatencies(), createLatencies()]
  for (let ms = 1; ms <= 50; ms++) one.recordMs(ms)
  for (let ms = 51; ms <= 100; ms++) other.recordMs(ms)
  one.add(other)
  one.add(createLatencies())
  assert.equal(one.count, 100)
  assert.ok(Math.abs(one.at(90) - 90) < 0.2)
})

test('a curve rises from the lowest value to the highest', () => {
  const latencies = createLatencies()
  for (let ms = 1; ms <= 1000; ms++) latencies.recordMs(ms)
  const { curve } = latencies.summary()
  assert.equal(curve[0]?.[0], 0)
  assert.ok(Math.abs((curve[0]?.[1] ?? 0) - 1) < 0.01)
  assert.equal(curve.at(-1)?.[0], 100)
  for (const [index, [, ms]] of curve.entries()) assert.ok(index === 0 || ms >= (curve[index - 1]?.[1] ?? 0))
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
  test(`${value} is shown as ${expected}`, () => assert.equal(rounded(value), expected))
}
