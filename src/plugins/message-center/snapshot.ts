import type { Body } from './body.ts'
import type { Post } from './post.ts'

/** The Message Center as one credential is shown it, read at one time. */
export interface Snapshot {
  readonly posts: readonly Post[]
  /** By the index of their post; undefined where it has not been read, or not since the post changed. */
  readonly bodies: readonly (Body | undefined)[]
  /** When the listing began to be read, by a monotonic clock. */
  readonly readAtMs: number
}

export function hasAllBodies({ bodies }: Snapshot): boolean {
  return bodies.every((body) => body !== undefined)
}

/** Whether any has been read, or there are none to read. */
export function hasABody({ bodies }: Snapshot): boolean {
  return bodies.length === 0 || bodies.some((body) => body !== undefined)
}

/** The bodies of an earlier snapshot, for the posts that have not changed since. */
export function carryOver(posts: readonly Post[], earlier: Snapshot | undefined): (Body | undefined)[] {
  if (earlier === undefined) return posts.map(() => undefined)
  const byId = new Map(earlier.posts.map((post, i) => [post.id, earlier.bodies[i]]))
  return posts.map((post) => {
    const body = byId.get(post.id)
    return body !== undefined && isCurrent(body, post) ? body : undefined
  })
}

/**
 * Whether a body belongs to this version of a post. One that was read after the post changed once more is newer than its
 * listing, and stays until the listing says so too.
 */
export function isCurrent({ version }: Body, { message: { lastModifiedDateTime: listed } }: Post): boolean {
  if (listed === undefined || version === undefined) return false
  return version === listed || Date.parse(version) > Date.parse(listed)
}
