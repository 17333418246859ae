import fp from 'fastify-plugin'
import type { Redis } from 'ioredis'
import type { Audit } from '../observability/audit.ts'

/** The longest that one command may delay a call. */
const commandTimeoutMs = 100
/**
 * A connection that brings nothing for so long, while a command waits, is closed: its other end is frozen or gone. Until
 * there is another, commands fail at once.
 */
const socketTimeoutMs = 250
/** Between two attempts to connect, at most. */
const maxRetryDelayMs = 2_000
/** Between two connections that are closed since their other end is read-only: it may stay so for long. */
const reconnectEveryMs = 5_000
/** Redis counts as down once so many more commands timed out than succeeded: fewer may be a pause of this process. */
const timeoutsUntilDown = 5
/** Rejections, as of a full Redis, are logged no more often than this. */
const logRejectionEveryMs = 60_000

const keyPrefix = 'mcp-message-center-server:'

/** The store that replicas share. It may be unavailable at any time, and no call depends on it. */
export type SharedStore = Awaited<ReturnType<typeof connectSharedStore>>

/** Connects, in the background and again whenever the connection breaks, to the Redis of a URL. */
export async function connectSharedStore(url: string, audit: Audit) {
  // Loaded only where it is used; by its default, since a bundle knows no other name of a CommonJS package.
  const { default: ioredis } = await import('ioredis')
  let isDown = false
  let timeouts = 0
  let isSlow = false
  let rejections = 0
  let loggedMs = Number.NEGATIVE_INFINITY
  let reconnectedMs = Number.NEGATIVE_INFINITY

  function down(why: string) {
    if (!isDown) audit('redis_down', { why })
    isDown = true
  }
  function up() {
    if (isDown) audit('redis_up', {})
    isDown = false
  }

  /** A connection that brings every response, and each too late, has no error of its own. */
  function onOutcome(isTimeout: boolean) {
    timeouts = isTimeout ? Math.min(timeouts + 1, timeoutsUntilDown) : Math.max(timeouts - 1, 0)
    if (timeouts === timeoutsUntilDown) {
      isSlow = true
      down('commands time out')
    } else if (timeouts === 0 && isSlow) {
      isSlow = false
      up()
    }
  }

  /** @returns whether to connect again: after a failover the name of the primary leads to another server */
  function onRejection({ message }: Error): boolean {
    rejections++
    const nowMs = performance.now()
    if (nowMs - loggedMs >= logRejectionEveryMs) {
      loggedMs = nowMs
      audit('redis_rejected', { why: message })
    }
    if (!/\bREADONLY\b/.test(message) || nowMs - reconnectedMs < reconnectEveryMs) return false
    reconnectedMs = nowMs
    return true
  }

  const client = new ioredis.Redis(url, {
    commandTimeout: commandTimeoutMs,
    connectTimeout: maxRetryDelayMs,
    socketTimeout: socketTimeoutMs,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(attempt * 100, maxRetryDelayMs),
    reconnectOnError: onRejection,
  })
  // The message alone: the error of a rejected AUTH carries the command, and with it the password.
  client.on('error', (error) => down(error.message))
  client.on('ready', () => {
    timeouts = 0
    isSlow = false
    up()
  })
  const send = client.sendCommand.bind(client)
  client.sendCommand = (command, stream) => {
    command.promise.then(
      () => onOutcome(false),
      ({ message, name }: Error) => {
        // Without a connection there is neither.
        if (message === 'Command timed out' || name === 'ReplyError') onOutcome(name !== 'ReplyError')
      },
    )
    return send(command, stream)
  }

  return {
    /** For libraries that bring their own commands. Every command ends within its timeout. */
    client,
    /** @returns undefined where Redis is down, slow or rejects the command, which is logged; never rejects */
    ask: <T>(command: (redis: Redis) => Promise<T>): Promise<T | undefined> => command(client).catch(() => undefined),
    /** The name of a key in Redis. */
    key: (name: string) => keyPrefix + name,
    get isUp() {
      return client.status === 'ready' && !isSlow
    },
    /** Commands that Redis has rejected so far. */
    get rejections() {
      return rejections
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
 * The optional Redis that replicas share. Starting does not wait for it: @fastify/redis would, and a server whose Redis
 * is down has to start all the same.
 */
export const redis = fp<{ url: string }>(
  async (app, { url }) => {
    const store = await connectSharedStore(url, app.audit)
    app.decorate('sharedStore', store)
    app.addHook('onClose', async () => store.client.disconnect())
  },
  { name: 'redis', dependencies: ['observability'] },
)
