import { hash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { getHeapStatistics } from 'node:v8'
import fp from 'fastify-plugin'
import { LRUCache } from 'lru-cache'
import type { Configured } from '../../config/index.ts'
import { tenantEndpoints } from '../../config/tenant.ts'
import { timeouts } from '../../config/timeouts.ts'
import { Failure, toFailure } from '../../errors/index.ts'
import { createBoundedClient } from '../../lib/bounded-client.ts'
import { beforeDeadline, deadlineIn } from '../../lib/deadline.ts'
import { untilAborted } from '../../lib/until-aborted.ts'
import { type CacheEntry, toCachedToken, toCacheEntry } from './lifetime.ts'
import { createNegativeCache } from './negative-cache.ts'
import { createOnBehalfOf } from './on-behalf-of.ts'
import { createRedeem, type RedeemOptions, type TokenRequest } from './redeem.ts'
import { createSharedTokens, type SharedTokens } from './shared-tokens.ts'

const entraLimits = { maxBodyBytes: 128 * 1024, connections: 32 }

/** At most a quarter of the heap that V8 allows itself, as in a small container. */
const defaultMaxBytes = Math.min(256 * 1024 * 1024, getHeapStatistics().heap_size_limit / 4)
/** Between two searches for expired tokens. */
const sweepEveryMs = 5 * 60_000

export interface OboTokenCacheOptions extends Pick<RedeemOptions, 'exchange' | 'audit'> {
  readonly tenantId: string
  readonly clientId: string
  /** Tokens that replicas share; none where they share nothing. */
  readonly shared?: SharedTokens | undefined
  readonly maxBytes?: number
  /** The timeout of everything that it takes to obtain one token. */
  readonly tokenMs?: number
  /** Milliseconds since the epoch, by which tokens expire. */
  readonly now?: () => number
  readonly monotonicNow?: RedeemOptions['monotonicNow']
  readonly sleep?: RedeemOptions['sleep']
}

/** Whose token it is, and what for. */
export type TokenOwner = Pick<TokenRequest, 'caller' | 'scopes'>

/** A token, and whether it came from the shared cache. */
interface Obtained {
  readonly entry: CacheEntry
  readonly isShared: boolean
}

/**
 * Graph tokens by assertion: from memory, else from the cache that replicas share, else from Entra. Concurrent requests
 * for one token share one exchange.
 *
 * The key is a hash over tenant, client, scopes and the assertion's own hash, never the user alone: a token issued for
 * one assertion is not given for another (Microsoft, "Token cache serialization", on partitioning by assertion).
 */
export function createOboTokenCache({
  exchange,
  tenantId,
  clientId,
  audit,
  shared,
  maxBytes = defaultMaxBytes,
  tokenMs = timeouts.tokenMs,
  now = Date.now,
  monotonicNow = () => performance.now(),
  sleep = delay,
}: OboTokenCacheOptions) {
  const tokens = new LRUCache<string, CacheEntry>({
    maxSize: maxBytes,
    sizeCalculation: (entry) => entry.accessToken.length + 256,
  })
  const redeem = createRedeem({ exchange, audit, monotonicNow, sleep })
  const negativeCache = createNegativeCache(monotonicNow)
  const pending = new Map<string, Promise<Obtained>>()
  const requests = { hit: 0, shared: 0, miss: 0 }

  function keyOf({ caller, scopes }: TokenOwner): string {
    return hash('sha256', JSON.stringify([tenantId, clientId, [...scopes].sort(), caller.tokenHash]), 'base64url')
  }

  /** Starts to obtain the token of a key, or joins the request that has. What is evicted meanwhile is not cached. */
  function obtainOnce(key: string, request: TokenRequest, replacing?: CacheEntry): Promise<Obtained> {
    const joined = pending.get(key)
    if (joined !== undefined) return joined
    const isCurrent = () => pending.get(key) === started
    const started = obtain(key, request, replacing)
      .then((obtained) => {
        if (isCurrent()) {
          tokens.set(key, obtained.entry)
          if (!obtained.isShared) void shared?.put(key, obtained.entry)
        }
        return obtained
      })
      .finally(() => {
        if (isCurrent()) pending.delete(key)
      })
    pending.set(key, started)
    return started
  }

  async function obtain(key: string, request: TokenRequest, replacing?: CacheEntry): Promise<Obtained> {
    const assertionExpiresAtMs = request.caller.expiresAtMs
    const deadline = deadlineIn(tokenMs, monotonicNow)
    const found = await shared?.find(key)
    // While a token is refreshed, it may be the one that is found.
    const isShared = found !== undefined && found.expiresAtMs > (replacing?.expiresAtMs ?? now())
    try {
      const token = isShared ? found : toCachedToken(await redeem(request, deadline), assertionExpiresAtMs)
      return { entry: toCacheEntry(token, assertionExpiresAtMs, now()), isShared }
    } catch (error) {
      const failure = toFailure(error)
      negativeCache.remember(key, failure)
      throw failure
    }
  }

  /** An old token is refreshed while it still serves; if that fails, not again at once. */
  function refreshInBackground(key: string, request: TokenRequest, entry: CacheEntry) {
    if (pending.has(key) || negativeCache.find(key) !== undefined) return
    obtainOnce(key, request, entry).catch((error) => negativeCache.postpone(key, toFailure(error)))
  }

  return {
    /**
     * A Graph access token for this caller, by this assertion, with these scopes.
     *
     * @throws {Failure} any of the exchange's reasons
     */
    async get(request: TokenRequest): Promise<string> {
      const key = keyOf(request)
      const entry = tokens.get(key)
      if (entry !== undefined && now() < entry.expiresAtMs) {
        requests.hit++
        if (now() >= entry.refreshAtMs) refreshInBackground(key, request, entry)
        return entry.accessToken
      }
      let result: keyof typeof requests = 'miss'
      try {
        const rejection = pending.has(key) ? undefined : negativeCache.find(key)
        if (rejection !== undefined) throw rejection
        const obtaining = untilAborted(obtainOnce(key, request), request.signal)
        const obtained = await beforeDeadline(obtaining, request.deadline ?? { leftMs: tokenMs }, tooLate)
        if (obtained.isShared) result = 'shared'
        return obtained.entry.accessToken
      } finally {
        requests[result]++
      }
    },
    /**
     * Evicts a token that Graph has rejected, here and from the shared cache; each other replica evicts it when Graph
     * rejects it there. A late rejection does not evict the token that has replaced it.
     */
    evict(owner: TokenOwner, accessToken: string) {
      const key = keyOf(owner)
      const entry = tokens.get(key)
      if (entry !== undefined && entry.accessToken !== accessToken) return
      tokens.delete(key)
      pending.delete(key)
      void shared?.remove(key)
    },
    /** Evicts expired tokens: few of their assertions come again, and nothing else would evict them soon. */
    sweep() {
      const nowMs = now()
      for (const [key, { expiresAtMs }] of tokens.entries()) if (nowMs >= expiresAtMs) tokens.delete(key)
    },
    /** Requests so far by where they found a token; tokens in memory, their approximate size and its limit, in bytes. */
    get stats() {
      const { size: entries, calculatedSize: bytes } = tokens
      return { requests: { ...requests }, shared: shared?.stats, entries, bytes, maxBytes }
    },
  }
}

/** For a caller who has joined an exchange, or spent time on something else before. */
function tooLate(): Failure {
  return new Failure('exchange_unavailable', { cause: new Error('no token in time') })
}

declare module 'fastify' {
  interface FastifyInstance {
    oboTokens: ReturnType<typeof createOboTokenCache>
  }
}

export const oboTokenCache = fp<Configured & { now?: () => number }>(
  async (app, { config: { entra, cacheEncryptionKeys: secrets, timeouts }, now }) => {
    const http = createBoundedClient({ ...entraLimits, ...timeouts.entra })
    const exchange = createOnBehalfOf({
      ...entra,
      withClientAuth: app.clientAuthentication.api,
      endpoints: tenantEndpoints(entra),
      http,
    })
    const { audit, sharedStore: store } = app
    const shared = store && secrets.length > 0 ? createSharedTokens({ store, secrets }) : undefined
    const clocks = now && { now, monotonicNow: now }
    const cache = createOboTokenCache({ ...entra, exchange, audit, shared, tokenMs: timeouts.tokenMs, ...clocks })
    const sweeping = setInterval(() => cache.sweep(), sweepEveryMs).unref()
    app.decorate('oboTokens', cache)
    app.addHook('onClose', async () => {
      clearInterval(sweeping)
      await http.close()
    })
  },
  { name: 'obo-token-cache', dependencies: ['observability', 'client-credential'] },
)
