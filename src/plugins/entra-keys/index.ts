import fp from 'fastify-plugin'
import type { Configured } from '../../config/index.ts'
import { type TenantEndpoints, tenantEndpoints } from '../../config/tenant.ts'
import { Failure } from '../../errors/index.ts'
import { type BoundedClient, createBoundedClient } from '../../lib/bounded-client.ts'
import type { Audit } from '../observability/audit.ts'
import { readSigningKeys } from './signing-keys.ts'

/** Entra's JWK set is some 10 KB. */
const clientLimits = { maxBodyBytes: 256 * 1024, connections: 1 }
/** At most one fetch for unknown key ids in this time, whoever sends them. */
const cooldownMs = 30_000
/** Between two attempts while there is no set. */
const retryMs = 1_000

export interface EntraKeysOptions {
  readonly endpoints: TenantEndpoints
  readonly http: Pick<BoundedClient, 'request'>
  readonly audit: Audit
  /** Between two refreshes in the background, within a tenth: removed keys are rejected by then, new ones known. */
  readonly refreshMs?: number
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number
}

/**
 * The tenant's signing keys, as PEM by key id.
 *
 * The URL comes from configuration, never from a token. The whole set is fetched at once, concurrent callers share one
 * fetch, and the last good set stays in use while Entra cannot be reached.
 * Source: Microsoft, "Signing key rollover in the Microsoft identity platform".
 */
export function createEntraKeys({
  endpoints,
  http,
  audit,
  refreshMs = 3_600_000,
  now = () => performance.now(),
}: EntraKeysOptions) {
  let keys: ReadonlyMap<string, string> = new Map()
  let loading: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let unknownKeyFetchAt = Number.NEGATIVE_INFINITY
  let failedAt = Number.NEGATIVE_INFINITY
  let loggedAt = Number.NEGATIVE_INFINITY
  let stopped = false
  const stats = { refreshes: 0, failures: 0, loadedAt: undefined as number | undefined }
  const removalListeners: ((kid: string) => void)[] = []

  /** Concurrent callers share one fetch. Never rejects. */
  function load(): Promise<void> {
    loading ??= fetchKeys()
      .then(replaceKeys, keepLastGood)
      .finally(() => {
        loading = undefined
      })
    return loading
  }

  async function fetchKeys(): Promise<Map<string, string>> {
    const { status, body } = await http.request({ method: 'GET', url: endpoints.keysUrl })
    if (status !== 200) throw new Error(`The keys endpoint returned ${status}`)
    return readSigningKeys(JSON.parse(body), endpoints)
  }

  function replaceKeys(next: Map<string, string>) {
    const removed = [...keys.keys()].filter((kid) => next.get(kid) !== keys.get(kid))
    const hasChanged = removed.length > 0 || next.size !== keys.size
    keys = next
    stats.refreshes++
    stats.loadedAt = Date.now()
    failedAt = Number.NEGATIVE_INFINITY
    loggedAt = Number.NEGATIVE_INFINITY
    for (const kid of removed) for (const listener of removalListeners) listener(kid)
    if (hasChanged) audit('keys_loaded', { keys: [...next.keys()], removed })
    schedule(refreshMs * (0.9 + Math.random() * 0.2))
  }

  function keepLastGood(error: unknown) {
    failedAt = now()
    stats.failures++
    if (failedAt - loggedAt >= cooldownMs) {
      loggedAt = failedAt
      audit('keys_unavailable', { err: error, known: keys.size })
    }
    schedule(keys.size === 0 ? retryMs : cooldownMs)
  }

  function schedule(delayMs: number) {
    clearTimeout(timer)
    if (!stopped) timer = setTimeout(load, delayMs).unref()
  }

  /** Takes the one fetch for unknown key ids that a cooldown allows, or the next attempt while there is no set. */
  function takeFetch(): boolean {
    if (keys.size === 0) return now() - failedAt >= retryMs
    if (now() - unknownKeyFetchAt < cooldownMs) return false
    unknownKeyFetchAt = now()
    return true
  }

  return {
    /** Fetches the set now, and from then on in the background. Never rejects: see {@link loaded}. */
    start: load,
    stop() {
      stopped = true
      clearTimeout(timer)
    },
    /** Whether a set was ever fetched. */
    get loaded() {
      return keys.size > 0
    },
    /** Counts of fetches; `loadedAt` is the time of the last successful one, in milliseconds since the epoch. */
    get stats() {
      return { known: keys.size, ...stats }
    },
    /** Calls back with the id of each key that is removed from the set or changes. */
    onRemoved(listener: (kid: string) => void) {
      removalListeners.push(listener)
    },
    /**
     * The key with that id, as PEM.
     *
     * @throws {Failure} `unknown_key`, or `keys_unavailable` as long as no set was ever fetched
     */
    async publicKey(kid: string): Promise<string> {
      const known = keys.get(kid)
      if (known !== undefined) return known
      if (loading !== undefined || takeFetch()) await load()
      const fetched = keys.get(kid)
      if (fetched !== undefined) return fetched
      throw new Failure(keys.size === 0 ? 'keys_unavailable' : 'unknown_key')
    },
  }
}

declare module 'fastify' {
  interface FastifyInstance {
    entraKeys: ReturnType<typeof createEntraKeys>
  }
}

export const entraKeys = fp<Configured>(
  async (app, { config }) => {
    const http = createBoundedClient({ ...clientLimits, ...config.timeouts.keys })
    const keys = createEntraKeys({ endpoints: tenantEndpoints(config.entra), http, audit: app.audit })
    app.decorate('entraKeys', keys)
    app.addHook('onListen', () => void keys.start())
    app.addHook('onClose', async () => {
      keys.stop()
      await http.close()
    })
  },
  { name: 'entra-keys', dependencies: ['observability'] },
)
