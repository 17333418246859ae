import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { Failure, type Reason } from '../../../src/errors/index.ts'
import { type Deadline, deadlineIn } from '../../../src/lib/deadline.ts'
import type { Caller } from '../../../src/plugins/auth/claims.ts'
import { createOboTokenCache, type OboTokenCacheOptions } from '../../../src/plugins/obo-token-cache/index.ts'
import type { ExchangeRequest, GraphToken } from '../../../src/plugins/obo-token-cache/on-behalf-of.ts'
import { auditInto } from '../../helper.ts'

const hour = 3_600_000
const minute = 60_000

type Outcome = Partial<GraphToken> | Failure
type Line = Record<string, unknown> & { readonly level: string }

/** A cache whose Entra, clock and pauses are the test's own. Entra gives one-hour tokens named after the assertion. */
function cacheOf(options: Partial<OboTokenCacheOptions> = {}) {
  const clock = { now: Date.UTC(2026, 10, 22) }
  const asked: ExchangeRequest[] = []
  const lines: Line[] = []
  const pauses: number[] = []
  /** What Entra returns next; when it is used up, tokens. */
  const outcomes: Outcome[] = []
  let held: Promise<void> | undefined
  const cache = createOboTokenCache({
    tenantId: 'tenant',
    clientId: 'client',
    audit: auditInto(lines),
    now: () => clock.now,
    monotonicNow: () => clock.now,
    sleep: async (ms) => {
      pauses.push(ms)
    },
    async exchange(request) {
      asked.push(request)
      const count = asked.length
      const outcome = outcomes.shift() ?? {}
      await held
      if (outcome instanceof Failure) throw outcome
      return { accessToken: `graph-${count} of ${request.assertion}`, expiresAtMs: clock.now + hour, ...outcome }
    },
    ...options,
  })
  const callerOf = (assertion: string): Caller => ({
    tenantId: 'tenant',
    userKey: `user of ${assertion[0]}`,
    clientId: 'any',
    scopes: [],
    expiresAtMs: clock.now + 24 * hour,
    tokenHash: hash('sha256', assertion, 'base64url'),
  })
  const get = (
    assertion: string,
    more: { caller?: Caller; scopes?: string[]; signal?: AbortSignal; deadline?: Deadline } = {},
  ) => cache.get({ caller: callerOf(assertion), assertion, scopes: ['scope'], correlationId: 'id-1', ...more })
  return {
    ...{ cache, clock, asked, lines, pauses, outcomes, get, callerOf },
    evict: (assertion: string, accessToken: string, scopes = ['scope']) =>
      cache.evict({ caller: callerOf(assertion), scopes }, accessToken),
    /** Entra's responses wait for what this returns. */
    hold() {
      let release = () => {}
      held = new Promise((resolve) => {
        release = resolve
      })
      return () => {
        held = undefined
        release()
      }
    },
    events: (event: string) => lines.filter((line) => line['event'] === event),
  }
}

const is = (reason: Reason) => ({ name: 'Failure', reason })
const settle = () => new Promise((resolve) => setImmediate(resolve))

test('the same assertion again costs no exchange', async () => {
  const { get, asked } = cacheOf()
  assert.equal(await get('a'), 'graph-1 of a')
  assert.equal(await get('a'), 'graph-1 of a')
  assert.deepEqual(
    asked.map(({ deadline: _, ...request }) => request),
    [{ assertion: 'a', scopes: ['scope'], correlationId: 'id-1' }],
  )
})

test('two assertions are two entries, be they of one user', async () => {
  const { get, asked, cache } = cacheOf()
  const [one, two] = [await get('a1'), await get('a2')]
  assert.notEqual(one, two)
  assert.deepEqual([await get('a1'), await get('a2')], [one, two])
  assert.equal(asked.length, 2)
  assert.equal(cache.stats.entries, 2)
})

