import Table from 'cli-table3'
import type { Measurement } from '../ledger.ts'
import { rounded } from '../statistics.ts'
import { callsOf, perCent, type Report } from './report.ts'

const head = ['', 'right/s', 'p50', 'p99', 'max', 'CPU a call', 'bytes', 'calls', 'wrong', 'failed']

/** A report for a terminal: what was measured, what that means, and which rules hold. */
export function tableText({ scenario, measurements, figures, rules, machine, passed }: Report): string {
  const own = [...new Set(measurements.flatMap(({ figures: more = {} }) => Object.keys(more)))]
  const table = new Table({
    head: [...head, ...own],
    colAligns: ['left', ...[...head.slice(1), ...own].map(() => 'right' as const)],
    style: { head: [], border: [], compact: true },
  })
  for (const measurement of measurements) {
    table.push([...row(measurement), ...own.map((name) => rounded(measurement.figures?.[name] ?? Number.NaN))])
  }
  const failures = measurements.flatMap(({ name, errors, wrongs }) => [
    ...Object.entries(errors).map(([kind, count]) => `  ${name}: ${count.toLocaleString('en-US')} × ${kind}`),
    ...wrongs.map((why) => `  ${name}: WRONG ANSWER: ${why}`),
  ])
  return [
    `${scenario}, on ${machine}`,
    table.toString(),
    ...figures.map(({ name, value, unit }) => `  ${name}: ${rounded(value)}${unit === undefined ? '' : ` ${unit}`}`),
    ...(failures.length > 0 ? ['What did not go right:', ...failures] : []),
    ...rules.map(({ holds, says, seen }) => `${holds ? '✔' : '✘'} ${says}: ${seen}`),
    passed ? 'passed' : 'FAILED',
  ].join('\n')
}

function row(measurement: Measurement): string[] {
  const { name, perSecond, latencyMs, cpuUsPerCall, bytesPerAnswer, wrong, failed } = measurement
  const calls = callsOf(measurement)
  return [
    name,
    rounded(perSecond),
    ms(latencyMs.p50),
    ms(latencyMs.p99),
    ms(latencyMs.max),
    Number.isFinite(cpuUsPerCall) ? `${rounded(cpuUsPerCall)} µs` : '–',
    rounded(bytesPerAnswer),
    calls.toLocaleString('en-US'),
    String(wrong),
    perCent(failed, calls),
  ]
}

function ms(value: number): string {
  return Number.isFinite(value) ? `${rounded(value)} ms` : '–'
}
