import type { Body } from './body.ts'
import type { Filter } from './filters.ts'
import type { Post } from './post.ts'
import type { Reading } from './snapshots.ts'

/** A post with its body, where that was read. */
export interface Match {
  readonly post: Post
  readonly body: Body | undefined
}

/** The posts that pass all filters, in the order of the reading. */
export function matching(
  { posts, bodies }: Pick<Reading, 'posts' | 'bodies'>,
  filters: readonly Pick<Filter, 'test'>[],
): Match[] {
  return posts
    .map((post, i) => ({ post, body: bodies[i] }))
    .filter(({ post, body }) => filters.every(({ test }) => test(post, body)))
}
