import { hash } from 'node:crypto'
import { getHeapStatistics } from 'node:v8'
import fp from 'fastify-plugin'
import { LRUCache } from 'lru-cache'
import type { Configured } from '../../config/index.ts'
import { tenantEndpoints } from '../../config/tenant.ts'
import { timeouts } from '../../config/timeouts.ts'
import { Failure, toFailure } from '../../errors/index.ts'
import { createBoundedClient } from '../../lib/bounded-client.ts'
import { beforeDeadline, deadlineIn } from '../../lib/deadline.ts'
import { exchangeScopes, type HasPermissions } from '../../lib/graph-permissions.ts'
import { untilAborted } from '../../lib/until-aborted.ts'
import type { Caller } from '../auth/claims.ts'
import type { SharedStore } from '../redis/index.ts'
import { type Entry, usable, withRefreshTime } from './lifetime.ts'
import { createRefusals } from './negative-cache.ts'
import { createOnBehalfOf } from './on-behalf-of.ts'
import { createRedeem, type RedeemOptions, type TokenRequest } from './redeem.ts'
import { createSharedTokens, type SharedTokens } from './shared-tokens.ts'
import { createTokenSeal } from './token-seal.ts'

const entraLimits = { maxBodyBytes: 128 * 1024, connections: 32 }

/** Where V8 allows itself little, as in a small container, tokens take no more than a quarter of that. */
const maxBytesHere = Math.min(256 * 1024 * 1024, getHeapStatistics().heap_size_limit / 4)
/** Between two searches for tokens that are over. */
const sweepEveryMs = 5 * 60_000

export interface OboTokenCacheOptions extends Pick<RedeemOptions, 'exchange' | 'audit'> {
  readonly tenantId: string
  readonly clientId: string
  readonly scopes: readonly string[]
  /** Tokens that other replicas have; none where replicas share nothing. */
  readonly shared?: SharedTokens | undefined
  /** How replicas tell each other of evictions. */
  readonly store?: Pick<SharedStore, 'publish' | 'subscribe'> | undefined
  readonly maxBytes?: number
  readonly refusalTtlMs?: number
  readonly breakerMs?: number
  /** For all that it takes to obtain one token. */
  readonly tokenMs?: number
  /** Milliseconds since the epoch, by which tokens end. */
  readonly now?: () => number
  readonly monotonicNow?: RedeemOptions['monotonicNow']
  readonly sleep?: RedeemOptions['sleep']
}

/** A token, and whether it was exchanged for elsewhere. */
interface Obtained {
  readonly entry: Entry
  readonly isShared: boolean
}

export type OboTokenCache = ReturnType<typeof createOboTokenCache>

/**
 * Graph tokens by assertion: from memory, else from what replicas share, else from Entra, one exchange at a time for
 * each.
 *
 * The key is a hash over tenant, client, scopes and the assertion's own hash, never the user alone: what one proof
 * earned is not given for another (Microsoft, "Token cache serialization", on partitioning by assertion).
 */
