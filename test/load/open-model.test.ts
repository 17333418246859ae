import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Agent } from 'undici'
import { createLatencies } from '../../load/latencies.ts'
import { runOpenModel } from '../../load/open-model.ts'

/** A server that answers at once, but for a while in which it keeps everybody waiting. */
async function stallingServer(t: TestContext, { fromMs, untilMs }: { fromMs: number; untilMs: number }) {
  const waiting: ServerResponse[] = []
  let arrivedInStall = 0
  let began: number | undefined
  const server = createServer((request, response) => {
    request.resume()
    began ??= performance.now()
    const atMs = performance.now() - began
    if (atMs < fromMs || atMs >= untilMs) return void response.end('{}')
    arrivedInStall++
    if (waiting.length === 0) {
      setTimeout(() => {
        for (const one of waiting.splice(0)) one.end('{}')
      }, untilMs - atMs)
    }
    waiting.push(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const agent = new Agent({ connections: 500 })
  t.after(async () => {
    await agent.destroy()
    server.closeAllConnections()
    server.close()
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    arrivedInStall: () => arrivedInStall,
    async call() {
      const { body } = await agent.request({ origin, path: '/', method: 'POST', body: '{}' })
      await body.dump()
    },
  }
}

test('calls keep their rate while the server stalls, and count their latency from when they were due', async (t) => {
  const server = await stallingServer(t, { fromMs: 300, untilMs: 800 })
  const latencies = createLatencies()
  const { sent, skipped } = await runOpenModel({
    perSecond: 200,
    seconds: 1.2,
    maxOutstanding: 1_000,
    skip: () => assert.fail('nothing is skipped'),
    async send(intendedMs) {
      await server.call()
      latencies.recordMs(performance.now() - intendedMs)
    },
  })
  assert.deepEqual([sent, skipped], [240, 0])
  // A closed model would have had one call at the server for each connection, and then waited.
  assert.ok(server.arrivedInStall() > 70, `${server.arrivedInStall()} calls came in half a second of stall`)
  const longest = latencies.at(100)
  assert.ok(longest > 400, `the first to come waits for all of the stall: ${longest} ms`)
  const slow = 100 - [...Array(101).keys()].filter((percent) => latencies.at(Math.max(percent, 0.1)) < 50).length
  assert.ok(slow > 25, `some 40 % of the calls are due in the stall and wait: ${slow} %`)
})

test('calls are due at even intervals, however late they are sent', async () => {
  const intended: number[] = []
  const { late } = await runOpenModel({
    perSecond: 100,
    seconds: 0.5,
    maxOutstanding: 50,
    skip: () => assert.fail('nothing is skipped'),
    async send(intendedMs) {
      intended.push(intendedMs)
      // The one who sends is kept from it: the calls that are due meanwhile are late, and know it.
      if (intended.length === 10) {
        const end = performance.now() + 150
        while (performance.now() < end);
      }
    },
  })
  assert.equal(intended.length, 50)
  for (const [index, atMs] of intended.entries()) {
    assert.ok(Math.abs(atMs - (intended[0] ?? 0) - index * 10) < 0.001)
  }
  assert.ok(late.at(100) >= 130, `the call after it is late by what is left of the stall: ${late.at(100)} ms`)
})

test('a call beyond those that may wait is not sent, and is told of', async () => {
  let skips = 0
  const waiting: (() => void)[] = []
  const running = runOpenModel({
    perSecond: 200,
    seconds: 0.2,
    maxOutstanding: 5,
    skip() {
      skips++
      if (skips === 35) for (const answer of waiting) answer()
    },
    send: () => new Promise<void>((resolve) => waiting.push(resolve)),
  })
  const { sent, skipped } = await running
  assert.deepEqual([sent, skipped, skips], [5, 35, 35])
})

test('it ends when it is told to, with the calls that it sent', async () => {
  const abort = new AbortController()
  let ended = 0
  const { sent } = await runOpenModel({
    perSecond: 100,
    seconds: 60,
    maxOutstanding: 10,
    signal: abort.signal,
    skip: () => {},
    async send() {
      await new Promise((resolve) => setTimeout(resolve, 20))
      if (++ended === 10) abort.abort()
    },
  })
  assert.ok(sent >= 10 && sent < 500)
  assert.equal(ended, sent)
})
