import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toCachedToken, toCacheEntry } from '../../../src/plugins/obo-token-cache/lifetime.ts'

const minute = 60_000
const hour = 60 * minute

for (const [name, graphMinutes, assertionMinutes, expectedMinutes] of [
  ['the Graph token ends first', 60, 90, 55],
  ['the assertion ends first', 60, 30, 30],
  ['they end together', 60, 60, 55],
  ['Graph gives less than the margin', 3, 60, -2],
] as const) {
  test(`where ${name}, a token is used for ${expectedMinutes} minutes`, () => {
    const token = { accessToken: 'x', expiresAtMs: graphMinutes * minute }
    assert.equal(toCachedToken(token, assertionMinutes * minute).expiresAtMs, expectedMinutes * minute)
  })
}

test('a refresh is due between 70 and 80 per cent of the time, never at one moment for all', () => {
  const token = { accessToken: 'x', expiresAtMs: hour }
  const due = Array.from({ length: 1_000 }, () => toCacheEntry(token, 2 * hour, 0).refreshAtMs)
  assert.ok(Math.min(...due) >= 0.7 * hour && Math.max(...due) <= 0.8 * hour)
  assert.ok(Math.max(...due) - Math.min(...due) > 0.05 * hour)
})

test('a token that was obtained elsewhere is due by the time that it has left', () => {
  const { refreshAtMs } = toCacheEntry({ accessToken: 'x', expiresAtMs: hour }, 2 * hour, 0.5 * hour)
  assert.ok(refreshAtMs >= 0.85 * hour && refreshAtMs <= 0.9 * hour)
})

for (const [name, expiresAtMs] of [
  ['as long as its assertion', hour],
  ['longer', hour + 1],
] as const) {
  test(`a token that lasts ${name} is never due`, () => {
    assert.equal(toCacheEntry({ accessToken: 'x', expiresAtMs }, hour, 0).refreshAtMs, Number.POSITIVE_INFINITY)
  })
}
