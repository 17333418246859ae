import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLatencies } from '../../load/latencies.ts'
import { runClosedModel, runOpenModel } from '../../load/models.ts'

/** A clock that moves when somebody waits. */
function createClock() {
  let nowMs = 10_000
  const waiting: { untilMs: number; resolve: () => void }[] = []
  return {
    now: () => nowMs,
    /** Time passes, with nobody able to do anything meanwhile. */
    block(ms: number): void {
      nowMs += ms
    },
    at: (untilMs: number) => new Promise<void>((resolve) => waiting.push({ untilMs, resolve })),
    async wait(ms: number): Promise<void> {
      nowMs += ms
      for (const one of waiting) if (one.untilMs <= nowMs) one.resolve()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

test('calls keep their rate while the server stalls, and count their latency from when they were due', async () => {
  const clock = createClock()
  const startMs = clock.now()
  const latencies = createLatencies()
  const { sent, skipped } = await runOpenModel({
    perSecond: 200,
    seconds: 1.5,
    maxOutstanding: 1_000,
    ...clock,
    skip: () => assert.fail('nothing is skipped'),
    async send(dueMs) {
      const atMs = dueMs - startMs
      if (atMs >= 300 && atMs < 800) await clock.at(startMs + 800)
      latencies.recordMs(clock.now() - dueMs)
    },
  })
  assert.deepEqual([sent, skipped], [300, 0])
  // Due in the stall: 100 of 300 calls, whose waits are even from 500 ms to 5 ms.
  assert.ok(Math.abs(latencies.at(100) - 500) < 3, `${latencies.at(100)} ms`)
  assert.ok(Math.abs(latencies.at(90) - 350) < 10, `${latencies.at(90)} ms`)
  assert.ok(latencies.at(65) < 2, `${latencies.at(65)} ms`)
})

test('calls are due at even intervals, however late they are sent', async () => {
  const clock = createClock()
  const due: number[] = []
  const { late } = await runOpenModel({
    perSecond: 100,
    seconds: 0.5,
    maxOutstanding: 50,
    ...clock,
    skip: () => assert.fail('nothing is skipped'),
    async send(dueMs) {
      due.push(dueMs)
      if (due.length === 10) clock.block(150)
    },
  })
  assert.deepEqual(
    due,
    [...Array(50).keys()].map((index) => 10_000 + index * 10),
  )
  assert.ok(Math.abs(late.at(100) - 141) < 2, `the call after it is late by what is left of it: ${late.at(100)} ms`)
})

test('a call beyond those that may be outstanding is skipped, and counted', async () => {
  const clock = createClock()
  const outstanding: (() => void)[] = []
  let skips = 0
  const { sent, skipped } = await runOpenModel({
    perSecond: 200,
    seconds: 0.2,
    maxOutstanding: 5,
    ...clock,
    skip() {
      skips++
      if (skips === 35) for (const end of outstanding) end()
    },
    send: () => new Promise<void>((resolve) => outstanding.push(resolve)),
  })
  assert.deepEqual([sent, skipped, skips], [5, 35, 35])
})

test('the open model ends when aborted, once the calls that it sent have ended', async () => {
  const abort = new AbortController()
  let ended = 0
  const { sent } = await runOpenModel({
    perSecond: 100,
    seconds: 60,
    maxOutstanding: 10,
    ...createClock(),
    signal: abort.signal,
    skip: () => {},
    async send() {
      await new Promise((resolve) => setImmediate(resolve))
      if (++ended === 10) abort.abort()
    },
  })
  assert.ok(sent >= 10 && sent < 30)
  assert.equal(ended, sent)
})

test('the closed model makes as many calls as were asked for, one a connection at a time', async () => {
  let sent = 0
  let outstanding = 0
  let most = 0
  const send = async () => {
    sent++
    most = Math.max(most, ++outstanding)
    await new Promise((resolve) => setImmediate(resolve))
    outstanding--
  }
  await runClosedModel({ connections: 3, calls: 50, seconds: 1, send })
  assert.deepEqual([sent, most, outstanding], [50, 3, 0])
})

test('the closed model ends when aborted', async () => {
  const abort = new AbortController()
  let sent = 0
  const send = async () => {
    if (++sent === 10) abort.abort()
    await new Promise((resolve) => setImmediate(resolve))
  }
  await runClosedModel({ connections: 2, seconds: 600, send, signal: abort.signal })
  assert.ok(sent >= 10 && sent <= 12, String(sent))
})
