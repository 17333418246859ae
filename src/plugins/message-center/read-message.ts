import { Failure } from '../../errors/index.ts'
import type { MessageCenter } from './index.ts'
import type { Match } from './query.ts'
import type { Reading, ReadOptions } from './snapshots.ts'

/** What was read within this time is not read again for an id that is not there. */
const recentMs = 60_000

/** The Message Center, read again where it lacks a message that is asked for by id and may have been posted since. */
export async function readWith(
  ids: readonly string[],
  messageCenter: MessageCenter,
  options: Parameters<MessageCenter['read']>[0] = {},
): Promise<Reading> {
  const reading = await messageCenter.read(options)
  const isThere = (id: string) => reading.posts.some((post) => post.id === id)
  if (options.fresh === true || ids.every(isThere)) return reading
  return messageCenter.read({ ...options, maxAgeMs: recentMs })
}

/**
 * One message, with its body unless that is not wanted.
 *
 * @throws {Failure} `graph_not_found`: it has expired, or never was, or is not shown to this user; and what `read` throws
 */
export async function readMessage(
  messageCenter: MessageCenter,
  id: string,
  options: Pick<ReadOptions, 'fresh' | 'bodies' | 'signal'>,
): Promise<{ found: Match; reading: Reading }> {
  const reading = await readWith([id], messageCenter, { bodies: true, ...options })
  const index = reading.posts.findIndex((post) => post.id === id)
  const post = reading.posts[index]
  if (post === undefined) throw new Failure('graph_not_found')
  return { found: { post, body: reading.bodies[index] }, reading }
}
