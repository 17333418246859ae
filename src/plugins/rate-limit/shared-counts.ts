import { randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { SharedStore } from '../redis/index.ts'
import { type Count, windowAt } from './counts.ts'

/**
 * How long a replica keeps to itself what it let through. A caller who asks them all at once gets what they let through
 * meanwhile beyond the maximum; shorter would be more traffic than that is worth.
 */
const tellEveryMs = 200
/** Callers told of at a time, a millisecond of work here and another in Redis. Others wait for their turn. */
const toldAtOnce = 500
/** Callers that may wait to be told of; beyond them they wait for their next request. */
const waitingMax = 50_000

/**
 * For each key: writes this replica's count, and adds up those of all. One command costs a replica a small part
 * of what three for each caller do. Its keys have to share a slot of a cluster, hence the braces in them.
 */
const script = `
local totals = {}
for i, key in ipairs(KEYS) do
  redis.call('HSET', key, ARGV[1], ARGV[i + 2])
  redis.call('PEXPIRE', key, ARGV[2])
  local total = 0
  for _, count in ipairs(redis.call('HVALS', key)) do
    total = total + (tonumber(string.match(count, '^%d+')) or 0)
  end
  totals[i] = total
end
return totals`

/** For each key: what each replica has written, unless there are more than there can be replicas. */
const detailScript = `
local details = {}
for i, key in ipairs(KEYS) do
  details[i] = redis.call('HLEN', key) > 500 and {} or redis.call('HGETALL', key)
end
return details`

/** What a replica had let through when it was told. */
interface Told {
  readonly count: Count
  readonly window: number
  readonly own: number
  readonly key: string
}

export interface SharedCountsOptions {
  /** The part of the keys that says what is counted. */
  readonly by: string
  readonly windowMs: number
  /** Requests that a caller may make in a window. */
  readonly max: number
  readonly now?: () => number
}

/**
 * Tells the other replicas what this one let through, and hears from them, apart from any request.
 *
 * A caller's window is a hash in Redis with a field for each replica. A replica writes its whole count, so that what is
 * told twice, or told again to a Redis that lost it, is still right. A count that would refuse somebody has to be made of
 * counts that replicas wrote, which their tags prove: whoever can write to Redis cannot shut anybody out.
 */
export function shareCounts(
  store: Pick<SharedStore, 'ask' | 'key' | 'tag' | 'isTagged' | 'foundForged'>,
  { by, windowMs, max, now = Date.now }: SharedCountsOptions,
) {
  const replica = randomBytes(6).toString('base64url')
  const waiting = new Set<Count>()
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  function tellSoon() {
    if (!isClosed) timer ??= setTimeout(tell, tellEveryMs).unref()
  }

  async function tell() {
    const told = nextToTell()
    const totals = told.length > 0 ? await store.ask((redis) => exchange(redis, told)) : []
    for (const [i, { count, window, own }] of told.entries()) {
      if (count.window !== window) continue
      const total = totals?.[i]
      if (total === undefined) waiting.add(count)
      // Counts only grow: a smaller one is of a Redis that forgot.
      else count.others = Math.max(count.others, total - own)
    }
    timer = undefined
    if (waiting.size > 0) tellSoon()
  }

  /** Those that have waited longest; of windows that are over meanwhile nobody needs to know. */
  function nextToTell(): Told[] {
    const next: Told[] = []
    for (const count of waiting) {
      if (next.length === toldAtOnce) break
      waiting.delete(count)
      const { id, window, own } = count
      if (window !== windowAt(now(), count, windowMs)) continue
      next.push({ count, window, own, key: store.key(`{rate}:${by}:${id}:${window}`) })
    }
    return next
  }

  /** @returns what all replicas have let through, caller by caller */
  async function exchange(redis: Redis, told: readonly Told[]): Promise<number[]> {
    const keys = told.map(({ key }) => key)
    const counts = told.map(({ own, key }) => `${own}:${store.tag(`${key} ${replica}`, String(own))}`)
    const totals = (await redis.eval(script, keys.length, ...keys, replica, windowMs, ...counts)) as number[]
    const full = told.flatMap((one, i) => ((totals[i] ?? 0) >= max && one.own < max ? [i] : []))
    if (full.length === 0) return totals
    const fullKeys = full.map((i) => keys[i] ?? '')
    const details = (await redis.eval(detailScript, full.length, ...fullKeys)) as string[][]
    for (const [n, i] of full.entries()) {
      const genuine = genuineTotal(keys[i] ?? '', details[n] ?? [])
      const one = told[i]
      if (one !== undefined && genuine < (totals[i] ?? 0)) {
        store.foundForged('rate')
        one.count.others = 0
      }
      totals[i] = genuine
    }
    return totals
  }

  /** @param fields replica and count in turn, as HGETALL gives them */
  function genuineTotal(key: string, fields: readonly string[]): number {
    let total = 0
    for (let i = 0; i < fields.length; i += 2) {
      const [count = '', tag = ''] = (fields[i + 1] ?? '').split(':')
      if (/^\d{1,9}$/.test(count) && store.isTagged(`${key} ${fields[i]}`, count, tag)) total += Number(count)
    }
    return total
  }

  return {
    changed(count: Count) {
      if (waiting.size < waitingMax) waiting.add(count)
      tellSoon()
    },
    close() {
      isClosed = true
      clearTimeout(timer)
    },
  }
}
