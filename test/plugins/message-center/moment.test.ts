import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { dayOf, momentOf, startOfDay, startOfNextDay } from '../../../src/plugins/message-center/moment.ts'

const nowMs = Date.parse('2026-11-29T15:30:00Z')

const moments: readonly [rule: string, text: string, iso: string][] = [
  ['a date is its start in UTC', '2026-12-01', '2026-12-01T00:00:00Z'],
  ['a leap day exists', '2028-02-29', '2028-02-29T00:00:00Z'],
  ['blanks around it do not matter', ' 2026-12-01\n', '2026-12-01T00:00:00Z'],
  ['a date-time in UTC', '2026-12-01T08:00:00Z', '2026-12-01T08:00:00Z'],
  ['without seconds', '2026-12-01T08:30Z', '2026-12-01T08:30:00Z'],
  ['with a fraction as Graph writes it', '2026-12-01T08:00:00.1234567Z', '2026-12-01T08:00:00.123Z'],
  ['with an offset', '2026-12-01T08:00:00+02:00', '2026-12-01T06:00:00Z'],
  ['with an offset that leads to another day', '2026-12-01T01:00:00+05:30', '2026-11-30T19:30:00Z'],
  ['in small letters', '2026-12-01t08:00:00z', '2026-12-01T08:00:00Z'],
  ['now', 'now', '2026-11-29T15:30:00Z'],
  ['today', 'Today', '2026-11-29T00:00:00Z'],
  ['tomorrow', 'tomorrow', '2026-11-30T00:00:00Z'],
  ['yesterday', 'yesterday', '2026-11-28T00:00:00Z'],
]
for (const [rule, text, iso] of moments) {
  test(`${rule}: ${JSON.stringify(text)} is ${iso}, whatever the direction`, () => {
    for (const direction of ['back', 'ahead'] as const) {
      assert.equal(momentOf(text, direction, nowMs), Date.parse(iso), direction)
    }
  })
}

const durations: readonly (readonly [text: string, ahead: string, back: string])[] = [
  ...['7d', '7 d', '7D', '7 days', '7days', '1w', '1 week', '1 Weeks', 'P7D', 'p7d', 'P1W', 'PT168H', '168h'].map(
    (text) => [text, '2026-12-06T15:30:00Z', '2026-11-22T15:30:00Z'] as const,
  ),
  ...['1 day', 'P1D', '24 hours', 'PT24H'].map(
    (text) => [text, '2026-11-30T15:30:00Z', '2026-11-28T15:30:00Z'] as const,
  ),
  ...['1 hour', 'PT1H', '1h'].map((text) => [text, '2026-11-29T16:30:00Z', '2026-11-29T14:30:00Z'] as const),
  ...['2 weeks', '2w', '14d', 'P2W', 'P14D'].map(
    (text) => [text, '2026-12-13T15:30:00Z', '2026-11-15T15:30:00Z'] as const,
  ),
  ...['1mo', '1 month', '1 months', 'P1M'].map(
    (text) => [text, '2026-12-29T15:30:00Z', '2026-10-29T15:30:00Z'] as const,
  ),
  ...['1y', '1 year', '12 months', 'P1Y', 'P12M'].map(
    (text) => [text, '2027-11-29T15:30:00Z', '2025-11-29T15:30:00Z'] as const,
  ),
  ['P1Y2M3DT4H', '2028-02-01T19:30:00Z', '2025-09-26T11:30:00Z'],
  ['0d', '2026-11-29T15:30:00Z', '2026-11-29T15:30:00Z'],
]
for (const [text, ahead, back] of durations) {
  test(`${text} ahead is ${ahead}, and back ${back}`, () => {
    assert.equal(momentOf(text, 'ahead', nowMs), Date.parse(ahead))
    assert.equal(momentOf(text, 'back', nowMs), Date.parse(back))
  })
}

