import { hash } from 'node:crypto'
import { Failure } from '../../errors/index.ts'
import { jitterMs, sleep as sleepFor } from '../../lib/sleep.ts'
import type { Audit } from '../observability/audit.ts'
import type { Exceeded } from './call-limits.ts'

/** A longer wait is left to the caller. */
const longestWaitMs = 5_000

/** Who calls Graph. */
export interface GraphCaller {
  readonly accessToken: string
  /** By a hash; the token counts as a user where there is none. */
  readonly user?: string | undefined
  readonly tool?: string | undefined
  /** GUID, sent as `client-request-id`: Graph's logs and this server's share it. */
  readonly correlationId: string
  readonly signal?: AbortSignal | undefined
  readonly trace?: { readonly traceId: string } | null
}

/** Why a call to Graph may not be made now, and in how many milliseconds it may. */
export type Denial = Exceeded | { readonly scope: 'paused'; readonly waitMs: number }

export interface AdmissionOptions {
  /** Takes one call of a user, by a hash, out of the quota; or says why not. */
  readonly take: (user: string) => Promise<Denial | undefined>
  readonly audit: Audit
  readonly sleep?: ((ms: number, signal: AbortSignal | undefined) => Promise<void>) | undefined
}

/**
 * Resolves when a call may be made: at once, or after a short wait.
 *
 * @throws {Failure} `graph_throttled`, `graph_quota_exceeded` where the wait is long; `call_cancelled`
 */
export function createAdmission({ take, audit, sleep = sleepFor }: AdmissionOptions) {
  return async function admit(caller: GraphCaller, withinMs: number): Promise<void> {
    const user = caller.user ?? hash('sha256', caller.accessToken, 'base64url').slice(0, 22)
    let leftMs = withinMs
    for (;;) {
      const denial = await take(user)
      if (denial === undefined) return
      const waitMs = denial.waitMs + jitterMs()
      leftMs -= waitMs
      if (denial.waitMs > longestWaitMs || leftMs <= 0) throw toFailure(denial, caller)
      await sleep(waitMs, caller.signal)
    }
  }

  function toFailure(denial: Denial, { correlationId: requestId, user, tool, trace }: GraphCaller): Failure {
    const seconds = Math.ceil(denial.waitMs / 1000)
    if (denial.scope === 'paused') return new Failure('graph_throttled', { retryAfterSeconds: seconds })
    const { scope, limit } = denial
    const { window } = limit
    audit('graph_quota_exceeded', { requestId, traceId: trace?.traceId, user, tool, window, scope, seconds })
    return new Failure('graph_quota_exceeded', { detail: messageOf(denial), retryAfterSeconds: seconds })
  }
}

function messageOf({ scope, limit: { calls, window } }: Exceeded): string {
  const quota = `${calls} calls ${window === 'hour' ? 'an hour' : 'a minute'}`
  return scope === 'user'
    ? `You have used your share of your tenant's ${quota}; the rest is for other users.`
    : `Your tenant's ${quota} are used.`
}
