import fp from 'fastify-plugin'
import type { Configured } from '../../config/index.ts'
import { Failure } from '../../errors/index.ts'
import {
  type BoundedClient,
  type BoundedRequest,
  type BoundedResponse,
  createBoundedClient,
  TransportError,
} from '../../lib/bounded-client.ts'
import type { Deadline } from '../../lib/deadline.ts'
import { jitterMs, sleep as sleepFor } from '../../lib/sleep.ts'
import type { GraphCaller, GraphQuota } from '../graph-quota/index.ts'
import type { Audit } from '../observability/audit.ts'
import type { TraceSpan } from '../observability/otlp.ts'
import { createDenials } from './denials.ts'
import { graphCodeOf, graphFailure, graphTransportFailure, requestIdOf, retryAfterOf } from './failures.ts'

/** A thousand messages with bodies are some 5 MB; with the longest ones 15 MB. */
const graphLimits = { maxBodyBytes: 16 * 1024 * 1024, connections: 64 }

const passing = new Set([502, 503, 504])
const maxAttempts = 3
/** A longer Retry-After is the caller's to wait for, not this server's. */
const longestWaitMs = 5_000

export interface GraphClientOptions {
  readonly baseUrl: string
  readonly http: Pick<BoundedClient, 'request'>
  readonly quota: Pick<GraphQuota, 'admit' | 'pause'>
  readonly audit: Audit
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number
  /** Throws `call_cancelled` when the signal comes first. */
  readonly sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<void>
}

/** On whose behalf Graph is called, and for how long anybody waits for the response. */
export interface GraphUser extends GraphCaller {
  /** All attempts and waits of all reads end by then. */
  readonly deadline: Deadline
  readonly trace?: TraceSpan | null
}

export interface GraphQuery {
  readonly query?: URLSearchParams
  /** The Prefer header (RFC 7240), such as `odata.maxpagesize=50`. */
  readonly prefer?: string
}

/** What a tool sees of Graph: as one user. */
export interface GraphSession {
  /**
   * Reads a path below the configured base.
   *
   * @param path starts with `/`; built from constants and ids that a pattern has checked
   * @returns the JSON of the response, whatever it is
   * @throws {Failure} any of the `graph_…` reasons
   */
  get(path: string, options?: GraphQuery): Promise<unknown>
  /**
   * Calls an action, one that may be called twice: it is retried as a read is.
   *
   * @param body sent as JSON
   * @returns the JSON of the response
   * @throws {Failure} any of the `graph_…` reasons
   */
  post(path: string, body: unknown): Promise<unknown>
  /**
   * The query of a next page's link, which must lead to the same path of the configured Graph.
   *
   * @throws {Failure} `graph_link_rejected`
   */
  nextQuery(path: string, link: string): URLSearchParams
}

/** A credential, and Graph as its user. */
export interface GraphReader {
  /** A hash of the credential: what was read with it is found by nothing else. */
  readonly credentialHash: string
  /** Not ended by one caller's going away: what is read serves all who ask meanwhile. */
  readonly graph: GraphSession
}

export type GraphClient = ReturnType<typeof createGraphClient>

/**
 * Microsoft Graph, as one user at a time: pooled, bounded, and retried where a retry can help.
 *
 * Calls are retried, since none does more when it is made twice: on 429 after what Retry-After says, on 502, 503, 504 and broken connections after a short
 * random wait, all within one deadline; and each attempt only once the quota admits it. Who was denied lately is denied
 * without asking.
 * Source: Microsoft Graph, "Throttling guidance" and "Best practices".
 */
