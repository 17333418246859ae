import { createPublicKey } from 'node:crypto'
import fp from 'fastify-plugin'
import type { Configured } from '../../config/index.ts'
import { type TenantEndpoints, tenantEndpoints } from '../../config/tenant.ts'
import { Failure } from '../../errors/index.ts'
import { type BoundedClient, createBoundedClient } from '../../lib/bounded-client.ts'
import type { Audit } from '../observability/audit.ts'

/** The set is some 10 KB; a vast answer is a fault, not keys. */
const keysLimits = { maxBodyBytes: 256 * 1024, connections: 1 }

export interface EntraKeysOptions {
  readonly endpoints: TenantEndpoints
  readonly http: Pick<BoundedClient, 'request'>
  readonly audit: Audit
  /** How often the set is fetched anew in the background: keys that left stop counting, new ones are known early. */
  readonly refreshMs?: number
  /** At most one fetch for unknown key ids in this time, whoever asks: invented ids cost one fetch, not one each. */
  readonly cooldownMs?: number
  /** How soon a failed fetch is tried again. */
  readonly retryMs?: number
  /** Milliseconds of a clock that only goes forward: a time of day that is set holds up no fetch. */
  readonly now?: () => number
}

export type EntraKeys = ReturnType<typeof createEntraKeys>

/**
 * The tenant's signing keys, as PEM by key id.
 *
 * The keys' URL comes from configuration and never from a token, the whole set is loaded at once, fetches are bounded,
 * shared and rationed, and the last good set goes on working while Entra cannot be reached.
 * Source: Microsoft, "Signing key rollover in the Microsoft identity platform".
 */
export function createEntraKeys({
  endpoints,
  http,
  audit,
  refreshMs = 3_600_000,
  cooldownMs = 30_000,
  retryMs = 1_000,
  now = () => performance.now(),
}: EntraKeysOptions) {
  let keys: ReadonlyMap<string, string> = new Map()
  let loading: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let unknownKeyFetchAt = Number.NEGATIVE_INFINITY
  let failedAt = Number.NEGATIVE_INFINITY
  let stopped = false
  let refreshes = 0
  let failures = 0
  let loadedAt: number | undefined
  const removalListeners: ((kid: string) => void)[] = []

  /** One fetch at a time; whoever needs the set waits for the same one. Never rejects. */
  function load(): Promise<void> {
    loading ??= fetchKeys()
      .then(replace, keepLastGood)
      .finally(() => {
        loading = undefined
      })
    return loading
  }

  async function fetchKeys(): Promise<Map<string, string>> {
    const { status, body } = await http.request({ method: 'GET', url: endpoints.keysUrl })
    if (status !== 200) throw new Error(`The keys endpoint answered ${status}`)
    return toPems(JSON.parse(body), endpoints)
  }

  function replace(next: Map<string, string>) {
    const gone = [...keys.keys()].filter((kid) => next.get(kid) !== keys.get(kid))
    const isNews = gone.length > 0 || next.size !== keys.size
    keys = next
    refreshes++
    loadedAt = Date.now()
    failedAt = Number.NEGATIVE_INFINITY
    for (const kid of gone) for (const listener of removalListeners) listener(kid)
    if (isNews) audit('keys_loaded', { keys: [...next.keys()], gone })
    schedule(refreshMs * (0.9 + Math.random() * 0.2))
  }

  function keepLastGood(error: unknown) {
    failedAt = now()
    failures++
    audit('keys_unavailable', { err: error, known: keys.size })
    schedule(keys.size === 0 ? retryMs : Math.max(retryMs, cooldownMs))
  }

  function schedule(delayMs: number) {
    clearTimeout(timer)
    if (!stopped) timer = setTimeout(load, delayMs).unref()
  }

  /** Whether an id that is not in the set is worth a fetch now. */
  function mayFetch(): boolean {
    if (keys.size === 0) return now() - failedAt >= retryMs
    if (now() - unknownKeyFetchAt < cooldownMs) return false
    unknownKeyFetchAt = now()
    return true
  }

  return {
    /** Fetches the set for the first time and keeps it fresh from then on. Never rejects: see {@link loaded}. */
    start: load,
    stop() {
      stopped = true
      clearTimeout(timer)
    },
    /** Whether there is a set to judge by. */
    get loaded() {
      return keys.size > 0
    },
    /** What became of the fetches so far; `loadedAt` is when the set was last fetched, in milliseconds since the epoch. */
    get stats() {
      return { known: keys.size, refreshes, failures, loadedAt }
    },
    /** Calls back with the id of each key that leaves the set or changes. */
    onRemoved(listener: (kid: string) => void) {
      removalListeners.push(listener)
    },
    /**
     * The key of that id, as PEM.
     *
     * @throws {Failure} `unknown_key`, or `keys_unavailable` while no set could ever be fetched
     */
    async publicKey(kid: string): Promise<string> {
      const known = keys.get(kid)
      if (known !== undefined) return known
      if (loading !== undefined || mayFetch()) await load()
      const fetched = keys.get(kid)
      if (fetched !== undefined) return fetched
      throw new Failure(keys.size === 0 ? 'keys_unavailable' : 'unknown_key')
    },
  }
}

/** The signing keys of a JWK set (RFC 7517) that belong to the tenant, as PEM by id. */
function toPems(set: unknown, { issuer, issuerV1 }: TenantEndpoints): Map<string, string> {
  const jwks = (set as { keys?: unknown }).keys
  if (!Array.isArray(jwks)) throw new Error('The keys endpoint answered no JWK set')
  const pems = new Map<string, string>()
  for (const jwk of jwks) {
    if (!isSigningKey(jwk) || (jwk.issuer !== undefined && jwk.issuer !== issuer && jwk.issuer !== issuerV1)) continue
    const { kid, kty, n, e } = jwk
    const key = createPublicKey({ format: 'jwk', key: { kty, n, e } })
    pems.set(kid, key.export({ type: 'spki', format: 'pem' }).toString())
  }
  if (pems.size === 0) throw new Error('The JWK set holds no signing key of this tenant')
  return pems
}

interface SigningKey {
  readonly kid: string
  readonly kty: 'RSA'
  readonly n: string
  readonly e: string
  readonly issuer?: string
}

/** RSA, for signatures, of 2048 bits at least (RFC 7518 section 3.3). */
function isSigningKey(jwk: unknown): jwk is SigningKey {
  const { kid, kty, use, n, e } = (jwk ?? {}) as Record<string, unknown>
  return (
    typeof kid === 'string' &&
    kty === 'RSA' &&
    (use === undefined || use === 'sig') &&
    typeof e === 'string' &&
    typeof n === 'string' &&
    Buffer.byteLength(n, 'base64url') >= 256
  )
}

declare module 'fastify' {
  interface FastifyInstance {
    entraKeys: EntraKeys
  }
}

export const entraKeys = fp<Configured>(
  async (app, { config }) => {
    const http = createBoundedClient({ ...keysLimits, ...config.timeouts.keys })
    const keys = createEntraKeys({ endpoints: tenantEndpoints(config.entra), http, audit: app.audit })
    app.decorate('entraKeys', keys)
    app.addHook('onListen', () => {
      void keys.start()
    })
    app.addHook('onClose', async () => {
      keys.stop()
      await http.close()
    })
  },
  { name: 'entra-keys', dependencies: ['observability'] },
)
