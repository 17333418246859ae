import assert from 'node:assert/strict'
import { test } from 'node:test'
import { age, distance, writtenDates } from '../../view/dates.ts'
import { byMonth, eventsOf } from '../../view/timeline-events.ts'
import { milestones, outlook, teams } from './posts.ts'

const today = '2026-11-29'

test('dates of clouds that differ in nothing else are one', () => {
  const [first] = milestones[outlook.id] ?? []
  assert.ok(first)
  const both = { ...outlook, milestones: [first, { ...first, cloud: 'gcc' as const }] }
  assert.deepEqual(
    eventsOf(both, today).map(({ audience, dates, away }) => [audience, dates, away]),
    [['General Availability: Worldwide, GCC', 'mid-November – early December', 'in progress']],
  )
})

test('Graph’s act-by date is a deadline, once', () => {
  const kinds = (message: typeof teams) => eventsOf(message, today).map(({ kind, day }) => `${kind} ${day}`)
  assert.deepEqual(kinds(teams), ['deadline 2026-12-15'])
  assert.deepEqual(kinds({ ...teams, milestones: milestones[teams.id] ?? [] }), [
    'deadline 2026-12-15',
    'retirement 2027-01-20',
  ])
})

test('a period stands at the next of its days', () => {
  const period = (start: string, end: string) =>
    eventsOf({ id: 'MC1', milestones: [{ kind: 'rollout', start, end, text: '' }] }, today)[0]?.day
  assert.equal(period('2026-12-01', '2027-01-01'), '2026-12-01')
  assert.equal(period('2026-11-01', '2027-01-01'), '2027-01-01')
  assert.equal(period('2026-10-01', '2026-11-01'), '2026-11-01')
})

test('events are put under their months, soonest first', () => {
  const events = eventsOf({ ...teams, milestones: milestones[teams.id] ?? [] }, today)
  assert.deepEqual(
    byMonth(events).map(({ name, events }) => [name, events.length]),
    [
      ['December 2026', 1],
      ['January 2027', 1],
    ],
  )
})

for (const [dates, written] of [
  [{ start: '2026-12-03' }, 'Dec 3'],
  [{ end: '2027-01-03' }, 'by Jan 3, 2027'],
  [{ start: '2026-12-01', startPrecision: 'month' }, 'December'],
  [{ start: '2027-05-21', startPrecision: 'part' }, 'late May 2027'],
  [{ start: '2026-12-03', end: '2026-12-09' }, 'Dec 3 – Dec 9'],
  [{}, ''],
] as const) {
  test(`dates are written as precisely as they are known: ${written}`, () => {
    assert.equal(writtenDates(dates, today), written)
  })
}

test('a distance is in the largest unit that says enough', () => {
  const days = ['2026-11-28', '2026-11-29', '2026-11-30', '2026-12-03', '2026-12-20', '2026-11-20', '2027-02-01']
  const said = days.map((day) => distance(day, today))
  assert.deepEqual(said, ['yesterday', 'today', 'tomorrow', 'in 4 days', 'in 3 weeks', '9 days ago', undefined])
  assert.deepEqual([5, 60, 720].map(age), ['just now', '1 minute ago', '12 minutes ago'])
})
