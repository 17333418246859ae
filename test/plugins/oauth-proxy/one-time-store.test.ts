import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLedger } from '../../../src/plugins/oauth-proxy/one-time-store.ts'
import { eventually } from '../../helper.ts'

const minuteMs = 60_000

test('an id is entered once, and known from then on', async () => {
  const ledger = createLedger()
  assert.equal(await ledger.has('a'), false)
  assert.equal(await ledger.enter('a', minuteMs), true)
  assert.equal(await ledger.has('a'), true)
  assert.equal(await ledger.enter('a', minuteMs), false)
  assert.equal(await ledger.has('a'), true)
})

test('ids do not know of each other, and neither do ledgers', async () => {
  const ledger = createLedger()
  await ledger.enter('code:a', minuteMs)
  for (const id of ['code:b', 'revoked:a', 'code:', 'code', '__proto__']) {
    assert.equal(await ledger.has(id), false, id)
    assert.equal(await ledger.enter(id, minuteMs), true, id)
  }
  assert.equal(await createLedger().has('code:a'), false)
})

test('an id that was taken out can be entered again', async () => {
  const ledger = createLedger()
  await ledger.enter('a', minuteMs)
  await ledger.remove('a')
  assert.equal(await ledger.has('a'), false)
  assert.equal(await ledger.enter('a', minuteMs), true)
})

test('to take out what is not there does no harm', async () => {
  const ledger = createLedger()
  await ledger.enter('a', minuteMs)
  await ledger.remove('b')
  assert.equal(await ledger.has('a'), true)
})

test('of a hundred that enter one id at once, one does', async () => {
  const ledger = createLedger()
  const entered = await Promise.all(Array.from({ length: 100 }, () => ledger.enter('a', minuteMs)))
  assert.equal(entered.filter((isFirst) => isFirst).length, 1)
})

test('an id ends by itself, each in its own time', async () => {
  const ledger = createLedger()
  await ledger.enter('short', 20)
  await ledger.enter('long', minuteMs)
  await eventually(async () => !(await ledger.has('short')))
  assert.equal(await ledger.has('long'), true)
  assert.equal(await ledger.enter('short', minuteMs), true)
})

test('to try an id again does not make it last longer', async () => {
  const ledger = createLedger()
  await ledger.enter('a', 50)
  await eventually(async () => {
    const isOver = !(await ledger.has('a'))
    if (!isOver) assert.equal(await ledger.enter('a', minuteMs), false)
    return isOver
  })
})

test('the ledger is bounded: beyond 100,000 ids the oldest go', async () => {
  const ledger = createLedger()
  for (let i = 0; i <= 100_000; i++) await ledger.enter(`${i}`, minuteMs)
  assert.equal(await ledger.has('0'), false)
  assert.equal(await ledger.has('1'), true)
  assert.equal(await ledger.has('100000'), true)
})

/** A store that always says the same; undefined: it is down. */
const storeThat = <Answer>(answer: Answer) => ({ ask: async () => answer as never })

for (const [name, answer, expected] of [
  ['took it', 'OK', true],
  ['had it from another replica', null, false],
  ['is down', undefined, true],
] as const) {
  test(`an id is ${expected ? '' : 'not '}entered where the shared store ${name}`, async () => {
    assert.equal(await createLedger(storeThat(answer)).enter('a', minuteMs), expected)
  })

  test(`an id that this replica has is not entered again, though the shared store ${name}`, async () => {
    const ledger = createLedger(storeThat(answer))
    await ledger.enter('a', minuteMs)
    assert.equal(await ledger.enter('a', minuteMs), false)
  })
}

for (const [name, answer, expected] of [
  ['has it', 1, true],
  ['does not have it', 0, false],
  ['is down', undefined, false],
] as const) {
  test(`an id of another replica is ${expected ? '' : 'not '}known where the shared store ${name}`, async () => {
    assert.equal(await createLedger(storeThat(answer)).has('a'), expected)
  })
}
