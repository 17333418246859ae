import type { Measurement, Slice } from '../ledger.ts'
import { rounded } from '../statistics.ts'
import { linearAxis, logarithmicAxis, percentileAxis } from './axis.ts'
import { type Chart, chartHtml, escaped, type Line } from './chart.ts'
import { callsOf, perCent, type Report } from './report.ts'
import { style } from './style.ts'

/** A report as one page that needs nothing but itself: no script, no font, no picture from elsewhere. */
export function htmlText(report: Report): string {
  const { scenario, about, passed, startedAt, seconds, target, machine, settings } = report
  const facts: readonly (readonly [string, string])[] = [
    ['Target', target],
    ['Machine', machine],
    ['Began', startedAt],
    ['Took', `${rounded(seconds)} s`],
    ...Object.entries(settings).map(([name, value]) => [name, value.toLocaleString('en-US')] as const),
  ]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(scenario)}: ${passed ? 'passed' : 'failed'}</title>
<style>${style}</style>
</head>
<body>
<main>
<header>
<h1>${escaped(scenario)} <span class="${passed ? 'passed' : 'failed'}">${passed ? 'passed' : 'failed'}</span></h1>
<p>${escaped(about)}</p>
<dl>${facts.map(([name, value]) => `<div><dt>${escaped(name)}</dt><dd>${escaped(value)}</dd></div>`).join('')}</dl>
</header>
${rulesHtml(report)}
${measurementsHtml(report)}
${figuresHtml(report)}
${chartsOf(report).map(chartHtml).join('\n')}
${errorsHtml(report)}
</main>
</body>
</html>
`
}

function rulesHtml({ rules }: Report): string {
  const items = rules.map(
    ({ holds, says, seen }) =>
      `<li class="${holds ? 'passed' : 'failed'}"><b>${holds ? '✔' : '✘'} ${escaped(says)}</b> ${escaped(seen)}</li>`,
  )
  return `<h2>Rules</h2>\n<ul class="rules">${items.join('\n')}</ul>`
}

function measurementsHtml({ measurements }: Report): string {
  const head = [
    '',
    'right answers/s',
    'p50 ms',
    'p90 ms',
    'p99 ms',
    'p99.9 ms',
    'max ms',
    'CPU µs a call',
    'bytes',
    'calls',
    'wrong',
    'failed',
  ]
  const rows = measurements.map((measurement) => {
    const { name, perSecond, latencyMs, cpuUsPerCall, bytesPerAnswer, wrong, failed } = measurement
    const { p50, p90, p99, p999, max } = latencyMs
    const calls = callsOf(measurement)
    const numbers = [perSecond, p50, p90, p99, p999, max, cpuUsPerCall, bytesPerAnswer].map(rounded)
    const cells = [...numbers, calls.toLocaleString('en-US'), String(wrong), perCent(failed, calls)]
    return `<tr><th scope="row">${escaped(name)}</th>${cells.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`
  })
  return `<h2>Measurements</h2>
<div class="wide"><table>
<thead><tr>${head.map((cell) => `<th scope="col">${escaped(cell)}</th>`).join('')}</tr></thead>
<tbody>${rows.join('\n')}</tbody>
</table></div>`
}

function figuresHtml({ figures, measurements }: Report): string {
  const own = measurements.flatMap(({ name, figures: more = {} }) =>
    Object.entries(more).map(([what, value]) => ({ name: `${name}: ${what}`, value, unit: undefined })),
  )
  const rows = [...figures, ...own].map(
    ({ name, value, unit }) =>
      `<tr><th scope="row">${escaped(name)}</th><td>${escaped(rounded(value))}${unit === undefined ? '' : ` ${escaped(unit)}`}</td></tr>`,
  )
  return rows.length === 0 ? '' : `<h2>Figures</h2>\n<table><tbody>${rows.join('\n')}</tbody></table>`
}

function chartsOf(report: Report): Chart[] {
  const { isSequence } = report
  // What came before the load, such as minting tokens, is of no interest.
  const fromSeconds = isSequence ? Math.min(...report.measurements.map(({ beganSeconds }) => beganSeconds)) : 0
  const measurements = report.measurements.map((one) => ({ ...one, beganSeconds: one.beganSeconds - fromSeconds }))
  const series = report.series.map((one) => ({
    ...one,
    points: one.points.map(([at, value]) => [at - fromSeconds, value] as const),
  }))
  const marks = isSequence ? measurements.map(({ name, beganSeconds }) => ({ x: beganSeconds, label: name })) : []
  return [
    latencyChart(measurements),
    overTime(
      report,
      'Throughput over time',
      'right answers a second',
      throughputLines(measurements, isSequence),
      marks,
    ),
    overTime(report, 'Errors over time', 'errors a second', errorLines(measurements, isSequence), marks),
    ...series.map(({ name, unit, points }) => overTime(report, name, unit, [{ name, points }], marks)),
  ].filter((chart) => chart !== undefined)
}

function latencyChart(measurements: readonly Measurement[]): Chart | undefined {
  const lines = measurements.map(({ name, latencyMs }) => ({ name, points: latencyMs.curve }))
  const all = lines.flatMap(({ points }) => points.map(([, ms]) => ms)).filter(Number.isFinite)
  if (all.length === 0) return undefined
  return {
    title: 'Latency distribution',
    xLabel: 'percentile of right answers',
    yLabel: 'latency, ms (logarithmic)',
    x: percentileAxis(),
    y: logarithmicAxis(Math.min(...all), Math.max(...all)),
    lines,
  }
}

function overTime(
  { isSequence }: Report,
  title: string,
  yLabel: string,
  lines: readonly Line[],
  marks: Chart['marks'],
): Chart | undefined {
  const points = lines.flatMap((line) => line.points.filter((point) => point.every(Number.isFinite)))
  if (points.length === 0) return undefined
  return {
    title,
    xLabel: isSequence ? 'time since the load began, s' : 'time under load, s (rounds one after the other)',
    yLabel,
    x: linearAxis(Math.max(...points.map(([x]) => x))),
    y: linearAxis(Math.max(...points.map(([, y]) => y))),
    lines,
    ...(marks !== undefined && { marks }),
  }
}

function throughputLines(measurements: readonly Measurement[], isSequence: boolean): Line[] {
  const points = ({ rightPerSecond }: Slice) => rightPerSecond
  if (!isSequence) return measurements.map((one) => ({ name: one.name, points: one.timeline.map(over(points)) }))
  return [
    { name: 'right answers', points: measurements.flatMap((one) => one.timeline.map(over(points, one.beganSeconds))) },
  ]
}

/** By target where targets are compared; by kind where phases follow each other. */
function errorLines(measurements: readonly Measurement[], isSequence: boolean): Line[] {
  const failing = measurements.filter(({ failed, wrong }) => failed + wrong > 0)
  if (failing.length === 0) return []
  if (!isSequence) {
    const all = ({ errorsPerSecond }: Slice) => Object.values(errorsPerSecond).reduce((sum, one) => sum + one, 0)
    return failing.map((one) => ({ name: one.name, points: one.timeline.map(over(all)) }))
  }
  const kinds = new Set(
    measurements.flatMap(({ timeline }) => timeline.flatMap((one) => Object.keys(one.errorsPerSecond))),
  )
  return [...kinds].map((kind) => ({
    name: kind,
    points: measurements.flatMap((one) =>
      one.timeline.map(over(({ errorsPerSecond }) => errorsPerSecond[kind] ?? 0, one.beganSeconds)),
    ),
  }))
}

function over(pick: (slice: Slice) => number, beganSeconds = 0) {
  return (slice: Slice) => [slice.atSeconds + beganSeconds, pick(slice)] as const
}

function errorsHtml({ measurements }: Report): string {
  const rows = measurements.flatMap(({ name, errors, wrongs }) => [
    ...wrongs.map((why) => [name, `wrong answer: ${why}`, ''] as const),
    ...Object.entries(errors).map(([kind, count]) => [name, kind, count.toLocaleString('en-US')] as const),
  ])
  if (rows.length === 0) return '<p>No call failed, and no answer was wrong.</p>'
  const cells = rows.map(
    ([name, kind, count]) =>
      `<tr><th scope="row">${escaped(name)}</th><td class="text">${escaped(kind)}</td><td>${escaped(count)}</td></tr>`,
  )
  return `<h2>What did not go right</h2>\n<table><tbody>${cells.join('\n')}</tbody></table>`
}
