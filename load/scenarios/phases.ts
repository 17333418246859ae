import type { Measurement } from '../ledger.ts'
import type { Rule } from '../report/report.ts'
import { callsOf, perCent } from '../report/report.ts'
import type { OpenLoad, Stage } from '../stage.ts'
import { rounded } from '../statistics.ts'

/** One phase of a load that goes on at the same rate, told as it ends. */
export async function phase(stage: Stage, load: OpenLoad): Promise<Measurement> {
  const measurement = await stage.open(load)
  const { right, failed, wrong, latencyMs } = measurement
  const bad = failed + wrong === 0 ? '' : `, ${failed} failed, ${wrong} wrong`
  stage.progress.say(`${load.name}: ${right} right${bad}, p99 ${rounded(latencyMs.p99)} ms`)
  return measurement
}

/** Of a run of few calls, one is more than a small share; so many may fail of any. */
const fewFailures = 3

/** The rule that of some measurements at most a share of calls fails. */
export function failsAtMost(share: number, says: string, measurements: readonly Measurement[]): Rule {
  const failed = measurements.reduce((sum, one) => sum + one.failed, 0)
  const calls = measurements.reduce((sum, one) => sum + callsOf(one), 0)
  const kinds = new Set(measurements.flatMap(({ errors }) => Object.keys(errors)))
  const seen = `${failed} of ${calls}, ${perCent(failed, calls)}${failed > 0 ? `: ${[...kinds].join(', ')}` : ''}`
  return { says, holds: calls > 0 && failed <= Math.max(fewFailures, share * calls), seen }
}

/** The rule that some measurements know no kinds of failure but these. */
export function failsOnlyBy(kinds: RegExp, says: string, measurements: readonly Measurement[]): Rule {
  const others = [...new Set(measurements.flatMap(({ errors }) => Object.keys(errors)))].filter(
    (kind) => !kinds.test(kind),
  )
  return { says, holds: others.length === 0, seen: others.length === 0 ? 'no others' : others.join(', ') }
}

/** The rule that a measurement's 99th percentile stays within so many milliseconds. */
export function staysWithin(mostMs: number, { name, latencyMs }: Measurement): Rule {
  return {
    says: `${name}: 99 of 100 right answers within ${rounded(mostMs)} ms`,
    holds: latencyMs.p99 <= mostMs,
    seen: `${rounded(latencyMs.p99)} ms`,
  }
}
