import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Measurement } from '../../load/call-records.ts'
import { createCharts, renderChart, renderHtml } from '../../load/report/html.ts'
import type { Report } from '../../load/report/report.ts'
import { renderTable } from '../../load/report/table.ts'

const hostile = `<script>alert("1")</script> & 'so on'`

const measurement: Measurement = {
  name: hostile,
  seconds: 2,
  startSeconds: 1,
  correct: 20,
  wrong: 1,
  failed: 3,
  errors: { [`HTTP 503 ${hostile}`]: 3 },
  perSecond: 10,
  latencyMs: { p50: 4, p99: 20, max: 31, curve: [1, 2, 3, 4, 5, 9, 15, 20, 25, 30, 31, 31] },
  bytesPerResponse: 1234,
  cpuUsPerCall: Number.NaN,
  timeline: [
    { atSeconds: 0.5, correctPerSecond: 8, errorsPerSecond: 0 },
    { atSeconds: 1.5, correctPerSecond: 12, errorsPerSecond: 4 },
  ],
  wrongReasons: [`was read as ${hostile}`],
  figures: { exchanges: 7 },
}
const none = Number.NaN
const stalled: Measurement = {
  ...measurement,
  name: 'no response',
  correct: 0,
  latencyMs: { p50: none, p99: none, max: none, curve: [] },
  timeline: [],
}
const report: Report = {
  scenario: 'warm',
  description: hostile,
  startedAt: '2026-11-27T00:00:00.000Z',
  seconds: 3,
  target: hostile,
  settings: { users: 100 },
  machine: hostile,
  measurements: [measurement, stalled],
  figures: [{ name: `a ratio of ${hostile}`, value: 1.234, unit: 'ms' }],
  rules: [{ description: hostile, passed: false, observed: hostile }],
  series: [
    {
      name: 'Heap in use',
      unit: 'MiB',
      points: [
        [1, 50],
        [2, none],
        [3, 60],
      ],
    },
  ],
  isSequence: false,
  passed: false,
}

test('the page runs nothing and loads nothing, whatever its texts are', () => {
  const page = renderHtml(report)
  assert.doesNotMatch(page, /<script|<link|<iframe|href=|url\(|@import|\son\w+=/i)
  for (const [, source = ''] of page.matchAll(/src="([^"]*)"/g)) assert.match(source, /^data:image\/svg\+xml;base64,/)
  assert.equal(page.match(/<img /g)?.length, 4)
  assert.match(page, /WRONG RESPONSE/)
})

test('there is a chart of each kind, with the unit at its axis, and no NaN in it', () => {
  const charts = createCharts(report)
  assert.deepEqual(
    charts.map(({ title }) => title),
    ['Latency distribution', 'Throughput', 'Errors', 'Heap in use'],
  )
  const drawn = charts.map(renderChart)
  for (const [index, unit] of ['ms', 'correct responses a second', 'errors a second', 'MiB'].entries()) {
    const svg = drawn[index] ?? ''
    assert.match(svg, /^<svg /)
    assert.ok(svg.includes(`>${unit}</text>`), unit)
    assert.doesNotMatch(svg, /NaN|Infinity|undefined|<script/)
  }
})

test('the phases of a sequence follow each other on the time axis', () => {
  const [, throughput] = createCharts({ ...report, isSequence: true })
  assert.deepEqual(throughput?.lines[0]?.points, [
    [1.5, 8],
    [2.5, 12],
  ])
})

test('a run without errors and without responses has no empty charts', () => {
  const quiet = { ...stalled, failed: 0, wrong: 0, errors: {}, wrongReasons: [] }
  assert.deepEqual(createCharts({ ...report, measurements: [quiet], series: [] }), [])
  assert.match(renderHtml({ ...report, measurements: [quiet], series: [] }), /<h2>Errors<\/h2>\s*<p>None\.<\/p>/)
})

test('the table has each measurement, what failed, each rule, and how it ended', () => {
  const text = renderTable(report)
  for (const part of [
    'no response',
    '12.5 %',
    '3 × HTTP 503',
    'WRONG RESPONSE: was read as',
    '✘',
    'FAILED',
    '1.23 ms',
    'exchanges',
  ]) {
    assert.ok(text.includes(part), part)
  }
  assert.ok(renderTable({ ...report, passed: true }).endsWith('passed'))
})
