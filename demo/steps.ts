import { Refused } from './refused.ts'

/** What came of a step: the value for the next one, and a sentence for the reader. */
export interface Outcome<T> {
  readonly value: T
  readonly says: string
}

export type Step = <T>(work: () => Promise<Outcome<T>>) => Promise<T>

/** Numbers the steps and prints each, when it is over, in a line with the time it took. */
export function createSteps(print: (line: string) => void): Step {
  let number = 0
  return async (work) => {
    const started = performance.now()
    number += 1
    const tell = (says: string) => {
      const ms = Math.max(1, Math.round(performance.now() - started))
      print(`${String(number).padStart(2)} ${String(ms).padStart(6)} ms  ${says}`)
    }
    try {
      const { value, says } = await work()
      tell(says)
      return value
    } catch (error) {
      if (error instanceof Refused) tell(`refused: ${error.message}`)
      throw error
    }
  }
}
