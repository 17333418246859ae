import { init } from 'echarts'
import { html } from 'ghtml'
import type { Slice } from '../call-records.ts'
import { curvePercentiles } from '../latencies.ts'
import { format } from '../numbers.ts'
import type { Report } from './report.ts'
import { errorLines, figureLines, measurementRows, ruleLines } from './table.ts'

interface Chart {
  readonly title: string
  readonly xName: string
  readonly yName: string
  /** Names of evenly spaced places on the x axis, and a logarithmic y axis; without them, both are linear. */
  readonly categories?: readonly string[]
  readonly lines: readonly { readonly name: string; readonly points: readonly (number | readonly [number, number])[] }[]
}

const style = `body { font: 15px/1.5 system-ui, sans-serif; max-width: 960px; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse; font-size: 14px; display: block; overflow-x: auto }
th, td { padding: 4px 9px; border-bottom: 1px solid #ddd; text-align: right; white-space: nowrap }
tr > :first-child { text-align: left } img { width: 100%; border: 1px solid #ddd; margin: 1em 0 }`

/** A report as one page with charts, which loads nothing and runs nothing. */
export function renderHtml(report: Report): string {
  const { scenario, description, passed, startedAt, seconds, target, machine, settings } = report
  const { head, rows } = measurementRows(report.measurements)
  const heading = `${scenario}: ${passed ? 'passed' : 'FAILED'}`
  const facts = Object.entries({ ...settings, startedAt, took: `${format(seconds)} s`, target, machine })
  return html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${heading}</title><style>!${style}</style></head>
<body>
<h1>${heading}</h1>
<p>${description}</p>
!${list(facts.map(([name, value]) => `${name}: ${value}`))}
<h2>Rules</h2>
!${list(ruleLines(report))}
<h2>Measurements</h2>
<table><tr>!${head.map((cell) => html`<th>${cell}</th>`)}</tr>
!${rows.map((row) => html`<tr>!${row.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</table>
<h2>Figures</h2>
!${list(figureLines(report))}
<h2>Errors</h2>
!${list(errorLines(report.measurements))}
<h2>Charts</h2>
!${createCharts(report).map((chart) => html`<img alt="${chart.title}" src="data:image/svg+xml;base64,${Buffer.from(renderChart(chart)).toString('base64')}">`)}
</body>
</html>
`
}

function list(lines: readonly string[]): string {
  return lines.length === 0 ? '<p>None.</p>' : html`<ul>!${lines.map((line) => html`<li>${line}</li>`)}</ul>`
}

/** Charts of what a report has data for. */
export function createCharts({ measurements, series, isSequence }: Report): Chart[] {
  const overTime = (title: string, yName: string, pick: (slice: Slice) => number): Chart => ({
    title,
    xName: isSequence ? 'seconds since the run started' : 'seconds under load',
    yName,
    lines: measurements.map(({ name, startSeconds, timeline }) => ({
      name,
      points: timeline.map((slice) => [slice.atSeconds + (isSequence ? startSeconds : 0), pick(slice)]),
    })),
  })
  return [
    {
      title: 'Latency distribution',
      xName: 'percentile of correct responses',
      yName: 'ms',
      categories: curvePercentiles.map(String),
      lines: measurements.map(({ name, latencyMs }) => ({ name, points: latencyMs.curve })),
    },
    overTime('Throughput', 'correct responses a second', ({ correctPerSecond }) => correctPerSecond),
    ...(measurements.some(({ failed, wrong }) => failed + wrong > 0)
      ? [overTime('Errors', 'errors a second', ({ errorsPerSecond }) => errorsPerSecond)]
      : []),
    ...series.map(({ name, unit, points }) => ({
      title: name,
      xName: 'seconds since the run started',
      yName: unit,
      lines: [{ name, points }],
    })),
  ].filter(({ lines }) => lines.some(({ points }) => points.length > 0))
}

/** A line chart as SVG. */
export function renderChart({ title, xName, yName, categories, lines }: Chart): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: 960, height: 420 })
  try {
    const name = { nameLocation: 'middle' } as const
    chart.setOption({
      animation: false,
      backgroundColor: '#fff',
      title: { text: title },
      legend: { type: 'plain', bottom: 0 },
      grid: { left: 80, right: 30, top: 50, bottom: 60 + 22 * Math.ceil(lines.length / 4) },
      xAxis: {
        ...name,
        name: xName,
        ...(categories ? { type: 'category', data: categories } : { type: 'value', min: 'dataMin' }),
      },
      yAxis: { ...name, name: yName, type: categories ? 'log' : 'value' },
      series: lines.map((line) => ({ type: 'line', name: line.name, data: line.points, showSymbol: false })),
    })
    return chart.renderToSVGString()
  } finally {
    chart.dispose()
  }
}
