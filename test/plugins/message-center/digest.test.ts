import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Digest, digestOf } from '../../../src/plugins/message-center/digest.ts'
import type { Milestone } from '../../../src/plugins/message-center/milestones/index.ts'
import type { Match } from '../../../src/plugins/message-center/query.ts'
import { latestFirst } from '../../../src/plugins/message-center/read-messages.ts'
import { bodyOf, type Fields, foundOf, milestone } from './posts.ts'

const nowMs = Date.parse('2026-11-29T15:30:00Z')
const sinceMs = Date.parse('2026-11-22T15:30:00Z')
const untilMs = Date.parse('2026-12-31T15:30:00Z')

const digest = (found: readonly Match[], times = {}): Digest => digestOf(found, { sinceMs, untilMs, nowMs, ...times })

const inside = '2026-11-25T00:00:00Z'
const before = '2026-11-01T00:00:00Z'
const newPost = { startDateTime: inside, lastModifiedDateTime: inside }
const updated = { startDateTime: before, lastModifiedDateTime: inside }
const old = { startDateTime: before, lastModifiedDateTime: before }

const counts: readonly [rule: string, fields: Fields, counts: Partial<Digest['counts']>][] = [
  ['posted since is new', newPost, { new: 1 }],
  ['posted at that moment is new', { startDateTime: '2026-11-22T15:30:00Z' }, { new: 1 }],
  ['posted before and modified since is updated', updated, { updated: 1 }],
  ['modified before is only counted', old, {}],
  ['without times is only counted', {}, {}],
  ['new and modified nobody knows when is new', { startDateTime: inside, lastModifiedDateTime: null }, { new: 1 }],
  ['modified since, and posted nobody knows when, is updated', { lastModifiedDateTime: inside }, { updated: 1 }],
  ['a major change that is new', { ...newPost, isMajorChange: true }, { new: 1, major: 1 }],
  ['a major change that is updated', { ...updated, isMajorChange: true }, { updated: 1, major: 1 }],
  ['a major change that is old', { ...old, isMajorChange: true }, {}],
  ['read', { ...newPost, viewPoint: { isRead: true } }, { new: 1, unread: 0 }],
]
for (const [rule, fields, expected] of counts) {
  test(`counts: ${rule}`, () => {
    assert.deepEqual(digest([foundOf(fields)]).counts, { all: 1, new: 0, updated: 0, major: 0, unread: 1, ...expected })
  })
}

test('services, categories and tags are those of what is new or updated, most frequent first', () => {
  const { byService, byCategory, byTag } = digest([
    foundOf({ ...newPost, services: ['A', 'B '], category: 'stayInformed', tags: ['X'] }),
    foundOf({ ...updated, services: ['B'], category: 'stayInformed', tags: ['X', 'Y'] }),
    foundOf({ ...old, services: ['C'], category: 'planForChange', tags: ['Z'] }),
    foundOf({ ...newPost, services: null, category: null, tags: null }),
  ])
  assert.deepEqual(byService, [
    { name: 'B', count: 2 },
    { name: 'A', count: 1 },
  ])
  assert.deepEqual(byCategory, [{ name: 'stayInformed', count: 2 }])
  assert.deepEqual(byTag, [
    { name: 'X', count: 2 },
    { name: 'Y', count: 1 },
  ])
})

test('nothing is a digest of nothing', () => {
  assert.deepEqual(digest([]), {
    since: '2026-11-22',
    until: '2026-12-31',
    counts: { all: 0, new: 0, updated: 0, major: 0, unread: 0 },
    byService: [],
    byCategory: [],
    byTag: [],
    due: [],
    retires: [],
    top: [],
  })
})

const deadline = (end: string, text?: string) => milestone('deadline', { end }, text)
const actBy = (actionRequiredByDateTime: string) => ({ ...old, title: 'T', actionRequiredByDateTime })
const inText = (...deadlines: ReturnType<typeof milestone>[]) => bodyOf('', deadlines)
const item = (date: string, text?: string) => ({ id: 'MC1', title: 'T', date, ...(text !== undefined && { text }) })

