import fp from 'fastify-plugin'
import type { Redis } from 'ioredis'
import type { Audit } from '../audit.ts'
import type { Configured } from '../config.ts'

/** What the shared store may add to a call; a store that needs longer is as good as none. */
const budgetMs = 50
/** How long nobody asks a store that did not answer. */
const breakerMs = 1_000
/** Between two attempts to connect, at most. */
const longestRetryMs = 2_000

/** What replicas know together. It may be gone at any time, and no call depends on it. */
export interface SharedStore {
  /**
   * Has the store do something, within its budget.
   *
   * @returns undefined where the store is down, slow or refuses; never rejects
   */
  ask<T>(command: (redis: Redis) => Promise<T>): Promise<T | undefined>
  /** Whether it answered when it was last asked. */
  readonly isUp: boolean
  close(): Promise<void>
}

/** Redis, behind a budget and a breaker: it is told of once when it goes and once when it is back. */
function createSharedStore(redis: Redis, audit: Audit): SharedStore {
  let pausedUntilMs = 0
  let isDown = false

  redis.on('error', (error) => goneDown(error))
  redis.on('ready', () => {
    pausedUntilMs = 0
    isUpAgain()
  })

  function goneDown(error: unknown) {
    pausedUntilMs = Date.now() + breakerMs
    if (isDown) return
    isDown = true
    // The message alone: the error of a refused AUTH carries the command, and that the password.
    const why = error instanceof Error ? error.message : String(error)
    audit('redis_down', { why })
  }

  function isUpAgain() {
    if (!isDown) return
    isDown = false
    audit('redis_up', {})
  }

  return {
    async ask(command) {
      if (redis.status !== 'ready' || Date.now() < pausedUntilMs) return undefined
      try {
        const answer = await command(redis)
        isUpAgain()
        return answer
      } catch (error) {
        goneDown(error)
        return undefined
      }
    },
    get isUp() {
      return redis.status === 'ready' && !isDown
    },
    async close() {
      redis.disconnect()
    },
  }
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Absent where REDIS_URL is not set. */
    sharedStore?: SharedStore
  }
}

/**
 * The optional store that replicas share. Starting does not wait for it: @fastify/redis would, and a server whose Redis
 * is down has to start all the same.
 */
export const redis = fp<Configured>(
  async (app, { config }) => {
    if (config.redisUrl === undefined) throw new Error('There is no REDIS_URL')
    // Loaded only where it is used; by its default, since a bundle knows no other name of a CommonJS package.
    const { default: ioredis } = await import('ioredis')
    const client = new ioredis.Redis(config.redisUrl, {
      commandTimeout: budgetMs,
      connectTimeout: longestRetryMs,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      retryStrategy: (attempt) => Math.min(attempt * 100, longestRetryMs),
    })
    const store = createSharedStore(client, app.audit)
    app.decorate('sharedStore', store)
    app.addHook('onClose', () => store.close())
  },
  { name: 'redis', dependencies: ['observability'] },
)
