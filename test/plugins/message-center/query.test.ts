import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FilterArguments, filtersOf, milestoneFilterOf } from '../../../src/plugins/message-center/filters.ts'
import type { GraphMessage } from '../../../src/plugins/message-center/message.ts'
import type { Milestone } from '../../../src/plugins/message-center/milestones/index.ts'
import { countBy, explainNothing, noteOnClouds } from '../../../src/plugins/message-center/notes.ts'
import { orderOf } from '../../../src/plugins/message-center/order.ts'
import { type Match, matching } from '../../../src/plugins/message-center/query.ts'
import { latestFirst } from '../../../src/plugins/message-center/read-messages.ts'
import { bodyOf, type Fields, foundOf, milestone, readingOf } from './posts.ts'

const nowMs = Date.parse('2026-11-29T15:30:00Z')

function sorted(given: Parameters<typeof orderOf>[0], posts: readonly Match[]): string {
  const compare = orderOf(given)
  const order = compare === undefined ? posts : posts.toSorted(compare)
  return order.map(({ post }) => post.id).join(' ')
}
/** Posts MC1, MC2 and so on, as they are read. */
const posts = (...fields: Fields[]) =>
  latestFirst(fields.map((each, i) => ({ id: `MC${i + 1}`, ...each }))).map((each) => foundOf({ ...each }))
const at = (day: number) => `2026-11-${String(day).padStart(2, '0')}T00:00:00Z`
const modified = (day: number | null) => ({ lastModifiedDateTime: day === null ? null : at(day) })

test('most recently modified first, then what has no time', () => {
  assert.equal(sorted({}, posts(modified(3), modified(null), modified(9), modified(6))), 'MC3 MC4 MC1 MC2')
})

/** Of each field: of MC1 the middle value, of MC2 none, of MC3 the highest, of MC4 the lowest. */
const fields: readonly [orderby: string, values: unknown[], ascending: string, descending: string][] = [
  ['title', ['b', null, 'c', 'a'], 'MC4 MC1 MC3 MC2', 'MC3 MC1 MC4 MC2'],
  ['category', ['planForChange', 7, 'stayInformed', 'a'], 'MC4 MC1 MC3 MC2', 'MC3 MC1 MC4 MC2'],
  ['severity', ['high', null, 'critical', 'normal'], 'MC4 MC1 MC3 MC2', 'MC3 MC1 MC4 MC2'],
  ['severity', ['high', 'unknownFutureValue', 'critical', 'normal'], 'MC4 MC1 MC3 MC2', 'MC3 MC1 MC4 MC2'],
  ['isMajorChange', [false, null, true], 'MC1 MC3 MC2', 'MC3 MC1 MC2'],
  ['hasAttachments', [false, 'yes', true], 'MC1 MC3 MC2', 'MC3 MC1 MC2'],
  ['actionRequiredByDateTime', [at(5), null, at(9), at(1)], 'MC4 MC1 MC3 MC2', 'MC3 MC1 MC4 MC2'],
  ['actionRequiredByDateTime', [at(5), 'soon', at(9), at(1)], 'MC4 MC1 MC3 MC2', 'MC3 MC1 MC4 MC2'],
  ['startDateTime', [at(5), null, at(9), at(1)], 'MC4 MC1 MC3 MC2', 'MC3 MC1 MC4 MC2'],
  ['endDateTime', [at(5), null, at(9), at(1)], 'MC4 MC1 MC3 MC2', 'MC3 MC1 MC4 MC2'],
  ['lastModifiedDateTime', [at(5), null, at(9), at(1)], 'MC4 MC1 MC3 MC2', 'MC3 MC1 MC4 MC2'],
  ['startDateTime', ['2026-11-05T00:30:00+02:00', null, at(5), at(4)], 'MC4 MC1 MC3 MC2', 'MC3 MC1 MC4 MC2'],
  ['id', ['MC5', 'MC9', 'MC7'], 'MC5 MC7 MC9', 'MC9 MC7 MC5'],
]
for (const [orderby, values, ascending, descending] of fields) {
  test(`by ${orderby}, of ${JSON.stringify(values)}: ${ascending}; descending: ${descending}`, () => {
    const some = posts(...values.map((value) => ({ [orderby]: value })))
    assert.equal(sorted({ orderby }, some), ascending)
    assert.equal(sorted({ orderby: `${orderby} asc` }, some), ascending)
    assert.equal(sorted({ orderby: `${orderby} desc` }, some), descending)
  })
}

