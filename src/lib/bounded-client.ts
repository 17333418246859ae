import { Agent, type buildConnector, type Dispatcher } from 'undici'

/** What a peer may cost: every call ends within `deadlineMs` and no response grows beyond `maxBodyBytes`. */
export interface Bounds {
  readonly connectTimeoutMs: number
  readonly deadlineMs: number
  readonly maxBodyBytes: number
  /** Open sockets per origin. */
  readonly connections: number
  /** Another way to open sockets than by name. */
  readonly connect?: buildConnector.connector
}

export interface BoundedRequest {
  readonly method: 'GET' | 'POST' | 'PATCH'
  /** Absolute, with a path. */
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Ends the call early, for a caller that went away. */
  readonly signal?: AbortSignal | undefined
  /** A shorter deadline than the client's own; a longer one does not count. */
  readonly deadlineMs?: number
}

export interface BoundedResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** Why a call has no response. `unreachable` covers refused, reset and broken connections. */
export class TransportError extends Error {
  readonly kind: 'timeout' | 'cancelled' | 'too_large' | 'unreachable'
  constructor(kind: TransportError['kind'], cause: unknown) {
    super(kind, { cause })
    this.name = 'TransportError'
    this.kind = kind
  }
  /** What the network or the peer did, such as `ECONNREFUSED`; undefined where nothing is known beyond the kind. */
  get why(): string | undefined {
    if (!(this.cause instanceof Error)) return undefined
    const { code, message } = this.cause as NodeJS.ErrnoException
    return [code, message]
      .filter((part) => part)
      .join(': ')
      .slice(0, 300)
  }
}

/** Drops a byte order mark, which JSON.parse rejects. */
const utf8 = new TextDecoder()

export type BoundedClient = ReturnType<typeof createBoundedClient>

/**
 * A pooled HTTP client that no peer can hang, flood or send elsewhere: redirects are responses like any other, and
 * since no encoding is asked for, none is undone.
 *
 * @throws {TransportError} from `request`, and nothing else
 */
export function createBoundedClient(bounds: Bounds) {
  const agent = new Agent({
    connect: bounds.connect ?? { timeout: bounds.connectTimeoutMs },
    connections: bounds.connections,
    headersTimeout: bounds.deadlineMs,
    bodyTimeout: bounds.deadlineMs,
    maxResponseSize: bounds.maxBodyBytes,
    pipelining: 1,
  })

  /** By undici's own events: a stream for the body and a signal to abort by would cost more, and serve nobody here. */
  function request({ url, signal, deadlineMs, ...options }: BoundedRequest): Promise<BoundedResponse> {
    return new Promise((resolve, reject) => {
      let sent: Dispatcher.DispatchController | undefined
      let failure: TransportError | undefined
      const response = { status: 0, headers: {} }
      const chunks: Buffer[] = []

      const settle = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onCancel)
      }
      const end = (kind: TransportError['kind'], cause?: unknown) => {
        failure ??= new TransportError(kind, cause)
        settle()
        reject(failure)
        sent?.abort(failure)
      }
      const onCancel = () => end('cancelled', signal?.reason)
      const timer = setTimeout(() => end('timeout'), Math.min(deadlineMs ?? bounds.deadlineMs, bounds.deadlineMs))
      if (signal?.aborted) return onCancel()
      signal?.addEventListener('abort', onCancel, { once: true })

      agent.dispatch(
        { ...splitUrl(url), ...options },
        {
          onRequestStart(controller) {
            sent = controller
            if (failure !== undefined) controller.abort(failure)
          },
          onResponseStart(_, status, headers) {
            Object.assign(response, { status, headers })
          },
          onResponseData: (_, chunk) => void chunks.push(chunk),
          onResponseEnd() {
            settle()
            resolve({ ...response, body: utf8.decode(Buffer.concat(chunks)) })
          },
          onResponseError: (_, error) => end(kindOf(error), error),
        },
      )
    })
  }

  return { request, close: () => agent.destroy() }
}

function splitUrl(url: string): Pick<Dispatcher.DispatchOptions, 'origin' | 'path'> {
  const pathStart = url.indexOf('/', url.indexOf('//') + 2)
  return { origin: url.slice(0, pathStart), path: url.slice(pathStart) }
}

function kindOf(error: unknown): TransportError['kind'] {
  const code = String((error as { code?: unknown }).code)
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return 'too_large'
  return /^UND_ERR_\w*TIMEOUT$/.test(code) ? 'timeout' : 'unreachable'
}
