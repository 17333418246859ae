import assert from 'node:assert/strict'
import { test } from 'node:test'
import { retryAfterSeconds } from '../../src/lib/retry-after.ts'

const now = Date.UTC(2026, 10, 22, 12, 0, 0, 500)

for (const [value, seconds] of [
  [undefined, undefined],
  ['', undefined],
  ['0', 0],
  ['120', 120],
  ['007', 7],
  ['3600', 3600],
  ['3601', 3600],
  ['9'.repeat(400), 3600],
  ['Sun, 22 Nov 2026 12:00:01 GMT', 1],
  ['Sun, 22 Nov 2026 12:00:30 GMT', 30],
  ['Sunday, 22-Nov-26 12:00:30 GMT', 30],
  ['Sun Nov 22 12:00:30 2026', 30],
  ['Sun Nov  1 12:00:30 2026', 0],
  ['Sun Dec  6 12:00:30 2026', 3600],
  ['Sun, 22 Nov 2026 11:00:00 GMT', 0],
  ['Fri, 22 Nov 2199 12:00:00 GMT', 3600],
  ['Sun, 99 Nov 2026 12:00:30 GMT', undefined],
  ['Sun, 22 Nov 2026 12:00:30', undefined],
  ['Sun, 22 Nov 2026 12:00:30 +0200', undefined],
  ['Sun, 22 Nov 2026 12:00:30 PST', undefined],
  ['-5', undefined],
  ['+5', undefined],
  ['1.5', undefined],
  ['1e3', undefined],
  ['0x10', undefined],
  ['5 s', undefined],
  [' 5', undefined],
  ['5, 6', undefined],
  ['soon', undefined],
  ['2026-11-22', undefined],
  ['Infinity', undefined],
] as const) {
  test(`Retry-After ${JSON.stringify(value)?.slice(0, 40)} is ${seconds ?? 'none'}`, () => {
    assert.equal(retryAfterSeconds(value, now), seconds)
  })
}

for (const [form, value] of [
  ['IMF-fixdate', 'Sun, 22 Nov 2026 12:00:30 GMT'],
  ['RFC 850', 'Sunday, 22-Nov-26 12:00:30 GMT'],
  ['asctime', 'Sun Nov 22 12:00:30 2026'],
] as const) {
  test(`a date in the form of ${form} is UTC, wherever the process thinks it is`, (t) => {
    const { TZ } = process.env
    t.after(() => {
      if (TZ === undefined) delete process.env['TZ']
      else process.env['TZ'] = TZ
    })
    for (const zone of ['Asia/Tokyo', 'America/New_York']) {
      process.env['TZ'] = zone
      assert.equal(retryAfterSeconds(value, now), 30, zone)
    }
  })
}

test('a date is measured from now, unless told otherwise', () => {
  const inTwoMinutes = new Date(Date.now() + 120_000).toUTCString()
  const seconds = retryAfterSeconds(inTwoMinutes) ?? 0
  assert.ok(seconds > 110 && seconds <= 120, `${seconds}`)
})
