import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'

/** Percentiles that a distribution is drawn through: evenly spaced by the share that is slower. */
const curvePercentiles = [
  0, 10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 93, 95, 97, 98, 99, 99.5, 99.8, 99.9, 99.99, 100,
]
/** Ten minutes: nothing here waits so long. */
const highestUs = 600_000_000

/** A distribution of latencies, in milliseconds; NaN where there are none. */
export interface LatencySummary {
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly max: number
  /** `[percentile, milliseconds]`, rising. */
  readonly curve: readonly (readonly [number, number])[]
}

export type Latencies = ReturnType<typeof createLatencies>

/** A histogram of latencies in microseconds with three significant figures, in constant memory. */
export function createLatencies() {
  const histogram = createHistogram({ lowest: 1, highest: highestUs, figures: 3 })
  // A histogram that was told nothing gives its bounds.
  const msOf = (us: number) => (histogram.count === 0 ? Number.NaN : us / 1000)
  const at = (percentile: number) => {
    // Node's percentile() takes more than 0; the lowest is known exactly.
    return msOf(percentile === 0 ? histogram.min : histogram.percentile(percentile))
  }

  return {
    histogram,
    /** Takes what is out of range as the nearest that is in it. */
    recordMs(ms: number): void {
      histogram.record(Math.min(highestUs, Math.max(1, Math.round(ms * 1000))))
    },
    add(other: { readonly histogram: RecordableHistogram }): void {
      if (other.histogram.count > 0) histogram.add(other.histogram)
    },
    /** How many were recorded. */
    get count(): number {
      return histogram.count
    },
    /** The latency in milliseconds that so many percent stay within. */
    at,
    summary: (): LatencySummary => ({
      mean: msOf(histogram.mean),
      p50: at(50),
      p90: at(90),
      p99: at(99),
      p999: at(99.9),
      max: msOf(histogram.max),
      curve: histogram.count === 0 ? [] : curvePercentiles.map((percentile) => [percentile, at(percentile)]),
    }),
  }
}