export function createGraphClient({
  baseUrl,
  http,
  quota,
  audit,
  now = () => performance.now(),
  sleep = sleepFor,
}: GraphClientOptions) {
  const denials = createDenials(now)
  const spanAttributes = { 'peer.service': 'Microsoft Graph', 'server.address': new URL(baseUrl).hostname }

  async function call(path: string, { query, prefer, body }: GraphQuery & { body?: string }, user: GraphUser) {
    const method = body === undefined ? 'GET' : 'POST'
    // Who may not write may still read, and the other way round.
    const resource = `${method} ${path}`
    const request = {
      method,
      url: urlOf(path, query),
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${user.accessToken}`,
        'client-request-id': user.correlationId,
        ...(prefer !== undefined && { prefer }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      signal: user.signal,
      ...(body !== undefined && { body }),
    } as const
    for (let attempt = 1; ; attempt++) {
      denials.check(user, resource)
      await quota.admit(user, user.deadline.leftMs)
      const outcome = await once({ ...request, deadlineMs: user.deadline.leftMs }, path, attempt, user)
      if (!(outcome instanceof Error) && outcome.status === 200) {
        denials.forget(user, resource)
        return outcome.body
      }

      const waitMs = attempt < maxAttempts ? retryWaitMs(outcome) : undefined
      if (waitMs === undefined || waitMs > longestWaitMs || waitMs >= user.deadline.leftMs) {
        if (outcome instanceof Error) throw graphTransportFailure(outcome)
        // Graph's words may be shown to the caller, who is to get no Graph token by them.
        const failure = graphFailure({ ...outcome, body: outcome.body.replaceAll(user.accessToken, '[withheld]') })
        throw denials.remember(user, resource, failure)
      }
      await sleep(waitMs, user.signal)
    }
  }

  /** One attempt: an audit event, and a span where the call is traced. */
  async function once(request: BoundedRequest, path: string, attempt: number, user: GraphUser) {
    const { correlationId, tool, trace } = user
    const started = now()
    const span = trace?.call(request.method, {
      ...spanAttributes,
      'http.request.method': request.method,
      'url.path': path,
      'http.request.resend_count': attempt - 1,
    })
    const outcome = await http
      .request(span === undefined ? request : { ...request, headers: { ...request.headers, ...span.headers } })
      .catch((error: unknown) => {
        if (error instanceof TransportError) return error
        throw error
      })
    const ms = now() - started
    const call = { requestId: correlationId, traceId: trace?.traceId, user: user.user, tool, path, attempt, ms }
    if (outcome instanceof Error) {
      audit('graph_call', { ...call, outcome: outcome.kind, why: outcome.why })
      span?.end({}, outcome.kind)
    } else {
      const { status } = outcome
      if (status === 429) quota.pause(pauseMs(outcome))
      const graphRequestId = requestIdOf(outcome)
      const why = status < 400 ? undefined : graphCodeOf(outcome)
      audit('graph_call', { ...call, status, graphRequestId, why })
      const ids = graphRequestId === undefined ? undefined : [graphRequestId]
      span?.end(
        { 'http.response.status_code': status, 'http.response.header.request-id': ids },
        status < 400 ? undefined : String(status),
      )
    }
    return outcome
  }

  /** With `%20` for a space: `+` is one in forms only (OData, "URL Conventions", section 2). */
  function urlOf(path: string, query: URLSearchParams | undefined): string {
    if (query === undefined || query.size === 0) return baseUrl + path
    return `${baseUrl}${path}?${query.toString().replaceAll('+', '%20')}`
  }

  return {
    /** Graph as this user sees it. */
    as(user: GraphUser): GraphSession {
      return {
        get: async (path, query = {}) => parseJson(await call(path, query, user)),
        post: async (path, body) => parseJson(await call(path, { body: JSON.stringify(body) }, user)),
        nextQuery: (path, link) => nextQuery(baseUrl + path, link),
      }
    },
  }
}

/** How long to wait before another try, or undefined where none can help. */
function retryWaitMs(outcome: BoundedResponse | TransportError): number | undefined {
  if (outcome instanceof Error) return outcome.kind === 'unreachable' ? jitterMs() : undefined
  if (outcome.status === 429) return pauseMs(outcome) + jitterMs()
  return passing.has(outcome.status) ? (retryAfterOf(outcome) ?? 0) * 1000 + jitterMs() : undefined
}

/** For how long a 429 asks everybody to wait. */
function pauseMs(outcome: BoundedResponse): number {
  return (retryAfterOf(outcome) ?? 1) * 1000
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    throw new Failure('graph_response_invalid', { cause: new Error('Graph’s response is not JSON') })
  }
}

/** Follows nothing that Graph's own address does not begin: a bearer token goes nowhere else. */
function nextQuery(expected: string, link: string): URLSearchParams {
  const url = URL.canParse(link) ? new URL(link) : undefined
  if (url === undefined || `${url.origin}${url.pathname}` !== expected || url.username !== '' || url.password !== '') {
    throw new Failure('graph_link_rejected')
  }
  return url.searchParams
}

declare module 'fastify' {
  interface FastifyInstance {
    graph: GraphClient
  }
}

export const graphClient = fp<Configured>(
  async (app, { config: { graph, timeouts } }) => {
    const http = createBoundedClient({ ...graphLimits, ...timeouts.graph })
    const { audit, graphQuota: quota } = app
    app.decorate('graph', createGraphClient({ baseUrl: graph.baseUrl, http, quota, audit }))
    app.addHook('onClose', () => http.close())
  },
  { name: 'graph-client', dependencies: ['observability', 'graph-quota'] },
)