test('one assertion has a token for each set of scopes, in whatever order they are named', async () => {
  const { get, asked, evict } = cacheOf()
  const [reading, writing] = [await get('a', { scopes: ['r1', 'r2'] }), await get('a', { scopes: ['w'] })]
  assert.notEqual(reading, writing)
  assert.equal(await get('a', { scopes: ['r2', 'r1'] }), reading)
  assert.deepEqual(
    asked.map(({ scopes }) => scopes),
    [['r1', 'r2'], ['w']],
  )
  evict('a', writing, ['w'])
  assert.equal(await get('a', { scopes: ['r1', 'r2'] }), reading)
  assert.notEqual(await get('a', { scopes: ['w'] }), writing)
})

test('a rejection of one set of scopes is not that of another', async () => {
  const { get, asked, outcomes } = cacheOf()
  outcomes.push(new Failure('user_consent_required'))
  for (let i = 0; i < 2; i++) await assert.rejects(get('a', { scopes: ['w'] }), is('user_consent_required'))
  assert.equal(await get('a', { scopes: ['r'] }), 'graph-2 of a')
  assert.equal(asked.length, 2)
})

test('fifty callers with one assertion share one exchange', async () => {
  const { get, asked, hold } = cacheOf()
  const release = hold()
  const calls = Array.from({ length: 50 }, () => get('a'))
  release()
  assert.deepEqual(new Set(await Promise.all(calls)), new Set(['graph-1 of a']))
  assert.equal(asked.length, 1)
})

test('fifty callers share a failure too, and each hears it', async () => {
  const { get, asked, hold, outcomes } = cacheOf()
  outcomes.push(new Failure('user_not_allowed'))
  const release = hold()
  const calls = Array.from({ length: 50 }, () => get('a'))
  release()
  for (const call of calls) await assert.rejects(call, is('user_not_allowed'))
  assert.equal(asked.length, 1)
})

test('a thousand assertions at once each get their own token', async () => {
  const { get } = cacheOf()
  const tokens = await Promise.all(Array.from({ length: 1_000 }, (_, i) => get(`a${i}`)))
  assert.ok(tokens.every((token, i) => token.endsWith(` of a${i}`)))
})

test('a waiter that goes away does not end the exchange for the others', async () => {
  const { get, asked, hold } = cacheOf()
  const release = hold()
  const abort = new AbortController()
  const goes = get('a', { signal: abort.signal })
  const stays = get('a')
  abort.abort()
  await assert.rejects(goes, is('call_cancelled'))
  release()
  assert.equal(await stays, 'graph-1 of a')
  assert.equal(await get('a'), 'graph-1 of a')
  assert.equal(asked.length, 1)
})

test('a caller waits no longer than its own deadline, and the exchange goes on for the others', async () => {
  const { get, asked, hold } = cacheOf()
  const release = hold()
  const stays = get('a')
  await assert.rejects(get('a', { deadline: deadlineIn(20) }), is('exchange_unavailable'))
  release()
  assert.equal(await stays, 'graph-1 of a')
  assert.equal(asked.length, 1)
})

test('all tries of one exchange have the same deadline', async () => {
  const { get, asked, outcomes, clock } = cacheOf({
    tokenMs: 10_000,
    sleep: async () => {
      clock.now += 4_000
    },
  })
  outcomes.push(new Failure('exchange_unavailable'))
  await get('a')
  assert.equal(asked.length, 2)
  assert.ok(asked.every(({ deadline }) => deadline.leftMs === 6_000))
})

test('a token is used until five minutes before it expires, and not a moment longer', async () => {
  const { get, clock, hold } = cacheOf()
  await get('a')
  // Its replacement, begun in the background, takes its time.
  const release = hold()
  clock.now += 55 * minute - 1
  assert.equal(await get('a'), 'graph-1 of a')
  clock.now += 1
  const call = get('a')
  release()
  assert.equal(await call, 'graph-2 of a')
})

test('a token is not used when its assertion has expired', async () => {
  const { get, clock, callerOf, asked } = cacheOf()
  const caller = { ...callerOf('a'), expiresAtMs: clock.now + 10 * minute }
  await get('a', { caller })
  clock.now += 10 * minute
  assert.equal(await get('a', { caller }), 'graph-2 of a')
  assert.equal(asked.length, 2)
})

