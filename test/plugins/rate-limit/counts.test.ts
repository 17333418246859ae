import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Count, createCounts } from '../../../src/plugins/rate-limit/counts.ts'

const windowMs = 60_000

/** Counts on a clock that stands still until a test moves it, and what was told of each request let through. */
function build({ max = 3, scope = 'user' } = {}) {
  const clock = { nowMs: Date.UTC(2026, 10, 20) }
  const taken: Count[] = []
  const counts = createCounts({ scope, max, windowMs, now: () => clock.nowMs, onTaken: (count) => taken.push(count) })
  const isLetThrough = (caller: string) => counts.take(caller).current <= max
  return { ...counts, clock, taken, isLetThrough }
}

test('a caller has so many requests in a window, and others have theirs', () => {
  const { isLetThrough } = build()
  assert.deepEqual(
    Array.from({ length: 5 }, () => isLetThrough('one')),
    [true, true, true, false, false],
  )
  assert.equal(isLetThrough('other'), true)
})

test('a window ends when it was said to end, and not before', () => {
  const { take, isLetThrough, clock } = build({ max: 1 })
  const { ttl } = take('one')
  assert.ok(ttl > 0 && ttl <= windowMs)
  clock.nowMs += ttl - 1
  assert.equal(take('one').ttl, 1)
  assert.equal(isLetThrough('one'), false)
  clock.nowMs += 1
  assert.deepEqual(take('one'), { current: 1, ttl: windowMs })
})

test('replicas agree on a caller’s windows, whenever they first saw them', () => {
  const [first, second] = [build(), build()]
  const { ttl } = first.take('one')
  second.clock.nowMs += ttl - 500
  assert.equal(second.take('one').ttl, 500)
  assert.deepEqual([first.taken[0]?.id, first.taken[0]?.window], [second.taken[0]?.id, second.taken[0]?.window])
})

test('windows of many callers do not end at the same moment', () => {
  const { take } = build()
  const ends = Array.from({ length: 600 }, (_, i) => Math.floor(take(`caller ${i}`).ttl / 10_000))
  for (let tenSeconds = 0; tenSeconds < 6; tenSeconds++) {
    const share = ends.filter((end) => end === tenSeconds).length / ends.length
    assert.ok(share > 0.1 && share < 0.25, `${share} of them end in those ten seconds`)
  }
})

test('what the other replicas let through counts until the window is over', () => {
  const { take, isLetThrough, clock, taken } = build()
  const { ttl } = take('one')
  for (const count of taken) count.others = 1
  assert.deepEqual([isLetThrough('one'), isLetThrough('one')], [true, false])
  clock.nowMs += ttl
  assert.equal(take('one').current, 1)
})

test('a request that is refused takes nothing from anybody: it is neither counted nor told of', () => {
  const { isLetThrough, taken } = build({ max: 2 })
  for (let i = 0; i < 5; i++) isLetThrough('one')
  assert.equal(taken.length, 2)
  assert.equal(taken[0]?.own, 2)
})

test('the id of a caller names nobody, and is another in every scope', () => {
  const [users, addresses] = [build(), build({ scope: 'address' })]
  users.take('192.0.2.1')
  addresses.take('192.0.2.1')
  const ids = [users.taken[0]?.id, addresses.taken[0]?.id]
  for (const id of ids) assert.match(id ?? '', /^[\w-]{22}$/)
  assert.notEqual(ids[0], ids[1])
})

test('callers are kept within bounds, those who ask most', () => {
  const { take } = build({ max: 100_000 })
  take('gone')
  for (let i = 0; i < 50_000; i++) {
    take(`caller ${i}`)
    if (i % 10_000 === 0) take('regular')
  }
  assert.equal(take('regular').current, 6)
  assert.equal(take('gone').current, 1)
})
