import { createHmac, createSecretKey, hkdfSync, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto'
import fp from 'fastify-plugin'
import type { Redis } from 'ioredis'
import type { Config, Configured } from '../../config/index.ts'
import type { Audit } from '../observability/audit.ts'

/** What the shared store may add to a call; a store that needs longer is as good as none. */
const budgetMs = 50
/** How long nobody asks a store that did not answer. */
const breakerMs = 1_000
/** Between two attempts to connect, at most. */
const longestRetryMs = 2_000
/** A connection that brings nothing for so long, while something is asked, is given up: its other end may be gone. */
const silenceMs = 5_000
/** Between two connections that are given up since their other end takes no writes: it may be like that for long. */
const reconnectEveryMs = 5_000
/** A store that refuses, such as a full one, is spoken of no more often than this. */
const refusalsSpokenOfEveryMs = 60_000

/** A message that is older, or whose sender's clock is further off, is not heard: it may have been recorded. */
const messageMaxAgeMs = 60_000
/** Of an HMAC-SHA-256: 96 bits, as many as RFC 2104 section 5 asks for and more. */
const tagBytes = 12

const keyPrefix = 'mcp-message-center-server:'

/** What replicas tell each other. */
export type Topic = 'obo-evicted'

/** What replicas know together. It may be gone at any time, and no call depends on it. */
export interface SharedStore {
  /** For libraries that bring their own commands. */
  readonly client: Redis
  /**
   * Has the store do something, within its budget.
   *
   * @returns undefined where the store is down, slow or refuses; never rejects
   */
  ask<T>(command: (redis: Redis) => Promise<T>): Promise<T | undefined>
  /** The name of something in the store; parts that belong together share a cluster's slot by `{braces}`. */
  key(name: string): string
  /** Proves to other replicas that one of them wrote a text; worth nothing in another context, such as another key. */
  tag(context: string, text: string): string
  /** Whether a replica wrote it. Always true where replicas have no secret in common. */
  isTagged(context: string, text: string, tag: string): boolean
  /** Notes that somebody else writes to the store: what was found there does not count. */
  foundForged(what: string): void
  /** Tells every other replica. What is told while the store is down is told to nobody. */
  publish(topic: Topic, message: string): Promise<void>
  /** Hears what the others tell from now on. */
  subscribe(topic: Topic, heard: (message: string) => void): void
  /** Whether it answered when it was last asked. */
  readonly isUp: boolean
  /** What became of the questions so far; `skipped`: not asked, since the store is known to be down. */
  readonly stats: Readonly<Record<'answered' | 'refused' | 'failed' | 'skipped', number>>
  close(): void
}

export interface SharedStoreOptions {
  /** What all replicas have; the first makes tags, each of them proves one. */
  readonly secrets?: readonly string[]
  /** How soon a listener that was rejected listens again. */
  readonly listenAgainMs?: number
}

/** Redis, behind a budget and a breaker: it is told of once when it goes and once when it is back. */
export function createSharedStore(
  redis: Redis,
  audit: Audit,
  { secrets = [], listenAgainMs = longestRetryMs }: SharedStoreOptions = {},
): SharedStore {
  // Not by deriveBytes: among the secrets may be one that somebody chose, and that is no base64.
  const keys = secrets.map((secret) => createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', 'redis tags', 32))))
  const stats = { answered: 0, refused: 0, failed: 0, skipped: 0 }
  const listeners = new Map<string, (message: string) => void>()
  const ownName = randomBytes(6).toString('base64url')
  let pausedUntilMs = 0
  let isDown = false
  let refusalSpokenOfMs = Number.NEGATIVE_INFINITY
  let forgerySpokenOfMs = Number.NEGATIVE_INFINITY
  let subscriber: Redis | undefined

  redis.on('error', (error) => goneDown(error))
  redis.on('ready', () => {
    pausedUntilMs = 0
    isUpAgain()
  })

  function goneDown(error: unknown) {
    pausedUntilMs = performance.now() + breakerMs
    if (isDown) return
    isDown = true
    audit('redis_down', { why: messageOf(error) })
  }

  function isUpAgain() {
    if (!isDown) return
    isDown = false
    audit('redis_up', {})
  }

  /** It answers, but not what was asked: it is full, takes no writes, or its user may not do that. */
  function hasRefused(error: unknown) {
    const nowMs = performance.now()
    if (nowMs - refusalSpokenOfMs < refusalsSpokenOfEveryMs) return
    refusalSpokenOfMs = nowMs
    audit('redis_refused', { why: messageOf(error) })
  }

  function tagBy(key: KeyObject, context: string, text: string): Buffer {
    return createHmac('sha256', key).update(`${context}\n${text}`).digest().subarray(0, tagBytes)
  }

  function tag(context: string, text: string): string {
    const [key] = keys
    return key === undefined ? '' : tagBy(key, context, text).toString('base64url')
  }

  function isTagged(context: string, text: string, given: string): boolean {
    if (keys.length === 0) return true
    const bytes = Buffer.from(given, 'base64url')
    return bytes.length === tagBytes && keys.some((key) => timingSafeEqual(tagBy(key, context, text), bytes))
  }

  function foundForged(what: string) {
    const nowMs = performance.now()
    if (nowMs - forgerySpokenOfMs < refusalsSpokenOfEveryMs) return
    forgerySpokenOfMs = nowMs
    audit('redis_forged', { what })
  }

  /** Hears a message of another replica: `sender time tag message`. */
  function hear(channel: string, told: string) {
    const [, head = '', sender = '', time = '', given = '', message = ''] =
      /^((\S{8}) (\w{1,11})) (\S*) (.*)$/s.exec(told) ?? []
    if (sender === ownName) return
    const ageMs = Math.abs(Date.now() - Number.parseInt(time, 36))
    if (ageMs <= messageMaxAgeMs && isTagged(channel, `${head} ${message}`, given)) listeners.get(channel)?.(message)
    else foundForged(channel.slice(keyPrefix.length))
  }

  async function ask<T>(command: (redis: Redis) => Promise<T>): Promise<T | undefined> {
    if (redis.status !== 'ready' || performance.now() < pausedUntilMs) {
      stats.skipped++
      return undefined
    }
    // One question finds out whether it is back, and the others do not wait for that.
    if (isDown) pausedUntilMs = performance.now() + breakerMs
    try {
      const answer = await withinBudget(command(redis))
      stats.answered++
      pausedUntilMs = 0
      isUpAgain()
      return answer
    } catch (error) {
      if (isReply(error)) {
        stats.refused++
        pausedUntilMs = 0
        isUpAgain()
        hasRefused(error)
      } else {
        stats.failed++
        goneDown(error)
      }
      return undefined
    }
  }

  /** Redis takes no commands on a connection that listens, so that listening needs one of its own. */
  function connectSubscriber(): Redis {
    const connection = redis.duplicate({ autoResubscribe: false })
    // What keeps this connection from working keeps the other one too, and that one speaks of it; but for a refusal.
    connection.on('error', (error) => {
      if (isReply(error) && !isDown) hasRefused(error)
    })
    connection.on('ready', () => listen(connection))
    connection.on('message', hear)
    return connection
  }

  /** Listens, or tries again after a while: a connection that broke listens by itself once it is there again. */
  function listen(connection: Redis) {
    connection.subscribe(...listeners.keys()).catch((error) => {
      if (isReply(error)) hasRefused(error)
      setTimeout(() => {
        if (connection.status === 'ready') listen(connection)
      }, listenAgainMs).unref()
    })
  }

  return {
    client: redis,
    ask,
    key: (name) => keyPrefix + name,
    tag,
    isTagged,
    foundForged,
    async publish(topic, message) {
      const channel = keyPrefix + topic
      const head = `${ownName} ${Date.now().toString(36)}`
      await ask((redis) => redis.publish(channel, `${head} ${tag(channel, `${head} ${message}`)} ${message}`))
    },
    subscribe(topic, heard) {
      listeners.set(keyPrefix + topic, heard)
      if (subscriber === undefined) subscriber = connectSubscriber()
      else if (subscriber.status === 'ready') listen(subscriber)
    },
    get isUp() {
      return redis.status === 'ready' && !isDown
    },
    get stats() {
      return { ...stats }
    },
    close() {
      redis.disconnect()
      subscriber?.disconnect()
    },
  }
}

/** Time that this process is too busy to listen is not the store's: what has come meanwhile is heard first. */
function withinBudget<T>(answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`No answer within ${budgetMs} ms`))
    const timer = setTimeout(() => setImmediate(late), budgetMs)
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** The message alone: the error of a refused AUTH carries the command, and that the password. */
function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** An error that Redis itself sent (RESP, "Simple errors"). */
function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError'
}

