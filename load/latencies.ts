import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'

/** Percentiles that a distribution is drawn through. */
export const curvePercentiles = [0, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.99, 100]
/** Ten minutes: no call waits so long. */
const highestUs = 600_000_000

/** A distribution of latencies, in milliseconds; NaN where there are none. */
export interface LatencySummary {
  readonly p50: number
  readonly p99: number
  readonly max: number
  /** Milliseconds at each of {@link curvePercentiles}. */
  readonly curve: readonly number[]
}

/** A histogram of latencies in microseconds with three significant figures, in constant memory. */
export function createLatencies() {
  const histogram: RecordableHistogram = createHistogram({ lowest: 1, highest: highestUs, figures: 3 })
  const at = (percentile: number) => {
    // An empty histogram gives its bounds, and percentile() takes more than 0.
    if (histogram.count === 0) return Number.NaN
    return (percentile === 0 ? histogram.min : histogram.percentile(percentile)) / 1_000
  }

  return {
    /** Values out of range count as the nearest in range. */
    recordMs(ms: number): void {
      histogram.record(Math.min(highestUs, Math.max(1, Math.round(ms * 1_000))))
    },
    get count(): number {
      return histogram.count
    },
    /** The latency in milliseconds that so many percent do not exceed. */
    at,
    summary: (): LatencySummary => ({
      p50: at(50),
      p99: at(99),
      max: at(100),
      curve: histogram.count === 0 ? [] : curvePercentiles.map(at),
    }),
  }
}
