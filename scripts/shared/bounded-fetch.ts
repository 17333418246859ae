import { OperatorError } from './operator-error.ts'
import { unreachable } from './unreachable.ts'

/** A sign-in's slowest step, an exchange at Entra behind a cold start, stays well below this. */
const defaultDeadlineMs = 20_000

export interface FetchBounds {
  /** Ends every request early: Ctrl-C. */
  readonly signal: AbortSignal
  readonly deadlineMs?: number
}

/**
 * `fetch` that ends within its deadline, headers and body, follows no redirect, and says what is wrong where no answer
 * came.
 *
 * @throws {OperatorError} from the request; a body that stalls ends with the deadline's own error
 */
export function boundedFetch({ signal, deadlineMs = defaultDeadlineMs }: FetchBounds): typeof fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input)
    const signals = [signal, AbortSignal.timeout(deadlineMs), ...(init?.signal ? [init.signal] : [])]
    try {
      return await fetch(input, { ...init, redirect: 'manual', signal: AbortSignal.any(signals) })
    } catch (error) {
      if (signal.aborted) throw new OperatorError('Stopped.', 'Nothing was changed.', { cause: error })
      throw unreachable(url.host, error)
    }
  }
}
