import { Agent } from 'undici'
import type { Call } from './calls.ts'
import { checkResponse, type Verdict } from './check-response.ts'

export type HttpClient = ReturnType<typeof createHttpClient>

export interface HttpClientOptions {
  /** At most so many at a time; further calls wait for one. */
  readonly connections: number
  readonly timeoutMs: number
  /** Whether a connection serves the next call too; true unless given. */
  readonly keepAlive?: boolean
}

/** What became of one call. */
export interface Outcome {
  readonly verdict: Verdict
  readonly bytes: number
  /** Where it was rejected for now: when to retry. */
  readonly retryAfterMs?: number
}

/** Sends calls over pooled connections, and checks their responses. */
export function createHttpClient(url: string, { connections, timeoutMs, keepAlive = true }: HttpClientOptions) {
  const { origin, pathname: path } = new URL(url)
  const agent = new Agent({
    connections,
    // undici's way to say that a connection is for one request.
    pipelining: keepAlive ? 1 : 0,
    connectTimeout: timeoutMs,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  })

  return {
    /** Opens all connections, so that the first calls wait for none. */
    async open(): Promise<void> {
      const probe = async () => (await agent.request({ origin, path: '/healthz', method: 'GET' })).body.dump()
      await Promise.all(Array.from({ length: connections }, probe))
    },
    /** Never rejects: an error is an outcome. */
    async send(call: Call): Promise<Outcome> {
      try {
        const { headers, body } = call
        const response = await agent.request({ origin, path, method: 'POST', headers: { ...headers }, body })
        const text = await response.body.text()
        const { statusCode: status } = response
        const retryAfter = response.headers['retry-after']
        const verdict = checkResponse(call, { status, text, hasRetryAfter: retryAfter !== undefined })
        const isForNow = retryAfter !== undefined && (status === 429 || status === 503)
        const bytes = Buffer.byteLength(text)
        return { verdict, bytes, ...(isForNow && { retryAfterMs: Number(retryAfter) * 1_000 }) }
      } catch (error) {
        // Its code, and never its text, which may name addresses and ports.
        return { verdict: { kind: 'failed', error: (error as NodeJS.ErrnoException).code ?? 'unknown' }, bytes: 0 }
      }
    },
    /** Ends calls that are under way, too. */
    close: () => agent.destroy(),
  }
}
