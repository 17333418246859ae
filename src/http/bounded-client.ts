import { EventEmitter } from 'node:events'
import { Agent, type buildConnector, type Dispatcher } from 'undici'

/** What a peer may cost: every call ends within `deadlineMs` and no answer grows beyond `maxBodyBytes`. */
export interface Bounds {
  readonly connectTimeoutMs: number
  readonly deadlineMs: number
  readonly maxBodyBytes: number
  /** Sockets kept to one origin. */
  readonly connections: number
  /** Another way to open sockets than by name. */
  readonly connect?: buildConnector.connector
}

export interface BoundedRequest {
  readonly method: 'GET' | 'POST' | 'PATCH'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Ends the call early, for a caller that went away. */
  readonly signal?: AbortSignal | undefined
  /** A shorter deadline than the client's own. */
  readonly deadlineMs?: number
}

export interface BoundedAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** Why a call brought no answer. `unreachable` covers refused, reset and broken connections. */
export class TransportError extends Error {
  readonly kind: 'timeout' | 'cancelled' | 'too_large' | 'unreachable'
  constructor(kind: TransportError['kind'], cause: unknown) {
    super(kind, { cause })
    this.name = 'TransportError'
    this.kind = kind
  }
}

export type BoundedClient = ReturnType<typeof createBoundedClient>

/**
 * A pooled HTTP client that no peer can hang, flood or send elsewhere: redirects are answers like any other, and
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

  async function request({ url, signal, deadlineMs, ...options }: BoundedRequest): Promise<BoundedAnswer> {
    if (signal?.aborted) throw new TransportError('cancelled', signal.reason)
    let ended: TransportError['kind'] | undefined
    // undici also takes an emitter of "abort", at a fraction of what an AbortController costs.
    const abort = new EventEmitter()
    const end = (kind: TransportError['kind']) => {
      ended = kind
      abort.emit('abort')
    }
    const onCancel = () => end('cancelled')
    const timer = setTimeout(() => end('timeout'), deadlineMs ?? bounds.deadlineMs)
    signal?.addEventListener('abort', onCancel, { once: true })
    try {
      const answer = await agent.request({ ...splitUrl(url), ...options, signal: abort })
      return { status: answer.statusCode, headers: answer.headers, body: await answer.body.text() }
    } catch (error) {
      throw new TransportError(ended ?? kindOf(error), error)
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onCancel)
    }
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
