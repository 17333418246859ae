import type { Measurement } from '../call-records.ts'
import type { Figure } from '../report/report.ts'

/** This server's measurements as ratios to the floor's CPU time and to the reference pattern's rate. */
export function compareWithBaselines(measurements: readonly Measurement[]): Figure[] {
  const floor = measurements.find(({ name }) => name === 'floor')
  const reference = measurements.find(({ name }) => name === 'reference pattern')
  return measurements
    .filter(({ name }) => name.startsWith('this server'))
    .flatMap(({ name, cpuUsPerCall, perSecond }) => [
      { name: `${name}: CPU a call to the floor’s`, value: cpuUsPerCall / (floor?.cpuUsPerCall ?? Number.NaN) },
      { name: `${name}: calls a second to the reference’s`, value: perSecond / (reference?.perSecond ?? Number.NaN) },
    ])
    .filter(({ value }) => !Number.isNaN(value))
}
