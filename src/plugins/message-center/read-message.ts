import { Failure } from '../../errors/index.ts'
import type { MessageCenter } from './index.ts'
import type { Found } from './query.ts'
import type { Reading, Wanted } from './snapshots.ts'

/** What was read within this time is not read again for an id that is not there. */
export const recentMs = 60_000

/**
 * One message, with its body unless that is not wanted.
 *
 * @throws {Failure} `graph_not_found`: it has expired, or never was, or is not shown to this user; and what `read` throws
 */
export async function readMessage(
  messageCenter: MessageCenter,
  id: string,
  wanted: Pick<Wanted, 'fresh' | 'bodies' | 'signal'>,
): Promise<{ found: Found; reading: Reading }> {
  for (const maxAgeMs of [Number.POSITIVE_INFINITY, recentMs]) {
    const reading = await messageCenter.read({ bodies: true, ...wanted, maxAgeMs })
    const index = reading.posts.findIndex((post) => post.id === id)
    const post = reading.posts[index]
    if (post !== undefined) return { found: { post, body: reading.bodies[index] }, reading }
    if (wanted.fresh) break
  }
  throw new Failure('graph_not_found')
}
