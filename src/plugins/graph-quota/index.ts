import fp from 'fastify-plugin'
import type { Config, Configured } from '../../config/index.ts'
import type { SharedStore } from '../redis/index.ts'
import { type AdmissionOptions, createAdmission, type NotNow } from './admission.ts'
import { type CallLimit, createCallLog, type WindowView } from './call-log.ts'
import { createPause } from './pause.ts'
import { createSharedCallLog } from './shared-call-log.ts'

export interface GraphBudgetOptions extends Pick<AdmissionOptions, 'audit' | 'longestWaitMs' | 'sleep'> {
  /** None: calls are not counted, and Graph's own pauses are kept all the same. */
  readonly limits: readonly CallLimit[]
  readonly store?: SharedStore | undefined
  /** A clock that does not run backwards, in milliseconds. */
  readonly now?: () => number
}

export type GraphBudget = ReturnType<typeof createGraphBudget>

/**
 * What this app may ask of Graph: so many calls a minute and an hour, for the tenant as a whole, shared among its users
 * by the rule of {@link createCallLog} and among replicas through the store.
 *
 * A call has to be admitted by the log of all replicas and by that of this one. The second knows less, but it stays
 * where the store is down or has lost what it knew.
 * Source: Microsoft Graph, "Throttling limits: Service Communications" and "Throttling guidance".
 */
export function createGraphBudget({ limits, store, now = () => performance.now(), ...waiting }: GraphBudgetOptions) {
  const log = createCallLog(limits)
  const takeShared = store === undefined ? undefined : createSharedCallLog(limits, store)
  const pause = createPause({ store, audit: waiting.audit, now })
  /** Calls in each window when the store last said so. */
  let lastShared: { readonly atMs: number; readonly views: readonly WindowView[] } | undefined

  /** The windows as this user finds them, in both logs; the call has been entered where all of them admit it. */
  async function takeFromLogs(user: string): Promise<readonly WindowView[]> {
    const own = log.views(user, now())
    const shared = await takeShared?.(user, own.every(admits))
    if (shared !== undefined) lastShared = { atMs: now(), views: shared }
    // Without the shared log nothing may come between looking and entering.
    const views = shared === undefined ? log.views(user, now()) : [...own, ...shared]
    if (views.every(admits)) log.enter(user, now())
    return views
  }

  async function take(user: string): Promise<NotNow | undefined> {
    if (pause.leftMs > 0) return { why: 'paused', waitMs: pause.leftMs }
    let notNow: NotNow | undefined
    if (limits.length === 0) return notNow
    for (const [i, { all, waitMs }] of (await takeFromLogs(user)).entries()) {
      const limit = limits[i % limits.length]
      if (limit === undefined || waitMs <= (notNow?.waitMs ?? 0)) continue
      notNow = { why: all < limit.calls ? 'share' : 'all', limit, waitMs }
    }
    return notNow
  }

  return {
    admit: createAdmission({ take, ...waiting }),
    /** Graph has asked for a pause: nobody calls it until that is over, at any replica. */
    pause: (waitMs: number) => pause.begin(waitMs),
    get isPaused(): boolean {
      return pause.leftMs > 0
    },
    /** Calls that are left in each window, as far as is known here. */
    get left(): Readonly<Record<string, number>> {
      const nowMs = now()
      const own = log.views('', nowMs)
      return Object.fromEntries(
        limits.map(({ window, ms, calls }, i) => {
          // What was known so long ago has left the window.
          const shared = lastShared !== undefined && nowMs - lastShared.atMs < ms ? lastShared.views[i]?.all : 0
          return [window, Math.max(calls - Math.max(own[i]?.all ?? 0, shared ?? 0), 0)]
        }),
      )
    },
  }
}

function admits({ waitMs }: WindowView): boolean {
  return waitMs === 0
}

/** The limits that are set. */
function limitsOf({ callsPerMinute, callsPerHour }: Config['graph']): CallLimit[] {
  const limits = [
    { window: 'minute', ms: 60_000, calls: callsPerMinute },
    { window: 'hour', ms: 3_600_000, calls: callsPerHour },
  ] as const
  return limits.flatMap(({ calls, ...window }) => (calls === undefined ? [] : [{ ...window, calls }]))
}

declare module 'fastify' {
  interface FastifyInstance {
    graphBudget: GraphBudget
  }
}

export const graphBudget = fp<Configured>(
  async (app, { config }) => {
    const { audit, sharedStore: store } = app
    app.decorate('graphBudget', createGraphBudget({ limits: limitsOf(config.graph), audit, store }))
  },
  { name: 'graph-budget', dependencies: ['observability'] },
)
