import { randomBytes } from 'node:crypto'
import type { SharedStore } from '../redis/index.ts'
import { type CallLimit, shareOf, type WindowView } from './call-log.ts'

/**
 * The rule of call-log.ts over the calls of all replicas, by the store's clock, in one step that nothing comes between.
 *
 * KEYS: the calls of everybody and those of this user, sorted sets of ids by time. ARGV: the ids of this call in either,
 * whether it may be entered, then for each limit its window in ms, its calls and one user's share of them. Gives three
 * numbers a limit: all, own, wait in ms; and, where the call does not fit, the ids and times that are to blame, from both.
 */
const script = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- The time of the nth oldest of both lists together; a list has members and times in turn.
local function nth(n, a, b)
  local i, j, last = 2, 2, now
  for _ = 1, n do
    local x, y = tonumber(a[i]), tonumber(b[j])
    if x == nil and y == nil then return last end
    if y == nil or (x ~= nil and x <= y) then last, i = x, i + 2 else last, j = y, j + 2 end
  end
  return last
end

local longest, most, fits, views = 0, 0, true, {}
for i = 4, #ARGV, 3 do
  local ms, limit, share = tonumber(ARGV[i]), tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local since = '(' .. string.format('%.0f', now - ms)
  local all = redis.call('ZCOUNT', KEYS[1], since, '+inf')
  local own = redis.call('ZCOUNT', KEYS[2], since, '+inf')
  local excess, ownExcess, wait = all + own - limit + 1, own - share + 1, 0
  local function oldest(key, count)
    return redis.call('ZRANGEBYSCORE', key, since, '+inf', 'WITHSCORES', 'LIMIT', 0, count)
  end
  if excess > 0 then wait = nth(excess, oldest(KEYS[1], excess), oldest(KEYS[2], excess)) + ms - now end
  if ownExcess > 0 then wait = math.max(wait, nth(ownExcess, oldest(KEYS[2], ownExcess), {}) + ms - now) end
  if excess > 0 or ownExcess > 0 then fits = false end
  longest, most = math.max(longest, ms), math.max(most, limit)
  for _, value in ipairs({ all, own, wait }) do views[#views + 1] = value end
end

local ids = {}
for i, key in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('%.0f', now - longest))
  if fits and ARGV[3] == '1' then
    redis.call('ZADD', key, now, ARGV[i])
    redis.call('PEXPIRE', key, longest)
  end
  -- One more than there can be: the limits hold for those that replicas enter.
  ids[i] = fits and {} or redis.call('ZRANGE', key, 0, most, 'WITHSCORES')
end
return { views, ids[1], ids[2] }
`

/** As far as the clocks of a replica and of Redis may differ. */
const clocksDifferByMs = 5 * 60_000

/**
 * The calls of all replicas, in the store that they share. It learns users as they are given: hashes.
 *
 * Ids carry when the call was made and a tag. Where a call does not fit, those to blame have to be a replica's, or
 * whoever can write to the store could spend the budget: the store does not count then.
 */
export function createSharedCallLog(
  limits: readonly CallLimit[],
  store: Pick<SharedStore, 'ask' | 'key' | 'tag' | 'isTagged' | 'foundForged'>,
) {
  const replica = randomBytes(9).toString('base64url')
  const everybody = store.key('{graph-budget}:calls')
  const limitArguments = limits.flatMap((limit) => [limit.ms, limit.calls, shareOf(limit)])
  const most = Math.max(...limits.map(({ calls }) => calls))
  let calls = 0

  function isGenuine(key: string, id: string, atMs: number): boolean {
    const [, call = '', time = '', tag = ''] = /^([\w-]+:\d+:([0-9a-z]+)):([\w-]*)$/.exec(id) ?? []
    return store.isTagged(key, call, tag) && Math.abs(atMs - Number.parseInt(time, 36)) <= clocksDifferByMs
  }

  /** @param idsAndTimes as ZRANGE WITHSCORES gives them */
  function areGenuine(key: string, idsAndTimes: readonly string[]): boolean {
    if (idsAndTimes.length > most * 2) return false
    for (let i = 0; i < idsAndTimes.length; i += 2) {
      if (!isGenuine(key, String(idsAndTimes[i]), Number(idsAndTimes[i + 1]))) return false
    }
    return true
  }

  /**
   * The windows, in the order of the limits, as this user finds them. Where all of them admit the call it has been
   * entered, unless it must not be.
   *
   * @returns undefined where the store does not answer, or has been tampered with
   */
  return async function take(user: string, mayEnter: boolean): Promise<WindowView[] | undefined> {
    const keys = [everybody, `${everybody}:${user}`] as const
    const call = `${replica}:${++calls}:${Date.now().toString(36)}`
    const ids = keys.map((key) => `${call}:${store.tag(key, call)}`)
    const answer = await store.ask((redis) =>
      redis.eval(script, 2, ...keys, ...ids, mayEnter ? 1 : 0, ...limitArguments),
    )
    if (!Array.isArray(answer)) return undefined
    const [views, ...blamed] = answer as [number[], string[], string[]]
    if (!keys.every((key, i) => areGenuine(key, blamed[i] ?? []))) {
      store.foundForged('graph-budget')
      return undefined
    }
    return limits.map((_, i) => {
      const [all = 0, own = 0, waitMs = 0] = views.slice(i * 3, i * 3 + 3).map(Number)
      return { all, own, waitMs }
    })
  }
}
