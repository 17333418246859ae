import { countCalls, type Measurement } from './call-records.ts'
import { format, formatShare, sum } from './numbers.ts'
import type { Rule } from './report/report.ts'

/** Of fewer calls, one is a large share. */
export const fewestForShare = 200
/** Of fewer correct responses, the 99th percentile is the chance of one or two. */
export const fewestForP99 = 300

/** No call fails. For loads in which nothing is lost on purpose. */
export function noFailures(...measurements: readonly Measurement[]): Rule {
  const kinds = measurements.flatMap(({ name, errors }) =>
    Object.entries(errors).map(([kind, count]) => `${count} × ${kind} (${name})`),
  )
  return { description: 'no call fails', passed: kinds.length === 0, observed: kinds.join(', ') || 'none' }
}

/** At most a share of calls fails. */
export function failuresAtMost(share: number, what: string, ...measurements: readonly Measurement[]): Rule {
  const failed = sum(measurements.map((one) => one.failed))
  const calls = sum(measurements.map(countCalls))
  const kinds = [...new Set(measurements.flatMap(({ errors }) => Object.keys(errors)))]
  const observed = [`${failed} of ${calls}, ${formatShare(failed, calls)}`, ...kinds].join(', ')
  const description = `${what}: at most ${share * 100} % of calls fail`
  return judgeFrom(fewestForShare, calls, { description, passed: failed <= share * calls, observed })
}

/** Calls fail by these kinds of error only. */
export function onlyFailures(kinds: RegExp, description: string, { errors }: Measurement): Rule {
  const others = Object.keys(errors).filter((kind) => !kinds.test(kind))
  return { description, passed: others.length === 0, observed: others.join(', ') || 'no others' }
}

/** The 99th percentile of a measurement stays within so many milliseconds. @param base what these are reckoned from */
export function p99Within(mostMs: number, { name, latencyMs, correct }: Measurement, base?: Measurement): Rule {
  return judgeFrom(fewestForP99, Math.min(correct, base?.correct ?? correct), {
    description: `${name}: p99 within ${format(mostMs)} ms`,
    passed: latencyMs.p99 <= mostMs,
    observed: `${format(latencyMs.p99)} ms`,
  })
}

/** A rule about a statistic, which fails from so many on only: below, chance decides. */
export function judgeFrom(fewest: number, count: number, rule: Rule): Rule {
  if (count >= fewest) return rule
  return { ...rule, passed: true, observed: `${rule.observed}; too few to judge: ${count}, and not ${fewest}` }
}
