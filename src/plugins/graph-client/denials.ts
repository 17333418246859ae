import { hash } from 'node:crypto'
import { type Failure, withWait } from '../../errors/index.ts'
import { createLru } from '../../lib/lru.ts'
import type { GraphCaller } from '../graph-quota/index.ts'

/** A role that was given counts some minutes later; until then asking again only costs the tenant calls. */
const sameTokenMs = 300_000
/** Roles and consent count in new tokens, so one is tried: seldom enough that signing in over and over costs little. */
const otherTokenMs = 60_000

const maxDenials = 10_000

interface Denial {
  readonly failure: Failure
  readonly token: string
  readonly atMs: number
}

type Reader = Pick<GraphCaller, 'accessToken' | 'user'>

/**
 * Caches Graph's 403 responses for some minutes: a user without a role costs the tenant's quota no more than a call a minute.
 * Each is about one method and collection, such as `GET /admin/serviceAnnouncement/messages`: for others another permission
 * may be there.
 */
export function createDenials(now: () => number) {
  const denials = createLru<Denial>(maxDenials)

  return {
    /** @throws {Failure} `graph_forbidden`, where Graph sent a 403 lately */
    check(reader: Reader, resource: string) {
      const denial = denials.get(keyOf(reader, resource))
      if (denial === undefined) return
      const lastsMs = denial.token === hashed(reader.accessToken) ? sameTokenMs : otherTokenMs
      const leftMs = denial.atMs + lastsMs - now()
      if (leftMs > 0) throw withWait(denial.failure, leftMs)
    },
    /** The failure of a call, as the caller gets it. */
    remember(reader: Reader, resource: string, failure: Failure): Failure {
      if (failure.reason !== 'graph_forbidden') return failure
      denials.set(keyOf(reader, resource), { failure, token: hashed(reader.accessToken), atMs: now() })
      return withWait(failure, sameTokenMs)
    },
    forget(reader: Reader, resource: string) {
      denials.delete(keyOf(reader, resource))
    },
  }
}

/** A method and a collection of Graph: its items need what it needs. */
function keyOf(reader: Reader, resource: string): string {
  return `${reader.user ?? hashed(reader.accessToken)} ${resource.split('/').slice(0, 4).join('/')}`
}

function hashed(token: string): string {
  return hash('sha256', token, 'base64url')
}
