import { type Body, toBody } from '../../../src/plugins/message-center/body.ts'
import type { Milestone } from '../../../src/plugins/message-center/milestones/index.ts'
import { type Post, toPost } from '../../../src/plugins/message-center/post.ts'
import type { Match } from '../../../src/plugins/message-center/query.ts'

export type Fields = Readonly<Record<string, unknown>>

/** A post as Graph has it with these fields, `MC1` unless they say otherwise. */
export function postOf(fields: Fields = {}): Post {
  return toPost({ id: 'MC1', ...fields }, () => undefined)
}

/** A body with milestones that a test knows, however they are found in texts. */
export function bodyOf(content: string, milestones: readonly Milestone[] = []): Body {
  const body = toBody({ id: 'MC1', body: { contentType: 'html', content } }, () => undefined)
  body.prepare(['text', 'words'])
  return { ...body, dates: { milestones, isCancelled: false }, isPrepared: () => true }
}

export function milestone(
  kind: Milestone['kind'],
  days: Pick<Milestone, 'start' | 'end'>,
  text = 'A line.',
): Milestone {
  return { kind, ...days, text }
}

export function foundOf(fields: Fields = {}, body?: Body): Match {
  return { post: postOf(fields), body }
}

/** What a snapshot has of these. */
export function readingOf(found: readonly Match[]) {
  return { posts: found.map(({ post }) => post), bodies: found.map(({ body }) => body) }
}
