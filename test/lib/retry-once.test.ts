import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure, type FailureDetails, type Reason } from '../../src/errors/index.ts'
import { withOneRetry } from '../../src/lib/retry-once.ts'

async function triesOf(reason: Reason, details: FailureDetails, leftMs: number): Promise<number> {
  let tries = 0
  const attempt = async () => {
    tries++
    throw new Failure(reason, details)
  }
  await assert.rejects(withOneRetry(attempt, { deadline: { leftMs }, sleep: async () => {} }), { reason })
  return tries
}

for (const [reason, details, leftMs, tries] of [
  ['exchange_unavailable', {}, 10_000, 2],
  ['exchange_unavailable', {}, 800, 2],
  ['exchange_unavailable', {}, 599, 1],
  ['exchange_unavailable', {}, 0, 1],
  ['exchange_unavailable', { retryAfterSeconds: 30 }, 10_000, 1],
  ['assertion_rejected', {}, 10_000, 1],
  ['credential_unavailable', {}, 10_000, 1],
] satisfies [Reason, FailureDetails, number, number][]) {
  const named = details.retryAfterSeconds === undefined ? '' : ` for ${details.retryAfterSeconds} s`
  test(`${reason}${named} with ${leftMs} ms left: ${tries === 2 ? 'one more try' : 'no other try'}`, async () => {
    assert.equal(await triesOf(reason, details, leftMs), tries)
  })
}