test('an old token serves on while one exchange refreshes it', async () => {
  const { get, asked, clock, hold } = cacheOf()
  await get('a')
  clock.now += 38 * minute
  assert.equal(await get('a'), 'graph-1 of a')
  assert.equal(asked.length, 1, 'before 70 per cent')
  clock.now += 6 * minute
  const release = hold()
  for (let i = 0; i < 20; i++) assert.equal(await get('a'), 'graph-1 of a')
  assert.equal(asked.length, 2)
  release()
  await settle()
  assert.equal(await get('a'), 'graph-2 of a')
  assert.equal(asked.length, 2)
})

test('a token that cannot be refreshed serves on, and Entra is asked again only now and then', async () => {
  const { get, asked, clock, outcomes } = cacheOf()
  await get('a')
  clock.now += 44 * minute
  for (let round = 1; round <= 4; round++) {
    outcomes.push(new Failure('exchange_unavailable'), new Failure('exchange_unavailable'))
    for (let i = 0; i < 10; i++) {
      assert.equal(await get('a'), 'graph-1 of a')
      await settle()
    }
    // Each time one try and its repetition.
    assert.equal(asked.length, 1 + 2 * round)
    clock.now += 10_000
  }
})

test('a user who is rejected in the background keeps the valid token until it expires', async () => {
  const { get, clock, outcomes } = cacheOf()
  await get('a')
  clock.now += 44 * minute
  outcomes.push(new Failure('claims_required', { claims: '{}' }))
  await get('a')
  await settle()
  assert.equal(await get('a'), 'graph-1 of a')
})

test('a rejection is repeated to its assertion without asking Entra, for a while, and to nobody else’s', async () => {
  const { get, asked, clock, outcomes } = cacheOf()
  outcomes.push(new Failure('claims_required', { claims: '{"a":1}' }))
  await assert.rejects(get('a1'), { reason: 'claims_required', details: { claims: '{"a":1}' } })
  await assert.rejects(get('a1'), { reason: 'claims_required', details: { claims: '{"a":1}' } })
  assert.equal(asked.length, 1)
  assert.equal(await get('a2'), 'graph-2 of a2')
  clock.now += 10_000
  assert.equal(await get('a1'), 'graph-3 of a1')
})

test('a throttled assertion gets what is left of the wait, and others are served', async () => {
  const { get, asked, clock, outcomes } = cacheOf()
  outcomes.push(new Failure('exchange_throttled', { retryAfterSeconds: 30 }))
  const waits = async (retryAfterSeconds: number) =>
    assert.rejects(get('a'), { reason: 'exchange_throttled', details: { retryAfterSeconds } })
  await waits(30)
  clock.now += 12_000
  await waits(18)
  assert.equal(await get('b'), 'graph-2 of b')
  clock.now += 17_999
  await waits(1)
  assert.equal(asked.length, 2)
  clock.now += 1
  assert.equal(await get('a'), 'graph-3 of a')
})

/** As Entra's number says it. */
const byCode = (reason: Reason, code: number) => new Failure(reason, { aadsts: `AADSTS${code}` })

for (const [reason, code] of [
  ['credential_rejected', 7000215],
  ['exchange_misconfigured', 700016],
] as const) {
  test(`${reason} spares Entra for five seconds, serves who has a token, and is one loud line`, async () => {
    const { get, asked, clock, outcomes, events } = cacheOf()
    await get('has one')
    outcomes.push(byCode(reason, code))
    await assert.rejects(get('a'), is(reason))
    for (let i = 0; i < 20; i++) await assert.rejects(get(`b${i}`), { reason, details: { retryAfterSeconds: 5 } })
    assert.equal(await get('has one'), 'graph-1 of has one')
    assert.equal(asked.length, 2)
    assert.deepEqual(
      events('obo_failure').map(({ level }) => level),
      ['error'],
    )
    clock.now += 5_000
    assert.equal(await get('a'), 'graph-3 of a')
  })
}

test('while nobody may ask Entra, no old token is refreshed either', async () => {
  const { get, asked, clock, outcomes } = cacheOf()
  await get('a')
  clock.now += 44 * minute
  outcomes.push(byCode('credential_rejected', 7000222))
  await assert.rejects(get('b'), is('credential_rejected'))
  assert.equal(await get('a'), 'graph-1 of a')
  await settle()
  assert.equal(asked.length, 2)
})

