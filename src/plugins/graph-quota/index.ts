import { hash } from 'node:crypto'
import fp from 'fastify-plugin'
import type { Config, Configured } from '../../config/index.ts'
import { Failure } from '../../errors/index.ts'
import { jitterMs, sleep as sleepFor } from '../../lib/sleep.ts'
import type { Audit } from '../observability/audit.ts'
import type { SharedStore } from '../redis/index.ts'
import { type CallLimit, createCallLimits, type Exceeded } from './call-limits.ts'
import { createPause } from './pause.ts'

/** A longer wait is left to the caller. */
const longestWaitMs = 5_000

export interface GraphQuotaOptions {
  /** None: calls are not counted, and Graph's own pauses are honoured all the same. */
  readonly limits: readonly CallLimit[]
  readonly store?: SharedStore | undefined
  readonly audit: Audit
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number
  /** Throws `call_cancelled` when the signal comes first. */
  readonly sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<void>
}

/** Why a call to Graph may not be made now, and in how many milliseconds it may. */
type Denial = Exceeded | { readonly scope: 'paused'; readonly waitMs: number }

export type GraphQuota = ReturnType<typeof createGraphQuota>

/**
 * What this app may ask of Graph: so many calls a minute and an hour for the tenant, at most a quarter of them for one
 * user, and none while Graph has asked to wait. Shared among replicas through Redis.
 * Source: Microsoft Graph, "Throttling limits: Service Communications" and "Throttling guidance".
 */
export function createGraphQuota({
  limits,
  store,
  audit,
  now = () => performance.now(),
  sleep = sleepFor,
}: GraphQuotaOptions) {
  const callLimits = createCallLimits(limits, store)
  const pause = createPause({ store, audit, now })

  /** Takes one call of a user, by a hash, out of the quota; or says why not. */
  async function take(user: string): Promise<Denial | undefined> {
    const waitMs = await pause.check()
    return waitMs > 0 ? { scope: 'paused', waitMs } : callLimits.take(user)
  }

  function toFailure(denial: Denial, { correlationId: requestId, user, tool, trace }: GraphCaller): Failure {
    const seconds = Math.ceil(denial.waitMs / 1000)
    if (denial.scope === 'paused') return new Failure('graph_throttled', { retryAfterSeconds: seconds })
    const { scope, limit } = denial
    const { window } = limit
    audit('graph_quota_exceeded', { requestId, traceId: trace?.traceId, user, tool, window, scope, seconds })
    return new Failure('graph_quota_exceeded', { detail: messageOf(denial), retryAfterSeconds: seconds })
  }

  return {
    /**
     * Resolves when a call may be made: at once, or after a short wait.
     *
     * @throws {Failure} `graph_throttled`, `graph_quota_exceeded` where the wait is long; `call_cancelled`
     */
    async admit(caller: GraphCaller, withinMs: number): Promise<void> {
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
    },
    /** Graph has asked to wait: no replica calls it meanwhile. */
    pause: pause.begin,
    get isPaused(): boolean {
      return pause.leftMs() > 0
    },
    /** Calls that the tenant has left in each window, as far as this replica knows. */
    get left(): Readonly<Record<string, number>> {
      return callLimits.left
    },
  }
}

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

function messageOf({ scope, limit: { calls, window } }: Exceeded): string {
  const quota = `${calls} calls ${window === 'hour' ? 'an hour' : 'a minute'}`
  return scope === 'user'
    ? `You have used your share of your tenant's ${quota}; the rest is for other users.`
    : `Your tenant's ${quota} are used.`
}

/** The limits that are configured. */
function limitsOf({ callsPerMinute, callsPerHour }: Config['graph']): CallLimit[] {
  const limits = [
    { window: 'minute', calls: callsPerMinute },
    { window: 'hour', calls: callsPerHour },
  ] as const
  return limits.flatMap(({ window, calls }) => (calls === undefined ? [] : [{ window, calls }]))
}

declare module 'fastify' {
  interface FastifyInstance {
    graphQuota: GraphQuota
  }
}

export const graphQuota = fp<Configured>(
  async (app, { config }) => {
    const { audit, sharedStore: store } = app
    app.decorate('graphQuota', createGraphQuota({ limits: limitsOf(config.graph), audit, store }))
  },
  { name: 'graph-quota', dependencies: ['observability'] },
)
