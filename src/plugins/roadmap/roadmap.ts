import { LRUCache } from 'lru-cache'
import { type Failure, toFailure, withWait } from '../../errors/index.ts'
import { untilAborted } from '../../lib/until-aborted.ts'
import { maxIdsPerRequest, type ReadItems } from './feed.ts'
import type { RoadmapItem } from './item.ts'

const itemTtlMs = 60 * 60_000
/** Shorter: an item that a message names may come on the roadmap any time. */
const notFoundTtlMs = 10 * 60_000
/** Plans change in weeks: where the feed fails, an item of yesterday is better than none. */
const staleTtlMs = 24 * 60 * 60_000
/** After a failure, until the feed is asked again, unless it said how long. */
const retryAfterMs = 10_000
const longestRetryAfterMs = 5 * 60_000
/** Some thousand items, which is all of the roadmap. */
const defaultMaxBytes = 16 * 1024 * 1024

export interface RoadmapOptions {
  readonly readItems: ReadItems
  readonly maxBytes?: number
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number
}

export interface RoadmapReading {
  /** In the order in which they were asked for. */
  readonly items: readonly RoadmapItem[]
  /** Ids that are not on the roadmap. */
  readonly notFound: readonly string[]
  /** Ids about which nothing could be read. */
  readonly unavailable: readonly string[]
  /** Of the oldest item or missing id; absent where all were read for this question. */
  readonly ageSeconds?: number
  /** Some of it should have been read again, and could not be. */
  readonly stale?: true
}

interface Entry {
  /** Undefined: it is not on the roadmap. */
  readonly item: RoadmapItem | undefined
  readonly readAtMs: number
}

type Entries = ReadonlyMap<string, Entry>

export type Roadmap = ReturnType<typeof createRoadmap>

/** Items of the roadmap by id, cached for everybody: they are public, and the same for all. */
export function createRoadmap({
  readItems,
  maxBytes = defaultMaxBytes,
  now = () => performance.now(),
}: RoadmapOptions) {
  const cached = new LRUCache<string, Entry>({
    maxSize: maxBytes,
    sizeCalculation: ({ item }) => 200 + 2 * JSON.stringify(item ?? null).length,
  })
  const pending = new Map<string, Promise<Entries>>()
  let failed: { readonly failure: Failure; readonly untilMs: number } | undefined

  function isFresh({ item, readAtMs }: Entry): boolean {
    return now() - readAtMs < (item === undefined ? notFoundTtlMs : itemTtlMs)
  }

  async function load(ids: readonly string[]): Promise<Entries> {
    if (failed !== undefined && now() < failed.untilMs) throw withWait(failed.failure, failed.untilMs - now())
    const readAtMs = now()
    try {
      const items = await readItems(ids)
      failed = undefined
      const entries = new Map(ids.map((id) => [id, { item: items.get(id), readAtMs }] as const))
      for (const [id, entry] of entries) cached.set(id, entry)
      return entries
    } catch (error) {
      const failure = toFailure(error)
      // An invalid response may be about these ids alone.
      if (failure.reason !== 'roadmap_response_invalid') {
        const waitMs = (failure.details.retryAfterSeconds ?? 0) * 1000 || retryAfterMs
        failed = { failure, untilMs: now() + Math.min(waitMs, longestRetryAfterMs) }
      }
      throw failure
    }
  }

  /** What is being read of these ids, each of which is read once at a time. */
  function loadsOf(ids: readonly string[]): readonly Promise<Entries>[] {
    const missing = ids.filter((id) => !pending.has(id))
    for (let start = 0; start < missing.length; start += maxIdsPerRequest) {
      const some = missing.slice(start, start + maxIdsPerRequest)
      const loading = load(some).finally(() => {
        for (const id of some) pending.delete(id)
      })
      for (const id of some) pending.set(id, loading)
    }
    return [...new Set(ids.map((id) => pending.get(id)))].filter((loading) => loading !== undefined)
  }

  return {
    /**
     * Items by id, from memory where they are young enough. Where they cannot be read again, those of up to a day ago are
     * served, marked as stale.
     *
     * @param signal of a caller, who stops waiting when it goes away
     * @throws {Failure} any of the `roadmap_…` reasons where there is nothing to answer with; `call_cancelled`
     */
    async read(ids: readonly string[], signal?: AbortSignal): Promise<RoadmapReading> {
      const wanted = [...new Set(ids)]
      const found = new Map<string, Entry>()
      for (const id of wanted) {
        const entry = cached.get(id)
        if (entry !== undefined && isFresh(entry)) found.set(id, entry)
      }
      const loads = loadsOf(wanted.filter((id) => !found.has(id)))
      const oldestAtMs = Math.min(...[...found.values()].map(({ readAtMs }) => readAtMs))
      const outcomes = await untilAborted(Promise.allSettled(loads), signal)
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') continue
        for (const [id, entry] of outcome.value) found.set(id, entry)
      }
      const left = wanted.filter((id) => !found.has(id))
      const held = left.flatMap((id) => {
        const entry = cached.get(id)
        return entry !== undefined && now() - entry.readAtMs < staleTtlMs ? [[id, entry] as const] : []
      })
      for (const [id, entry] of held) found.set(id, entry)
      const failure = outcomes.find((outcome) => outcome.status === 'rejected')
      if (failure !== undefined && found.size === 0) throw toFailure(failure.reason)
      const readAtMs = Math.min(oldestAtMs, ...held.map(([, entry]) => entry.readAtMs))
      const isFound = (id: string) => found.has(id)
      return {
        items: wanted.flatMap((id) => found.get(id)?.item ?? []),
        notFound: wanted.filter((id) => isFound(id) && found.get(id)?.item === undefined),
        unavailable: wanted.filter((id) => !isFound(id)),
        ...(Number.isFinite(readAtMs) && { ageSeconds: Math.floor((now() - readAtMs) / 1000) }),
        ...(held.length > 0 && { stale: true }),
      }
    },
  }
}
