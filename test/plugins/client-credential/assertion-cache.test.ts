import assert from 'node:assert/strict'
import { test } from 'node:test'
import { minute, settle, setUp, vaultDown } from './numbered-assertions.ts'

const day = 24 * 60 * minute
const events = (lines: readonly Record<string, unknown>[]) => lines.map((line) => line['event'])

test('concurrent callers share one assertion', async () => {
  const { state, get } = setUp()
  assert.deepEqual(await Promise.all([get(), get(), get()]), ['assertion 1', 'assertion 1', 'assertion 1'])
  assert.equal(state.created, 1)
})

test('past five minutes the current assertion stays in use while a new one is created', async () => {
  const { state, get } = setUp()
  await get()
  state.now += 5 * minute - 1
  assert.equal(await get(), 'assertion 1')
  await settle()
  assert.equal(state.created, 1)
  state.now += 1
  assert.equal(await get(), 'assertion 1')
  await settle()
  assert.equal(await get(), 'assertion 2')
})

test('while the credential cannot be read, the last assertion stays in use until it expires', async () => {
  const { state, lines, get } = setUp()
  await get()
  state.broken = vaultDown
  state.now += 10 * minute - 1
  assert.equal(await get(), 'assertion 1')
  await settle()
  assert.deepEqual(events(lines), ['credential_loaded', 'credential_unavailable'])
  assert.equal(lines[1]?.['serving'], true)
  state.now += 2_000
  await assert.rejects(get(), { reason: 'credential_unavailable' })
  state.broken = undefined
  state.now += 2_000
  assert.equal(await get(), 'assertion 4')
  assert.equal(events(lines).at(-1), 'credential_loaded')
})

test('a credential that cannot be read is not read on every call while the last assertion is valid', async () => {
  const { state, get } = setUp()
  await get()
  state.broken = vaultDown
  state.now += 5 * minute
  for (let call = 0; call < 5; call++) {
    await get()
    await settle()
  }
  assert.equal(state.created, 2)
})

test('a clock that is set back delays nothing', async () => {
  const { state, get } = setUp()
  state.broken = vaultDown
  await assert.rejects(get())
  state.broken = undefined
  state.now -= 60 * minute
  assert.equal(await get(), 'assertion 2')
})

test('reading a credential times out, and is retried', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { state, get } = setUp()
  state.delay = new Promise(() => undefined)
  const waiting = assert.rejects(get(), { reason: 'credential_unavailable' })
  t.mock.timers.tick(30_000)
  await waiting
  state.delay = Promise.resolve()
  state.now += 2_000
  assert.equal(await get(), 'assertion 2')
})

test('a late rejection gets the assertion that already replaced the rejected one', async () => {
  const { state, assertions } = setUp()
  const first = await assertions.get()
  const second = await assertions.replace(first)
  assert.equal((await assertions.replace(first))?.assertion, second?.assertion)
  assert.equal(state.created, 2)
})

test('a rejection does not read a credential sooner that cannot be read', async () => {
  const { state, assertions } = setUp()
  const first = await assertions.get()
  state.now += 5 * minute
  state.broken = vaultDown
  await assertions.get()
  await settle()
  assert.equal(await assertions.replace(first), undefined)
  assert.equal(state.created, 2)
})

test('a credential that cannot be read is retried every two seconds, not on every call', async () => {
  const { state, assertions, get } = setUp()
  state.broken = vaultDown
  await assert.rejects(get())
  state.now += 1_999
  await assert.rejects(get(), { reason: 'credential_unavailable' })
  assert.equal(state.created, 1)
  assert.equal(assertions.loaded, false)
  state.now += 1
  await assert.rejects(get())
  assert.equal(state.created, 2)
})

test('a certificate is logged once, and again when it is replaced', async () => {
  const { state, lines, get } = setUp({ thumbprint: 'aa' })
  await get()
  state.now += 6 * minute
  await get()
  await settle()
  assert.deepEqual(events(lines), ['credential_loaded'])
  state.certificate = { thumbprint: 'bb' }
  state.now += 6 * minute
  await get()
  await settle()
  assert.deepEqual(
    lines.map(({ thumbprint }) => thumbprint),
    ['aa', 'bb'],
  )
})

test('a certificate that expires within thirty days is warned of once a day', async () => {
  const { state, lines, get } = setUp()
  const end = state.now + 30 * day
  state.certificate = { certificateExpiresAtMs: end }
  await get()
  assert.deepEqual(events(lines), ['credential_loaded'])
  for (const passed of [6 * minute, 6 * minute, day]) {
    state.now += passed
    await get()
    await settle()
    await get()
  }
  const warnings = lines.filter(({ event }) => event === 'credential_expires')
  assert.deepEqual(
    warnings.map(({ days }) => days),
    [29, 28],
  )
  assert.equal(warnings[0]?.['certificateExpires'], new Date(end).toISOString())
})
