import { OperatorError } from './operator-error.ts'
import { unreachable } from './unreachable.ts'

/** A sign-in's slowest step, an exchange at Entra behind a cold start, stays well below this. */
const defaultDeadlineMs = 20_000
/** A thousand messages with their bodies are some 8 MB. */
const maxBodyBytes = 16 * 1024 * 1024

export interface FetchBounds {
  /** Ends every request early: Ctrl-C. */
  readonly signal: AbortSignal
  readonly deadlineMs?: number
}

/**
 * `fetch` that ends within its deadline, headers and body, takes no answer without end, follows no redirect, and says what is wrong where no answer
 * came.
 *
 * @throws {OperatorError} from the request, or from a body that is too large; one that stalls ends with the deadline's
 * own error
 */
export function boundedFetch({ signal, deadlineMs = defaultDeadlineMs }: FetchBounds): typeof fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input)
    const signals = [signal, AbortSignal.timeout(deadlineMs), ...(init?.signal ? [init.signal] : [])]
    try {
      return limited(await fetch(input, { ...init, redirect: 'manual', signal: AbortSignal.any(signals) }), url.host)
    } catch (error) {
      if (signal.aborted) throw new OperatorError('Stopped.', 'Nothing was changed.', { cause: error })
      throw unreachable(url.host, error)
    }
  }
}

function limited(answer: Response, host: string): Response {
  if (answer.body === null) return answer
  let bytes = 0
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.byteLength
      if (bytes <= maxBodyBytes) controller.enqueue(chunk)
      else controller.error(new OperatorError(`${host} sent more than ${maxBodyBytes} bytes.`, 'Ask for less.'))
    },
  })
  const { status, statusText, headers } = answer
  return new Response(answer.body.pipeThrough(counter), { status, statusText, headers })
}
