import { type Failure, toFailure } from '../../errors/index.ts'
import type { Deadline } from '../../lib/deadline.ts'
import { withOneRetry } from '../../lib/retry-once.ts'
import type { Caller } from '../auth/claims.ts'
import type { Audit } from '../observability/audit.ts'
import type { TraceSpan } from '../observability/otlp.ts'
import type { Exchange, GraphToken } from './on-behalf-of.ts'

/** One user's call that needs a Graph token. */
export interface TokenRequest {
  readonly caller: Caller
  readonly assertion: string
  /** Of Graph, fully qualified: what the token is to be good for. */
  readonly scopes: readonly string[]
  readonly correlationId: string
  /** A caller that goes away stops waiting; the exchange it shares goes on. */
  readonly signal?: AbortSignal | undefined
  /** Nor does a caller wait longer than this, which is never longer than a token takes. */
  readonly deadline?: Deadline
  readonly trace?: TraceSpan | null
}

export interface RedeemOptions {
  readonly exchange: Exchange
  readonly audit: Audit
  /** Milliseconds of a clock that only goes forward. */
  readonly monotonicNow: () => number
  readonly sleep: (ms: number) => Promise<void>
}

/**
 * An exchange for a call: retried once where that may help, a span in the call's trace, and a line in the log.
 *
 * @returns what throws nothing but {@link Failure}
 */
export function createRedeem({ exchange, audit, monotonicNow, sleep }: RedeemOptions) {
  /** One exchange, as a span of the call that needs it. */
  async function attempt(request: TokenRequest, deadline: Deadline): Promise<GraphToken> {
    const { assertion, scopes, correlationId, trace } = request
    const span = trace?.call('On-Behalf-Of exchange', { 'peer.service': 'Microsoft Entra' })
    try {
      const token = await exchange({
        assertion,
        scopes,
        correlationId,
        deadline,
        ...(span && { headers: span.headers }),
      })
      span?.end()
      return token
    } catch (error) {
      span?.end({}, toFailure(error).reason)
      throw error
    }
  }

  return async (request: TokenRequest, deadline: Deadline): Promise<GraphToken> => {
    const { caller, correlationId, trace } = request
    const started = monotonicNow()
    const context = () => ({
      requestId: correlationId,
      traceId: trace?.traceId,
      user: caller.userKey,
      ms: monotonicNow() - started,
    })
    try {
      const token = await withOneRetry(() => attempt(request, deadline), { deadline, sleep })
      audit('obo_success', context())
      return token
    } catch (error) {
      const failure = toFailure(error)
      const { reason, details } = failure
      const level = reason === 'credential_rejected' || reason === 'exchange_misconfigured' ? 'error' : 'warn'
      audit('obo_failure', { ...context(), reason, err: details.cause }, { level, message: explain(failure) })
      throw failure
    }
  }
}

function explain({ reason }: Failure): string {
  switch (reason) {
    case 'credential_rejected':
      return 'Entra rejects this server’s credential: renew it. Every new sign-in fails until then.'
    case 'credential_unavailable':
      return 'This server’s own credential is unavailable: see credential_unavailable above.'
    case 'exchange_misconfigured':
      return 'Entra rejects this server’s configuration: check GRAPH_CLIENT_ID, GRAPH_TENANT_ID and GRAPH_OBO_SCOPES.'
    default:
      return 'a token could not be exchanged'
  }
}
