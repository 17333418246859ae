import type { Io } from './io.ts'
import { OperatorError } from './operator-error.ts'

/** One step of a chain: what it was, how long it took, and what came of it. */
export interface Hop {
  readonly hop: string
  readonly ms: number
  readonly ok: boolean
  readonly says: string
}

/** Does a step, times it and tells of it. */
export type RunHop = <T>(name: string, work: () => Promise<{ readonly value: T; readonly says: string }>) => Promise<T>

export interface Chain<T> {
  readonly json: boolean
  /** What a program is told beside the hops. */
  readonly about: Readonly<Record<string, unknown>>
  work(hop: RunHop): Promise<T>
  /** What a program is told of the outcome … */
  report(outcome: T): Readonly<Record<string, unknown>>
  /** … and a person. */
  conclude(outcome: T): void
}

/**
 * Goes through a chain hop by hop: each is a line when it is over, or all of them one JSON object at the end, whichever
 * end it is.
 *
 * @throws {OperatorError} of the hop that failed
 */
export async function runChain<T>(io: Io, { json, about, work, report, conclude }: Chain<T>): Promise<void> {
  const hops: Hop[] = []
  const note = (hop: string, started: number, ok: boolean, says: string) => {
    const done = { hop, ms: Math.round(performance.now() - started), ok, says }
    hops.push(done)
    if (!json) io.print(hopLine(done), ok ? undefined : 'red')
  }
  const run: RunHop = async (name, step) => {
    const started = performance.now()
    try {
      const { value, says } = await step()
      note(name, started, true, says)
      return value
    } catch (error) {
      note(name, started, false, error instanceof OperatorError ? error.message : 'broke off')
      throw error
    }
  }
  const tell = (rest: Readonly<Record<string, unknown>>) =>
    io.print(JSON.stringify({ ...about, ...rest, hops }, undefined, 2))

  let outcome: T
  try {
    outcome = await work(run)
  } catch (error) {
    if (json && error instanceof OperatorError) {
      tell({ verdict: 'failed', failure: { what: error.message, next: error.next } })
    }
    throw error
  }
  if (json) tell({ verdict: 'passed', ...report(outcome) })
  else conclude(outcome)
}

/** Names and times stand below each other. Why one failed is told when the command ends, with the mend. */
function hopLine({ hop, ms, ok, says }: Hop): string {
  return `${ok ? '✔' : '✘'} ${hop.padEnd(22)} ${String(ms).padStart(6)} ms  ${ok ? says : 'failed'}`
}