test('a time of day that is set, back or forth, makes nobody wait for longer or for less', async () => {
  for (const jumpMs of [-20 * minute, 20 * minute]) {
    let uptime = 5_000
    const { get, asked, clock, outcomes } = cacheOf({ monotonicNow: () => uptime })
    outcomes.push(byCode('credential_rejected', 7000222))
    await assert.rejects(get('a'), is('credential_rejected'))
    clock.now += jumpMs
    await assert.rejects(get('b'), { details: { retryAfterSeconds: 5 } })
    uptime += 5_000
    await get('b')
    assert.equal(asked.length, 2)
  }
})

test('a temporary error is retried once after a moment, and the caller does not notice', async () => {
  const { get, asked, pauses, outcomes } = cacheOf()
  outcomes.push(new Failure('exchange_unavailable'))
  assert.equal(await get('a'), 'graph-2 of a')
  assert.equal(asked.length, 2)
  assert.equal(pauses.length, 1)
  assert.ok(pauses.every((ms) => ms >= 100 && ms <= 300))
})

test('a temporary error that lasts is returned, and not cached', async () => {
  const { get, asked, outcomes } = cacheOf()
  outcomes.push(new Failure('exchange_unavailable'), new Failure('exchange_unavailable'))
  await assert.rejects(get('a'), is('exchange_unavailable'))
  assert.equal(await get('a'), 'graph-3 of a')
  assert.equal(asked.length, 3)
})

test('an error with a Retry-After is not retried before it, and others still ask', async () => {
  const { get, asked, clock, pauses, outcomes } = cacheOf()
  outcomes.push(new Failure('exchange_unavailable', { retryAfterSeconds: 30 }))
  for (const [afterMs, retryAfterSeconds] of [
    [0, 30],
    [12_000, 18],
    [17_999, 1],
  ] as const) {
    clock.now += afterMs
    await assert.rejects(get('a'), { reason: 'exchange_unavailable', details: { retryAfterSeconds } })
  }
  assert.deepEqual([asked.length, pauses], [1, []])
  assert.equal(await get('b'), 'graph-2 of b')
  clock.now += 1
  assert.equal(await get('a'), 'graph-3 of a')
})

test('a Retry-After of a second is none: the exchange is retried as ever', async () => {
  const { get, outcomes, pauses } = cacheOf()
  outcomes.push(new Failure('exchange_unavailable', { retryAfterSeconds: 1 }))
  assert.equal(await get('a'), 'graph-2 of a')
  assert.equal(pauses.length, 1)
})

test('an old token serves on while Entra is left alone', async () => {
  const { get, asked, clock, outcomes } = cacheOf()
  await get('a')
  clock.now += 44 * minute
  outcomes.push(new Failure('exchange_unavailable', { retryAfterSeconds: 30 }))
  for (let i = 0; i < 4; i++) {
    assert.equal(await get('a'), 'graph-1 of a')
    await settle()
    clock.now += 9_000
  }
  assert.equal(asked.length, 2)
  assert.equal(await get('a'), 'graph-1 of a')
  assert.equal(asked.length, 3)
})

for (const reason of ['exchange_throttled', 'assertion_rejected', 'credential_rejected', 'claims_required'] as const) {
  test(`${reason} is final and not retried`, async () => {
    const { get, asked, outcomes } = cacheOf()
    outcomes.push(new Failure(reason))
    await assert.rejects(get('a'), is(reason))
    assert.equal(asked.length, 1)
  })
}

test('an exchange that breaks in an unforeseen way is internal, and not cached', async () => {
  let calls = 0
  const { get } = cacheOf({
    exchange: async () => {
      if (++calls === 1) throw new TypeError('unforeseen')
      return { accessToken: 'x', expiresAtMs: Number.MAX_SAFE_INTEGER }
    },
  })
  await assert.rejects(get('a'), is('internal'))
  assert.equal(await get('a'), 'x')
})