for (const member of ['isRead', 'isFavorited', 'isArchived']) {
  test(`by viewPoint/${member}, what is null is false`, () => {
    const some = posts({ viewPoint: { [member]: true } }, { viewPoint: null }, { viewPoint: { [member]: false } })
    assert.equal(sorted({ orderby: `viewPoint/${member}` }, some), 'MC3 MC2 MC1')
    assert.equal(sorted({ orderby: `viewPoint/${member} desc` }, some), 'MC1 MC3 MC2')
  })
}

const orders: readonly [rule: string, orderby: string, order: string][] = [
  ['a field in another case is that field', 'TITLE DESC', 'MC1 MC2 MC4 MC3'],
  ['the second field decides among equals', 'title, severity desc', 'MC3 MC4 MC1 MC2'],
  ['each field has a direction of its own', 'title desc, severity asc', 'MC2 MC1 MC4 MC3'],
  ['equals are most recently modified first', 'title', 'MC4 MC3 MC1 MC2'],
]
for (const [rule, orderby, order] of orders) {
  test(`${rule}: ${orderby}`, () => {
    const some = posts(
      { title: 'b', severity: 'high', ...modified(3) },
      { title: 'b', severity: 'normal', ...modified(2) },
      { title: 'a', severity: 'critical', ...modified(1) },
      { title: 'a', severity: 'normal', ...modified(4) },
    )
    assert.equal(sorted({ orderby }, some), order)
  })
}

test('posts that are equal in all else have one order, however Graph has them', () => {
  const some = [{ id: 'MC2' }, { id: 'MC4' }, { id: 'MC1' }, { id: 'MC3' }]
  const ids = (messages: readonly GraphMessage[]) => latestFirst(messages).map(({ id }) => id)
  assert.deepEqual(ids(some), ['MC4', 'MC3', 'MC2', 'MC1'])
  assert.deepEqual(ids(some.toReversed()), ['MC4', 'MC3', 'MC2', 'MC1'])
})

const unknown: readonly [orderby: string, named: string][] = [
  ['body', 'body'],
  ['title, services desc', 'services'],
  ['viewPoint', 'viewPoint'],
  ['viewPoint/isNew', 'viewPoint/isNew'],
  ['constructor', 'constructor'],
]
for (const [orderby, named] of unknown) {
  test(`${orderby} cannot be sorted by: the error names the argument, ${named} and what can`, () => {
    assert.throws(() => orderOf({ orderby }), {
      reason: 'invalid_input',
      message: new RegExp(`^"orderby" takes fields .*"${named}".*lastModifiedDateTime.*viewPoint/isRead`),
    })
  })
}

const patterns: readonly [orderby: string, isOne: boolean][] = [
  ['title', true],
  ['lastModifiedDateTime desc', true],
  ['viewPoint/isRead asc, title , id desc', true],
  ['title; drop', false],
  ['title desc&$top=1000', false],
  ['tolower(title)', false],
  ['title down', false],
  ['title,', false],
  ['', false],
]
for (const [orderby, isOne] of patterns) {
  test(`${JSON.stringify(orderby)} is ${isOne ? 'an' : 'no'} order`, () => {
    if (isOne) assert.doesNotThrow(() => orderOf({ orderby }))
    else assert.throws(() => orderOf({ orderby }), { reason: 'invalid_input' })
  })
}

test('dates that are asked for from a time on come soonest first', () => {
  const dates: readonly (readonly Milestone[])[] = [
    [milestone('rollout', { start: '2026-01-01', end: '2027-02-01' })],
    [milestone('rollout', { start: '2026-11-01' }), milestone('rollout', { start: '2027-01-01' })],
    [milestone('rollout', { start: '2026-12-01', end: '2027-03-01' })],
  ]
  const found = dates.map((each, i) => foundOf({ id: `MC${i + 1}` }, bodyOf('', each)))
  const byAct = foundOf({ id: 'MC4', actionRequiredByDateTime: '2026-12-24T08:00:00Z' })
  const orderBy = (given: FilterArguments & { orderby?: string }) =>
    [byAct, ...found]
      .toSorted(orderOf(given, milestoneFilterOf(given, nowMs)) ?? (() => 0))
      .map(({ post }) => post.id)
      .join(' ')
  assert.equal(orderBy({ milestoneAfter: 'today' }), 'MC3 MC4 MC2 MC1')
  assert.equal(orderBy({ milestoneAfter: 'today', milestoneKind: 'rollout' }), 'MC3 MC2 MC1 MC4')
  assert.equal(orderBy({ milestoneBefore: '2028-01-01' }), 'MC4 MC1 MC2 MC3')
  assert.equal(orderBy({ milestoneAfter: 'today', orderby: 'id desc' }), 'MC4 MC3 MC2 MC1')
})

