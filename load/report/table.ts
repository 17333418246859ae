import Table from 'cli-table3'
import { countCalls, type Measurement } from '../call-records.ts'
import { format, formatShare } from '../numbers.ts'
import type { Report } from './report.ts'

/** The columns of a table of measurements, and each measurement's row. */
export function measurementRows(measurements: readonly Measurement[]): { head: string[]; rows: string[][] } {
  const own = [...new Set(measurements.flatMap(({ figures = {} }) => Object.keys(figures)))]
  const head = ['', 'correct/s', 'p50', 'p99', 'max', 'CPU a call', 'bytes', 'calls', 'wrong', 'failed', ...own]
  const rows = measurements.map((measurement) => {
    const { name, perSecond, latencyMs, cpuUsPerCall, bytesPerResponse, wrong, failed, figures } = measurement
    const calls = countCalls(measurement)
    return [
      name,
      format(perSecond),
      withUnit(latencyMs.p50, 'ms'),
      withUnit(latencyMs.p99, 'ms'),
      withUnit(latencyMs.max, 'ms'),
      withUnit(cpuUsPerCall, 'µs'),
      format(bytesPerResponse),
      calls.toLocaleString('en-US'),
      String(wrong),
      formatShare(failed, calls),
      ...own.map((figure) => format(figures?.[figure] ?? Number.NaN)),
    ]
  })
  return { head, rows }
}

/** What failed and what was wrong, a line each. */
export function errorLines(measurements: readonly Measurement[]): string[] {
  return measurements.flatMap(({ name, errors, wrongReasons }) => [
    ...Object.entries(errors).map(([kind, count]) => `${name}: ${count.toLocaleString('en-US')} × ${kind}`),
    ...wrongReasons.map((reason) => `${name}: WRONG RESPONSE: ${reason}`),
  ])
}

export function figureLines({ figures }: Report): string[] {
  return figures.map(({ name, value, unit = '' }) => `${name}: ${withUnit(value, unit)}`.trimEnd())
}

export function ruleLines({ rules }: Report): string[] {
  return rules.map(({ passed, description, observed }) => `${passed ? '✔' : '✘'} ${description}: ${observed}`)
}

/** A report for a terminal. */
export function renderTable(report: Report): string {
  const { head, rows } = measurementRows(report.measurements)
  const colAligns = head.map((_, index) => (index === 0 ? 'left' : 'right'))
  const table = new Table({ head, colAligns, style: { head: [], border: [], compact: true } })
  table.push(...rows)
  const errors = errorLines(report.measurements)
  return [
    `${report.scenario}, on ${report.machine}`,
    table.toString(),
    ...figureLines(report).map((line) => `  ${line}`),
    ...(errors.length > 0 ? ['Errors:', ...errors.map((line) => `  ${line}`)] : []),
    ...ruleLines(report),
    report.passed ? 'passed' : 'FAILED',
  ].join('\n')
}

function withUnit(value: number, unit: string): string {
  return Number.isFinite(value) ? `${format(value)} ${unit}` : format(value)
}
