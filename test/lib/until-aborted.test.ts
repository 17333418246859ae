import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { untilAborted } from '../../src/lib/until-aborted.ts'

const cancelled = { name: 'Failure', reason: 'call_cancelled' }

function work<T>() {
  let resolve: (value: T) => void = () => {}
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<T>((res, rej) => {
    resolve = res
    reject = rej
  })
  return { promise, resolve, reject }
}

test('without a signal the work is waited for', async () => {
  assert.equal(await untilAborted(Promise.resolve(7), undefined), 7)
  await assert.rejects(untilAborted(Promise.reject(new Error('lost')), undefined), /lost/)
})

test('with a quiet signal the outcome is the work’s own', async () => {
  const { signal } = new AbortController()
  assert.equal(await untilAborted(Promise.resolve(7), signal), 7)
  await assert.rejects(untilAborted(Promise.reject(new Error('lost')), signal), /lost/)
})

test('who goes away stops waiting, and the work goes on for who stays', async () => {
  const { promise, resolve } = work<number>()
  const abort = new AbortController()
  const [gone, stays] = [untilAborted(promise, abort.signal), untilAborted(promise, new AbortController().signal)]
  abort.abort()
  await assert.rejects(gone, cancelled)
  resolve(7)
  assert.equal(await stays, 7)
})

test('who is gone already does not wait at all', async () => {
  await assert.rejects(untilAborted(new Promise(() => {}), AbortSignal.abort()), cancelled)
})

test('work that fails after everybody went away troubles nobody', async (t) => {
  const unhandled: unknown[] = []
  const note = (reason: unknown) => unhandled.push(reason)
  process.on('unhandledRejection', note)
  t.after(() => process.off('unhandledRejection', note))
  const { promise, reject } = work<number>()
  const abort = new AbortController()
  const waits = [untilAborted(promise, abort.signal), untilAborted(promise, AbortSignal.abort())]
  abort.abort()
  for (const wait of waits) await assert.rejects(wait, cancelled)
  reject(new Error('too late'))
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(unhandled, [])
})

test('a signal that outlives many waits keeps no listener of theirs', async () => {
  const { signal } = new AbortController()
  for (let i = 0; i < 50; i++) await untilAborted(Promise.resolve(i), signal)
  await assert.rejects(untilAborted(Promise.reject(new Error('lost')), signal))
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(getEventListeners(signal, 'abort').length, 0)
})
