import type { Body } from './body.ts'
import { createPool } from './pool.ts'
import type { Post } from './post.ts'
import type { Snapshot } from './snapshot.ts'

/** A snapshot's own arrays: two references a post. */
const bytesPerPost = 16

/**
 * A snapshot for each credential, least recently used first. Equal posts and bodies are held once for all whose own token
 * was shown them; nothing else is shared.
 *
 * @template Entry what else is known of a credential
 */
export function createHeldSnapshots<Entry extends { snapshot?: Snapshot }>(create: () => Entry) {
  const entries = new Map<string, Entry>()
  const posts = createPool<Post>()
  const bodies = createPool<Body>()
  let references = 0

  const bytes = () => posts.bytes + bodies.bytes + references * bytesPerPost

  function release({ snapshot }: Entry) {
    if (snapshot === undefined) return
    for (const post of snapshot.posts) posts.release(post)
    for (const body of snapshot.bodies) if (body !== undefined) bodies.release(body)
    references -= snapshot.posts.length
  }

  function drop(credentialHash: string) {
    const entry = entries.get(credentialHash)
    if (entry === undefined) return
    entries.delete(credentialHash)
    release(entry)
    delete entry.snapshot
  }

  return {
    find: (credentialHash: string): Entry | undefined => entries.get(credentialHash),
    /** The entry of a credential, now the most recently used. */
    use(credentialHash: string): Entry {
      const entry = entries.get(credentialHash) ?? create()
      entries.delete(credentialHash)
      entries.set(credentialHash, entry)
      return entry
    },
    /** Holds a snapshot in place of the one before it; one of a credential that was dropped meanwhile is not held. */
    hold(credentialHash: string, entry: Entry, snapshot: Snapshot): Snapshot {
      if (entries.get(credentialHash) !== entry) return snapshot
      const held: Snapshot = {
        posts: snapshot.posts.map((post) => posts.hold(post)),
        bodies: snapshot.bodies.map((body) => body && bodies.hold(body)),
        readAtMs: snapshot.readAtMs,
      }
      references += held.posts.length
      release(entry)
      entry.snapshot = held
      return held
    },
    drop,
    /** Drops those that may go, the least recently used first, until the others are within their size. */
    evict(maxBytes: number, mayGo: (credentialHash: string, entry: Entry) => boolean) {
      for (const [credentialHash, entry] of entries) {
        if (bytes() <= maxBytes) return
        if (mayGo(credentialHash, entry)) drop(credentialHash)
      }
    },
    dropWhere(isExpired: (entry: Entry) => boolean) {
      for (const [credentialHash, entry] of entries) if (isExpired(entry)) drop(credentialHash)
    },
    post: posts.find,
    body: bodies.find,
    get size() {
      return entries.size
    },
    get bytes() {
      return bytes()
    },
  }
}
