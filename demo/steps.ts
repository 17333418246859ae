import { CallError } from './call-error.ts'

/** The result of a step: a value for the next one, and a line for the reader. */
export interface Outcome<T> {
  readonly value: T
  readonly detail: string
}

export type Step = <T>(work: () => Promise<Outcome<T>>) => Promise<T>

/** Numbers the steps and prints each when done, with its duration. */
export function createSteps(print: (line: string) => void): Step {
  let number = 0
  return async (work) => {
    const started = performance.now()
    number += 1
    const report = (detail: string) => {
      const ms = Math.max(1, Math.round(performance.now() - started))
      print(`${String(number).padStart(2)} ${String(ms).padStart(6)} ms  ${detail}`)
    }
    try {
      const { value, detail } = await work()
      report(detail)
      return value
    } catch (error) {
      if (error instanceof CallError) report(`failed: ${error.message}`)
      throw error
    }
  }
}
