import { type Reason, toFailure } from '../../errors/index.ts'
import type { Deadline } from '../../lib/deadline.ts'
import { withOneRetry } from '../../lib/retry-once.ts'
import type { Caller } from '../auth/claims.ts'
import type { Audit } from '../observability/audit.ts'
import type { TraceSpan } from '../observability/otlp.ts'
import type { Exchange, ExchangeRequest, GraphToken } from './on-behalf-of.ts'

/** One user's call that needs a Graph token. */
export interface TokenRequest extends Pick<ExchangeRequest, 'assertion' | 'scopes' | 'correlationId'> {
  readonly caller: Caller
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

/** What operators have to know. */
const explanations: Partial<Record<Reason, string>> = {
  credential_rejected: 'Entra rejects this server’s credential: renew it. Every new sign-in fails until then.',
  credential_unavailable: 'This server’s own credential is unavailable: see credential_unavailable above.',
  exchange_misconfigured:
    'Entra rejects this server’s configuration: check GRAPH_CLIENT_ID, GRAPH_TENANT_ID and GRAPH_OBO_SCOPES.',
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
      const message = explanations[reason] ?? 'a token could not be exchanged'
      const level = reason === 'credential_rejected' || reason === 'exchange_misconfigured' ? 'error' : 'warn'
      audit('obo_failure', { ...context(), reason, err: details.cause }, { level, message })
      throw failure
    }
  }
}
