import fp from 'fastify-plugin'
import type { Config, Configured } from '../../config/index.ts'
import type { SharedStore } from '../redis/index.ts'
import { type AdmissionOptions, createAdmission, type Denial } from './admission.ts'
import { type CallLimit, createCallLimits } from './call-limits.ts'
import { createPause } from './pause.ts'

export interface GraphQuotaOptions extends Pick<AdmissionOptions, 'audit' | 'sleep'> {
  /** None: calls are not counted, and Graph's own pauses are honoured all the same. */
  readonly limits: readonly CallLimit[]
  readonly store?: SharedStore | undefined
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number
}

export type GraphQuota = ReturnType<typeof createGraphQuota>

/**
 * What this app may ask of Graph: so many calls a minute and an hour for the tenant, at most a quarter of them for one
 * user, and none while Graph has asked to wait. Shared among replicas through Redis.
 * Source: Microsoft Graph, "Throttling limits: Service Communications" and "Throttling guidance".
 */
export function createGraphQuota({ limits, store, now = () => performance.now(), ...waiting }: GraphQuotaOptions) {
  const callLimits = createCallLimits(limits, store)
  const pause = createPause({ store, audit: waiting.audit, now })

  async function take(user: string): Promise<Denial | undefined> {
    const waitMs = await pause.check()
    return waitMs > 0 ? { scope: 'paused', waitMs } : callLimits.take(user)
  }

  return {
    admit: createAdmission({ take, ...waiting }),
    /** Graph has asked to wait: no replica calls it meanwhile. */
    pause: (waitMs: number) => pause.begin(waitMs),
    get isPaused(): boolean {
      return pause.leftMs > 0
    },
    /** Calls that the tenant has left in each window, as far as this replica knows. */
    get left(): Readonly<Record<string, number>> {
      return callLimits.left
    },
  }
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
