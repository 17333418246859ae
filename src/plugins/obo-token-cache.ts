import { hash } from 'node:crypto'
import fp from 'fastify-plugin'
import { LRUCache } from 'lru-cache'
import type { Audit } from '../audit.ts'
import type { Configured } from '../config.ts'
import type { Caller } from '../entra/claims.ts'
import { createOnBehalfOf, type Exchange, type GraphToken } from '../entra/on-behalf-of.ts'
import { createRefusals } from '../entra/refusals.ts'
import { tenantEndpoints } from '../entra/tenant.ts'
import { Failure, toFailure } from '../errors.ts'
import { createBoundedClient } from '../http/bounded-client.ts'
import { untilAborted } from '../http/until-aborted.ts'
import type { TraceSpan } from './observability/tracing.ts'

/** Entra answers in a fraction of a second or not at all; a caller waits no longer than this for one attempt. */
const entraBounds = { connectTimeoutMs: 3_000, deadlineMs: 10_000, maxBodyBytes: 128 * 1024, connections: 32 }

/** Graph may be slow, and its clock may differ: a token is not used in its last five minutes. */
const expiryMarginMs = 5 * 60_000

export interface OboTokenCacheOptions {
  readonly exchange: Exchange
  readonly tenantId: string
  readonly clientId: string
  readonly scopes: readonly string[]
  readonly audit: Audit
  readonly maxEntries?: number
  readonly maxBytes?: number
  readonly refusalTtlMs?: number
  readonly breakerMs?: number
  readonly now?: () => number
  readonly sleep?: (ms: number) => Promise<void>
}

/** One user's call that needs a Graph token. */
export interface TokenRequest {
  readonly caller: Caller
  readonly assertion: string
  readonly correlationId: string
  /** A caller that goes away stops waiting; the exchange it shares goes on. */
  readonly signal?: AbortSignal | undefined
  readonly trace?: TraceSpan | null
}

interface Entry extends GraphToken {
  readonly refreshAtMs: number
}

export type OboTokenCache = ReturnType<typeof createOboTokenCache>

