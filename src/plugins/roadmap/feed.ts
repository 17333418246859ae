import { Failure } from '../../errors/index.ts'
import { type BoundedClient, type BoundedResponse, TransportError } from '../../lib/bounded-client.ts'
import { deadlineIn } from '../../lib/deadline.ts'
import { parseJson } from '../../lib/parse-json.ts'
import { retryAfterSeconds } from '../../lib/retry-after.ts'
import type { Audit } from '../observability/audit.ts'
import { type RoadmapItem, toRoadmapItem } from './item.ts'

/** Of one request: the filter stays short, and the response some 100 KB. */
export const maxIdsPerRequest = 50

export interface FeedOptions {
  /** Of the feed, without a query. */
  readonly url: string
  readonly http: Pick<BoundedClient, 'request'>
  readonly audit: Audit
  /** Of all requests for some ids together. */
  readonly deadlineMs: number
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number
}

/** Reads items by id from the feed; those that are not on the roadmap are not in the result. */
export type ReadItems = (ids: readonly string[]) => Promise<ReadonlyMap<string, RoadmapItem>>

/**
 * Microsoft's public roadmap, as OData. It is asked without a token, a cookie, or anything about a user; redirects are not
 * followed.
 *
 * @returns what throws {@link Failure} `roadmap_unavailable`, `roadmap_timeout` or `roadmap_response_invalid`
 */
export function createFeed({ url, http, audit, deadlineMs, now = () => performance.now() }: FeedOptions): ReadItems {
  async function request(ids: readonly string[], leftMs: number): Promise<BoundedResponse> {
    const startedAtMs = now()
    const address = `${url}?$filter=${encodeURIComponent(`id in (${ids.join(',')})`)}`
    const log = (outcome: { status: number } | { outcome: TransportError['kind']; why: string | undefined }) =>
      audit('roadmap_call', { ids: ids.length, ms: now() - startedAtMs, ...outcome })
    try {
      const response = await http.request({
        method: 'GET',
        url: address,
        headers: { accept: 'application/json' },
        deadlineMs: leftMs,
      })
      log({ status: response.status })
      return response
    } catch (error) {
      if (!(error instanceof TransportError)) throw error
      log({ outcome: error.kind, why: error.why })
      throw transportFailure(error)
    }
  }

  return async (ids) => {
    const deadline = deadlineIn(deadlineMs, now)
    const found = new Map<string, RoadmapItem>()
    for (;;) {
      const missing = ids.filter((id) => !found.has(id))
      const response = await request(missing, deadline.leftMs)
      if (response.status !== 200) throw statusFailure(response)
      const { items, hasMore } = pageOf(response.body)
      const wanted = items.filter(({ id }) => missing.includes(id))
      for (const item of wanted) found.set(item.id, item)
      // Where a page ends before all are found, the rest is asked for again: no link of the feed is followed.
      if (!hasMore || found.size === ids.length) return found
      if (wanted.length === 0) throw invalid('it has more pages and none of what was asked for')
    }
  }
}

function pageOf(body: string): { items: readonly RoadmapItem[]; hasMore: boolean } {
  const page = parseJson(body)
  const { value, '@odata.nextLink': link } = (page ?? {}) as { value?: unknown; '@odata.nextLink'?: unknown }
  if (!Array.isArray(value)) throw invalid('it is not a page of items')
  const items = value.map(toRoadmapItem)
  if (!items.every((item) => item !== undefined)) throw invalid('it has an item without an id')
  return { items, hasMore: typeof link === 'string' }
}

function invalid(why: string): Failure {
  return new Failure('roadmap_response_invalid', { cause: new Error(`The roadmap’s response: ${why}`) })
}

function statusFailure(response: BoundedResponse): Failure {
  const { status, headers } = response
  if (status !== 429 && status < 500) return invalid(`its status is ${status}`)
  const seconds = retryAfterSeconds([headers['retry-after']].flat()[0]) ?? 0
  return new Failure('roadmap_unavailable', { cause: { status }, ...(seconds > 0 && { retryAfterSeconds: seconds }) })
}

function transportFailure(error: TransportError): Failure {
  switch (error.kind) {
    case 'timeout':
      return new Failure('roadmap_timeout', { cause: error })
    case 'too_large':
      return new Failure('roadmap_response_invalid', { cause: error })
    default:
      return new Failure('roadmap_unavailable', { cause: error })
  }
}
