import { hash } from 'node:crypto'
import { Failure } from '../../errors/index.ts'
import { jitterMs, sleep as sleepFor } from '../../lib/sleep.ts'
import type { Audit } from '../observability/audit.ts'
import type { CallLimit } from './call-log.ts'

/** Who wants to call Graph, and for how long. */
export interface Applicant {
  readonly accessToken: string
  /** Who reads, by a hash, and by which tool. */
  readonly user?: string | undefined
  readonly tool?: string | undefined
  readonly correlationId: string
  readonly signal?: AbortSignal | undefined
  readonly trace?: { readonly traceId: string } | null
}

/** Why a call to Graph may not be made now, and after how long it may. */
export type NotNow =
  | { readonly why: 'paused'; readonly waitMs: number }
  /** `share`: this user has had as much of the window as is left of it; `all`: nothing is left of it. */
  | { readonly why: 'share' | 'all'; readonly limit: CallLimit; readonly waitMs: number }

export interface AdmissionOptions {
  /** Takes one call of a user, by a hash, out of the budget, or says why not. */
  readonly take: (user: string) => Promise<NotNow | undefined>
  readonly audit: Audit
  /** A longer wait is the caller's to make, not this server's. */
  readonly longestWaitMs?: number | undefined
  readonly sleep?: ((ms: number, signal: AbortSignal | undefined) => Promise<void>) | undefined
}

/**
 * Comes back when a call of this user may be made: at once, or after a short wait.
 *
 * @throws {Failure} `graph_throttled`, `graph_quota_exceeded` where the wait is long; `call_cancelled`
 */
export function createAdmission({ take, audit, longestWaitMs = 5_000, sleep = sleepFor }: AdmissionOptions) {
  return async function admit(applicant: Applicant, withinMs: number): Promise<void> {
    const key = applicant.user ?? hash('sha256', applicant.accessToken, 'base64url').slice(0, 22)
    let leftMs = withinMs
    for (;;) {
      const notNow = await take(key)
      if (notNow === undefined) return
      const waitMs = notNow.waitMs + jitterMs()
      leftMs -= waitMs
      if (notNow.waitMs > longestWaitMs || leftMs <= 0) throw refusal(notNow, applicant)
      await sleep(waitMs, applicant.signal)
    }
  }

  function refusal(notNow: NotNow, { correlationId: requestId, user, tool, trace }: Applicant): Failure {
    const seconds = Math.ceil(notNow.waitMs / 1000)
    if (notNow.why === 'paused') return new Failure('graph_throttled', { retryAfterSeconds: seconds })
    const { why, limit } = notNow
    const { window } = limit
    audit('graph_quota_exceeded', { requestId, traceId: trace?.traceId, user, tool, window, why, seconds })
    return new Failure('graph_quota_exceeded', { detail: said(why, limit), retryAfterSeconds: seconds })
  }
}

function said(why: 'share' | 'all', { calls, window }: CallLimit): string {
  const allowance = `${calls} calls ${window === 'hour' ? 'an hour' : 'a minute'}`
  return why === 'share'
    ? `You have used your share of the ${allowance} that your tenant has; what is left is for others.`
    : `The tenant's ${allowance} are used.`
}
