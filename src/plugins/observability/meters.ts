import type { FastifyInstance } from 'fastify'
import type { Counter, Histogram, Registry } from 'prom-client'
import { catalogue } from '../../errors/index.ts'

/** From cache hits to timeouts, in seconds. */
const durations = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20]
const prefix = 'message_center_'

type Prom = typeof import('prom-client')

/** Metrics from events. Labels have few values, all of them this server's own codes. */
export function countEvents(app: FastifyInstance, registry: Registry, prom: Prom) {
  const counter = <Name extends string>(name: string, help: string, labelNames: readonly Name[]) =>
    adder(new prom.Counter({ name: prefix + name, help, labelNames, registers: [registry] }))
  const histogram = <Name extends string>(name: string, help: string, labelNames: readonly Name[]) =>
    observer(new prom.Histogram({ name: prefix + name, help, labelNames, buckets: durations, registers: [registry] }))

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
  const quotaRejections = counter('graph_quota_rejections_total', 'Calls to Graph that the quota had no room for', [
    'window',
    'scope',
  ])
  const refusals = counter('rate_limited_total', 'Requests rejected by a rate limit', ['by'])
  const failures = counter('failures_total', 'Requests that ended with a 5xx', ['reason'])
  const signIns = counter('sign_in_steps_total', 'Steps of sign-ins through the OAuth proxy', ['step'])
  const signInFailures = counter('sign_in_failures_total', 'Failed steps of sign-ins', ['reason'])
  const tokens = counter('tokens_issued_total', 'Tokens issued to clients', ['grant'])
  // From 0 on: to Prometheus, the first of a series that was not there before is no increase.
  for (const [reason, entry] of Object.entries(catalogue)) {
    if (entry.kind === 'http' && entry.status >= 500) failures.add(0, reason)
  }
  for (const window of ['minute', 'hour']) for (const scope of ['user', 'tenant']) quotaRejections.add(0, window, scope)
  const step = (name: string) => () => signIns(name)

  const credentialEnds = new prom.Gauge({
    name: `${prefix}credential_expires_timestamp_seconds`,
    help: 'When the certificate of this server expires',
    labelNames: ['kind'],
    registers: [registry],
  })

  app.onAudit({
    request({ route, status, ms, rpcMethod, tool = 'none', outcome }) {
      requests(route, String(status))
      requestTime(ms / 1000, route)
      if (rpcMethod === undefined) return
      const result = outcome ?? (status < 400 ? 'ok' : status === 499 ? 'call_cancelled' : 'bad_request')
      calls(rpcMethod, tool, result)
      callTime(ms / 1000, tool, result === 'ok' ? 'ok' : 'error')
    },
    auth_success: () => verifications('verified'),
    auth_failure: ({ reason }) => verifications(reason),
    obo_success: ({ ms }) => exchanges(ms / 1000, 'success'),
    obo_failure: ({ ms, reason }) => exchanges(ms / 1000, reason),
    graph_call({ ms, status, outcome = 'none' }) {
      graphCalls(ms / 1000, status === undefined ? outcome : String(status))
      if (status === 429) throttles()
    },
    graph_quota_exceeded: ({ window, scope }) => quotaRejections(window, scope),
    rate_limit: ({ by }) => refusals(by),
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

/** Metrics that are read from the other plugins on each scrape. */
export function readGauges(app: FastifyInstance, registry: Registry, prom: Prom) {
  const registers = [registry]
  const gauge = (name: string, help: string, read: () => number | undefined) => {
    new prom.Gauge({
      name: prefix + name,
      help,
      registers,
      collect() {
        const value = read()
        if (value !== undefined) this.set(value)
      },
    })
  }
  const total = (name: string, help: string, label: string, read: () => Readonly<Record<string, number>>) => {
    new prom.Counter({
      name: prefix + name,
      help,
      labelNames: [label],
      registers,
      collect() {
        this.reset()
        for (const [value, amount] of Object.entries(read())) this.inc({ [label]: value }, amount)
      },
    })
  }

  const { oboTokens, entraKeys, graphQuota, mcp } = app
  total('obo_cache_requests_total', 'Lookups of a Graph token', 'result', () => {
    return oboTokens.stats.requests
  })
  total('obo_shared_tokens_total', 'Graph tokens found in Redis; unreadable ones count as none', 'result', () => {
    return oboTokens.stats.shared ?? {}
  })
  gauge('obo_cache_entries', 'Cached Graph tokens', () => oboTokens.stats.entries)
  gauge('obo_cache_bytes', 'Their approximate size', () => oboTokens.stats.bytes)
  gauge('obo_cache_max_bytes', 'Their maximum size', () => oboTokens.stats.maxBytes)
  total(
    'answer_cache_requests_total',
    'Calls of tools with cached results; joined: shared another call in flight',
    'result',
    () => {
      return mcp.cacheStats.requests
    },
  )
  gauge('answer_cache_bytes', 'Size of cached results', () => mcp.cacheStats.bytes)
  new prom.Gauge({
    name: `${prefix}graph_quota_left`,
    help: 'Calls to Graph that are left in a window, as this replica last knew',
    labelNames: ['window'],
    registers,
    collect() {
      for (const [window, left] of Object.entries(graphQuota.left)) this.set({ window }, left)
    },
  })
  gauge('graph_paused', '1 while calls to Graph are paused by its Retry-After', () => Number(graphQuota.isPaused))
  total('key_refreshes_total', 'Fetches of the tenant’s signing keys', 'outcome', () => {
    const { refreshes, failures } = entraKeys.stats
    return { success: refreshes, failure: failures }
  })
  gauge('signing_keys', 'Signing keys loaded', () => entraKeys.stats.known)
  gauge('keys_loaded_timestamp_seconds', 'When the keys were last fetched', () => {
    const { loadedAt } = entraKeys.stats
    return loadedAt === undefined ? undefined : loadedAt / 1000
  })
  const { sharedStore } = app
  if (sharedStore === undefined) return
  gauge('redis_up', '1 while Redis answers', () => Number(sharedStore.isUp))
  new prom.Counter({
    name: `${prefix}redis_rejections_total`,
    help: 'Commands that Redis rejected',
    registers,
    collect() {
      this.reset()
      this.inc(sharedStore.rejections)
    },
  })
}

/** Read and not from an event: while lines are dropped, no event can be logged. */
export function countDroppedLines(read: () => number, registry: Registry, prom: Prom) {
  new prom.Counter({
    name: `${prefix}log_lines_dropped_total`,
    help: 'Log lines dropped, since standard output was blocked or failed',
    registers: [registry],
    collect() {
      this.reset()
      this.inc(read())
    },
  })
}

/** Adds one to a counter. Children are looked up once for each combination of labels, which are few. */
function adder<Name extends string>(counter: Counter<Name>) {
  const child = remembered((labels) => counter.labels(...labels))
  const addOne = (...labels: string[]) => child(labels).inc()
  return Object.assign(addOne, { add: (amount: number, ...labels: string[]) => child(labels).inc(amount) })
}

function observer<Name extends string>(histogram: Histogram<Name>) {
  const child = remembered((labels) => histogram.labels(...labels))
  return (seconds: number, ...labels: string[]) => child(labels).observe(seconds)
}

function remembered<Child>(make: (labels: readonly string[]) => Child): (labels: readonly string[]) => Child {
  const children = new Map<string, Child>()
  return (labels) => {
    const key = labels.join(' ')
    const known = children.get(key)
    if (known !== undefined) return known
    const child = make(labels)
    children.set(key, child)
    return child
  }
}
