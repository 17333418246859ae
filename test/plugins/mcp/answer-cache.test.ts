import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../../src/errors/index.ts'
import { createAnswerCache, type Question } from '../../../src/plugins/mcp/answer-cache.ts'
import { type Payload, payloadOf } from '../../../src/plugins/mcp/payload.ts'

const question: Question = {
  readAs: 'a',
  tool: 'getMessages',
  args: { top: 5 },
  fresh: false,
  signal: new AbortController().signal,
}

/** A cache with a clock to set, and readings that end when they are told to. */
function setUp(options: { ttlMs?: number; maxBytes?: number } = {}) {
  let nowMs = 1_000_000
  let readings = 0
  const cache = createAnswerCache({ ttlMs: 60_000, ...options, now: () => nowMs })
  const read = async () => payloadOf({ reading: ++readings })
  const ask = async (more: Partial<Question> = {}, reading = read) => {
    const { payload, ageSeconds } = await cache.answer({ ...question, ...more }, reading)
    return [`{${payload.structured}`, ageSeconds]
  }
  return { cache, ask, pass: (ms: number) => (nowMs += ms), readings: () => readings }
}

/** A reading that ends when it is told to. */
function slow() {
  let end: (payload: Payload) => void = () => {}
  let fail: (error: unknown) => void = () => {}
  const payload = new Promise<Payload>((resolve, reject) => {
    end = resolve
    fail = reject
  })
  return { read: () => payload, end: (what: string) => end(payloadOf({ what })), fail: (error: unknown) => fail(error) }
}

test('an answer serves again with its age, until its time is over', async () => {
  const { ask, pass } = setUp()
  assert.deepEqual(await ask(), ['{"reading":1}', undefined])
  assert.deepEqual(await ask(), ['{"reading":1}', 0])
  pass(59_999)
  assert.deepEqual(await ask(), ['{"reading":1}', 59])
  pass(1)
  assert.deepEqual(await ask(), ['{"reading":2}', undefined])
})

for (const [name, other] of [
  ['credential', { readAs: 'b' }],
  ['tool', { tool: 'getMessage' }],
  ['argument', { args: { top: 6 } }],
] as const) {
  test(`another ${name} is another question`, async () => {
    const { ask } = setUp()
    await ask()
    assert.deepEqual(await ask(other), ['{"reading":2}', undefined])
    assert.deepEqual(await ask(), ['{"reading":1}', 0])
  })
}

test('fresh reads again, and its answer is the one that is kept', async () => {
  const { ask } = setUp()
  await ask()
  assert.deepEqual(await ask({ fresh: true }), ['{"reading":2}', undefined])
  assert.deepEqual(await ask(), ['{"reading":2}', 0])
})

test('the age counts from the beginning of the reading', async () => {
  const { ask, pass } = setUp()
  const reading = slow()
  const first = ask({}, reading.read)
  pass(7_000)
  reading.end('late')
  assert.deepEqual(await first, ['{"what":"late"}', undefined])
  assert.deepEqual(await ask(), ['{"what":"late"}', 7])
})

test('the same question at the same time is read once', async () => {
  const { ask, cache, readings } = setUp()
  assert.deepEqual(await Promise.all([ask(), ask(), ask()]), Array(3).fill(['{"reading":1}', undefined]))
  assert.equal(readings(), 1)
  assert.deepEqual(cache.stats.requests, { hit: 0, joined: 2, miss: 1 })
})

test('who asks for a fresh answer does not get one that somebody had begun to read', async () => {
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

test('one who goes away leaves the others their answer', async () => {
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

test('a failure is everybody’s who waited, and nobody’s after', async () => {
  const { ask, cache } = setUp()
  const reading = slow()
  const waiting = [ask({}, reading.read), ask({}, reading.read)]
  reading.fail(new Failure('graph_throttled'))
  for (const outcome of await Promise.allSettled(waiting)) assert.equal(outcome.status, 'rejected')
  assert.deepEqual(await ask(), ['{"reading":1}', undefined])
  assert.equal(cache.stats.entries, 1)
})

test('what is forgotten does not serve, nor what was being read', async () => {
  const { ask, cache } = setUp()
  await ask()
  await ask({ readAs: 'ab' })
  const reading = slow()
  const running = ask({ args: {} }, reading.read)
  cache.forget('a')
  reading.end('too late')
  await running
  assert.deepEqual(await ask(), ['{"reading":3}', undefined])
  assert.deepEqual(await ask({ args: {} }), ['{"reading":4}', undefined])
  assert.deepEqual(await ask({ readAs: 'ab' }), ['{"reading":2}', 0])
})

test('what there is no room for is given and not kept, until what is there is over', async () => {
  const { ask, cache, pass } = setUp({ maxBytes: 4_000 })
  for (let top = 0; top < 100; top++) await ask({ args: { top } })
  const { entries, bytes } = cache.stats
  assert.ok(bytes <= 4_000 && entries > 5, JSON.stringify(cache.stats))
  assert.deepEqual((await ask({ args: { top: 0 } }))[1], 0)
  assert.equal((await ask({ args: { top: 99 } }))[1], undefined)
  pass(60_000)
  await ask({ args: { top: 99 } })
  assert.deepEqual((await ask({ args: { top: 99 } }))[1], 0)
  assert.equal(cache.stats.entries, 1)
})

test('a later answer to the same question takes the room of the one before', async () => {
  const { ask, cache } = setUp({ maxBytes: 400 })
  await ask()
  const { bytes } = cache.stats
  await ask({ fresh: true })
  assert.deepEqual([cache.stats.entries, cache.stats.bytes], [1, bytes])
  assert.deepEqual(await ask(), ['{"reading":2}', 0])
  cache.forget('a')
  assert.equal(cache.stats.bytes, 0)
})

test('what an answer takes is counted in bytes', async () => {
  const of = async (text: string) => {
    const { ask, cache } = setUp()
    await ask({}, async () => payloadOf({ text }))
    return cache.stats.bytes
  }
  // Twice, as structured content and as text.
  assert.equal((await of('…')) - (await of('a')), 2 * (Buffer.byteLength('…') - 1))
})

test('an answer larger than all that is kept is given and not kept', async () => {
  const { ask, cache } = setUp({ maxBytes: 1_000 })
  await ask({}, async () => payloadOf({ long: 'x'.repeat(2_000) }))
  assert.equal(cache.stats.entries, 0)
})