/** After a failover a connection may still lead to what was the primary, and takes writes no more: its name has moved on. */
function createReadOnlyWatch(): (error: Error) => boolean {
  let reconnectedMs = Number.NEGATIVE_INFINITY
  return ({ message }) => {
    const nowMs = performance.now()
    if (!/\bREADONLY\b/.test(message) || nowMs - reconnectedMs < reconnectEveryMs) return false
    reconnectedMs = nowMs
    return true
  }
}

/** What every replica has and Redis does not. */
function secretsOf({ oauthProxy, cacheEncryptionKeys, entra: { credential } }: Config): readonly string[] {
  const secret = credential.kind === 'secret' ? [credential.secret] : []
  return [...(oauthProxy?.sealKeys ?? []), ...cacheEncryptionKeys, ...secret]
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
      connectTimeout: longestRetryMs,
      socketTimeout: silenceMs,
      commandTimeout: budgetMs * 2,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      retryStrategy: (attempt) => Math.min(attempt * 100, longestRetryMs),
      reconnectOnError: createReadOnlyWatch(),
    })
    const store = createSharedStore(client, app.audit, { secrets: secretsOf(config) })
    app.decorate('sharedStore', store)
    app.addHook('onClose', async () => store.close())
  },
  { name: 'redis', dependencies: ['observability'] },
)
