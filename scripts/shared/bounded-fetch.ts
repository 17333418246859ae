import { OperatorError } from './operator-error.ts'
import { unreachable } from './unreachable.ts'

/** The slowest step, an OBO exchange after a cold start, takes far less. */
const defaultDeadlineMs = 20_000
/** A thousand messages with their bodies are some 8 MB. */
const maxBodyBytes = 16 * 1024 * 1024

export interface FetchBounds {
  /** Cancels every request: Ctrl-C. */
  readonly signal: AbortSignal
  /** Told of each request and its outcome. */
  readonly trace?: (text: string) => void
  readonly deadlineMs?: number
}

/**
 * `fetch` with a deadline for headers and body, a limit on the body's size and no redirects; network errors say what to
 * do about them.
 *
 * @throws {OperatorError} from the request, or from a body that is too large; one that stalls rejects with the
 * deadline's own error
 */
export function boundedFetch({
  signal,
  trace = () => undefined,
  deadlineMs = defaultDeadlineMs,
}: FetchBounds): typeof fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input)
    const done = startRequest(trace, init?.method ?? 'GET', url)
    const signals = [signal, AbortSignal.timeout(deadlineMs), ...(init?.signal ? [init.signal] : [])]
    try {
      const response = await fetch(input, { ...init, redirect: 'manual', signal: AbortSignal.any(signals) })
      done(`${response.status}`)
      return withBodyLimit(response, url.host)
    } catch (error) {
      done('no response')
      if (signal.aborted) throw new OperatorError('Stopped.', 'Nothing was changed.', { cause: error })
      throw unreachable(url.host, error)
    }
  }
}

/** Without the query, which may have a code in it. @returns what to call with the outcome */
export function startRequest(trace: (text: string) => void, method: string, { origin, pathname }: URL) {
  const startedMs = performance.now()
  return (outcome: string) =>
    trace(`${method} ${origin}${pathname}: ${outcome}, ${Math.round(performance.now() - startedMs)} ms`)
}

function withBodyLimit(response: Response, host: string): Response {
  if (response.body === null) return response
  let bytes = 0
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.byteLength
      if (bytes <= maxBodyBytes) controller.enqueue(chunk)
      else controller.error(new OperatorError(`${host} sent more than ${maxBodyBytes} bytes.`, 'Request less.'))
    },
  })
  const { status, statusText, headers } = response
  return new Response(response.body.pipeThrough(counter), { status, statusText, headers })
}
