import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../../src/errors/index.ts'
import { type CachedCall, createResultCache, type ToolResult } from '../../../src/plugins/mcp/result-cache.ts'

const call: CachedCall = {
  credentialHash: 'a',
  tool: 'getMessages',
  args: { top: 5 },
  fresh: false,
  signal: new AbortController().signal,
}

function resultOf(structuredContent: Record<string, unknown>): ToolResult {
  return { structuredContent, text: JSON.stringify(structuredContent) }
}

/** A cache with a clock to set, and reads that are numbered. */
function setUp(options: { ttlMs?: number; maxBytes?: number } = {}) {
  let nowMs = 1_000_000
  let readings = 0
  const cache = createResultCache({ ttlMs: 60_000, ...options, now: () => nowMs })
  const read = async () => resultOf({ reading: ++readings })
  const ask = async (more: Partial<CachedCall> = {}, reading = read) => {
    const { structuredContent, text, ageSeconds } = await cache.get({ ...call, ...more }, reading)
    assert.deepEqual(JSON.parse(text), structuredContent)
    const { ageSeconds: told, ...own } = structuredContent
    assert.equal(told, ageSeconds)
    return [JSON.stringify(own), ageSeconds]
  }
  return { cache, ask, pass: (ms: number) => (nowMs += ms), readings: () => readings }
}

/** A reading that ends when it is told to. */
function slow() {
  let end: (result: ToolResult) => void = () => {}
  let fail: (error: unknown) => void = () => {}
  const result = new Promise<ToolResult>((resolve, reject) => {
    end = resolve
    fail = reject
  })
  return { read: () => result, end: (what: string) => end(resultOf({ what })), fail: (error: unknown) => fail(error) }
}

test('a result is served again with its age until it expires', async () => {
  const { ask, pass } = setUp()
  assert.deepEqual(await ask(), ['{"reading":1}', undefined])
  assert.deepEqual(await ask(), ['{"reading":1}', 0])
  pass(59_999)
  assert.deepEqual(await ask(), ['{"reading":1}', 59])
  pass(2)
  assert.deepEqual(await ask(), ['{"reading":2}', undefined])
})

for (const [name, other] of [
  ['credential', { credentialHash: 'b' }],
  ['tool', { tool: 'getMessage' }],
  ['argument', { args: { top: 6 } }],
] as const) {
  test(`another ${name} is another call`, async () => {
    const { ask } = setUp()
    await ask()
    assert.deepEqual(await ask(other), ['{"reading":2}', undefined])
    assert.deepEqual(await ask(), ['{"reading":1}', 0])
  })
}

test('fresh reads again, and its result replaces the cached one', async () => {
  const { ask } = setUp()
  await ask()
  assert.deepEqual(await ask({ fresh: true }), ['{"reading":2}', undefined])
  assert.deepEqual(await ask(), ['{"reading":2}', 0])
})

test('the age counts from the beginning of the read', async () => {
  const { ask, pass } = setUp()
  const reading = slow()
  const first = ask({}, reading.read)
  pass(7_000)
  reading.end('late')
  assert.deepEqual(await first, ['{"what":"late"}', undefined])
  assert.deepEqual(await ask(), ['{"what":"late"}', 7])
})

test('the same call at the same time is read once', async () => {
  const { ask, cache, readings } = setUp()
  assert.deepEqual(await Promise.all([ask(), ask(), ask()]), Array(3).fill(['{"reading":1}', undefined]))
  assert.equal(readings(), 1)
  assert.deepEqual(cache.stats.requests, { hit: 0, joined: 2, miss: 1 })
})

test('a fresh call is not served by a read that began before', async () => {
  const { ask } = setUp()
  const before = slow()
  const after = slow()
  const joinable = ask({}, before.read)
  const fresh = ask({ fresh: true }, after.read)
  after.end('after')
  assert.deepEqual(await fresh, ['{"what":"after"}', undefined])
  before.end('before')
  assert.deepEqual(await joinable, ['{"what":"before"}', undefined])
  assert.deepEqual(await ask(), ['{"what":"after"}', 0])
})

test('a client that goes away leaves the others their result', async () => {
  const { ask } = setUp()
  const reading = slow()
  const leaving = new AbortController()
  const left = ask({ signal: leaving.signal }, reading.read)
  const stays = ask({}, reading.read)
  leaving.abort()
  await assert.rejects(left, (error) => error instanceof Failure && error.reason === 'call_cancelled')
  reading.end('there')
  assert.deepEqual(await stays, ['{"what":"there"}', undefined])
})

test('a failure is not cached', async () => {
  const { ask, cache } = setUp()
  const reading = slow()
  const waiting = [ask({}, reading.read), ask({}, reading.read)]
  reading.fail(new Failure('graph_throttled'))
  for (const outcome of await Promise.allSettled(waiting)) assert.equal(outcome.status, 'rejected')
  assert.deepEqual(await ask(), ['{"reading":1}', undefined])
  assert.equal(cache.stats.entries, 1)
})

test('what is invalidated is not served, nor what was being read', async () => {
  const { ask, cache } = setUp()
  await ask()
  await ask({ credentialHash: 'ab' })
  const reading = slow()
  const running = ask({ args: {} }, reading.read)
  cache.invalidate('a')
  reading.end('too late')
  await running
  assert.deepEqual(await ask(), ['{"reading":3}', undefined])
  assert.deepEqual(await ask({ args: {} }), ['{"reading":4}', undefined])
  assert.deepEqual(await ask({ credentialHash: 'ab' }), ['{"reading":2}', 0])
})

test('the least recently used results make room for others, and expired ones are dropped', async () => {
  const { ask, cache, pass } = setUp({ maxBytes: 1_000 })
  await ask({ args: { top: 0 } })
  for (let top = 1; top < 100; top++) {
    await ask({ args: { top } })
    await ask({ args: { top: 0 } })
  }
  const { entries, bytes } = cache.stats
  assert.ok(bytes <= 1_000 && entries > 5 && entries < 50, JSON.stringify(cache.stats))
  assert.equal((await ask({ args: { top: 0 } }))[1], 0)
  assert.equal((await ask({ args: { top: 99 } }))[1], 0)
  assert.equal((await ask({ args: { top: 1 } }))[1], undefined)
  pass(60_001)
  await ask({ args: { top: 99 } })
  assert.equal(cache.stats.entries, 1)
})

test('a later result of the same call takes the room of the one before', async () => {
  const { ask, cache } = setUp({ maxBytes: 400 })
  await ask()
  const { bytes } = cache.stats
  await ask({ fresh: true })
  assert.deepEqual([cache.stats.entries, cache.stats.bytes], [1, bytes])
  assert.deepEqual(await ask(), ['{"reading":2}', 0])
  cache.invalidate('a')
  assert.equal(cache.stats.bytes, 0)
})

test('a result larger than the cache is returned and not cached', async () => {
  const { ask, cache } = setUp({ maxBytes: 1_000 })
  await ask({}, async () => resultOf({ long: 'x'.repeat(2_000) }))
  assert.equal(cache.stats.entries, 0)
})