export function createOboTokenCache({
  exchange,
  tenantId,
  clientId,
  scopes,
  audit,
  shared,
  store,
  maxBytes = maxBytesHere,
  refusalTtlMs = 10_000,
  breakerMs = 5_000,
  tokenMs = timeouts.tokenMs,
  now = Date.now,
  monotonicNow = () => performance.now(),
  sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}: OboTokenCacheOptions) {
  const tokens = new LRUCache<string, Entry>({
    maxSize: maxBytes,
    sizeCalculation: (entry) => entry.accessToken.length + 256,
  })
  const redeem = createRedeem({ exchange, audit, monotonicNow, sleep })
  const refusals = createRefusals({ refusalTtlMs, breakerMs, now: monotonicNow })
  const running = new Map<string, Promise<Obtained>>()
  const requests = { hit: 0, shared: 0, miss: 0 }
  const keyPrefix = lengthPrefixed([tenantId, clientId, [...scopes].sort().join(' ')])

  store?.subscribe('obo-evicted', (key) => {
    if (/^[\w-]{43}$/.test(key)) forget(key)
  })

  function keyOf(caller: Caller): string {
    return hash('sha256', keyPrefix + lengthPrefixed([caller.tokenHash]), 'base64url')
  }

  /** Begins to obtain the token of a key, or joins who has. What is evicted meanwhile is not kept. */
  function obtainOnce(key: string, request: TokenRequest, replacing?: Entry): Promise<Obtained> {
    const joined = running.get(key)
    if (joined !== undefined) return joined
    const isCurrent = () => running.get(key) === started
    const started = obtain(key, request, replacing)
      .then((obtained) => {
        if (isCurrent()) tokens.set(key, obtained.entry)
        return obtained
      })
      .finally(() => {
        if (isCurrent()) running.delete(key)
      })
    running.set(key, started)
    return started
  }

  async function obtain(key: string, request: TokenRequest, replacing?: Entry): Promise<Obtained> {
    const assertionExpiresAtMs = request.caller.expiresAtMs
    const deadline = deadlineIn(tokenMs, monotonicNow)
    const exchangeNow = async () => usable(await redeem(request, deadline), assertionExpiresAtMs)
    try {
      const { token, isShared } = shared
        ? await shared.obtain(key, exchangeNow, replacing)
        : { token: await exchangeNow(), isShared: false }
      return { entry: withRefreshTime(token, assertionExpiresAtMs, now()), isShared }
    } catch (error) {
      const failure = toFailure(error)
      refusals.remember(key, failure)
      throw failure
    }
  }

  /** A good token that grows old is replaced while it still serves; if that fails, not again at once. */
  function refreshInBackground(key: string, request: TokenRequest, entry: Entry) {
    if (running.has(key) || refusals.find(key) !== undefined) return
    obtainOnce(key, request, entry).catch((error) => refusals.postpone(key, toFailure(error)))
  }

  /** Only what is obtained from now on counts. */
  function forget(key: string) {
    tokens.delete(key)
    running.delete(key)
  }

  /** In this order, so that nobody who hears of it finds the token there. */
  async function tellOfEviction(key: string) {
    await shared?.remove(key)
    await store?.publish('obo-evicted', key)
  }

  return {
    /**
     * A Graph access token for this caller, on the strength of this assertion.
     *
     * @throws {Failure} any of the exchange's reasons
     */
    async get(request: TokenRequest): Promise<string> {
      const key = keyOf(request.caller)
      const entry = tokens.get(key)
      if (entry !== undefined && now() < entry.expiresAtMs) {
        requests.hit++
        if (now() >= entry.refreshAtMs) refreshInBackground(key, request, entry)
        return entry.accessToken
      }
      let result: keyof typeof requests = 'miss'
      try {
        const refusal = running.has(key) ? undefined : refusals.find(key)
        if (refusal !== undefined) throw refusal
        const obtaining = untilAborted(obtainOnce(key, request), request.signal)
        const obtained = await beforeDeadline(obtaining, request.deadline ?? { leftMs: tokenMs }, tooLate)
        if (obtained.isShared) result = 'shared'
        return obtained.entry.accessToken
      } finally {
        requests[result]++
      }
    },
    /** Forgets this token, at every replica: Graph no longer takes it. Who says so late does not take away the next one. */
    evict(caller: Caller, accessToken: string) {
      const key = keyOf(caller)
      const entry = tokens.get(key)
      if (entry !== undefined && entry.accessToken !== accessToken) return
      forget(key)
      void tellOfEviction(key)
    },
    /** Lets go of tokens that are over: few of their assertions come again, and nothing else would make them go. */
    sweep() {
      const nowMs = now()
      for (const [key, { expiresAtMs }] of tokens.entries()) if (nowMs >= expiresAtMs) tokens.delete(key)
    },
    get size() {
      return tokens.size
    },
    /** Calls so far by where they found a token; tokens kept here, roughly what they take, and may. */
    get stats() {
      const { size: entries, calculatedSize: bytes } = tokens
      return { requests: { ...requests }, shared: shared?.stats, entries, bytes, maxBytes }
    },
  }
}

/** For a caller who has joined an exchange, or waited for something else before. */
function tooLate(): Failure {
  return new Failure('exchange_unavailable', { cause: new Error('no token in time') })
}

function lengthPrefixed(parts: readonly string[]): string {
  return parts.map((part) => `${part.length}:${part}`).join('')
}

declare module 'fastify' {
  interface FastifyInstance {
    oboTokens: OboTokenCache
  }
}

export const oboTokenCache = fp<Configured & { tools: readonly HasPermissions[]; now?: () => number }>(
  async (app, { config: { entra, graph, cacheEncryptionKeys, timeouts }, tools, now }) => {
    const http = createBoundedClient({ ...entraLimits, ...timeouts.entra })
    const scopes = entra.oboScopes ?? exchangeScopes(tools, graph.baseUrl)
    const exchange = createOnBehalfOf({
      ...entra,
      withClientAuth: app.clientAuthentication.api,
      scopes,
      endpoints: tenantEndpoints(entra),
      http,
    })
    const { audit, sharedStore: store } = app
    const shared =
      store && cacheEncryptionKeys.length > 0
        ? createSharedTokens({ store, seal: createTokenSeal(cacheEncryptionKeys) })
        : undefined
    const { tokenMs } = timeouts
    const clocks = now && { now, monotonicNow: now }
    const cache = createOboTokenCache({ ...entra, scopes, exchange, audit, shared, store, tokenMs, ...clocks })
    const sweeping = setInterval(() => cache.sweep(), sweepEveryMs).unref()
    app.decorate('oboTokens', cache)
    app.addHook('onClose', async () => {
      clearInterval(sweeping)
      await http.close()
    })
  },
  { name: 'obo-token-cache', dependencies: ['observability', 'client-credential'] },
)
