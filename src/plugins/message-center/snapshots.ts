import { Failure, type Reason, toFailure } from '../../errors/index.ts'
import { beforeDeadline } from '../../lib/deadline.ts'
import { untilAborted } from '../../lib/until-aborted.ts'
import type { GraphReader } from '../graph-client/index.ts'
import { createHeldSnapshots } from './held-snapshots.ts'
import { loadListing, loadMissingBodies } from './load-snapshot.ts'
import type { ViewPoint } from './message.ts'
import { withViewPoint } from './post.ts'
import { hasABody, hasAllBodies, type Snapshot } from './snapshot.ts'

export interface ReadOptions {
  /** Read again, and join no load that has begun already. */
  readonly fresh?: boolean
  /** With the bodies of all posts; `optional`: if they cannot be read, without. */
  readonly bodies?: boolean | 'optional'
  /** Read again where it is older than this, even if younger than usual. */
  readonly maxAgeMs?: number
  /** A caller that goes away stops waiting. */
  readonly signal?: AbortSignal
}

/** A snapshot, and how much it is to be trusted. */
export interface Reading extends Pick<Snapshot, 'posts' | 'bodies'> {
  /** Seconds since it was read; absent where it was read for this question. */
  readonly ageSeconds?: number
  /** It should have been read again, and could not be. */
  readonly stale?: true
}

export interface SnapshotsOptions {
  /** How old a snapshot may be before it is read again, while the quota is plentiful; 0: every question reads. */
  readonly ttlMs: number
  readonly maxBytes: number
  /** The share of the hour's calls to Graph that is left, 0 to 1. */
  readonly quotaLeft: () => number
  /** Runs a load when there is room for it. */
  readonly limit?: <T>(load: () => Promise<T>) => Promise<T>
  /** How long a question waits for a refresh before it is answered by what there is. */
  readonly patienceMs?: number
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number
  /** From 0 to 1. */
  readonly random?: () => number
}

/** Older than this, nothing is answered by a snapshot, whatever Graph does. */
export const longestAgeMs = 3_600_000
/** From this share of the hour's calls on, snapshots live longer than usual; at the lower one, as long as they may. */
const savingFrom = 0.75
const savingAll = 0.25
/** Jitter: each expires up to this share earlier, so that snapshots loaded together are not loaded together again. */
const maxJitter = 0.1
/** After a failed refresh, until the next, unless Graph said how long. */
const retryAfterMs = 15_000

/** Of one credential within an hour: a listing takes seconds, and none that misses more is likely. */
const maxChanges = 100

const revoking: readonly Reason[] = ['graph_token_rejected', 'graph_claims_required', 'graph_forbidden']

/** Whether a credential no longer reads the Message Center: what was read with it is not shown again. */
export function isRevoking({ reason }: Failure): boolean {
  return revoking.includes(reason)
}

interface Load {
  readonly bodies: boolean
  readonly promise: Promise<Snapshot>
}

interface Queued {
  fresh: boolean
  bodies: boolean
  readonly promise: Promise<Snapshot>
}

/** What a user did with messages, which a listing that began to be read before may not have. */
interface Change {
  readonly ids: ReadonlySet<string>
  readonly viewPoint: ViewPoint
  readonly atMs: number
}

/** What is known of one credential. */
interface Entry {
  /** The share of the usual lifetime after which it expires: 1 less its jitter. */
  readonly lifetimeShare: number
  snapshot?: Snapshot
  /** Of the last hour. */
  changes?: readonly Change[]
  /** What is being read, and what is to be read after it. */
  loading?: Load | undefined
  queued?: Queued | undefined
  failure?: { readonly failure: Failure; readonly untilMs: number } | undefined
}

export type Snapshots = ReturnType<typeof createSnapshots>

/**
 * A snapshot of the Message Center for each credential: read once, by however many ask, and again when it is old.
 *
 * Bounded by bytes, least recently used first. Equal posts and bodies are held once for all whose own token was shown
 * them; nothing else is shared.
 */
