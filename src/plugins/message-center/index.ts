import { getHeapStatistics } from 'node:v8'
import fp from 'fastify-plugin'
import pLimit from 'p-limit'
import type { Configured } from '../../config/index.ts'
import { toFailure } from '../../errors/index.ts'
import type { GraphReader, GraphSession } from '../graph-client/index.ts'
import { type BodyPart, toBody } from './body.ts'
import type { ViewPoint } from './message.ts'
import { toPost } from './post.ts'
import { prepareAll } from './prepare.ts'
import { type RawQuery, readListing } from './read-messages.ts'
import { createSnapshots, isRevoking, type Reading, type ReadOptions, type Snapshots } from './snapshots.ts'

/** A quarter of the heap that V8 allows itself, as in a small container. */
const maxBytes = Math.min(512 * 1024 * 1024, getHeapStatistics().heap_size_limit / 4)
/**
 * A load holds some megabytes of JSON while it is read, for as many seconds as Graph takes: so many serve all that a
 * quota of four calls a second admits, and let some hang without the others waiting for them.
 */
const loadsAtOnce = 24
const sweepEveryMs = 5 * 60_000

interface Parts {
  /** What is needed of all bodies. */
  readonly parts?: readonly BodyPart[]
}

/** The signed-in user's Message Center. */
export interface MessageCenter {
  /**
   * As the user sees it now, or saw it some minutes ago, with those parts of all bodies ready.
   *
   * @throws {Failure} any of the `graph_…` reasons where there is nothing to answer with; `call_cancelled`
   */
  read(wanted?: ReadOptions & Parts): Promise<Reading>
  /** The messages that a filter in OData finds: a call to Graph each time. @throws {Failure} what Graph says */
  find(query: RawQuery & Parts & { readonly bodies?: boolean }, graph: GraphSession): Promise<Reading>
  /** What the user did with messages, for the time until they are read again. */
  setViewPoint(ids: readonly string[], change: ViewPoint): void
}

/** The Message Center as one reader sees it. */
export function messageCenterOf(snapshots: Snapshots, reader: GraphReader): MessageCenter {
  return {
    async read({ parts = [], bodies = parts.length > 0, ...wanted } = {}) {
      const reading = await snapshots.read(reader, { ...wanted, bodies })
      return parts.length > 0 ? { ...reading, bodies: await prepareAll(reading.bodies, parts) } : reading
    },
    async find({ parts = [], bodies: withBodies = parts.length > 0, ...query }, graph) {
      const messages = await readListing(graph, { ...query, withBodies }).catch((error: unknown) => {
        if (isRevoking(toFailure(error))) snapshots.drop(reader.credentialHash)
        throw error
      })
      const posts = messages.map((message) => toPost(message, () => undefined))
      const bodies = messages.map((message) => (withBodies ? toBody(message, () => undefined) : undefined))
      return { posts, bodies: await prepareAll(bodies, parts) }
    },
    setViewPoint: (ids, change) => snapshots.setViewPoint(reader.credentialHash, ids, change),
  }
}

declare module 'fastify' {
  interface FastifyInstance {
    messageCenter: {
      /** The Message Center of whoever the credential belongs to. */
      of(reader: GraphReader): MessageCenter
      /** Forgets what was read with a credential that Graph accepts no longer. */
      drop(credentialHash: string): void
      readonly stats: Snapshots['stats'] & { readonly maxBytes: number }
    }
  }
}

/** Messages read once for each signed-in user, and questions answered from memory. */
export const messageCenter = fp<Configured>(
  async (app, { config: { graph } }) => {
    const { callsPerHour } = graph
    const snapshots = createSnapshots({
      ttlMs: graph.cacheTtlMs,
      maxBytes,
      quotaLeft: () => (callsPerHour === undefined ? 1 : (app.graphQuota.left['hour'] ?? callsPerHour) / callsPerHour),
      limit: pLimit(loadsAtOnce),
    })
    const sweeping = setInterval(snapshots.sweep, sweepEveryMs).unref()
    app.decorate('messageCenter', {
      of: (reader: GraphReader) => messageCenterOf(snapshots, reader),
      drop: snapshots.drop,
      get stats() {
        return { ...snapshots.stats, maxBytes }
      },
    })
    app.addHook('onClose', async () => clearInterval(sweeping))
  },
  { name: 'message-center', dependencies: ['graph-quota'] },
)
