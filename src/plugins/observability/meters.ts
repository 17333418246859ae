import type { FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import { type CatalogueEntry, catalogue } from '../../errors/index.ts'

/** From cache hits to timeouts, in seconds. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20]
const prefix = 'message_center_'

type Prom = typeof import('prom-client')
type Labels = readonly string[]

/** Metrics from events. Labels have few values, all of them this server's own codes. */
export function countEvents(app: FastifyInstance, registry: Registry, prom: Prom) {
  const registers = [registry]
  /** @param known series that begin at 0: to Prometheus, the first of a series that was not there before is no increase */
  function counter(name: string, help: string, labelNames: Labels, known: readonly Labels[] = []) {
    const metric = new prom.Counter({ name: prefix + name, help, labelNames, registers })
    for (const labels of known) metric.labels(...labels).inc(0)
    return (...labels: string[]) => metric.labels(...labels).inc()
  }
  function histogram(name: string, help: string, labelNames: Labels) {
    const metric = new prom.Histogram({ name: prefix + name, help, labelNames, buckets, registers })
    return (ms: number, ...labels: string[]) => metric.labels(...labels).observe(ms / 1000)
  }
  const serverErrors = Object.entries<CatalogueEntry>(catalogue)
    .filter(([, entry]) => entry.kind === 'http' && entry.status >= 500)
    .map(([reason]) => [reason])
  const quotas = ['minute', 'hour'].flatMap((window) => ['user', 'tenant'].map((scope) => [window, scope]))

  const requests = counter('http_requests_total', 'HTTP requests', ['route', 'status'])
  const requestTime = histogram('http_request_duration_seconds', 'Duration of HTTP requests', ['route'])
  const calls = counter('mcp_calls_total', 'MCP messages; outcome: ok, or the reason', ['method', 'tool', 'outcome'])
  const callTime = histogram('mcp_call_duration_seconds', 'Duration of MCP messages', ['tool', 'outcome'])
  const verifications = counter(
    'auth_total',
    'Tokens verified or rejected, without those cached; outcome: verified, or the reason',
    ['outcome'],
  )
  const exchanges = histogram('obo_exchange_duration_seconds', 'On-Behalf-Of exchanges', ['outcome'])
  const graphCalls = histogram('graph_call_duration_seconds', 'Attempts to call Graph, by HTTP status', ['status'])
  const throttles = counter('graph_throttles_total', 'Responses of Graph with status 429', [])
  const quotaRejections = counter(
    'graph_quota_rejections_total',
    'Calls to Graph that the quota had no room for',
    ['window', 'scope'],
    quotas,
  )
  const rejections = counter('rate_limited_total', 'Requests rejected by a rate limit', ['by'])
  const failures = counter('failures_total', 'Requests that ended with a 5xx', ['reason'], serverErrors)
  const steps = counter('sign_in_steps_total', 'Steps of sign-ins through the OAuth proxy', ['step'])
  const signInFailures = counter('sign_in_failures_total', 'Failed steps of sign-ins', ['reason'])
  const tokens = counter('tokens_issued_total', 'Tokens issued to clients', ['grant'])
  const step = (name: string) => () => steps(name)

  const credentialEnds = new prom.Gauge({
    name: `${prefix}credential_expires_timestamp_seconds`,
    help: 'When the certificate of this server expires',
    labelNames: ['kind'],
    registers,
  })

  app.onAudit({
    request({ route, status, ms, rpcMethod, tool = 'none', outcome }) {
      requests(route, String(status))
      requestTime(ms, route)
      if (rpcMethod === undefined) return
      const result = outcome ?? (status < 400 ? 'ok' : status === 499 ? 'call_cancelled' : 'bad_request')
      calls(rpcMethod, tool, result)
      callTime(ms, tool, result === 'ok' ? 'ok' : 'error')
    },
    auth_success: () => verifications('verified'),
    auth_failure: ({ reason }) => verifications(reason),
    obo_success: ({ ms }) => exchanges(ms, 'success'),
    obo_failure: ({ ms, reason }) => exchanges(ms, reason),
    graph_call({ ms, status, outcome = 'none' }) {
      graphCalls(ms, status === undefined ? outcome : String(status))
      if (status === 429) throttles()
    },
    graph_quota_exceeded: ({ window, scope }) => quotaRejections(window, scope),
    rate_limit: ({ by }) => rejections(by),
    failure: ({ reason }) => failures(reason),
    credential_loaded({ kind, certificateExpires }) {
      if (certificateExpires !== undefined) credentialEnds.set({ kind }, Date.parse(certificateExpires) / 1000)
    },
    client_registered: step('register'),
    authorize: step('authorize'),
    consent_asked: step('consent_asked'),
    consent_given: step('consent_given'),
    consent_denied: step('consent_denied'),
    sign_in: step('signed_in'),
    sign_in_failure: ({ reason }) => signInFailures(reason),
    token_issued: ({ grant }) => tokens(grant),
  })
}

/** Metrics that are read on each scrape. */
export function readMetrics(app: FastifyInstance, registry: Registry, prom: Prom, droppedLines: () => number) {
  type Read = () => number | undefined | Readonly<Record<string, number>>
  /** @param read the value, or the values by those of a label */
  const metric =
    (kind: 'Counter' | 'Gauge') =>
    (name: string, help: string, read: Read, label = '') => {
      const labelNames = label === '' ? [] : [label]
      new prom[kind]({
        name: prefix + name,
        help,
        labelNames,
        registers: [registry],
        collect() {
          const value = read() ?? {}
          this.reset()
          if (typeof value === 'number') this.inc(value)
          else for (const [name, amount] of Object.entries(value)) this.inc({ [label]: name }, amount)
        },
      })
    }
  const counter = metric('Counter')
  const gauge = metric('Gauge')

  const { oboTokens, entraKeys, graphQuota, messageCenter, sharedStore } = app
  counter('obo_cache_requests_total', 'Lookups of a Graph token', () => oboTokens.stats.requests, 'result')
  counter(
    'obo_shared_tokens_total',
    'Graph tokens found in Redis; unreadable ones count as none',
    () => oboTokens.stats.shared,
    'result',
  )
  gauge('obo_cache_entries', 'Cached Graph tokens', () => oboTokens.stats.entries)
  gauge('obo_cache_bytes', 'Their approximate size', () => oboTokens.stats.bytes)
  gauge('obo_cache_max_bytes', 'Their maximum size', () => oboTokens.stats.maxBytes)
  counter(
    'snapshot_reads_total',
    'Questions to a snapshot of the Message Center; joined: waited for a load in flight',
    () => messageCenter.stats.reads,
    'result',
  )
  gauge('snapshots', 'Snapshots of the Message Center in memory', () => messageCenter.stats.snapshots)
  gauge('snapshot_bytes', 'Their approximate size', () => messageCenter.stats.bytes)
  gauge('snapshot_max_bytes', 'Their maximum size', () => messageCenter.stats.maxBytes)
  gauge(
    'graph_quota_left',
    'Calls to Graph that are left in a window, as this replica last knew',
    () => graphQuota.left,
    'window',
  )
  gauge('graph_paused', '1 while calls to Graph are paused by its Retry-After', () => Number(graphQuota.isPaused))
  counter(
    'key_refreshes_total',
    'Fetches of the tenant’s signing keys',
    () => ({ success: entraKeys.stats.refreshes, failure: entraKeys.stats.failures }),
    'outcome',
  )
  gauge('signing_keys', 'Signing keys loaded', () => entraKeys.stats.known)
  gauge('keys_loaded_timestamp_seconds', 'When the keys were last fetched', () => {
    const { loadedAt } = entraKeys.stats
    return loadedAt === undefined ? undefined : loadedAt / 1000
  })
  // Not from an event: while lines are dropped, no event can be logged.
  counter('log_lines_dropped_total', 'Log lines dropped, since standard output was blocked or failed', droppedLines)
  if (sharedStore === undefined) return
  gauge('redis_up', '1 while Redis is available', () => Number(sharedStore.isUp))
  counter('redis_rejections_total', 'Commands that Redis rejected', () => sharedStore.rejections)
}
