import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Measurement } from '../../load/ledger.ts'
import { linearAxis, logarithmicAxis, percentileAxis } from '../../load/report/axis.ts'
import { htmlText } from '../../load/report/html.ts'
import { jsonText } from '../../load/report/json.ts'
import type { Report } from '../../load/report/report.ts'
import { tableText } from '../../load/report/table.ts'

const nasty = `<script>alert("1")</script> & 'so on'`

const measurement: Measurement = {
  name: nasty,
  seconds: 2,
  beganSeconds: 1,
  right: 20,
  wrong: 1,
  failed: 3,
  errors: { [`HTTP 503 ${nasty}`]: 3 },
  perSecond: 10,
  latencyMs: {
    mean: 5,
    p50: 4,
    p90: 9,
    p99: 20,
    p999: 30,
    max: 31,
    curve: [
      [0, 1],
      [50, 4],
      [99, 20],
      [100, 31],
    ],
  },
  bytesPerAnswer: 1234,
  cpuUsPerCall: Number.NaN,
  timeline: [
    { atSeconds: 0.5, rightPerSecond: 8, errorsPerSecond: {} },
    { atSeconds: 1.5, rightPerSecond: 12, errorsPerSecond: { [`HTTP 503 ${nasty}`]: 3, 'wrong answer': 1 } },
  ],
  wrongs: [`it was read as ${nasty}`],
  figures: { exchanges: 7 },
}
const unanswered: Measurement = {
  ...measurement,
  name: 'nobody answered',
  right: 0,
  latencyMs: {
    mean: Number.NaN,
    p50: Number.NaN,
    p90: Number.NaN,
    p99: Number.NaN,
    p999: Number.NaN,
    max: Number.NaN,
    curve: [],
  },
  timeline: [],
}
const report: Report = {
  scenario: 'warm',
  about: nasty,
  startedAt: '2026-11-27T00:00:00.000Z',
  seconds: 3,
  target: nasty,
  settings: { users: 100 },
  machine: nasty,
  measurements: [measurement, unanswered],
  figures: [{ name: `a ratio of ${nasty}`, value: 1.234, unit: 'ms' }],
  rules: [{ says: nasty, holds: false, seen: nasty }],
  series: [
    {
      name: 'Heap in use',
      unit: 'MiB',
      points: [
        [1, 50],
        [2, 60],
      ],
    },
  ],
  isSequence: false,
  passed: false,
}

const empty = new Set(['meta', 'br', 'hr', 'img', 'input', 'link'])

/** Throws where a tag is not closed in its turn, an attribute is not quoted or comes twice, or a text holds a bare sign. */
function assertWellFormed(html: string): void {
  const open: string[] = []
  const style = /<style>[^<]*<\/style>/g
  const text = html.replace(/^<!doctype html>\n/, '').replaceAll(style, '')
  let at = 0
  for (const match of text.matchAll(/<(\/?)([a-z][\w-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/gi)) {
    assertText(text.slice(at, match.index))
    at = match.index + match[0].length
    const [, closes, name = '', attributes = '', closesItself] = match
    const names = [...attributes.matchAll(/([\w:-]+)="/g)].map(([, attribute]) => attribute)
    assert.equal(new Set(names).size, names.length, match[0])
    assertText(attributes)
    if (closes) assert.equal(open.pop(), name)
    else if (!closesItself && !empty.has(name)) open.push(name)
  }
  assertText(text.slice(at))
  assert.deepEqual(open, [])
}

function assertText(text: string): void {
  assert.doesNotMatch(text, /[<>]|&(?!(amp|lt|gt|quot|#39);)/)
}

for (const isSequence of [false, true]) {
  test(`the page is well formed, whatever the texts in it are (${isSequence ? 'phases' : 'contestants'})`, () => {
    assertWellFormed(htmlText({ ...report, isSequence }))
  })
}

test('the page needs nothing from anywhere, and runs nothing', () => {
  const html = htmlText(report)
  assert.doesNotMatch(html, /<script|<link|<img|<iframe|src=|href=|url\(|@import|https?:|javascript:|\son\w+=/i)
})

test('the page has a chart of each kind, with the units at its axes', () => {
  const html = htmlText(report)
  for (const title of ['Latency distribution', 'Throughput over time', 'Errors over time', 'Heap in use']) {
    assert.match(html, new RegExp(`<figcaption>${title}</figcaption>`))
  }
  for (const label of ['latency, ms', 'right answers a second', 'errors a second', 'MiB', 'time under load, s']) {
    assert.ok(html.includes(`${label}`), label)
  }
})

test('a line has a gap where there is no number, and no NaN ever', () => {
  const html = htmlText({
    ...report,
    series: [
      {
        name: 'Heap',
        unit: 'MiB',
        points: [
          [0, 1],
          [1, Number.NaN],
          [2, 3],
        ],
      },
    ],
  })
  assert.doesNotMatch(html, /NaN|Infinity|undefined/)
})

test('a run without errors says so, and has no empty chart', () => {
  const fine = { ...measurement, failed: 0, wrong: 0, errors: {}, wrongs: [], timeline: [] }
  const html = htmlText({ ...report, measurements: [fine], series: [] })
  assert.doesNotMatch(html, /Errors over time/)
  assert.match(html, /No call failed, and no answer was wrong\./)
})

test('the table has each measurement, what failed, each rule, and how it ended', () => {
  const text = tableText(report)
  for (const part of [
    'nobody answered',
    '12.5 %',
    '3 × HTTP 503',
    'WRONG ANSWER: it was read as',
    '✘',
    'FAILED',
    '1.23 ms',
    'exchanges',
  ]) {
    assert.ok(text.includes(part), part)
  }
  assert.ok(tableText({ ...report, passed: true }).endsWith('passed'))
})

test('the JSON is the report, with null for what is not known', () => {
  const read = JSON.parse(jsonText(report))
  assert.equal(read.measurements[0].latencyMs.p99, 20)
  assert.equal(read.measurements[0].cpuUsPerCall, null)
  assert.deepEqual(read.rules, report.rules)
})

for (const [most, end, step] of [
  [0, 1, undefined],
  [1, 1, 0.2],
  [7, 8, 2],
  [95, 100, 20],
  [1234, 1500, 500],
] as const) {
  test(`a linear axis to ${most} has round ticks from 0`, () => {
    const { ticks, at } = linearAxis(most)
    assert.equal(ticks[0]?.value, 0)
    assert.equal(at(ticks.at(-1)?.value ?? 0), 1)
    if (step === undefined) return
    assert.equal(ticks.at(-1)?.value, end)
    assert.equal(ticks[1]?.value, step)
  })
}

test('a logarithmic axis begins and ends with powers of ten', () => {
  const { ticks, at } = logarithmicAxis(3, 700)
  assert.deepEqual([ticks[0]?.value, ticks.at(-1)?.value], [1, 1000])
  assert.deepEqual([at(1), at(1000)], [0, 1])
  assert.ok(Math.abs(at(10) - 1 / 3) < 1e-9)
})

test('a percentile axis has as much room from 90 to 99 as from 99 to 99.9', () => {
  const { at } = percentileAxis()
  assert.ok(Math.abs(at(99) - at(90) - (at(99.9) - at(99))) < 1e-9)
  assert.deepEqual([at(0), at(100)], [0, 1])
})
