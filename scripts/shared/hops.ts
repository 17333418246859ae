import type { Io } from './io.ts'
import { OperatorError } from './operator-error.ts'

/** One step of a chain: its name, duration and outcome. */
export interface Hop {
  readonly hop: string
  readonly ms: number
  readonly ok: boolean
  readonly detail: string
}

/** Runs a step, times it and reports it. */
export type RunHop = <T>(
  name: string,
  work: () => Promise<{ readonly value: T; readonly detail: string }>,
) => Promise<T>

export interface Chain<T> {
  readonly json: boolean
  /** JSON properties beside the hops. */
  readonly about: Readonly<Record<string, unknown>>
  work(hop: RunHop): Promise<T>
  /** JSON properties of the outcome. */
  report(outcome: T): Readonly<Record<string, unknown>>
  /** Prints the outcome for a person. */
  conclude(outcome: T): void
}

/**
 * Runs a chain hop by hop: prints a line after each, or one JSON object at the end, successful or not.
 *
 * @throws {OperatorError} of the hop that failed
 */
export async function runChain<T>(io: Io, { json, about, work, report, conclude }: Chain<T>): Promise<void> {
  const hops: Hop[] = []
  const record = (hop: string, started: number, ok: boolean, detail: string) => {
    const done = { hop, ms: Math.round(performance.now() - started), ok, detail }
    hops.push(done)
    if (!json) io.print(hopLine(done), ok ? undefined : 'red')
  }
  const run: RunHop = async (name, step) => {
    const started = performance.now()
    try {
      const { value, detail } = await step()
      record(name, started, true, detail)
      return value
    } catch (error) {
      record(name, started, false, error instanceof OperatorError ? error.message : 'interrupted')
      throw error
    }
  }
  const printJson = (rest: Readonly<Record<string, unknown>>) =>
    io.print(JSON.stringify({ ...about, ...rest, hops }, undefined, 2))

  let outcome: T
  try {
    outcome = await work(run)
  } catch (error) {
    if (json && error instanceof OperatorError) {
      printJson({ verdict: 'failed', failure: { message: error.message, next: error.next } })
    }
    throw error
  }
  if (json) printJson({ verdict: 'passed', ...report(outcome) })
  else conclude(outcome)
}

/** Names and times are aligned. The cause of a failure is printed when the command ends, with its remedy. */
function hopLine({ hop, ms, ok, detail }: Hop): string {
  return `${ok ? '✔' : '✘'} ${hop.padEnd(22)} ${String(ms).padStart(6)} ms  ${ok ? detail : 'failed'}`
}
