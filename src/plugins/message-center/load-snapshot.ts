/** Reads the parts of a snapshot from Graph, which are the listing of posts and their bodies. */

import { Failure } from '../../errors/index.ts'
import type { GraphSession } from '../graph-client/index.ts'
import { type Body, toBody } from './body.ts'
import type { GraphMessage } from './message.ts'
import { type Post, toPost } from './post.ts'
import { readBodies, readListing } from './read-messages.ts'
import { carryOver, hasAllBodies, isCurrent, type Snapshot } from './snapshot.ts'

/** What is held already, by the key of its content. */
export interface Held {
  post(key: string): Post | undefined
  body(key: string): Body | undefined
}

/** What changed is read alone up to this many posts. */
const fewPosts = 100

/**
 * Reads the listing. Bodies come with it where it is the first and they are wanted; else from the snapshot before it, for
 * the posts that have not changed.
 *
 * @throws {Failure} what Graph says
 */
export async function loadListing(
  graph: GraphSession,
  {
    earlier,
    withBodies,
    readAtMs,
    held,
  }: {
    readonly earlier: Snapshot | undefined
    readonly withBodies: boolean
    readonly readAtMs: number
    readonly held: Held
  },
): Promise<Snapshot> {
  const messages = await readListing(graph, { withBodies: withBodies && earlier === undefined })
  const posts = messages.map((message) => toPost(message, held.post))
  // Without `$select` bodies come, whether wanted or not.
  const areWithBodies = messages.some(({ body }) => body !== undefined)
  const bodies = areWithBodies ? messages.map((message) => toBody(message, held.body)) : carryOver(posts, earlier)
  return { posts, bodies, readAtMs }
}

/**
 * Reads the bodies of posts that have none: of a few, these alone.
 *
 * @returns the snapshot without the posts that have left the Message Center since they were listed
 * @throws {Failure} what Graph says
 */
export async function loadMissingBodies(graph: GraphSession, listed: Snapshot, held: Held): Promise<Snapshot> {
  const missing = listed.bodies.filter((body) => body === undefined).length
  let snapshot = listed
  if (missing <= fewPosts && missing < listed.posts.length) {
    snapshot = withBodies(listed, await readBodies(graph, missing).catch(ignoreRejectedQuery), held)
    if (hasAllBodies(snapshot)) return snapshot
  }
  return withoutGone(withBodies(snapshot, await readBodies(graph), held, true))
}

/** @param isLast takes a body that is older than its listing: Graph has none that is newer */
function withBodies(snapshot: Snapshot, messages: readonly GraphMessage[], held: Held, isLast = false): Snapshot {
  const byId = new Map(messages.map((message) => [message.id, message]))
  const bodies = snapshot.posts.map((post, i) => {
    const known = snapshot.bodies[i]
    const message = byId.get(post.id)
    if (known !== undefined || message === undefined) return known
    const read = toBody(message, held.body)
    return isLast || isCurrent(read, post) ? read : undefined
  })
  return { ...snapshot, bodies }
}

function withoutGone({ posts, bodies, readAtMs }: Snapshot): Snapshot {
  const isThere = (_: unknown, i: number) => bodies[i] !== undefined
  return { posts: posts.filter(isThere), bodies: bodies.filter(isThere), readAtMs }
}

/** Graph may not sort, or not by this field: then all bodies are read. */
function ignoreRejectedQuery(error: unknown): GraphMessage[] {
  if (error instanceof Failure && error.reason === 'graph_bad_request') return []
  throw error
}
