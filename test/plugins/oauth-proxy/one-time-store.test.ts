import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createOneTimeStore } from '../../../src/plugins/oauth-proxy/one-time-store.ts'

const minuteMs = 60_000
const key = (name: string) => name

test('an id is added once, and known from then on', async () => {
  const store = createOneTimeStore()
  assert.equal(await store.has('a'), false)
  assert.equal(await store.add('a', minuteMs), true)
  assert.equal(await store.has('a'), true)
  assert.equal(await store.add('a', minuteMs), false)
  assert.equal(await store.has('a'), true)
})

test('ids are independent of each other, and so are stores', async () => {
  const store = createOneTimeStore()
  await store.add('code:a', minuteMs)
  for (const id of ['code:b', 'revoked:a', 'code:', 'code', '__proto__']) {
    assert.equal(await store.has(id), false, id)
    assert.equal(await store.add(id, minuteMs), true, id)
  }
  assert.equal(await createOneTimeStore().has('code:a'), false)
})

test('a deleted id can be added again', async () => {
  const store = createOneTimeStore()
  await store.add('a', minuteMs)
  await store.delete('a')
  assert.equal(await store.has('a'), false)
  assert.equal(await store.add('a', minuteMs), true)
})

test('deleting an unknown id does no harm', async () => {
  const store = createOneTimeStore()
  await store.add('a', minuteMs)
  await store.delete('b')
  assert.equal(await store.has('a'), true)
})

test('of a hundred that add one id at once, one does', async () => {
  const store = createOneTimeStore()
  const added = await Promise.all(Array.from({ length: 100 }, () => store.add('a', minuteMs)))
  assert.equal(added.filter((isFirst) => isFirst).length, 1)
})

test('an id expires, each in its own time', async () => {
  let nowMs = 1_764_000_000_000
  const store = createOneTimeStore(undefined, { now: () => nowMs })
  await store.add('short', 1_000)
  await store.add('long', minuteMs)
  nowMs += 999
  assert.equal(await store.has('short'), true)
  nowMs += 1
  assert.equal(await store.has('short'), false)
  assert.equal(await store.has('long'), true)
  assert.equal(await store.add('short', minuteMs), true)
})

test('adding an id again does not make it last longer', async () => {
  let nowMs = 1_764_000_000_000
  const store = createOneTimeStore(undefined, { now: () => nowMs })
  await store.add('a', 1_000)
  nowMs += 999
  assert.equal(await store.add('a', minuteMs), false)
  nowMs += 1
  assert.equal(await store.has('a'), false)
})

test('the store is bounded: beyond 100,000 ids the oldest go', async () => {
  const store = createOneTimeStore()
  for (let i = 0; i <= 100_000; i++) await store.add(`${i}`, minuteMs)
  assert.equal(await store.has('0'), false)
  assert.equal(await store.has('1'), true)
  assert.equal(await store.has('100000'), true)
})

/** A shared store that always gives the same; undefined: it is unavailable. */
const sharedStoreThat = <Reply>(reply: Reply) => ({ key, ask: async () => reply as never })

for (const [name, reply, expected] of [
  ['took it', 'OK', true],
  ['had it from another replica', null, false],
  ['is down', undefined, true],
] as const) {
  test(`an id is ${expected ? '' : 'not '}added where the shared store ${name}`, async () => {
    assert.equal(await createOneTimeStore(sharedStoreThat(reply)).add('a', minuteMs), expected)
  })

  test(`an id that this replica has is not added again, though the shared store ${name}`, async () => {
    const store = createOneTimeStore(sharedStoreThat(reply))
    await store.add('a', minuteMs)
    assert.equal(await store.add('a', minuteMs), false)
  })
}

test('an id that another replica had and gave back can be added here', async () => {
  const replies = [null, 'OK']
  const store = createOneTimeStore({ key, ask: async () => replies.shift() as never }, { canBeReleased: true })
  assert.deepEqual([await store.add('a', minuteMs), await store.add('a', minuteMs)], [false, true])
})

test('one that is never given back is known here too once the shared store is down', async () => {
  const replies = [null]
  const store = createOneTimeStore({ key, ask: async () => replies.shift() as never })
  await store.add('a', minuteMs)
  assert.equal(await store.has('a'), true)
})

for (const [name, reply, expected] of [
  ['has it', 1, true],
  ['does not have it', 0, false],
  ['is down', undefined, false],
] as const) {
  test(`an id of another replica is ${expected ? '' : 'not '}known where the shared store ${name}`, async () => {
    assert.equal(await createOneTimeStore(sharedStoreThat(reply)).has('a'), expected)
  })
}
