import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../../src/errors/index.ts'
import { createDenials } from '../../../src/plugins/graph-client/denials.ts'

const path = 'GET /admin/serviceAnnouncement/messages'
const reader = { accessToken: 'token-1', user: 'user-1' }
const forbidden = new Failure('graph_forbidden', { graphRequestId: 'graph-1', cause: { status: 403 } })

function denied() {
  const clock = { now: 1_000 }
  const denials = createDenials(() => clock.now)
  denials.remember(reader, path, forbidden)
  const isDenied = (who: { accessToken: string; user?: string }, where = path) => {
    try {
      denials.check(who, where)
      return false
    } catch (error) {
      assert.equal((error as Failure).reason, 'graph_forbidden')
      return true
    }
  }
  return { denials, clock, isDenied }
}

test('a denial is told with when to try again, at first and afterwards', () => {
  const { denials, clock } = denied()
  const first = denials.remember(reader, path, forbidden)
  assert.equal(first.details.retryAfterSeconds, 300)
  clock.now += 100_500
  assert.throws(() => denials.check(reader, path), {
    reason: 'graph_forbidden',
    details: { ...first.details, retryAfterSeconds: 200 },
  })
})

test('it lasts five minutes, for the whole collection', () => {
  const { clock, isDenied } = denied()
  clock.now += 299_999
  assert.ok(isDenied(reader))
  assert.ok(isDenied(reader, `${path}/MC1`))
  clock.now += 1
  assert.ok(!isDenied(reader))
})

test('another token of the user is tried after a minute, and no sooner', () => {
  const { clock, isDenied } = denied()
  const renewed = { ...reader, accessToken: 'token-2' }
  clock.now += 59_999
  assert.ok(isDenied(renewed))
  clock.now += 1
  assert.ok(!isDenied(renewed))
  assert.ok(isDenied(reader))
})

test('it is nobody else’s, and about nothing else', () => {
  const { isDenied } = denied()
  assert.ok(!isDenied({ accessToken: 'token-1', user: 'user-2' }))
  assert.ok(!isDenied(reader, 'GET /admin/serviceAnnouncement/issues'))
  assert.ok(!isDenied(reader, 'POST /admin/serviceAnnouncement/messages/markRead'))
})

test('without a user it is the token’s', () => {
  const { denials, isDenied } = denied()
  denials.remember({ accessToken: 'token-3' }, path, forbidden)
  assert.ok(isDenied({ accessToken: 'token-3' }))
  assert.ok(!isDenied({ accessToken: 'token-4' }))
})

test('a call that succeeds ends it', () => {
  const { denials, isDenied } = denied()
  denials.forget(reader, path)
  assert.ok(!isDenied(reader))
})

test('nothing but a denial is remembered, or changed', () => {
  const { denials, isDenied } = denied()
  for (const reason of [
    'graph_not_found',
    'graph_throttled',
    'graph_token_rejected',
    'graph_claims_required',
  ] as const) {
    const failure = new Failure(reason)
    assert.equal(denials.remember({ accessToken: 'x', user: reason }, path, failure), failure)
    assert.ok(!isDenied({ accessToken: 'x', user: reason }))
  }
})