const dues: readonly [rule: string, found: Match, due: Digest['due']][] = [
  ['Graph’s date', foundOf(actBy('2026-12-10T08:00:00Z')), [item('2026-12-10')]],
  ['Graph’s date of today, though its hour is past', foundOf(actBy('2026-11-29T00:00:00Z')), [item('2026-11-29')]],
  ['Graph’s date of yesterday', foundOf(actBy('2026-11-28T23:00:00Z')), []],
  ['Graph’s date of the last day, be it late', foundOf(actBy('2026-12-31T23:00:00Z')), [item('2026-12-31')]],
  ['Graph’s date after the last day', foundOf(actBy('2027-01-01T00:00:00Z')), []],
  ['Graph’s date that is none', foundOf(actBy('soon')), []],
  [
    'a date of the text, with its words',
    foundOf({ ...old, title: 'T' }, inText(deadline('2026-12-15', 'Act by December 15'))),
    [item('2026-12-15', 'Act by December 15')],
  ],
  [
    'the same date in both is one, with its words',
    foundOf(actBy('2026-12-15T00:00:00Z'), inText(deadline('2026-12-15', 'Act now'))),
    [item('2026-12-15', 'Act now')],
  ],
  [
    'the day before the one of the text is the same, with its words',
    foundOf(actBy('2026-12-14T08:00:00Z'), inText(deadline('2026-12-15', 'Before December 15'))),
    [item('2026-12-14', 'Before December 15')],
  ],
  [
    'of two days of the text, the same one',
    foundOf(actBy('2026-12-14T08:00:00Z'), inText(deadline('2026-12-15', 'later'), deadline('2026-12-14', 'now'))),
    [item('2026-12-14', 'now'), item('2026-12-15', 'later')],
  ],
  [
    'the day after the one of the text is another',
    foundOf(actBy('2026-12-16T08:00:00Z'), inText(deadline('2026-12-15', 'Act now'))),
    [item('2026-12-15', 'Act now'), item('2026-12-16')],
  ],
  [
    'a deadline is a day, however it is written',
    foundOf({ ...old, title: 'T' }, inText({ ...deadline('2026-12-31', 'By December'), endPrecision: 'month' })),
    [item('2026-12-31', 'By December')],
  ],
  [
    'two dates are two',
    foundOf(actBy('2026-12-24T00:00:00Z'), inText(deadline('2026-12-15', 'Act now'))),
    [item('2026-12-15', 'Act now'), item('2026-12-24')],
  ],
  [
    'a date that the text has twice is one',
    foundOf({ ...old, title: 'T' }, inText(deadline('2026-12-15', 'first'), deadline('2026-12-15', 'second'))),
    [item('2026-12-15', 'first')],
  ],
  ['what rolls out', foundOf(old, inText(milestone('rollout', { start: '2026-12-15' }))), []],
  ['a date of the text that is past', foundOf(old, inText(deadline('2026-11-28'))), []],
  ['a date of the text after the last day', foundOf(old, inText(deadline('2027-01-01'))), []],
  [
    'without a title',
    foundOf(old, inText(deadline('2026-12-15', 'x'))),
    [{ id: 'MC1', date: '2026-12-15', text: 'x' }],
  ],
]
for (const [rule, found, expected] of dues) {
  test(`due: ${rule}`, () => {
    assert.deepEqual(digest([found]).due, expected)
  })
}

const retirements: readonly [rule: string, days: { start?: string; end?: string }, date: string | undefined][] = [
  ['begins', { start: '2026-12-15' }, '2026-12-15'],
  ['ends', { end: '2026-12-15' }, '2026-12-15'],
  ['begins and ends: the first day', { start: '2026-12-15', end: '2026-12-20' }, '2026-12-15'],
  ['began and ends: the last day', { start: '2026-11-15', end: '2026-12-20' }, '2026-12-20'],
  ['began before and ends after', { start: '2026-11-15', end: '2027-12-20' }, undefined],
  ['is past', { start: '2026-11-15' }, undefined],
  ['is later', { start: '2027-01-01' }, undefined],
]
for (const [rule, days, date] of retirements) {
  test(`retires: what ${rule} ${date === undefined ? 'is not listed' : `on ${date}`}`, () => {
    const { retires, due } = digest([foundOf(old, bodyOf('', [milestone('retirement', days, 'Gone')]))])
    assert.deepEqual(retires, date === undefined ? [] : [{ id: 'MC1', date, text: 'Gone' }])
    assert.deepEqual(due, [])
  })
}

