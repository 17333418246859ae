import autocannon from 'autocannon'
import type { Call, NextCall } from './calls.ts'
import { judge } from './judge.ts'
import type { Ledger } from './ledger.ts'

export interface ClosedModelOptions {
  readonly url: string
  /** Each sends its next call as soon as it has its answer. */
  readonly connections: number
  /** Where it is given, so many calls are made, however long that takes; else calls are made for so many seconds. */
  readonly calls?: number
  readonly seconds: number
  readonly timeoutMs: number
  readonly next: NextCall
  readonly ledger: Ledger
  readonly signal?: AbortSignal
}

interface Pending {
  readonly call: Call
  readonly sentMs: number
}

/**
 * Calls by autocannon, as fast as a number of connections gets answers: what a server can do at most, and what a call
 * costs it. Latency and verdicts are kept by `ledger`, since autocannon counts a connection that the server closed
 * before it answered as nothing at all.
 */
export async function runClosedModel(options: ClosedModelOptions): Promise<void> {
  const { url, connections, calls, seconds, timeoutMs, next, ledger, signal } = options

  function setupClient(client: autocannon.Client): void {
    let pending: Pending | undefined
    client.setRequests([
      {
        method: 'POST',
        setupRequest: (request) => {
          if (pending !== undefined) lose(pending)
          const call = next()
          pending = { call, sentMs: performance.now() }
          return { ...request, headers: { ...call.headers }, body: call.body }
        },
        onResponse: (status, text, _context, headers) => {
          if (pending === undefined) return
          const { call, sentMs } = pending
          pending = undefined
          const verdict = judge(call, { status, text, hasRetryAfter: hasHeader(headers, 'retry-after') })
          ledger.record(verdict, performance.now() - sentMs, Buffer.byteLength(text))
        },
      },
    ])
  }

  /** The connection asks anew, and there was no answer: it ended, or the answer was too long in coming. */
  function lose({ sentMs }: Pending): void {
    const waitedMs = performance.now() - sentMs
    const what = waitedMs >= timeoutMs ? 'no answer in time' : 'connection lost'
    ledger.record({ kind: 'failed', what }, waitedMs, 0)
  }

  let stop = () => {}
  await new Promise<void>((resolve, reject) => {
    const run = autocannon(
      {
        url,
        connections: calls === undefined ? connections : Math.min(connections, calls),
        ...(calls === undefined ? { duration: seconds } : { amount: calls }),
        timeout: timeoutMs / 1000,
        sampleInt: 100,
        skipAggregateResult: true,
        setupClient,
      },
      (error: unknown) => (error ? reject(error) : resolve()),
    )
    stop = () => run.stop()
    signal?.addEventListener('abort', stop)
  }).finally(() => signal?.removeEventListener('abort', stop))
}

/** autocannon gives names as they were written. */
function hasHeader(headers: object | undefined, name: string): boolean {
  return Object.keys(headers ?? {}).some((key) => key.toLowerCase() === name)
}
