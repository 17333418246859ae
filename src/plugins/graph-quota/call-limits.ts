import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import type { SharedStore } from '../redis/index.ts'

/** What Graph allows an app in one tenant: so many calls a minute or an hour. */
export interface CallLimit {
  readonly window: 'minute' | 'hour'
  readonly calls: number
}

/** A limit that has no call left: the tenant's, or one user's share of it. */
export interface Exceeded {
  readonly scope: 'user' | 'tenant'
  readonly limit: CallLimit
  readonly waitMs: number
}

const seconds = { minute: 60, hour: 3_600 } as const

/** One user's share of a limit: a quarter, and ten calls where a quarter is less. */
export function shareOf({ calls }: CallLimit): number {
  return Math.max(Math.floor(calls / 4), 10)
}

type Store = Pick<SharedStore, 'client' | 'key'>

interface Limiter extends Pick<Exceeded, 'scope' | 'limit'> {
  readonly calls: RateLimiterAbstract
  /** The calls of this replica alone, where others count in Redis as well. */
  readonly own?: RateLimiterMemory
}

/**
 * The calls that are left to the tenant and to each of its users, in fixed windows that begin with their first call.
 *
 * With Redis all replicas count together, and each has a tenth for itself, so that whoever can write to Redis slows calls
 * down and stops none. While it is unavailable each counts in its own memory, from zero.
 */
export function createCallLimits(limits: readonly CallLimit[], store: Store | undefined) {
  // A user's share first: who has used it takes nothing from the tenant.
  const limiters: readonly Limiter[] = (['user', 'tenant'] as const).flatMap((scope) =>
    limits.map((limit) => createLimiter(scope, limit, store)),
  )
  /** The tenant's windows, as this replica last saw them. */
  const lastSeen = new Map<CallLimit, { readonly left: number; readonly endsMs: number }>()

  async function consume({ scope, limit, calls }: Limiter, user: string): Promise<RateLimiterRes> {
    const result = await calls.consume(keyOf(scope, user)).catch((rejection: unknown) => {
      if (rejection instanceof RateLimiterRes) return rejection
      throw rejection
    })
    if (scope === 'tenant') {
      lastSeen.set(limit, { left: result.remainingPoints, endsMs: Date.now() + result.msBeforeNext })
    }
    return result
  }

  return {
    /** Takes one call of a user, by a hash, out of every limit; or out of none, and says which is exceeded. */
    async take(user: string): Promise<Exceeded | undefined> {
      const taken: Limiter[] = []
      for (const limiter of limiters) {
        taken.push(limiter)
        const { consumedPoints, msBeforeNext } = await consume(limiter, user)
        const own = await limiter.own?.penalty(keyOf(limiter.scope, user))
        // A replica may use a tenth by its own count, whatever Redis says: counters there can be forged.
        const isOwn = own !== undefined && own.consumedPoints <= Math.ceil(limiter.calls.points / 10)
        if (isOwn || consumedPoints <= limiter.calls.points) continue
        // What is rejected costs nothing: else who asks on and on would use up the hour.
        await Promise.all(
          taken.flatMap(({ scope, calls, own }) => [calls, own].map((counter) => counter?.reward(keyOf(scope, user)))),
        )
        return { scope: limiter.scope, limit: limiter.limit, waitMs: msBeforeNext }
      }
      return undefined
    },

    /** Calls that the tenant has left in each window, as this replica last knew. */
    get left(): Readonly<Record<string, number>> {
      return Object.fromEntries(
        limits.map((limit) => {
          const seen = lastSeen.get(limit)
          return [limit.window, seen !== undefined && Date.now() < seen.endsMs ? seen.left : limit.calls]
        }),
      )
    },
  }
}

function createLimiter(scope: 'user' | 'tenant', limit: CallLimit, store: Store | undefined): Limiter {
  const options = {
    keyPrefix: `graph-quota:${scope}:${limit.window}`,
    points: scope === 'user' ? shareOf(limit) : limit.calls,
    duration: seconds[limit.window],
  }
  const inMemory = new RateLimiterMemory(options)
  if (store === undefined) return { scope, limit, calls: inMemory }
  const inRedis = new RateLimiterRedis({
    ...options,
    keyPrefix: store.key(options.keyPrefix),
    storeClient: store.client,
    rejectIfRedisNotReady: true,
    insuranceLimiter: inMemory,
  })
  return { scope, limit, calls: inRedis, own: new RateLimiterMemory(options) }
}

function keyOf(scope: 'user' | 'tenant', user: string): string {
  return scope === 'user' ? user : 'all'
}
