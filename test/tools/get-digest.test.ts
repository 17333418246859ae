import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getDigest } from '../../src/tools/get-digest.ts'
import { getMessages } from '../../src/tools/get-messages.ts'
import { message } from '../plugins/message-center/graph-double.ts'
import { userOf } from './helper.ts'

const at = (day: string) => ({ startDateTime: `${day}T00:00:00Z`, lastModifiedDateTime: `${day}T00:00:00Z` })
const posts = [
  message(1, { ...at('2026-11-28'), isMajorChange: true, tags: ['Retirement'] }),
  message(2, {
    startDateTime: '2026-10-01T00:00:00Z',
    lastModifiedDateTime: '2026-11-27T00:00:00Z',
    services: ['Planner'],
  }),
  message(3, { ...at('2026-11-10'), actionRequiredByDateTime: '2026-12-24T00:00:00Z', viewPoint: { isRead: true } }),
  message(4, { ...at('2026-10-10'), actionRequiredByDateTime: '2027-02-01T00:00:00Z' }),
]

async function digestOf(args: object) {
  const { counts, due, top, since, until } = await userOf(posts).call(getDigest, args)
  const idsOf = (rows: unknown) => (rows as { id: string }[]).map(({ id }) => id.replace('MC10000', '')).join()
  return { counts: counts as Record<string, number>, due: idsOf(due), top: idsOf(top), since, until }
}

test('by default a week of changes and sixty days of dates, for one call', async () => {
  const { call, graph } = userOf(posts)
  const result = await call(getDigest)
  assert.deepEqual([result['since'], result['until']], ['2026-11-22', '2027-01-28'])
  assert.deepEqual(result['counts'], { all: 4, new: 1, updated: 1, major: 1, unread: 3 })
  assert.deepEqual(result['due'], [{ id: 'MC100003', title: 'Change 3', date: '2026-12-24' }])
  assert.ok(!('note' in result) && !('ageSeconds' in result))
  assert.deepEqual(graph.asked, ['bodies'])
})

const periods: readonly [args: object, since: string, until: string, top: string, due: string][] = [
  [{ since: '30d' }, '2026-10-30', '2027-01-28', '1,3,2', '3'],
  [{ since: '2 weeks' }, '2026-11-15', '2027-01-28', '1,2', '3'],
  [{ since: '2026-11-28' }, '2026-11-28', '2027-01-28', '1', '3'],
  [{ since: 'P1D' }, '2026-11-28', '2027-01-28', '', '3'],
  [{ horizon: '3 months' }, '2026-11-22', '2027-02-28', '1,2', '3,4'],
  [{ horizon: '7d' }, '2026-11-22', '2026-12-06', '1,2', ''],
  [{ horizon: '2026-12-24' }, '2026-11-22', '2026-12-24', '1,2', '3'],
  [{ horizon: '2026-12-23' }, '2026-11-22', '2026-12-23', '1,2', ''],
]
for (const [args, since, until, top, due] of periods) {
  test(`${JSON.stringify(args)} is from ${since} until ${until}: changed ${top || 'none'}, due ${due || 'none'}`, async () => {
    const result = await digestOf(args)
    assert.deepEqual(result, { counts: result.counts, since, until, top, due })
  })
}

const filtered: readonly [args: object, all: number, top: string][] = [
  [{ services: ['Planner'] }, 1, '2'],
  [{ tags: ['retirement'] }, 1, '1'],
  [{ isMajorChange: true }, 1, '1'],
  [{ unreadOnly: true }, 3, '1,2'],
  [{ search: '"text of 2"' }, 1, '2'],
  [{ ids: ['MC100001', 'MC100002', 'MC9'] }, 2, '1,2'],
  [{ actionRequiredBefore: '60d' }, 1, ''],
]
for (const [args, all, top] of filtered) {
  test(`${JSON.stringify(args)} leaves ${all}, of which changed ${top || 'none'}`, async () => {
    const result = await digestOf(args)
    assert.deepEqual([result.counts['all'], result.top], [all, top])
  })
}

test('where nothing matches, the note says what was searched and what to try', async () => {
  const { note, counts } = await userOf(posts).call(getDigest, { services: ['Outlook'] })
  assert.match(String(note), /^No match among 4 messages; .*services 0\. Services here: Microsoft Teams, Planner\./)
  assert.equal((counts as { all: number }).all, 0)
  assert.match(String((await userOf([]).call(getDigest))['note']), /shows this user no messages/)
})

test('where Graph fails, what was read before is the answer', async () => {
  const { call, graph, advance } = userOf(posts)
  await call(getDigest)
  advance(6 * 60_000)
  graph.fail('graph_unavailable')
  const { counts, stale, ageSeconds } = await call(getDigest)
  assert.deepEqual([(counts as { all: number }).all, stale, ageSeconds], [4, true, 360])
})

test('texts that could not be read are counted: their dates are missing', async () => {
  const { call, graph, advance } = userOf(posts)
  await call(getDigest)
  advance(6 * 60_000)
  graph.show([...posts, message(5, at('2026-11-29'))])
  await call(getMessages)
  graph.fail('graph_unavailable')
  const { counts, note } = await call(getDigest)
  assert.equal((counts as { all: number }).all, 5)
  assert.equal(note, 'The text of 1 messages could not be read: their dates are missing.')
})

const rejected: readonly [args: object, message: RegExp][] = [
  [{ since: 'soon' }, /^"since" takes a date/],
  [{ since: '2026-02-30' }, /^"since" takes a date/],
  [{ since: '' }, /^"since" takes a date/],
  [{ horizon: 'later' }, /^"horizon" takes a date/],
  [{ horizon: 60 }, /^"horizon" must be string/],
  [{ since: '2026-11-30' }, /^"since" takes a time in the past\.$/],
  [{ horizon: 'yesterday' }, /^"horizon" takes today or a time ahead\.$/],
  [{ services: [' '] }, /^"services" takes /],
  [{ modifiedSince: 'x' }, /^"modifiedSince" takes /],
  [{ search: '?' }, /^"search" takes /],
  [{ top: 5 }, /^There is no argument "top"; there are: since, horizon, /],
]
for (const [args, message] of rejected) {
  test(`${JSON.stringify(args)} is an error that names the argument, and Graph is not called`, async () => {
    const { call, graph } = userOf(posts)
    await assert.rejects(call(getDigest, args), { reason: 'invalid_input', message })
    assert.deepEqual(graph.asked, [])
  })
}
