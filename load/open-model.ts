import { createLatencies, type Latencies } from './latencies.ts'

/** How often it is looked whether a call is due; calls that are due between two looks go out together. */
const tickMs = 1

export interface OpenModelOptions {
  /** The rate at which calls come, whether or not answers do. */
  readonly perSecond: number
  readonly seconds: number
  /** Calls that may wait for their answers at the same time; one that comes beyond them is not sent. */
  readonly maxOutstanding: number
  /** Makes one call. `intendedMs` (as `performance.now()`) is when it was due, and what its latency counts from. */
  readonly send: (intendedMs: number) => Promise<void>
  /** A call that was due and not sent. */
  readonly skip: () => void
  readonly signal?: AbortSignal
}

export interface OpenModelOutcome {
  readonly sent: number
  readonly skipped: number
  /** How long after they were due calls were sent. */
  readonly late: Latencies
}

/**
 * Calls at a constant rate, independent of answers, as the users of a service make them.
 *
 * A closed model waits for an answer before it calls again, so that a stall of the server stops the clock for everybody
 * who would have called meanwhile ("coordinated omission"). Here calls go on coming through a stall, and each counts
 * its latency from when it was due.
 *
 * @returns once every call that was sent has ended
 */
export async function runOpenModel(options: OpenModelOptions): Promise<OpenModelOutcome> {
  const { perSecond, seconds, maxOutstanding, send, skip, signal } = options
  const total = Math.round(perSecond * seconds)
  const beganMs = performance.now()
  const outstanding = new Set<Promise<void>>()
  const late = createLatencies()
  let due = 0
  let skipped = 0

  while (due < total && signal?.aborted !== true) {
    const nowMs = performance.now()
    const dueByNow = Math.min(total, Math.floor(((nowMs - beganMs) / 1000) * perSecond) + 1)
    for (; due < dueByNow; due++) {
      if (outstanding.size >= maxOutstanding) {
        skipped++
        skip()
        continue
      }
      const intendedMs = beganMs + (due * 1000) / perSecond
      late.recordMs(performance.now() - intendedMs)
      const call = send(intendedMs).finally(() => outstanding.delete(call))
      outstanding.add(call)
    }
    await new Promise((resolve) => setTimeout(resolve, tickMs))
  }
  await Promise.all(outstanding)
  return { sent: due - skipped, skipped, late }
}