test('a token that expires with its assertion is never refreshed, since no other would last longer', async () => {
  const { get, asked, clock, callerOf } = cacheOf()
  const caller = { ...callerOf('a'), expiresAtMs: clock.now + 30 * minute }
  await get('a', { caller })
  clock.now += 29 * minute
  assert.equal(await get('a', { caller }), 'graph-1 of a')
  await settle()
  assert.equal(asked.length, 1)
})

test('an exchange that runs while its token is evicted serves who waits for it, and is not cached', async () => {
  const { get, evict, asked, hold } = cacheOf()
  const release = hold()
  const waiting = get('a')
  await settle()
  evict('a', 'graph-0 of a')
  release()
  assert.equal(await waiting, 'graph-1 of a')
  assert.equal(await get('a'), 'graph-2 of a')
  assert.equal(asked.length, 2)
})

test('who asks after an eviction does not wait for an exchange from before it, and shares the next', async () => {
  const { get, evict, asked, hold } = cacheOf()
  const release = hold()
  const before = get('a')
  await settle()
  evict('a', 'graph-0 of a')
  const after = [get('a'), get('a')]
  release()
  assert.equal(await before, 'graph-1 of a')
  assert.deepEqual(await Promise.all(after), ['graph-2 of a', 'graph-2 of a'])
  assert.equal(asked.length, 2)
})

test('an evicted token is exchanged again, and only that one', async () => {
  const { get, evict, asked } = cacheOf()
  await get('a')
  await get('b')
  evict('a', 'graph-1 of a')
  assert.equal(await get('b'), 'graph-2 of b')
  assert.equal(await get('a'), 'graph-3 of a')
  evict('nobody', 'any')
  assert.equal(asked.length, 3)
})

test('a late rejection by Graph does not evict the token that has replaced the old one', async () => {
  const { get, evict, asked } = cacheOf()
  const refused = await get('a')
  evict('a', refused)
  assert.equal(await get('a'), 'graph-2 of a')
  evict('a', refused)
  assert.equal(await get('a'), 'graph-2 of a')
  assert.equal(asked.length, 2)
})

test('an expired token is evicted, though nobody asks for it again', async () => {
  const { get, cache, clock, asked } = cacheOf()
  await get('a')
  clock.now += 30 * minute
  await get('b')
  cache.sweep()
  assert.equal(cache.stats.entries, 2)
  clock.now += 26 * minute
  cache.sweep()
  assert.equal(cache.stats.entries, 1)
  assert.equal(await get('b'), 'graph-2 of b')
  assert.equal(asked.length, 2)
})

test('of more tokens than there is room for the least recently used are evicted', async () => {
  const { get, asked, cache } = cacheOf({ maxBytes: 3 * 280 })
  for (const assertion of ['a', 'b', 'c']) await get(assertion)
  await get('a')
  await get('d')
  assert.equal(cache.stats.entries, 3)
  assert.equal(await get('a'), 'graph-1 of a')
  assert.equal(asked.length, 4)
  assert.equal(await get('b'), 'graph-5 of b')
})

test('no more bytes are cached than allowed, and a token too large for the cache is served all the same', async () => {
  const { get, cache, outcomes } = cacheOf({ maxBytes: 10_000 })
  const long = (length: number) => ({ accessToken: 'x'.repeat(length) })
  outcomes.push(long(4_000), long(4_000), long(4_000), long(20_000))
  for (const assertion of ['a', 'b', 'c']) await get(assertion)
  assert.equal(cache.stats.entries, 2)
  assert.equal((await get('d')).length, 20_000)
  assert.equal(cache.stats.entries, 2)
})

test('a log line of an exchange names the user by key and the correlation id, and holds neither token nor assertion', async () => {
  const { get, lines, outcomes } = cacheOf()
  await get('assertion-zq7mark')
  outcomes.push(new Failure('user_not_allowed', { cause: { status: 400, error_codes: [50105] } }))
  await assert.rejects(get('blocked-zq7mark'))
  assert.deepEqual(lines, [
    { level: 'info', event: 'obo_success', requestId: 'id-1', user: 'user of a', ms: 0 },
    {
      level: 'warn',
      event: 'obo_failure',
      reason: 'user_not_allowed',
      requestId: 'id-1',
      user: 'user of b',
      ms: 0,
      err: { status: 400, error_codes: [50105] },
    },
  ])
})