const coarse = { start: '2026-12-11', end: '2027-01-31', startPrecision: 'part', endPrecision: 'month' } as const
const precisions: readonly [rule: string, days: Partial<Milestone>, shown: object][] = [
  ['a part of a month', coarse, { date: '2026-12-11', precision: 'part' }],
  [
    'a month that it ends in',
    { ...coarse, start: '2026-11-01', end: '2026-12-31' },
    { date: '2026-12-31', precision: 'month' },
  ],
  ['a day', { start: '2026-12-11', startPrecision: 'day' }, { date: '2026-12-11' }],
]
for (const [rule, days, shown] of precisions) {
  test(`retires: ${rule} is shown as what it is`, () => {
    const found = foundOf(old, bodyOf('', [{ ...milestone('retirement', {}, 'Gone'), ...days }]))
    assert.deepEqual(digest([found]).retires, [{ id: 'MC1', ...shown, text: 'Gone' }])
  })
}

test('dates come soonest first, then by id', () => {
  const found = ['2026-12-20', '2026-12-10', '2026-12-10'].map((day, i) =>
    foundOf({ id: `MC${3 - i}`, actionRequiredByDateTime: `${day}T00:00:00Z` }),
  )
  assert.deepEqual(
    digest(found).due.map(({ id, date }) => `${id} ${date}`),
    ['MC1 2026-12-10', 'MC2 2026-12-10', 'MC3 2026-12-20'],
  )
})

/** Each matters more than the next. */
const byImportance: readonly [name: string, fields: Fields][] = [
  ['critical', { severity: 'critical' }],
  ['high', { severity: 'high' }],
  ['major and due', { isMajorChange: true, actionRequiredByDateTime: '2026-12-10T00:00:00Z' }],
  ['major and to plan for', { isMajorChange: true, category: 'planForChange' }],
  ['major', { isMajorChange: true }],
  ['to plan for', { category: 'planForChange' }],
  ['the latest of the others', { lastModifiedDateTime: '2026-11-28T00:00:00Z' }],
  ['another', {}],
  ['an earlier one', { lastModifiedDateTime: '2026-11-24T00:00:00Z' }],
  ['one that was modified nobody knows when', { lastModifiedDateTime: null }],
]
test('the most important changes come first', () => {
  const messages = byImportance.map(([title, fields], i) => ({ ...newPost, id: `MC${i}`, title, ...fields }))
  const found = latestFirst(messages.toReversed()).map((message) => foundOf({ ...message }))
  assert.deepEqual(
    digest(found).top.map(({ title }) => title),
    byImportance.map(([name]) => name),
  )
})

test('each reason by itself puts a change before one that only asks for planning', () => {
  const reasons: Fields[] = [
    { severity: 'high' },
    { isMajorChange: true },
    { category: 'preventOrFixIssue' },
    { actionRequiredByDateTime: '2026-12-10T00:00:00Z' },
  ]
  for (const fields of reasons) {
    const found = [
      foundOf({ ...newPost, id: 'MC2', category: 'planForChange', lastModifiedDateTime: '2026-11-28T00:00:00Z' }),
      foundOf({ ...newPost, id: 'MC1', ...fields }),
    ]
    assert.equal(digest(found).top[0]?.id, 'MC1', JSON.stringify(fields))
  }
})

test('a deadline in the text counts, one beyond the horizon does not', () => {
  const found = [
    foundOf({ ...newPost, id: 'MC2' }),
    foundOf({ ...newPost, id: 'MC1' }, bodyOf('', [deadline('2026-12-15')])),
  ]
  assert.equal(digest(found).top[0]?.id, 'MC1')
  assert.equal(digest(found, { untilMs: Date.parse('2026-12-10') }).top[0]?.id, 'MC2')
})

test('changes are compact rows, and only what is new or updated', () => {
  const { top } = digest([foundOf({ ...newPost, title: 'T', severity: 'normal' }), foundOf({ ...old, id: 'MC2' })])
  assert.deepEqual(top, [{ id: 'MC1', title: 'T', changed: '2026-11-25' }])
})

test('the horizon’s own day is listed, whatever hour it is asked for', () => {
  for (const until of ['2026-12-31', '2026-12-31T12:00:00Z']) {
    const { due, until: shown } = digest([foundOf(actBy('2026-12-31T08:00:00Z'))], { untilMs: Date.parse(until) })
    assert.deepEqual([due.length, shown], [1, '2026-12-31'])
  }
})