test('what names another cloud or none is counted where a cloud is asked for', () => {
  const withCloud = (cloud?: 'gcc' | 'dod') => ({
    ...milestone('retirement', { start: '2026-12-15' }),
    ...(cloud && { cloud }),
  })
  const reading = readingOf(
    [withCloud('gcc'), withCloud('dod'), withCloud()].map((each) => foundOf({}, bodyOf('', [each]))),
  )
  const noteOf = (given: FilterArguments) => {
    const found = matching(reading, filtersOf(given, nowMs))
    return [found.length, noteOnClouds(reading, found, given, nowMs).join('')]
  }
  const [count, note] = noteOf({ milestoneKind: 'retirement', milestoneCloud: 'gcc' })
  assert.equal(count, 1)
  assert.match(String(note), /^2 more match without milestoneCloud/)
  for (const given of [
    { milestoneCloud: 'gcc' },
    { milestoneKind: 'retirement' },
    { milestoneCloud: 'gcc', milestoneKind: 'deadline' },
  ] as const) {
    assert.equal(noteOf(given)[1], '')
  }
})

test('a search puts the best matches first, then the most recently modified', () => {
  const some = [
    foundOf({ id: 'MC1', title: 'Other', ...modified(9) }, bodyOf('<p>the mailbox</p>')),
    foundOf({ id: 'MC3', title: 'Mailboxes', ...modified(8) }, bodyOf('')),
    foundOf({ id: 'MC4', title: 'A mailbox', ...modified(2) }, undefined),
    foundOf({ id: 'MC2', title: 'The mailbox', ...modified(1) }, bodyOf('')),
  ]
  assert.equal(sorted({ search: 'mailbox' }, some), 'MC4 MC2 MC3 MC1')
  assert.equal(sorted({ search: 'mailbox', orderby: 'id' }, some), 'MC1 MC2 MC3 MC4')
})

test('all filters have to hold, each post is tested with its own body', () => {
  const some = [
    foundOf({ id: 'MC1', title: 'New' }, bodyOf('mailbox')),
    foundOf({ id: 'MC2', title: 'New' }, bodyOf('calendar')),
    foundOf({ id: 'MC3', title: 'Old' }, bodyOf('mailbox')),
  ]
  const found = matching(readingOf(some), filtersOf({ services: ['New'], search: 'mailbox' }, nowMs))
  assert.deepEqual(found, [some[0]])
})

