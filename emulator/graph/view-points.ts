/**
 * What one reader has done with one post.
 * @see https://learn.microsoft.com/graph/api/resources/serviceupdatemessageviewpoint
 */
export interface ViewPoint {
  isArchived: boolean
  isFavorited: boolean
  isRead: boolean
}

/** Per-user state. Where a user has changed nothing, a hash of (user, message) stands in for a history. */
export function createViewPoints() {
  const changes = new Map<string, Map<string, Partial<ViewPoint>>>()

  return {
    of(userId: string, messageId: string): ViewPoint {
      const seeded = seededViewPoint(userId, messageId)
      const changed = changes.get(userId)?.get(messageId)
      return changed === undefined ? seeded : { ...seeded, ...changed }
    },

    /** The seam for markRead, archive, favorite and their opposites. */
    change(userId: string, messageId: string, change: Partial<ViewPoint>): void {
      const own = changes.get(userId) ?? new Map<string, Partial<ViewPoint>>()
      changes.set(userId, own.set(messageId, { ...own.get(messageId), ...change }))
    },
  }
}

/** About half the posts read, a tenth favourite, one in twenty-five archived. */
function seededViewPoint(userId: string, messageId: string): ViewPoint {
  const hash = hash32(`${userId}/${messageId}`)
  return {
    isArchived: (hash >>> 20) % 25 === 0,
    isFavorited: (hash >>> 10) % 10 === 0,
    isRead: hash % 2 === 0,
  }
}

/** FNV-1a, then murmur3's finaliser: ids differ in their last digits only, which FNV alone mixes badly. */
function hash32(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