export function createSnapshots({
  ttlMs,
  maxBytes,
  quotaLeft,
  limit = (load) => load(),
  patienceMs = 3_000,
  now = () => performance.now(),
  random = Math.random,
}: SnapshotsOptions) {
  const held = createHeldSnapshots<Entry>(() => ({ lifetimeShare: 1 - maxJitter * random() }))
  const stats = { hit: 0, joined: 0, loaded: 0, stale: 0, failed: 0 }

  /** The shorter the quota, the longer a snapshot lives. */
  function lifetimeMs({ lifetimeShare }: Entry): number {
    if (ttlMs === 0) return 0
    const saving = Math.min(Math.max((savingFrom - quotaLeft()) / (savingFrom - savingAll), 0), 1)
    return (ttlMs + saving * (longestAgeMs - ttlMs)) * lifetimeShare
  }

  function hold(credentialHash: string, entry: Entry, snapshot: Snapshot): Snapshot {
    const { changes = [] } = entry
    const missed = changes.filter(({ atMs }) => snapshot.readAtMs <= atMs)
    if (missed.length === 0) return held.hold(credentialHash, entry, snapshot)
    const posts = snapshot.posts.map((post) =>
      missed
        .filter(({ ids }) => ids.has(post.id))
        .reduce((seen, { viewPoint }) => withViewPoint(seen, viewPoint), post),
    )
    return held.hold(credentialHash, entry, { ...snapshot, posts })
  }

  /** Starts a load, or joins one that brings all that is wanted. */
  function load(reader: GraphReader, entry: Entry, { fresh = false, bodies = false }: ReadOptions): Promise<Snapshot> {
    const { loading, queued } = entry
    const withBodies = bodies !== false
    if (loading === undefined) return start(reader, entry, fresh, withBodies)
    stats.joined++
    if (!fresh && (loading.bodies || !withBodies)) return loading.promise
    if (queued !== undefined) {
      queued.fresh ||= fresh
      queued.bodies ||= withBodies
      return queued.promise
    }
    const next: Queued = {
      fresh,
      bodies: withBodies,
      promise: loading.promise
        .catch(() => {})
        .then(() => {
          entry.queued = undefined
          return start(reader, entry, next.fresh, next.bodies)
        }),
    }
    entry.queued = next
    return next.promise
  }

  function start(reader: GraphReader, entry: Entry, fresh: boolean, withBodies: boolean): Promise<Snapshot> {
    stats.loaded++
    const promise = limit(() => refresh(reader, entry, fresh, withBodies))
      .catch((error: unknown) => {
        const failure = toFailure(error)
        stats.failed++
        if (isRevoking(failure) && held.find(reader.credentialHash) === entry) held.drop(reader.credentialHash)
        const waitMs = (failure.details.retryAfterSeconds ?? 0) * 1000 || retryAfterMs
        entry.failure = { failure, untilMs: now() + waitMs }
        throw failure
      })
      .finally(() => {
        entry.loading = undefined
        held.evict(maxBytes, (hash, { loading }) => hash !== reader.credentialHash && loading === undefined)
      })
    entry.loading = { bodies: withBodies, promise }
    return promise
  }

  async function refresh({ graph, credentialHash }: GraphReader, entry: Entry, fresh: boolean, withBodies: boolean) {
    let { snapshot } = entry
    const readAtMs = now()
    if (fresh || snapshot === undefined || readAtMs - snapshot.readAtMs >= lifetimeMs(entry)) {
      const listed = await loadListing(graph, { earlier: snapshot, withBodies, readAtMs, held })
      snapshot = hold(credentialHash, entry, listed)
    }
    if (withBodies && !hasAllBodies(snapshot)) {
      snapshot = hold(credentialHash, entry, await loadMissingBodies(graph, snapshot, held))
    }
    entry.failure = undefined
    return snapshot
  }

  function reading({ posts, bodies, readAtMs }: Snapshot, from: 'graph' | 'memory' | 'stale'): Reading {
    const ageSeconds = Math.floor((now() - readAtMs) / 1000)
    return { posts, bodies, ...(from !== 'graph' && { ageSeconds }), ...(from === 'stale' && { stale: true }) }
  }

  /** What there is to answer with where nothing can be read. */
  function lastResort(credentialHash: string, entry: Entry, bodies: ReadOptions['bodies']): Snapshot | undefined {
    const { snapshot } = entry
    if (snapshot === undefined || held.find(credentialHash) !== entry) return undefined
    if (bodies === true && !hasABody(snapshot)) return undefined
    return now() - snapshot.readAtMs < longestAgeMs ? snapshot : undefined
  }

  async function readAgain(reader: GraphReader, entry: Entry, wanted: ReadOptions): Promise<Reading> {
    const { fresh = false, bodies, signal } = wanted
    const last = () => lastResort(reader.credentialHash, entry, bodies)
    const { failure: recent } = entry
    try {
      if (recent !== undefined && now() < recent.untilMs && !fresh && last() !== undefined) throw recent.failure
      const work = load(reader, entry, wanted)
      const snapshot = last()
      // Without any body there is nothing better to answer with, but for a question that can do without.
      const isPatient = fresh || snapshot === undefined || (bodies === 'optional' && !hasABody(snapshot))
      const late = () => new Failure('graph_timeout')
      const loaded = isPatient ? work : beforeDeadline(work, { leftMs: patienceMs }, late)
      return reading(await untilAborted(loaded, signal), 'graph')
    } catch (error) {
      const failure = toFailure(error)
      const snapshot = failure.reason === 'call_cancelled' ? undefined : last()
      if (snapshot === undefined) throw failure
      if (!fresh && now() - snapshot.readAtMs < lifetimeMs(entry) && bodies === 'optional') {
        return reading(snapshot, 'memory')
      }
      stats.stale++
      return reading(snapshot, 'stale')
    }
  }

  return {
    /**
     * The Message Center as the reader sees it, from memory where that is young enough.
     *
     * Where it cannot be read again, what was read up to an hour ago is the answer, and says so.
     *
     * @throws {Failure} any of the `graph_…` reasons where there is nothing to answer with; `call_cancelled`
     */
    async read(reader: GraphReader, wanted: ReadOptions = {}): Promise<Reading> {
      const { fresh = false, bodies = false, maxAgeMs = Number.POSITIVE_INFINITY } = wanted
      const entry = held.use(reader.credentialHash)
      const { snapshot } = entry
      const ageMs = snapshot === undefined ? 0 : now() - snapshot.readAtMs
      const isTooOld = ageMs >= maxAgeMs
      if (snapshot === undefined || fresh || isTooOld)
        return readAgain(reader, entry, { ...wanted, fresh: fresh || isTooOld })
      if (ageMs >= lifetimeMs(entry) || (bodies !== false && !hasAllBodies(snapshot)))
        return readAgain(reader, entry, wanted)
      stats.hit++
      return reading(snapshot, 'memory')
    },
    /** What the user did with posts is seen before the next listing, and in one that is being read. */
    setViewPoint(credentialHash: string, ids: readonly string[], viewPoint: ViewPoint) {
      const entry = held.find(credentialHash)
      if (entry === undefined) return
      const atMs = now()
      const recent = (entry.changes ?? []).filter((change) => atMs - change.atMs < longestAgeMs)
      entry.changes = [...recent, { ids: new Set(ids), viewPoint, atMs }].slice(-maxChanges)
      if (entry.snapshot !== undefined) hold(credentialHash, entry, entry.snapshot)
    },
    /** Forgets what was read with a credential, and what is being read. */
    drop: held.drop,
    /** Forgets what is too old to answer with. */
    sweep() {
      const isTooOld = ({ readAtMs }: Snapshot) => now() - readAtMs >= longestAgeMs
      held.dropWhere(({ snapshot, loading }) => loading === undefined && (snapshot === undefined || isTooOld(snapshot)))
    },
    get stats() {
      return { reads: { ...stats }, snapshots: held.size, bytes: held.bytes }
    },
  }
}
