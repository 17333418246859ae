import type { Verdict } from './check-response.ts'
import { createLatencies, curvePercentiles, type LatencySummary } from './latencies.ts'
import { median, sum } from './numbers.ts'

/** What one target did with one load. Rates and latencies are those of correct responses. */
export interface Measurement {
  readonly name: string
  readonly seconds: number
  /** When it started, in seconds since the run did. */
  readonly startSeconds: number
  readonly correct: number
  readonly wrong: number
  readonly failed: number
  /** Failures by kind. */
  readonly errors: Readonly<Record<string, number>>
  /** Correct responses a second; the median where there were rounds. */
  readonly perSecond: number
  readonly latencyMs: LatencySummary
  readonly bytesPerResponse: number
  /** The target's own CPU time, user and system, for each call that ended; NaN where it is unknown. */
  readonly cpuUsPerCall: number
  readonly timeline: readonly Slice[]
  /** Why the first wrong responses were wrong. */
  readonly wrongReasons: readonly string[]
  /** Of an open model: how late calls were sent, 99th percentile, which says whether the rate held. */
  readonly sentLateMs?: number
  /** Figures of this load alone, such as how often the tenant was called. */
  readonly figures?: Readonly<Record<string, number>>
}

/** What happened in one slice of time. */
export interface Slice {
  /** Its middle, in seconds since the measurement started. */
  readonly atSeconds: number
  readonly correctPerSecond: number
  /** Failures and wrong responses. */
  readonly errorsPerSecond: number
}

const sliceSeconds = 0.25
const mostWrongReasons = 5

/** Counts what became of calls. @param now milliseconds of a monotonic clock */
export function createCallRecords(now: () => number = () => performance.now()) {
  const startMs = now()
  const latencies = createLatencies()
  const errors: Record<string, number> = {}
  const slices: { correct: number; errors: number }[] = []
  const wrongReasons: string[] = []
  let correct = 0
  let wrong = 0
  let bytes = 0

  function currentSlice() {
    const index = Math.floor((now() - startMs) / 1_000 / sliceSeconds)
    while (slices.length < index) slices.push({ correct: 0, errors: 0 })
    slices[index] ??= { correct: 0, errors: 0 }
    return slices[index]
  }

  return {
    startMs,
    /** @param ms how long the caller waited */
    record(verdict: Verdict, ms: number, responseBytes: number): void {
      const slice = currentSlice()
      if (verdict.kind === 'correct') {
        correct++
        slice.correct++
        bytes += responseBytes
        latencies.recordMs(ms)
        return
      }
      slice.errors++
      if (verdict.kind === 'failed') errors[verdict.error] = (errors[verdict.error] ?? 0) + 1
      else if (++wrong <= mostWrongReasons) wrongReasons.push(verdict.reason)
    },

    /** @param cpuUs CPU time that the target took meanwhile */
    summary({ cpuUs, ...more }: Pick<Measurement, 'name' | 'startSeconds'> & { cpuUs: number }): Measurement {
      const seconds = (now() - startMs) / 1_000
      const failed = sum(Object.values(errors))
      return {
        ...more,
        seconds,
        correct,
        wrong,
        failed,
        errors: Object.fromEntries(Object.entries(errors).sort(([, a], [, b]) => b - a)),
        perSecond: correct / seconds,
        latencyMs: latencies.summary(),
        bytesPerResponse: bytes / correct,
        cpuUsPerCall: cpuUs / (correct + wrong + failed),
        // An incomplete slice at the end would show a fall that never was.
        timeline: slices.slice(0, Math.floor(seconds / sliceSeconds)).map((one, index) => ({
          atSeconds: (index + 0.5) * sliceSeconds,
          correctPerSecond: one.correct / sliceSeconds,
          errorsPerSecond: one.errors / sliceSeconds,
        })),
        wrongReasons,
      }
    },
  }
}

/** Calls that ended. */
export function countCalls({ correct, wrong, failed }: Measurement): number {
  return correct + wrong + failed
}

/**
 * Several rounds of one target as one measurement: rates, latencies and costs are medians of the rounds, counts are
 * sums, and the timeline has the rounds one after the other.
 */
export function mergeRounds(rounds: readonly Measurement[]): Measurement {
  const [first] = rounds
  if (first === undefined) throw new RangeError('There are no rounds')
  const medianOf = (pick: (one: Measurement) => number) => median(rounds.map(pick))
  const sumOf = (pick: (one: Measurement) => number) => sum(rounds.map(pick))
  const kinds = new Set(rounds.flatMap(({ errors }) => Object.keys(errors)))
  let endSeconds = 0
  const timeline = rounds.flatMap((round) => {
    const startSeconds = endSeconds
    endSeconds += round.seconds
    return round.timeline.map((slice) => ({ ...slice, atSeconds: startSeconds + slice.atSeconds }))
  })
  return {
    ...first,
    seconds: endSeconds,
    correct: sumOf((one) => one.correct),
    wrong: sumOf((one) => one.wrong),
    failed: sumOf((one) => one.failed),
    errors: Object.fromEntries([...kinds].map((kind) => [kind, sumOf(({ errors }) => errors[kind] ?? 0)])),
    perSecond: medianOf((one) => one.perSecond),
    latencyMs: {
      p50: medianOf((one) => one.latencyMs.p50),
      p99: medianOf((one) => one.latencyMs.p99),
      max: Math.max(...rounds.map((one) => one.latencyMs.max)),
      curve: curvePercentiles.map((_, index) => medianOf((one) => one.latencyMs.curve[index] ?? Number.NaN)),
    },
    bytesPerResponse: medianOf((one) => one.bytesPerResponse),
    cpuUsPerCall: medianOf((one) => one.cpuUsPerCall),
    timeline,
    wrongReasons: rounds.flatMap((one) => one.wrongReasons).slice(0, mostWrongReasons),
  }
}
