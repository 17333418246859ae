import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../../src/errors/index.ts'
import type { RoadmapItem } from '../../../src/plugins/roadmap/item.ts'
import { createRoadmap } from '../../../src/plugins/roadmap/roadmap.ts'
import { createGate } from '../../gate.ts'

const minute = 60_000
const hour = 60 * minute

/** A roadmap whose feed has these ids; what the feed is asked for is recorded. */
function roadmapWith(there: string[], { maxBytes }: { maxBytes?: number } = {}) {
  const on = new Set(there)
  const asked: string[] = []
  let nowMs = 0
  let failure: Failure | undefined
  const gate = createGate()
  const roadmap = createRoadmap({
    async readItems(ids) {
      asked.push(ids.join(' '))
      const items = ids.filter((id) => on.has(id)).map((id): [string, RoadmapItem] => [id, { id, url: `x://${id}` }])
      await gate.passed()
      if (failure !== undefined) throw failure
      return new Map(items)
    },
    now: () => nowMs,
    ...(maxBytes !== undefined && { maxBytes }),
  })
  return {
    roadmap,
    asked,
    on,
    /** What a reading says, by id. */
    async read(...ids: string[]) {
      const { items, ...rest } = await roadmap.read(ids)
      return { items: items.map(({ id }) => id).join(' '), ...rest }
    },
    advance(ms: number) {
      nowMs += ms
    },
    fail(next: Failure | undefined) {
      failure = next
    },
    hold: gate.hold,
  }
}

const nothing = { items: '', notFound: [], unavailable: [] }

test('items come in the order in which they were asked for, each once; the others are not found', async () => {
  const { read, asked } = roadmapWith(['1', '2', '3'])
  assert.deepEqual(await read('3', '9', '1', '3'), { items: '3 1', notFound: ['9'], unavailable: [] })
  assert.deepEqual(asked, ['3 9 1'])
})

test('an item is read again after an hour, and one that was not found after ten minutes', async () => {
  const { read, asked, advance, on } = roadmapWith(['1'])
  await read('1', '9')
  advance(10 * minute - 1)
  assert.deepEqual(await read('1', '9'), { items: '1', notFound: ['9'], unavailable: [], ageSeconds: 599 })
  advance(1)
  on.add('9')
  assert.deepEqual(await read('1', '9'), { items: '1 9', notFound: [], unavailable: [], ageSeconds: 600 })
  advance(50 * minute)
  assert.deepEqual(await read('1'), { ...nothing, items: '1' })
  assert.deepEqual(asked, ['1 9', '9', '1'])
})

test('concurrent questions share one request for each id', async () => {
  const { read, asked, hold } = roadmapWith(['1', '2', '3'])
  const open = hold()
  const readings = Promise.all([read('1', '2'), read('2', '3'), read('1'), read('3', '1')])
  open()
  assert.deepEqual(
    (await readings).map(({ items }) => items),
    ['1 2', '2 3', '1', '3 1'],
  )
  assert.deepEqual(asked, ['1 2', '3'])
})

test('more than fifty ids are asked for in several requests', async () => {
  const ids = Array.from({ length: 120 }, (_, i) => String(1000 + i))
  const { read, asked } = roadmapWith(ids)
  assert.equal((await read(...ids)).items, ids.join(' '))
  assert.deepEqual(
    asked.map((request) => request.split(' ').length),
    [50, 50, 20],
  )
})

test('a caller who goes away stops waiting, and what is read serves the others', async () => {
  const { roadmap, read, asked, hold } = roadmapWith(['1'])
  const open = hold()
  const leaving = new AbortController()
  const left = roadmap.read(['1'], leaving.signal)
  const stays = read('1')
  leaving.abort()
  await assert.rejects(left, { reason: 'call_cancelled' })
  open()
  assert.equal((await stays).items, '1')
  assert.equal((await read('1')).items, '1')
  assert.deepEqual(asked, ['1'])
})

test('where the feed fails, items of up to a day ago are the answer, and say so', async () => {
  const { read, advance, fail } = roadmapWith(['1'])
  await read('1', '9')
  fail(new Failure('roadmap_unavailable'))
  advance(24 * hour - 1)
  assert.deepEqual(await read('1', '9'), {
    items: '1',
    notFound: ['9'],
    unavailable: [],
    ageSeconds: 86_399,
    stale: true,
  })
  advance(1)
  await assert.rejects(read('1'), { reason: 'roadmap_unavailable' })
})

test('where the feed fails, an id of which nothing is known is unavailable beside those that are', async () => {
  const { read, advance, fail } = roadmapWith(['1', '2'])
  await read('1')
  fail(new Failure('roadmap_timeout'))
  assert.deepEqual(await read('1', '2'), { items: '1', notFound: [], unavailable: ['2'], ageSeconds: 0 })
  await assert.rejects(read('2'), { reason: 'roadmap_timeout' })
  advance(hour)
  assert.deepEqual(await read('1', '2'), {
    items: '1',
    notFound: [],
    unavailable: ['2'],
    ageSeconds: 3600,
    stale: true,
  })
})

test('after a failure the feed is left alone for ten seconds, then asked again', async () => {
  const { read, asked, advance, fail } = roadmapWith(['1'])
  fail(new Failure('roadmap_unavailable'))
  for (const id of ['1', '1', '2']) await assert.rejects(read(id), { reason: 'roadmap_unavailable' })
  fail(undefined)
  advance(10_000)
  assert.equal((await read('1')).items, '1')
  assert.deepEqual(asked, ['1', '1'])
})

test('a wait that the feed names is honored, up to five minutes', async () => {
  const { read, asked, advance, fail } = roadmapWith(['1'])
  for (const [retryAfterSeconds, ms] of [
    [60, 60_000],
    [3600, 300_000],
  ] as const) {
    fail(new Failure('roadmap_unavailable', { retryAfterSeconds }))
    await assert.rejects(read('1'))
    const before = asked.length
    advance(ms - 1)
    await assert.rejects(read('1'), ({ details }: Failure) => details.retryAfterSeconds === 1)
    assert.equal(asked.length, before)
    advance(1)
  }
  fail(undefined)
  assert.equal((await read('1')).items, '1')
})

test('a response that is invalid for some ids says nothing about others', async () => {
  const { read, fail } = roadmapWith(['1'])
  fail(new Failure('roadmap_response_invalid'))
  await assert.rejects(read('9'), { reason: 'roadmap_response_invalid' })
  fail(undefined)
  assert.equal((await read('1')).items, '1')
})

test('memory is bounded: the least recently used items are read again', async () => {
  const { read, asked } = roadmapWith(['1', '2', '3'], { maxBytes: 550 })
  for (const id of ['1', '2', '1', '3', '1', '2']) await read(id)
  assert.deepEqual(asked, ['1', '2', '3', '2'])
})
