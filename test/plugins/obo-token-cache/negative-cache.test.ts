import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure, type FailureDetails, type Reason } from '../../../src/errors/index.ts'
import { createNegativeCache } from '../../../src/plugins/obo-token-cache/negative-cache.ts'

function createCache() {
  const clock = { now: 1_000_000 }
  return { clock, ...createNegativeCache(() => clock.now) }
}

for (const reason of ['claims_required', 'assertion_rejected', 'user_not_allowed', 'user_consent_required'] as const) {
  test(`${reason} is repeated to its assertion for ten seconds, and to no other`, () => {
    const { clock, remember, find } = createCache()
    const failure = new Failure(reason)
    remember('one', failure)
    assert.equal(find('one'), failure)
    assert.equal(find('other'), undefined)
    clock.now += 9_999
    assert.equal(find('one'), failure)
    clock.now += 1
    assert.equal(find('one'), undefined)
  })
}

for (const [reason, details] of [
  ['exchange_unavailable', {}],
  ['exchange_unavailable', { retryAfterSeconds: 0 }],
  ['exchange_unavailable', { retryAfterSeconds: 1 }],
  ['credential_unavailable', { retryAfterSeconds: 30 }],
  ['internal', { retryAfterSeconds: 30 }],
] satisfies [Reason, FailureDetails][]) {
  test(`${reason} with ${JSON.stringify(details)} is forgotten at once`, () => {
    const { remember, find } = createCache()
    remember('one', new Failure(reason, details))
    assert.equal(find('one'), undefined)
  })
}

for (const [named, cached] of [
  [2, 2],
  [30, 30],
  [60, 60],
  [3_600, 60],
] as const) {
  test(`a temporary error with a Retry-After of ${named} seconds is repeated for ${cached}, to that assertion`, () => {
    const { clock, remember, find } = createCache()
    remember('one', new Failure('exchange_unavailable', { retryAfterSeconds: named }))
    assert.equal(find('one')?.reason, 'exchange_unavailable')
    assert.equal(find('other'), undefined)
    clock.now += cached * 1_000 - 1
    assert.equal(find('one')?.details.retryAfterSeconds, 1)
    clock.now += 1
    assert.equal(find('one'), undefined)
  })
}

test('a throttled assertion waits as long as Entra said, and gets what is left', () => {
  const { clock, remember, find } = createCache()
  remember('one', new Failure('exchange_throttled', { retryAfterSeconds: 30, detail: 'detail' }))
  const left = (afterMs: number) => {
    clock.now += afterMs
    return find('one')?.details
  }
  assert.deepEqual(left(0), { retryAfterSeconds: 30, detail: 'detail' })
  assert.equal(left(10_500)?.retryAfterSeconds, 20)
  assert.equal(left(19_499)?.retryAfterSeconds, 1)
  assert.equal(left(1), undefined)
  assert.equal(find('other'), undefined)
})

/** As Entra's number says it. */
const named = (reason: Reason, code: number) =>
  new Failure(reason, { aadsts: `AADSTS${code}`, cause: { error_codes: [code] } })

for (const [reason, code] of [
  ['credential_rejected', 7000215],
  ['exchange_misconfigured', 700016],
] as const) {
  test(`${reason} stops everybody for five seconds, and each gets that reason`, () => {
    const { clock, remember, find } = createCache()
    remember('one', named(reason, code))
    for (const key of ['one', 'other']) {
      assert.equal(find(key)?.reason, reason)
      assert.equal(find(key)?.details.retryAfterSeconds, 5)
      assert.deepEqual(find(key)?.details.cause, { error_codes: [code] })
    }
    clock.now += 4_001
    assert.equal(find('other')?.details.retryAfterSeconds, 1)
    clock.now += 999
    assert.equal(find('other'), undefined)
  })
}

test('of two errors of the server the later one is repeated', () => {
  const { clock, remember, find } = createCache()
  remember('one', named('exchange_misconfigured', 500011))
  clock.now += 1_000
  remember('other', named('credential_rejected', 7000222))
  assert.equal(find('one')?.reason, 'credential_rejected')
  assert.equal(find('one')?.details.retryAfterSeconds, 5)
})

test('an assertion’s own rejection comes before the breaker’s', () => {
  const { remember, find } = createCache()
  remember('one', new Failure('user_not_allowed'))
  remember('other', named('credential_rejected', 7000222))
  assert.equal(find('one')?.reason, 'user_not_allowed')
})

test('an attempt is postponed whatever it failed of, again and again', () => {
  const { clock, postpone, find } = createCache()
  for (let attempt = 1; attempt <= 3; attempt++) {
    postpone('one', new Failure('exchange_unavailable'))
    assert.equal(find('one')?.reason, 'exchange_unavailable', `attempt ${attempt}`)
    clock.now += 10_000
    assert.equal(find('one'), undefined)
  }
})

test('postponing does not shorten a Retry-After of Entra', () => {
  const { clock, remember, postpone, find } = createCache()
  const failure = new Failure('exchange_throttled', { retryAfterSeconds: 60 })
  remember('one', failure)
  postpone('one', failure)
  clock.now += 59_000
  assert.equal(find('one')?.details.retryAfterSeconds, 1)
})

for (const reason of ['credential_rejected', 'exchange_misconfigured'] as const) {
  test(`${reason} without a known code is repeated to its assertion for ten seconds, and stops nobody else`, () => {
    const { clock, remember, find } = createCache()
    const failure = new Failure(reason, { cause: { status: 400, error_codes: [999_999] } })
    for (const key of ['one', 'two']) remember(key, failure)
    assert.deepEqual([find('one'), find('two'), find('other')], [failure, failure, undefined])
    clock.now += 10_000
    assert.equal(find('one'), undefined)
  })
}
