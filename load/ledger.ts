import type { Verdict } from './judge.ts'
import { createLatencies, type LatencySummary } from './latencies.ts'
import { median } from './statistics.ts'

/** What happened in one slice of time. */
export interface Slice {
  /** Its middle, in seconds since the measurement began. */
  readonly atSeconds: number
  readonly rightPerSecond: number
  /** Failures and wrong answers by kind, a second. */
  readonly errorsPerSecond: Readonly<Record<string, number>>
}

/** What one target did with one load. Rates and latencies are those of right answers. */
export interface Measurement {
  readonly name: string
  readonly seconds: number
  /** When it began, in seconds since the run did. */
  readonly beganSeconds: number
  readonly right: number
  readonly wrong: number
  readonly failed: number
  /** Failures by kind. */
  readonly errors: Readonly<Record<string, number>>
  /** Right answers a second; the median where there were rounds. */
  readonly perSecond: number
  readonly latencyMs: LatencySummary
  readonly bytesPerAnswer: number
  /** The target's own processor time, user and system, for each call that it answered; NaN where it is not known. */
  readonly cpuUsPerCall: number
  readonly timeline: readonly Slice[]
  /** The first wrong answers, in words. */
  readonly wrongs: readonly string[]
  /** Of an open model: how late calls were sent, at the 99th percentile, which says whether the rate was kept. */
  readonly sentLateMs?: number
  /** Figures of this load alone, such as how often the tenant was asked. */
  readonly figures?: Readonly<Record<string, number>>
}

export type Ledger = ReturnType<typeof createLedger>

const sliceMs = 100
/** No more than a chart can show, and none so short that its count is chance; a short measurement has short ones. */
const slicesShown = 100
const slicesMerged = 5
const wrongsKept = 5

/** Takes down what became of calls. @param now milliseconds of a clock that never goes back */
export function createLedger(now: () => number = () => performance.now()) {
  const beganMs = now()
  const latencies = createLatencies()
  const errors = new Map<string, number>()
  const slices: { right: number; errors: Map<string, number> }[] = []
  const wrongs: string[] = []
  let right = 0
  let wrong = 0
  let bytes = 0

  function slice() {
    const index = Math.max(0, Math.floor((now() - beganMs) / sliceMs))
    while (slices.length <= index) slices.push({ right: 0, errors: new Map() })
    return slices[index] ?? { right: 0, errors: new Map() }
  }

  return {
    beganMs,
    latencies,
    get right() {
      return right
    },
    get wrong() {
      return wrong
    },
    get failed() {
      return sum(errors.values())
    },

    /** @param ms how long the caller waited */
    record(verdict: Verdict, ms: number, answerBytes: number): void {
      const { errors: errorsNow } = slice()
      if (verdict.kind === 'right') {
        right++
        slice().right++
        bytes += answerBytes
        latencies.recordMs(ms)
      } else if (verdict.kind === 'wrong') {
        wrong++
        if (wrongs.length < wrongsKept) wrongs.push(verdict.why)
        count(errorsNow, 'wrong answer')
      } else {
        count(errors, verdict.what)
        count(errorsNow, verdict.what)
      }
    },

    /** @param more what the ledger cannot know */
    close(more: Pick<Measurement, 'name' | 'beganSeconds' | 'cpuUsPerCall' | 'sentLateMs' | 'figures'>): Measurement {
      const seconds = (now() - beganMs) / 1000
      return {
        ...more,
        seconds,
        right,
        wrong,
        failed: sum(errors.values()),
        errors: Object.fromEntries([...errors].sort(([, a], [, b]) => b - a)),
        perSecond: right / seconds,
        latencyMs: latencies.summary(),
        bytesPerAnswer: bytes / right,
        timeline: shown(slices),
        wrongs,
      }
    },
  }
}

/**
 * Several rounds of one target as one measurement: rates, latencies and costs are medians over the rounds, counts are
 * sums, and the timeline has the rounds one after the other.
 */
export function ofRounds(rounds: readonly Measurement[]): Measurement {
  const [first] = rounds
  if (first === undefined) throw new RangeError('There are no rounds')
  if (rounds.length === 1) return first
  const middle = (pick: (one: Measurement) => number) => median(rounds.map(pick))
  let offsetSeconds = 0
  const timeline = rounds.flatMap((round) => {
    const from = offsetSeconds
    offsetSeconds += round.seconds
    return round.timeline.map((one) => ({ ...one, atSeconds: one.atSeconds + from }))
  })
  return {
    ...first,
    seconds: offsetSeconds,
    right: sum(rounds.map((one) => one.right)),
    wrong: sum(rounds.map((one) => one.wrong)),
    failed: sum(rounds.map((one) => one.failed)),
    errors: summed(rounds.map((one) => one.errors)),
    perSecond: middle((one) => one.perSecond),
    latencyMs: {
      mean: middle((one) => one.latencyMs.mean),
      p50: middle((one) => one.latencyMs.p50),
      p90: middle((one) => one.latencyMs.p90),
      p99: middle((one) => one.latencyMs.p99),
      p999: middle((one) => one.latencyMs.p999),
      max: Math.max(...rounds.map((one) => one.latencyMs.max)),
      curve: first.latencyMs.curve.map(([percentile], index) => [
        percentile,
        middle((one) => one.latencyMs.curve[index]?.[1] ?? Number.NaN),
      ]),
    },
    bytesPerAnswer: middle((one) => one.bytesPerAnswer),
    cpuUsPerCall: middle((one) => one.cpuUsPerCall),
    timeline,
    wrongs: rounds.flatMap((one) => one.wrongs).slice(0, wrongsKept),
  }
}

/** As few slices as a chart can show, each as long as the others. */
function shown(slices: readonly { right: number; errors: Map<string, number> }[]): Slice[] {
  const least = slices.length < 5 * slicesMerged ? 1 : slicesMerged
  const merged = Math.max(least, Math.ceil(slices.length / slicesShown))
  const seconds = (merged * sliceMs) / 1000
  const result: Slice[] = []
  // An incomplete slice at the end would show a fall that never was.
  for (let from = 0; from + merged <= slices.length; from += merged) {
    const part = slices.slice(from, from + merged)
    const errors = summed(part.map((one) => Object.fromEntries(one.errors)))
    result.push({
      atSeconds: (from * sliceMs) / 1000 + seconds / 2,
      rightPerSecond: sum(part.map(({ right }) => right)) / seconds,
      errorsPerSecond: Object.fromEntries(Object.entries(errors).map(([kind, number]) => [kind, number / seconds])),
    })
  }
  return result
}

function count(counts: Map<string, number>, kind: string): void {
  counts.set(kind, (counts.get(kind) ?? 0) + 1)
}

function summed(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total = new Map<string, number>()
  for (const one of all)
    for (const [kind, number] of Object.entries(one)) total.set(kind, (total.get(kind) ?? 0) + number)
  return Object.fromEntries(total)
}

function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}
