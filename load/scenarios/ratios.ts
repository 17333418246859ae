import type { Measurement } from '../ledger.ts'
import type { Figure } from '../report/report.ts'

/** What this server's measurements are, as ratios to the floor's processor time and to the reference pattern's rate. */
export function ratios(measurements: readonly Measurement[]): Figure[] {
  const floor = measurements.find(({ name }) => name === 'floor')
  const reference = measurements.find(({ name }) => name === 'reference pattern')
  const all = measurements
    .filter(({ name }) => name.startsWith('this server'))
    .flatMap(({ name, cpuUsPerCall, perSecond }) => [
      { name: `${name}: processor time to the floor’s`, value: cpuUsPerCall / (floor?.cpuUsPerCall ?? Number.NaN) },
      { name: `${name}: answers a second to the reference’s`, value: perSecond / (reference?.perSecond ?? Number.NaN) },
    ])
  return all.filter(({ value }) => !Number.isNaN(value))
}
