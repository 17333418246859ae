import { createLatencies } from './latencies.ts'

/** How often the open model looks whether calls are due; those due between two looks are sent together. */
const tickMs = 1

export interface ClosedModelOptions {
  /** Each sends its next call once it has its response. */
  readonly connections: number
  /** Stop after so many calls; without it, after so many seconds. */
  readonly calls?: number
  readonly seconds: number
  readonly send: () => Promise<void>
  readonly signal?: AbortSignal
}

/**
 * Calls as fast as a number of connections gets responses: the most that a server can do, and what a call costs it.
 *
 * @returns once every call that was sent has ended
 */
export async function runClosedModel({ connections, calls, seconds, send, signal }: ClosedModelOptions): Promise<void> {
  const endMs = performance.now() + seconds * 1_000
  let sent = 0
  const isDone = () => signal?.aborted || (calls === undefined ? performance.now() >= endMs : sent >= calls)
  async function useConnection(): Promise<void> {
    while (!isDone()) {
      sent++
      await send()
    }
  }
  await Promise.all(Array.from({ length: connections }, useConnection))
}

export interface OpenModelOptions {
  /** The rate at which calls come, whether or not responses do. */
  readonly perSecond: number
  readonly seconds: number
  /** Calls that may wait for a response at a time; one that is due beyond them is skipped. */
  readonly maxOutstanding: number
  /** Sends one call. `dueMs`, by `now`, is what its latency counts from. */
  readonly send: (dueMs: number) => Promise<void>
  readonly skip: () => void
  readonly signal?: AbortSignal
  readonly now?: () => number
  readonly wait?: (ms: number) => Promise<unknown>
}

/**
 * Calls at a constant rate, independent of responses, as the users of a service make them.
 *
 * A closed model waits for a response before it calls again, so that a stall of the server stops the clock for everybody
 * who would have called meanwhile ("coordinated omission"). Here calls go on coming through a stall, and each counts
 * its latency from when it was due.
 *
 * @returns once every call that was sent has ended; `late` is how long after they were due calls were sent
 */
export async function runOpenModel(options: OpenModelOptions) {
  const { perSecond, seconds, maxOutstanding, send, skip, signal } = options
  const { now = () => performance.now(), wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms)) } = options
  const total = Math.round(perSecond * seconds)
  const startMs = now()
  const outstanding = new Set<Promise<void>>()
  const late = createLatencies()
  let next = 0
  let skipped = 0

  while (next < total && signal?.aborted !== true) {
    const due = Math.min(total, Math.floor(((now() - startMs) / 1_000) * perSecond) + 1)
    for (; next < due; next++) {
      if (outstanding.size >= maxOutstanding) {
        skipped++
        skip()
        continue
      }
      const dueMs = startMs + (next * 1_000) / perSecond
      late.recordMs(now() - dueMs)
      const call = send(dueMs).finally(() => outstanding.delete(call))
      outstanding.add(call)
    }
    await wait(tickMs)
  }
  await Promise.all(outstanding)
  return { sent: next - skipped, skipped, late }
}