/** As many posts, each new, major, due and retiring. */
function many(count: number, fields: Fields = {}, text = 'By then, do it.'): Match[] {
  return Array.from({ length: count }, (_, i) => {
    const day = `2026-12-${String((i % 28) + 1).padStart(2, '0')}`
    const dates = [milestone('deadline', { end: day }, text), milestone('retirement', { start: day }, text)]
    return foundOf({ ...newPost, id: `MC${100_000 + i}`, title: `Change ${i}`, ...fields }, bodyOf('', dates))
  })
}

test('lists are bounded, and what was left out is counted', () => {
  const { due, retires, top, more } = digest(many(15))
  assert.deepEqual([due.length, retires.length, top.length], [10, 10, 12])
  assert.match(more ?? '', /^5 more in due, 5 more in retires, 3 more in top\. All of them: getMessages /)
  assert.match(more ?? '', /modifiedSince "2026-11-22T15:30:00\.000Z"; .* milestoneBefore "2027-01-01"\.$/)
})

test('dates are those of one cloud where it is asked for', () => {
  const ofCloud = (cloud: 'gcc' | 'dod', day: string) => ({ ...milestone('retirement', { start: day }, cloud), cloud })
  const body = bodyOf('', [ofCloud('gcc', '2026-12-15'), ofCloud('dod', '2026-12-20')])
  const { retires, due } = digest([foundOf(actBy('2026-12-10T08:00:00Z'), body)], { audience: { cloud: 'dod' } })
  assert.deepEqual([retires.map(({ text }) => text), due], [['dod'], []])
})

test('services that were left out are counted', () => {
  const services = Array.from({ length: 12 }, (_, i) => `Service ${i}`)
  const { byService, more } = digest([foundOf({ ...newPost, services })])
  assert.deepEqual([byService.length, more?.split('.')[0]], [10, '2 more in byService'])
})

test('where all is shown, nothing is said to be left out', () => {
  assert.equal('more' in digest(many(10)), false)
})

test('services, categories and tags are bounded', () => {
  const names = (what: string) => Array.from({ length: 30 }, (_, i) => `${what} ${i}`)
  const found = Array.from({ length: 30 }, (_, i) =>
    foundOf({ ...newPost, services: names('Service'), tags: names('Tag'), category: `category ${i}` }),
  )
  const { byService, byCategory, byTag } = digest(found)
  assert.deepEqual([byService.length, byCategory.length, byTag.length], [10, 5, 8])
})

const long = (text: string, chars: number) => text.repeat(chars).slice(0, chars)
const large: readonly [name: string, found: Match[]][] = [
  ['a thousand posts', many(1_000)],
  [
    'long texts',
    many(
      60,
      { title: long('A long title ', 120), services: ['Microsoft 365 suite', 'Microsoft Teams'], isMajorChange: true },
      long('Organizations must act before then. ', 400),
    ),
  ],
  ['texts of another alphabet', many(60, { title: long('重要な変更', 120) }, long('これまでに', 400))],
  ['hostile texts', many(60, { title: long('x', 10_000), services: [long('y', 9_000)], category: long('z', 5_000) })],
  [
    'as many services and tags',
    Array.from({ length: 60 }, (_, i) =>
      foundOf({
        ...newPost,
        id: `MC${i}`,
        services: [long(`Service ${i} `, 200)],
        tags: [long(`Tag ${i} `, 200)],
        category: long(`c${i}`, 200),
      }),
    ),
  ],
]
for (const [name, found] of large) {
  test(`a digest of ${name} has at most 2,000 tokens, of three bytes at least`, () => {
    const text = JSON.stringify(digest(found))
    assert.ok(Buffer.byteLength(text) / 3 <= 2_000, `${Buffer.byteLength(text)} bytes`)
  })
}

test('where there is little room, each list has its share', () => {
  const { due, retires, top } = digest(large[1]?.[1] ?? [])
  for (const list of [due, retires, top]) assert.ok(list.length >= 5, `${due.length} ${retires.length} ${top.length}`)
  assert.ok(due.every(({ title = '', text = '' }) => title.length <= 100 && text.length <= 120))
  assert.ok(due.every(({ title = '', text = '' }) => title.endsWith('…') && text.endsWith('…')))
})

test('a text is not cut within a character', () => {
  const { due } = digest([foundOf({ ...old }, bodyOf('', [deadline('2026-12-15', '😀'.repeat(200))]))])
  assert.match(due[0]?.text ?? '', /^\u{1f600}+…$/u)
})
