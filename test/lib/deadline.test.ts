import assert from 'node:assert/strict'
import { test } from 'node:test'
import { beforeDeadline, deadlineIn } from '../../src/lib/deadline.ts'

const late = () => new Error('late')
const never = new Promise<never>(() => {})

test('a deadline tells what is left of it, and no less than nothing', () => {
  let now = 500
  const deadline = deadlineIn(100, () => now)
  const left = [0, 30, 69, 1, 50].map((ms) => {
    now += ms
    return deadline.leftMs
  })
  assert.deepEqual(left, [100, 70, 1, 0, 0])
})

test('work that is done in time is what comes of it', async () => {
  assert.equal(await beforeDeadline(Promise.resolve('done'), deadlineIn(1_000), late), 'done')
  await assert.rejects(beforeDeadline(Promise.reject(new Error('own')), deadlineIn(1_000), late), { message: 'own' })
})

test('work that takes longer is not waited for, and how it ends later troubles nobody', async () => {
  await assert.rejects(beforeDeadline(never, deadlineIn(20), late), { message: 'late' })
  const failsLater = new Promise<never>((_, reject) => setTimeout(() => reject(new Error('own')), 30))
  await assert.rejects(beforeDeadline(failsLater, deadlineIn(5), late), { message: 'late' })
  await assert.rejects(failsLater, { message: 'own' })
})
