import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTurns, type Leave } from '../../src/lib/turns.ts'

/** Turns that are taken by name, and whose have come so far. */
function setUp(most: number) {
  const turns = createTurns(most)
  const come: string[] = []
  const take = (name: string): Leave => turns.take(() => come.push(name))
  return { turns, come, take }
}

test('so many have their turn at once, the others in the order they came', () => {
  const { come, take } = setUp(2)
  const [leaveA, leaveB] = ['a', 'b', 'c', 'd'].map(take)
  assert.deepEqual(come, ['a', 'b'])
  leaveB?.()
  assert.deepEqual(come, ['a', 'b', 'c'])
  leaveA?.()
  assert.deepEqual(come, ['a', 'b', 'c', 'd'])
})

test('a turn is given back once, however often it is left', () => {
  const { come, take } = setUp(1)
  const leave = take('a')
  take('b')
  take('c')
  leave()
  leave()
  assert.deepEqual(come, ['a', 'b'])
})

test('who stops waiting gets no turn, and keeps nobody from theirs', () => {
  const { come, take } = setUp(1)
  const leave = take('a')
  take('b')()
  take('c')
  leave()
  assert.deepEqual(come, ['a', 'c'])
})

test('what cannot wait has a turn beyond all, and others wait for it too', () => {
  const { turns, come, take } = setUp(1)
  const leave = take('a')
  const done = turns.hold()
  take('b')
  leave()
  assert.deepEqual(come, ['a'])
  done()
  assert.deepEqual(come, ['a', 'b'])
})