/**
 * Graph tokens by assertion: from memory, else from Entra, one exchange at a time for each.
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
  maxEntries = 100_000,
  maxBytes = 256 * 1024 * 1024,
  refusalTtlMs = 10_000,
  breakerMs = 5_000,
  now = Date.now,
  sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}: OboTokenCacheOptions) {
  const tokens = new LRUCache<string, Entry>({
    max: maxEntries,
    maxSize: maxBytes,
    sizeCalculation: (entry) => entry.accessToken.length + 256,
  })
  const refusals = createRefusals({ refusalTtlMs, breakerMs, now })
  const exchanges = new Map<string, Promise<Entry>>()
  let hits = 0
  let misses = 0
  const keyPrefix = lengthPrefixed([tenantId, clientId, [...scopes].sort().join(' ')])

  function keyOf(caller: Caller): string {
    return hash('sha256', keyPrefix + lengthPrefixed([caller.tokenHash]), 'base64url')
  }

  /** Starts the one exchange for a key, or joins it. */
  function exchangeOnce(key: string, request: TokenRequest): Promise<Entry> {
    const running = exchanges.get(key)
    if (running !== undefined) return running
    const started = redeem(key, request).finally(() => exchanges.delete(key))
    exchanges.set(key, started)
    return started
  }

  async function redeem(key: string, request: TokenRequest): Promise<Entry> {
    const { caller, correlationId, trace } = request
    const started = now()
    const context = () => ({
      requestId: correlationId,
      traceId: trace?.traceId,
      user: caller.userKey,
      ms: now() - started,
    })
    try {
      const token = await withOneRetry(() => attempt(request))
      const entry = lifetime(token, caller.expiresAtMs, now())
      tokens.set(key, entry)
      audit('obo_success', context())
      return entry
    } catch (error) {
      const failure = toFailure(error)
      refusals.remember(key, failure)
      const { reason, details } = failure
      const level = reason === 'credential_refused' || reason === 'exchange_misconfigured' ? 'error' : 'warn'
      audit('obo_failure', { ...context(), reason, err: details.cause }, { level, message: explain(failure) })
      throw failure
    }
  }

  /** One exchange, as a span of the call that needs it. */
  async function attempt({ assertion, correlationId, trace }: TokenRequest): Promise<GraphToken> {
    const span = trace?.call('On-Behalf-Of exchange', { 'peer.service': 'Microsoft Entra' })
    try {
      const token = await exchange({ assertion, correlationId, ...(span && { headers: span.headers }) })
      span?.end()
      return token
    } catch (error) {
      span?.end({}, toFailure(error).reason)
      throw error
    }
  }

  /** Entra's passing troubles get one more try, a little later; everything else is an answer. */
  async function withOneRetry(exchangeNow: () => Promise<GraphToken>): Promise<GraphToken> {
    try {
      return await exchangeNow()
    } catch (error) {
      if (!(error instanceof Failure) || error.reason !== 'exchange_unavailable') throw error
      await sleep(100 + Math.random() * 200)
      return exchangeNow()
    }
  }

  /** A good token that grows old is replaced while it still serves; if that fails, not again at once. */
  function refreshInBackground(key: string, request: TokenRequest) {
    if (exchanges.has(key) || refusals.find(key) !== undefined) return
    exchangeOnce(key, request).catch((error) => refusals.postpone(key, toFailure(error)))
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
        hits++
        if (now() >= entry.refreshAtMs) refreshInBackground(key, request)
        return entry.accessToken
      }
      misses++
      const refusal = exchanges.has(key) ? undefined : refusals.find(key)
      if (refusal !== undefined) throw refusal
      const { accessToken } = await untilAborted(exchangeOnce(key, request), request.signal)
      return accessToken
    },
    /** Forgets the token of this assertion: Graph no longer takes it. */
    evict(caller: Caller) {
      tokens.delete(keyOf(caller))
    },
    get size() {
      return tokens.size
    },
    /** Calls that found a token and calls that found none, so far; tokens kept, and roughly what they take. */
    get stats() {
      return { hits, misses, entries: tokens.size, bytes: tokens.calculatedSize }
    },
  }
}

/**
 * How long a Graph token is used: until five minutes before its end, and never longer than the proof that earned it.
 * Past three quarters of that time, a little earlier or later for each, it is due for replacement.
 */
export function lifetime(token: GraphToken, assertionExpiresAtMs: number, nowMs: number): Entry {
  const expiresAtMs = Math.min(token.expiresAtMs - expiryMarginMs, assertionExpiresAtMs)
  return {
    accessToken: token.accessToken,
    expiresAtMs,
    refreshAtMs: nowMs + (expiresAtMs - nowMs) * (0.7 + Math.random() * 0.1),
  }
}

function lengthPrefixed(parts: readonly string[]): string {
  return parts.map((part) => `${part.length}:${part}`).join('')
}

function explain({ reason }: Failure): string {
  switch (reason) {
    case 'credential_refused':
      return 'Entra refuses this server’s credential: renew it. Every new sign-in fails until then.'
    case 'credential_unavailable':
      return 'this server’s own credential is not to be had: see credential_unavailable above.'
    case 'exchange_misconfigured':
      return 'Entra refuses this server’s configuration: check GRAPH_CLIENT_ID, GRAPH_TENANT_ID and GRAPH_OBO_SCOPES.'
    default:
      return 'a token could not be exchanged'
  }
}

declare module 'fastify' {
  interface FastifyInstance {
    oboTokens: OboTokenCache
  }
}

export const oboTokenCache = fp<Configured>(
  async (app, { config: { entra } }) => {
    const http = createBoundedClient(entraBounds)
    const scopes = entra.oboScopes
    const exchange = createOnBehalfOf({
      ...entra,
      withProof: app.clientProofs.api,
      scopes,
      endpoints: tenantEndpoints(entra),
      http,
    })
    app.decorate('oboTokens', createOboTokenCache({ ...entra, scopes, exchange, audit: app.audit }))
    app.addHook('onClose', () => http.close())
  },
  { name: 'obo-token-cache', dependencies: ['observability', 'client-credential'] },
)
