import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Body, type BodyPart, toBody } from '../../../src/plugins/message-center/body.ts'
import { prepareAll } from '../../../src/plugins/message-center/prepare.ts'

const parts = ['words', 'dates'] as const

const bodiesOf = (...contents: string[]) =>
  contents.map((content, i) => toBody({ id: `MC${i}`, body: { contentType: 'html', content } }, () => undefined))

/** Bodies that take as many milliseconds as they say, by a clock of their own. */
function timed(...costsMs: number[]) {
  let nowMs = 0
  const bodies = bodiesOf(...costsMs.map(String)).map((body, i): Body => {
    const prepare = (parts: readonly BodyPart[]) => {
      if (!body.isPrepared(parts)) nowMs += costsMs[i] ?? 0
      body.prepare(parts)
    }
    return Object.defineProperties(Object.create(body), { prepare: { value: prepare } })
  })
  return { bodies, now: () => nowMs }
}

test('all bodies are ready afterwards, and those that were not read stay so', async () => {
  const [first, second] = bodiesOf('<p>one</p>', '<p>two</p>')
  assert.deepEqual(await prepareAll([first, undefined, second], parts), [first, undefined, second])
  assert.ok(first?.isPrepared(parts) && second?.isPrepared(parts))
})

test('where all are ready, nothing is done', async () => {
  const bodies = bodiesOf('a', 'b')
  await prepareAll(bodies, parts)
  assert.equal(await prepareAll(bodies, parts, () => assert.fail('the clock was read')), bodies)
})

test('it ends in time: what is left is not given, what is done stays done', async () => {
  const { bodies, now } = timed(1_000, 3_999, 5_000, 1, 1)
  const first = await prepareAll(bodies, parts, now)
  assert.deepEqual(
    first.map((body) => body !== undefined),
    [true, true, true, false, false],
  )
  const second = await prepareAll(bodies, parts, now)
  assert.deepEqual(second, bodies)
})

test('what is ready already is given, however late it is', async () => {
  const { bodies, now } = timed(5_000, 1, 1)
  bodies[2]?.prepare(parts)
  assert.deepEqual(
    (await prepareAll(bodies, parts, now)).map((body) => body !== undefined),
    [true, false, true],
  )
})

test('others get their turn every ten milliseconds', async () => {
  const { bodies, now } = timed(...Array<number>(100).fill(5))
  let turns = 0
  let isRunning = true
  const count = () => {
    turns++
    if (isRunning) setImmediate(count)
  }
  setImmediate(count)
  await prepareAll(bodies, parts, now)
  isRunning = false
  assert.ok(turns >= 49, `${turns} turns in 500 ms`)
})

test('nested posts block nobody for long', async () => {
  const bodies = bodiesOf(...Array.from({ length: 40 }, () => '<div>'.repeat(60_000)), '<p>good</p>')
  let longestMs = 0
  let lastMs = performance.now()
  const timer = setInterval(() => {
    longestMs = Math.max(longestMs, performance.now() - lastMs)
    lastMs = performance.now()
  }, 0)
  const prepared = await prepareAll(bodies, parts)
  clearInterval(timer)
  assert.equal(prepared.at(-1)?.text, 'good')
  assert.ok(longestMs < 500, `${longestMs} ms`)
})
