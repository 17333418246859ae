/**
 * A reader's state of a post. Graph declares each of these nullable.
 * @see https://learn.microsoft.com/graph/api/resources/serviceupdatemessageviewpoint
 */
export interface ViewPoint {
  isArchived: boolean | null
  isFavorited: boolean | null
  isRead: boolean | null
}

const untouched: ViewPoint = { isArchived: false, isFavorited: false, isRead: false }

/** The actions on posts, and what each changes. */
export const viewPointActions: Readonly<Record<string, Partial<ViewPoint>>> = {
  markRead: { isRead: true },
  markUnread: { isRead: false },
  archive: { isArchived: true },
  unarchive: { isArchived: false },
  favorite: { isFavorited: true },
  unfavorite: { isFavorited: false },
}

/** Per-user state; initial values are derived from a hash of user and message. */
export function createViewPoints() {
  const changes = new Map<string, Map<string, Partial<ViewPoint>>>()

  return {
    /** Null where the user never opened the post. */
    of(userId: string, messageId: string): ViewPoint | null {
      const seeded = seededViewPoint(userId, messageId)
      const changed = changes.get(userId)?.get(messageId)
      return changed === undefined ? seeded : { ...(seeded ?? untouched), ...changed }
    },

    /** For markRead, archive, favorite and their opposites. */
    change(userId: string, messageId: string, change: Partial<ViewPoint>): void {
      const own = changes.get(userId) ?? new Map<string, Partial<ViewPoint>>()
      changes.set(userId, own.set(messageId, { ...own.get(messageId), ...change }))
    },
  }
}

/**
 * Three posts in ten are unopened. Of the others most are read, a tenth is favourite and one in twenty-five archived;
 * one in eight has null for what was never set.
 */
function seededViewPoint(userId: string, messageId: string): ViewPoint | null {
  const hash = hash32(`${userId}/${messageId}`)
  if (hash % 10 < 3) return null
  const unset = (hash >>> 5) % 8 === 0 ? null : false
  return {
    isArchived: (hash >>> 20) % 25 === 0 || unset,
    isFavorited: (hash >>> 10) % 10 === 0 || unset,
    isRead: (hash >>> 15) % 4 !== 0 || unset,
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