const here: readonly Match[] = [
  foundOf({
    id: 'MC1',
    services: ['Microsoft Teams', 'Planner '],
    tags: ['Retirement'],
    actionRequiredByDateTime: '2026-12-10T00:00:00Z',
    category: 'stayInformed',
    severity: 'normal',
  }),
  foundOf({ id: 'MC2', services: ['Planner'], tags: ['User impact', 'Retirement'], category: 'planForChange' }),
]
const tips: readonly [given: FilterArguments, tip: RegExp | undefined][] = [
  [{ services: ['Outlook'] }, /Services here: Planner, Microsoft Teams\. For another product, try search\./],
  [{ allServices: ['Outlook'] }, /services takes any of them\. Services here: Planner, Microsoft Teams\./],
  [{ tags: ['Nonsense'] }, /Tags here: Retirement, User impact\./],
  [{ allTags: ['Nonsense'] }, /Tags here: Retirement, User impact\./],
  [
    { actionRequiredBefore: '7d' },
    /Only 1 of 2 messages have an act-by date .*4 %.*milestoneBefore and milestoneAfter/,
  ],
  [{ actionRequiredAfter: '60d' }, /Only 1 of 2 .*milestoneBefore/],
  [{ milestoneBefore: '7d' }, /milestoneBefore 0\..*wider period/],
  [{ milestoneAfter: '60d' }, /milestoneAfter 0\..*wider period/],
  [{ milestoneKind: 'other' }, /milestoneKind 0\..*fewer of the milestone arguments/],
  [{ milestoneRing: 'general' }, /milestoneRing 0\./],
  [{ milestoneCloud: 'dod' }, /milestoneCloud 0\..*getDigest/],
  [{ severity: 'critical' }, /Nearly all messages are normal.*isMajorChange.*preventOrFixIssue/],
  [{ search: 'nonsense' }, /Every word must occur/],
  [{ ids: ['MC9'] }, /Messages expire/],
  [{ roadmapId: '478611' }, /Not every message lists its roadmap items: try search with the id/],
  [{ modifiedSince: '7d' }, /Try an earlier time/],
  [{ startedSince: '7d' }, /Try an earlier time/],
  [{ favoritesOnly: true }, undefined],
  [{ archived: true }, undefined],
  [{ isMajorChange: true }, undefined],
  [{ category: 'preventOrFixIssue' }, undefined],
]
for (const [given, tip] of tips) {
  const [argument] = Object.keys(given)
  test(`nothing by ${argument}: what was searched, and ${tip === undefined ? 'no more' : 'what to try'}`, () => {
    const note = explainNothing(readingOf(here), filtersOf(given, nowMs))
    const searched = `No match among 2 messages; each argument by itself matches: ${argument} 0.`
    if (tip === undefined) assert.equal(note, searched)
    else {
      assert.ok(note.startsWith(`${searched} `), note)
      assert.match(note, tip)
    }
  })
}

test('nothing by several: how many each finds, and tips for those that find none, each once', () => {
  const given = { tags: ['Nonsense'], allTags: ['Nonsense'], services: ['Teams'], search: 'planner' }
  assert.equal(
    explainNothing(readingOf(here), filtersOf(given, nowMs)),
    'No match among 2 messages; each argument by itself matches: services 1, tags 0, allTags 0, search 2. ' +
      'Tags here: Retirement, User impact. No message has all of these: tags takes any of them.',
  )
})

const together: readonly [given: FilterArguments, note: RegExp][] = [
  [{ search: 'teams nonsense' }, /: search 0 \("teams" 1, "nonsense" 0\)\. Every word/],
  [{ allTags: ['Retirement', 'Nonsense'] }, /: allTags 0 \("Retirement" 2, "Nonsense" 0\)\. No message has all/],
  [{ allServices: ['Teams', 'Nonsense'] }, /: allServices 0 \("Teams" 1, "Nonsense" 0\)\. .* services takes any/],
  [
    { milestoneKind: 'deadline', milestoneRing: 'general' },
    /: milestoneKind \+ milestoneRing 0 \(milestoneKind 1, milestoneRing 0\)\. .*Deadlines name no ring/,
  ],
]
for (const [given, expected] of together) {
  test(`nothing by ${JSON.stringify(given)}: what each part of it finds`, () => {
    assert.match(explainNothing(readingOf(here), filtersOf(given, nowMs)), expected)
  })
}

test('nothing by several, one of them an act-by date that some have: how few have one is told', () => {
  const given: FilterArguments = { actionRequiredBefore: '2099-01-01', category: 'planForChange' }
  assert.match(
    explainNothing(readingOf(here), filtersOf(given, nowMs)),
    /category 1, actionRequiredBefore 1\. Only 1 of 2 messages have an act-by date .*milestoneBefore/,
  )
})

test('nothing by several of which each finds some: one is to be left out', () => {
  const given = { services: ['Teams'], tags: ['User impact'] }
  assert.match(
    explainNothing(readingOf(here), filtersOf(given, nowMs)),
    /services 1, tags 1\. Leave one of them out\.$/,
  )
})

test('nothing where there are no messages: that is said', () => {
  assert.equal(
    explainNothing(readingOf([]), filtersOf({ search: 'x' }, nowMs)),
    'The Message Center shows this user no messages.',
  )
})

test('names are counted without the blanks around them, most frequent first, then by name', () => {
  assert.deepEqual(countBy(['b', 'c', 'a ', 'a', 'c', 'a']), [
    { name: 'a', count: 3 },
    { name: 'c', count: 2 },
    { name: 'b', count: 1 },
  ])
})
