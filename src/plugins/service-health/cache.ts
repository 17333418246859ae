import { LRUCache } from 'lru-cache'
import { toFailure } from '../../errors/index.ts'
import { untilAborted } from '../../lib/until-aborted.ts'
import type { GraphReader } from '../graph-client/index.ts'
import { type Health, readHealth } from './read-health.ts'

/** An incident changes within minutes, and several questions about one follow each other. */
const ttlMs = 2 * 60_000
const defaultMaxBytes = 16 * 1024 * 1024

export interface HealthOptions {
  /** Without issues that are resolved. */
  readonly activeOnly: boolean
  /** Read again. */
  readonly fresh?: boolean
  /** A caller that goes away stops waiting. */
  readonly signal?: AbortSignal
}

export interface HealthReading extends Health {
  /** Absent where it was read for this question. */
  readonly ageSeconds?: number
}

interface Entry {
  readonly health: Health
  readonly readAtMs: number
}

/** The health of services as each user may see it, cached for each credential alone. */
export function createHealthCache({
  maxBytes = defaultMaxBytes,
  now = () => performance.now(),
}: {
  readonly maxBytes?: number
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number
} = {}) {
  const cached = new LRUCache<string, Entry>({
    maxSize: maxBytes,
    sizeCalculation: ({ health }) => 200 + 2 * JSON.stringify(health).length,
  })
  const loading = new Map<string, Promise<Entry>>()

  async function load({ graph }: GraphReader, activeOnly: boolean): Promise<Entry> {
    const readAtMs = now()
    return { health: await readHealth(graph, activeOnly), readAtMs }
  }

  function drop(credentialHash: string) {
    for (const activeOnly of [true, false]) {
      cached.delete(keyOf(credentialHash, activeOnly))
      loading.delete(keyOf(credentialHash, activeOnly))
    }
  }

  /** Starts a load, or joins the one that has begun. What is dropped meanwhile is not cached. */
  function loadOnce(key: string, reader: GraphReader, activeOnly: boolean): Promise<Entry> {
    const joined = loading.get(key)
    if (joined !== undefined) return joined
    const isCurrent = () => loading.get(key) === started
    const started = load(reader, activeOnly)
      .then((entry) => {
        if (isCurrent()) cached.set(key, entry)
        return entry
      })
      .catch((error: unknown) => {
        // The role is gone: what was read with it is not shown again.
        if (isCurrent() && toFailure(error).reason === 'graph_forbidden') drop(reader.credentialHash)
        throw error
      })
      .finally(() => {
        if (isCurrent()) loading.delete(key)
      })
    loading.set(key, started)
    return started
  }

  return {
    /** @throws {Failure} any of the `graph_…` reasons; `call_cancelled` */
    async read(reader: GraphReader, { activeOnly, fresh = false, signal }: HealthOptions): Promise<HealthReading> {
      const key = keyOf(reader.credentialHash, activeOnly)
      const entry = cached.get(key)
      const ageMs = entry === undefined ? Number.POSITIVE_INFINITY : now() - entry.readAtMs
      if (entry !== undefined && !fresh && ageMs < ttlMs) {
        return { ...entry.health, ageSeconds: Math.floor(ageMs / 1000) }
      }
      return (await untilAborted(loadOnce(key, reader, activeOnly), signal)).health
    },
    /** Forgets what was read with a credential, and what is being read. */
    drop,
    /** Forgets what is too old to answer with. */
    sweep() {
      for (const [key, { readAtMs }] of cached.entries()) if (now() - readAtMs >= ttlMs) cached.delete(key)
    },
    get size() {
      return cached.size
    },
  }
}

function keyOf(credentialHash: string, activeOnly: boolean): string {
  return `${credentialHash} ${activeOnly ? 'active' : 'all'}`
}
