import { Agent, errors } from 'undici'
import type { Call } from './calls.ts'
import { judge, type Verdict } from './judge.ts'

export type HttpClient = ReturnType<typeof createHttpClient>

/** What became of one call. */
export interface Outcome {
  readonly verdict: Verdict
  readonly bytes: number
  /** Where it was refused for now: when to come again. */
  readonly retryAfterMs?: number
}

/**
 * Sends single calls over pooled connections, and judges their answers.
 *
 * @param connections at most so many to the target at a time; further calls wait for one
 * @param keepsAlive whether a connection serves the next call too
 */
export function createHttpClient(
  url: string,
  { connections, timeoutMs, keepsAlive = true }: { connections: number; timeoutMs: number; keepsAlive?: boolean },
) {
  const { origin, pathname: path } = new URL(url)
  const agent = new Agent({
    connections,
    // undici's way to say that a connection is for one request.
    pipelining: keepsAlive ? 1 : 0,
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
    /** Never rejects: what goes wrong is the outcome. */
    async send(call: Call): Promise<Outcome> {
      try {
        const { statusCode, headers, body } = await agent.request({
          origin,
          path,
          method: 'POST',
          headers: { ...call.headers },
          body: call.body,
        })
        const text = await body.text()
        const hasRetryAfter = headers['retry-after'] !== undefined
        const verdict = judge(call, { status: statusCode, text, hasRetryAfter })
        const isForNow = hasRetryAfter && (statusCode === 429 || statusCode === 503)
        const retryAfterMs = isForNow ? Number(headers['retry-after']) * 1000 : undefined
        return { verdict, bytes: Buffer.byteLength(text), ...(retryAfterMs !== undefined && { retryAfterMs }) }
      } catch (error) {
        return { verdict: { kind: 'failed', what: describe(error) }, bytes: 0 }
      }
    },
    close: () => agent.destroy(),
  }
}

/** The kind of a transport error: never its text, which may name addresses and ports. */
function describe(error: unknown): string {
  if (error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError)
    return 'no answer in time'
  if (error instanceof errors.ConnectTimeoutError) return 'no connection in time'
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ECONNREFUSED') return 'connection refused'
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'UND_ERR_SOCKET') return 'connection lost'
  return `not sent: ${code ?? 'unknown'}`
}
