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

/** Reports nothing: for commands whose output is their result alone. */
export const runSilently: RunHop = async (_name, work) => (await work()).value

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
 * Runs a chain hop by hop: prints a line after each, or one JSON object at the end. That of a failure is in the error.
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

  let outcome: T
  try {
    outcome = await work(run)
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    const at = hops.findLast(({ ok }) => !ok)?.hop
    if (!json) io.print(at === undefined ? '\nFailed.' : `\nFailed at "${at}".`, 'red')
    const { message, next, code, details } = error
    throw new OperatorError(message, next, {
      cause: error,
      code,
      details: { ...about, verdict: 'failed', ...details, hops },
    })
  }
  if (json) io.print(JSON.stringify({ ...about, verdict: 'passed', ...report(outcome), hops }, undefined, 2))
  else conclude(outcome)
}

/** Names and times are aligned. The cause of a failure is printed when the command ends, with its remedy. */
function hopLine({ hop, ms, ok, detail }: Hop): string {
  return `${ok ? '✔' : '✘'} ${hop.padEnd(22)} ${String(ms).padStart(6)} ms  ${ok ? detail : 'failed'}`
}