const monthEnds: readonly [from: string, text: string, direction: 'back' | 'ahead', day: string][] = [
  ['2027-01-31', '1 month', 'ahead', '2027-02-28'],
  ['2028-01-31', '1 month', 'ahead', '2028-02-29'],
  ['2026-12-31', '2 months', 'ahead', '2027-02-28'],
  ['2027-03-31', '1 month', 'back', '2027-02-28'],
  ['2026-12-31', '1 month', 'back', '2026-11-30'],
  ['2026-12-15', '1 month', 'ahead', '2027-01-15'],
  ['2028-02-29', '1 year', 'ahead', '2029-02-28'],
  ['2028-02-29', '4 years', 'ahead', '2032-02-29'],
  ['2027-01-15', '1 month', 'back', '2026-12-15'],
]
for (const [from, text, direction, day] of monthEnds) {
  test(`${text} ${direction} from ${from} is ${day}`, () => {
    assert.equal(momentOf(text, direction, Date.parse(from)), Date.parse(day))
  })
}

const none: readonly [rule: string, ...texts: string[]][] = [
  ['days that do not exist', '2026-02-30', '2026-02-29', '2026-13-01', '2026-00-10', '2026-04-31', '2026-01-32'],
  ['days that do not exist, with a time', '2026-02-30T00:00:00Z', '2026-11-31T08:00:00+02:00'],
  ['times that do not exist', '2026-12-01T25:00:00Z', '2026-12-01T08:61:00Z', '2026-12-01T08:00:00+25:00'],
  ['a time without its zone', '2026-12-01T08:00:00', '2026-12-01 08:00'],
  ['other ways to write a date', '01.12.2026', '12/1/2026', '2026-12', '2026-W49', 'December 1', '20261201'],
  ['durations without a figure or a unit', 'a week', 'd', '7', 'P', 'PT', 'P1', '1.5d', '-7d', '7 fortnights'],
  ['minutes, which could be months', '5m', 'PT5M'],
  ['more than one duration', '1w 2d', '7d7d'],
  ['more figures than any need', '12345d', 'P12345D'],
  ['what leads beyond years of four figures', '9999 years', 'P9999Y', '9999-12-31T23:00:00-02:00', '0000-12-31'],
  ['nothing', '', ' '],
  ['names of JavaScript objects', 'constructor', 'toString', '__proto__', 'valueOf'],
  ['what goes on after a date', "2026-12-01' or true", '2026-12-01\n2026-12-02', '7d; drop'],
]
for (const [rule, ...texts] of none) {
  test(`no moment: ${rule}`, () => {
    for (const text of texts) {
      for (const direction of ['back', 'ahead'] as const) {
        assert.equal(momentOf(text, direction, nowMs), undefined, `${JSON.stringify(text)} ${direction}`)
      }
    }
  })
}

test('whatever is given, it is a time that can be written, or none', () => {
  const anything = fc.oneof(
    fc.string(),
    fc.stringMatching(/^P?\d{1,4} ?(d|w|mo|y|D|M|Y)$/),
    fc.stringMatching(/^\d{4}-\d\d-\d\d(T\d\d:\d\d(Z|[+-]\d\d:\d\d))?$/),
  )
  fc.assert(
    fc.property(anything, fc.constantFrom('back', 'ahead'), (text, direction) => {
      const ms = momentOf(text, direction, nowMs)
      assert.ok(ms === undefined || /^\d{4}-\d\d-\d\d$/.test(dayOf(ms)), text)
    }),
    { numRuns: 1_000 },
  )
})

test('days are those of UTC', () => {
  const lateMs = Date.parse('2026-11-29T23:59:59.999Z')
  assert.equal(dayOf(lateMs), '2026-11-29')
  assert.equal(startOfDay(lateMs), Date.parse('2026-11-29'))
  assert.equal(startOfNextDay(lateMs), Date.parse('2026-11-30'))
  assert.equal(startOfNextDay(Date.parse('2026-11-29')), Date.parse('2026-11-30'))
})
