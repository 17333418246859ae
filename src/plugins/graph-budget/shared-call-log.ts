import { randomBytes } from 'node:crypto'
import type { SharedStore } from '../redis.ts'
import type { CallLimit, WindowView } from './call-log.ts'

/**
 * The rule of call-log.ts over the calls of all replicas, by the store's clock, in one step that nothing comes between.
 *
 * KEYS: the calls of everybody and those of this user, sorted sets of ids by time. ARGV: the id of this call, whether it
 * may be entered, then for each limit its window in ms and its calls. Gives three numbers a limit: all, own, wait in ms.
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

local longest, fits, views = 0, true, {}
for i = 3, #ARGV, 2 do
  local ms, limit = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
  local since = '(' .. string.format('%.0f', now - ms)
  local all = redis.call('ZCOUNT', KEYS[1], since, '+inf')
  local own = redis.call('ZCOUNT', KEYS[2], since, '+inf')
  local excess, wait = all + own - limit + 1, 0
  if excess > 0 then
    fits = false
    local function oldest(key)
      return redis.call('ZRANGEBYSCORE', key, since, '+inf', 'WITHSCORES', 'LIMIT', 0, excess)
    end
    wait = nth(excess, oldest(KEYS[1]), oldest(KEYS[2])) + ms - now
  end
  longest = math.max(longest, ms)
  for _, value in ipairs({ all, own, wait }) do views[#views + 1] = value end
end

for _, key in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('%.0f', now - longest))
  if fits and ARGV[2] == '1' then
    redis.call('ZADD', key, now, ARGV[1])
    redis.call('PEXPIRE', key, longest)
  end
end
return views
`

/** The calls of all replicas, in the store that they share. It learns users as they are given: hashes. */
export function createSharedCallLog(limits: readonly CallLimit[], store: Pick<SharedStore, 'ask' | 'key'>) {
  const replica = randomBytes(9).toString('base64url')
  const everybody = store.key('{graph-budget}:calls')
  const limitArguments = limits.flatMap(({ ms, calls }) => [ms, calls])
  let calls = 0

  /**
   * The windows, in the order of the limits, as this user finds them. Where all of them admit the call it has been
   * entered, unless it must not be.
   *
   * @returns undefined where the store does not answer
   */
  return async function take(user: string, mayEnter: boolean): Promise<WindowView[] | undefined> {
    const id = `${replica}:${++calls}`
    const answer = await store.ask((redis) =>
      redis.eval(script, 2, everybody, `${everybody}:${user}`, id, mayEnter ? 1 : 0, ...limitArguments),
    )
    if (!Array.isArray(answer)) return undefined
    return limits.map((_, i) => {
      const [all = 0, own = 0, waitMs = 0] = answer.slice(i * 3, i * 3 + 3).map(Number)
      return { all, own, waitMs }
    })
  }
}
