import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLimit } from '../../../src/plugins/load-shedding/limit.ts'

test('no more than the total is in use, whoever asks, and what is released is free again', () => {
  const limit = createLimit({ total: 3 })
  const release = limit.take('a') ?? assert.fail()
  assert.notEqual(limit.take('b', 2), undefined)
  assert.equal(limit.take('c'), undefined)
  release()
  assert.notEqual(limit.take('c'), undefined)
  assert.equal(limit.take('c'), undefined)
})

test('one key has no more than its part, and leaves the rest to others', () => {
  const limit = createLimit({ total: 10, perKey: 4 })
  assert.notEqual(limit.take('a', 3), undefined)
  assert.equal(limit.take('a', 2), undefined)
  const release = limit.take('a') ?? assert.fail()
  assert.equal(limit.take('a'), undefined)
  assert.notEqual(limit.take('b', 4), undefined)
  release()
  assert.notEqual(limit.take('a'), undefined)
})

test('releasing twice gives back what was taken once', () => {
  const limit = createLimit({ total: 2, perKey: 2 })
  const release = limit.take('a') ?? assert.fail()
  assert.notEqual(limit.take('a'), undefined)
  release()
  release()
  assert.notEqual(limit.take('a'), undefined)
  assert.equal(limit.take('a'), undefined)
})
