import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BodyPart } from '../../../src/plugins/message-center/body.ts'
import { type FilterArguments, filtersOf, partsFor } from '../../../src/plugins/message-center/filters.ts'
import type { Milestone } from '../../../src/plugins/message-center/milestones/index.ts'
import { matching } from '../../../src/plugins/message-center/query.ts'
import { bodyOf, type Fields, foundOf, milestone, readingOf } from './posts.ts'

const nowMs = Date.parse('2026-11-29T15:30:00Z')

function isFound(given: FilterArguments, fields: Fields, body?: ReturnType<typeof bodyOf>): boolean {
  return matching(readingOf([foundOf(fields, body)]), filtersOf(given, nowMs)).length === 1
}

const clipchamp = { services: ['Microsoft Clipchamp '] }
const copilot = { services: ['Microsoft Copilot (Microsoft 365)'] }
const teams = { services: ['Microsoft Teams'], title: 'A new feature' }
const outlook = { services: ['Exchange Online'], title: '(Updated) New Outlook for Windows: rules' }
const rows: readonly [rule: string, given: FilterArguments, fields: Fields, found: boolean][] = [
  ['without arguments all are found', {}, {}, true],

  ['a service by part of its name', { services: ['Teams'] }, teams, true],
  ['a service in any case', { services: ['mICROSOFT tEAMS'] }, teams, true],
  ['a service by a part within a word', { services: ['Point'] }, { services: ['SharePoint Online'] }, true],
  ['a service whose name ends with a blank', { services: ['Microsoft Clipchamp'] }, clipchamp, true],
  ['blanks around the name that is sought', { services: [' Clipchamp '] }, clipchamp, true],
  ['a no-break space in a service', { services: ['Microsoft Teams'] }, { services: ['Microsoft\u00a0Teams'] }, true],
  ['any service of several', { services: ['Outlook', 'Teams'] }, teams, true],
  ['any of a post’s services', { services: ['Teams'] }, { services: ['Planner', 'Microsoft Teams'] }, true],
  ['another service', { services: ['Exchange'] }, teams, false],
  ['no services at all', { services: ['Teams'] }, { services: null, title: 'New' }, false],
  ['a product that titles name', { services: ['Outlook'] }, outlook, true],
  ['a product of two words that titles name', { services: ['new outlook'] }, outlook, true],
  ['a product that titles name in part', { services: ['Word'] }, { title: 'Reset your password' }, false],
  ['a product as the beginning of a word', { services: ['Team'] }, { title: 'Teamwork' }, false],
  ['two letters as a whole word of a service', { services: ['BI'] }, { services: ['Power BI'] }, true],
  ['two letters within a service', { services: ['BI'] }, { services: ['Basic Mobility and Security'] }, false],
  ['a product’s name as a common word', { services: ['Forms'] }, { title: 'Updates to Lists forms' }, false],
  ['a product’s name after a common word', { services: ['forms'] }, { title: 'New forms in Forms' }, true],
  ['a product with a capital within', { services: ['ios'] }, { title: 'Teams on iOS' }, true],
  ['a service without the maker’s name', { services: ['Microsoft SharePoint'] }, { services: ['SharePoint'] }, true],
  ['a product in a title without it', { services: ['MS Outlook'] }, outlook, true],
  ['Microsoft 365 is not every 365', { services: ['Microsoft 365'] }, { services: ['Dynamics 365 Apps'] }, false],
  ['M365 is Microsoft 365', { services: ['M365 apps'] }, { services: ['Microsoft 365 apps'] }, true],
  ['M365 is M365', { services: ['M365'] }, { title: 'News of M365' }, true],
  ['MS 365 is Microsoft 365', { services: ['MS 365 apps'] }, { services: ['Microsoft 365 apps'] }, true],
  ['Copilot by an earlier name', { services: ['Copilot for Microsoft 365'] }, copilot, true],
  ['Copilot by its usual name', { services: ['M365 Copilot'] }, copilot, true],
  ['Entra ID by its service', { services: ['Microsoft Entra ID'] }, { services: ['Microsoft Entra'] }, true],
  ['a product that is called as no product is', { services: ['constructor'] }, teams, false],
  ['the maker by itself', { services: ['Microsoft'] }, teams, true],
  ['what only begins like the maker’s name', { services: ['MS'] }, { services: ['Teams'] }, false],
  ['a product without letters', { services: ['365'] }, { title: 'Dynamics 365' }, true],
  [
    'a product of which one word is common',
    { services: ['Outlook on the web'] },
    { title: 'Outlook on the web: rules' },
    true,
  ],
  ['a product behind a letter whose lower case is longer', { services: ['Forms'] }, { title: 'İzmir: Forms' }, true],
  ['a product that only the summary names', { services: ['Outlook'] }, summary('About Outlook'), false],
  ['all services', { allServices: ['Teams', 'SharePoint'] }, { services: ['Microsoft Teams', 'SharePoint'] }, true],
  ['all services but one', { allServices: ['Teams', 'SharePoint'] }, teams, false],
  ['all services, one by its title', { allServices: ['Exchange', 'Outlook'] }, outlook, true],

  ['a tag', { tags: ['New feature'] }, { tags: ['New feature'] }, true],
  ['a tag in another spelling', { tags: ['new-FEATURE'] }, { tags: ['New feature'] }, true],
  ['any tag of several', { tags: ['Retirement', 'User impact'] }, { tags: ['User impact'] }, true],
  ['a part of a tag', { tags: ['impact'] }, { tags: ['User impact'] }, false],
  ['a tag of a post without tags', { tags: ['User impact'] }, { tags: null }, false],
  ['Data privacy is what Graph calls GDPR', { tags: ['Data privacy'] }, { tags: ['GDPR'] }, true],
  ['GDPR is what others call Data privacy', { tags: ['gdpr'] }, { tags: ['Data Privacy'] }, true],
  ['Data privacy is Data privacy', { tags: ['data-privacy'] }, { tags: ['Data privacy'] }, true],
  ['privacy alone is no tag', { tags: ['privacy'] }, { tags: ['GDPR'] }, false],
  ['all tags', { allTags: ['User impact', 'data privacy'] }, { tags: ['GDPR', 'User impact'] }, true],
  ['all tags but one', { allTags: ['User impact', 'Admin impact'] }, { tags: ['User impact'] }, false],

  ['a category', { category: 'planForChange' }, { category: 'planForChange' }, true],
  ['another category', { category: 'planForChange' }, { category: 'stayInformed' }, false],
  ['a severity', { severity: 'high' }, { severity: 'high' }, true],
  ['another severity', { severity: 'critical' }, { severity: 'high' }, false],
  ['a major change', { isMajorChange: true }, { isMajorChange: true }, true],
  ['what is no major change', { isMajorChange: true }, { isMajorChange: false }, false],
  ['what may be a major change', { isMajorChange: true }, { isMajorChange: null }, false],
  ['all others, of which one is major', { isMajorChange: false }, { isMajorChange: true }, false],
  ['all others, of which one may be', { isMajorChange: false }, { isMajorChange: null }, true],

  ['unread: not true', { unreadOnly: true }, { viewPoint: { isRead: false } }, true],
  ['unread: null', { unreadOnly: true }, { viewPoint: { isRead: null } }, true],
  ['unread: no view point', { unreadOnly: true }, { viewPoint: null }, true],
  ['unread: read', { unreadOnly: true }, { viewPoint: { isRead: true } }, false],
  ['not only unread: read', { unreadOnly: false }, { viewPoint: { isRead: true } }, true],
  ['favorites: one', { favoritesOnly: true }, { viewPoint: { isFavorited: true } }, true],
  ['favorites: none', { favoritesOnly: true }, { viewPoint: { isFavorited: null } }, false],
  ['favorites: no view point', { favoritesOnly: true }, {}, false],
  ['not only favorites: none', { favoritesOnly: false }, {}, true],
  ['archived: one', { archived: true }, { viewPoint: { isArchived: true } }, true],
  ['archived: none', { archived: true }, { viewPoint: null }, false],
  ['not archived: one', { archived: false }, { viewPoint: { isArchived: true } }, false],
  ['not archived: none', { archived: false }, { viewPoint: null }, true],
  ['archived or not: one', {}, { viewPoint: { isArchived: true } }, true],

  ['a roadmap id', { roadmapId: '478611' }, roadmap('1, 478611'), true],
  ['a roadmap id that another begins with', { roadmapId: '47861' }, roadmap('478611'), false],
  ['a roadmap id that another ends with', { roadmapId: '78611' }, roadmap('478611'), false],
  ['a roadmap id of the rollout status', { roadmapId: '478611' }, status('478611'), true],
  ['a roadmap id that the rollout status begins with', { roadmapId: '47861' }, status('478611'), false],
  ['a roadmap id of a post without any', { roadmapId: '478611' }, {}, false],

  ['ids: one of them', { ids: ['MC2', 'MC1'] }, {}, true],
  ['ids: none of them', { ids: ['MC2', 'MC11'] }, {}, false],

  ['modified at that time', { modifiedSince: '2026-11-20' }, modified('2026-11-20T00:00:00Z'), true],
  ['modified before it', { modifiedSince: '2026-11-20' }, modified('2026-11-19T23:59:59Z'), false],
  [
    'modified at a time with its zone',
    { modifiedSince: '2026-11-20T02:00+02:00' },
    modified('2026-11-20T00:00Z'),
    true,
  ],
  ['modified within a duration back', { modifiedSince: '7d' }, modified('2026-11-22T15:30:00Z'), true],
  ['modified before a duration back', { modifiedSince: '7d' }, modified('2026-11-22T15:29:59Z'), false],
  ['modified nobody knows when', { modifiedSince: '2026-11-20' }, modified(null), false],
  ['posted at that time', { startedSince: '2026-11-20' }, { startDateTime: '2026-11-20T00:00:00Z' }, true],
  ['posted before it', { startedSince: 'P1M' }, { startDateTime: '2026-10-29T15:29:59Z' }, false],
  ['posted nobody knows when', { startedSince: 'P1M' }, { startDateTime: 'soon' }, false],
  ['to be done before then', { actionRequiredBefore: '2026-12-01' }, actBy('2026-11-30T23:59:59Z'), true],
  ['to be done at that time', { actionRequiredBefore: '2026-12-01' }, actBy('2026-12-01T00:00:00Z'), false],
  ['to be done within a duration ahead', { actionRequiredBefore: '30d' }, actBy('2026-12-29T00:00:00Z'), true],
  ['to be done after a duration ahead', { actionRequiredBefore: '30d' }, actBy('2026-12-30T00:00:00Z'), false],
  ['never to be done', { actionRequiredBefore: '2027-12-01' }, actBy(null), false],
  ['to be done from then on', { actionRequiredAfter: '2026-12-01' }, actBy('2026-12-01T00:00:00Z'), true],
  ['to be done earlier', { actionRequiredAfter: '30d' }, actBy('2026-12-29T00:00:00Z'), false],
  ['never to be done from then on', { actionRequiredAfter: '2026-12-01' }, actBy(null), false],

  ['an act-by date is a milestone', { milestoneBefore: '2026-12-02' }, actBy('2026-12-01T08:00:00Z'), true],
  ['an act-by date after a window', { milestoneBefore: '2026-12-01' }, actBy('2026-12-01T08:00:00Z'), false],
  ['an act-by date of the day', { milestoneAfter: '2026-12-01T12:00Z' }, actBy('2026-12-01T08:00:00Z'), true],
  ['no date at all', { milestoneAfter: '2020-01-01', milestoneBefore: '2030-01-01' }, {}, false],

  ['words in title and summary', { search: 'feature mailbox' }, { ...teams, ...summary('Your mailbox') }, true],
  ['words in services and tags', { search: 'teams retirement' }, { ...teams, tags: ['Retirement'] }, true],
  ['an id', { search: 'mc1' }, {}, true],
  ['a phrase that begins in one field and ends in another', { search: '"feature mailbox"' }, teams, false],
  ['a phrase over two tags', { search: '"one two"' }, { tags: ['One', 'Two'] }, false],
  ['a word that does not occur', { search: 'feature outlook' }, teams, false],

  ['updated before', { modifiedBefore: '2026-11-20' }, { lastModifiedDateTime: '2026-11-19T23:59:59Z' }, true],
  ['updated at that time', { modifiedBefore: '2026-11-20' }, { lastModifiedDateTime: '2026-11-20T00:00:00Z' }, false],
  ['updated before a duration back', { modifiedBefore: '7d' }, { lastModifiedDateTime: '2026-11-22T15:29:59Z' }, true],
  ['updated nobody knows when', { modifiedBefore: 'now' }, {}, false],
  ['posted before', { startedBefore: '2026-11-20' }, { startDateTime: '2026-11-19T23:59:59Z' }, true],
  [
    'posted within a period',
    { startedSince: '14d', startedBefore: '7d' },
    { startDateTime: '2026-11-20T00:00:00Z' },
    true,
  ],
  ['posted after it', { startedSince: '14d', startedBefore: '7d' }, { startDateTime: '2026-11-25T00:00:00Z' }, false],
  ['a platform', { search: 'teams ios' }, { ...teams, details: [{ name: 'Platforms', value: 'Web, iOS' }] }, true],
  ['all arguments hold', { services: ['Teams'], tags: ['Retirement'] }, { ...teams, tags: ['Retirement'] }, true],
  ['one argument does not hold', { services: ['Teams'], tags: ['Retirement'] }, teams, false],
]
function summary(value: string): Fields {
  return { details: [{ name: 'Summary', value }] }
}
function roadmap(value: string): Fields {
  return { details: [{ name: 'RoadmapIds', value }] }
}
function status(id: string): Fields {
  return { details: [{ name: 'FeatureStatusJson', value: JSON.stringify({ [id]: [{ Status: 'Launched' }] }) }] }
}
function modified(lastModifiedDateTime: string | null): Fields {
  return { lastModifiedDateTime }
}
function actBy(actionRequiredByDateTime: string | null): Fields {
  return { actionRequiredByDateTime }
}
for (const [rule, given, fields, found] of rows) {
  test(`${rule}: ${JSON.stringify(given)} ${found ? 'finds' : 'does not find'} ${JSON.stringify(fields)}`, () => {
    assert.equal(isFound(given, fields), found)
  })
}

const december = { milestoneAfter: '2026-12-01', milestoneBefore: '2027-01-01' }
const windows: readonly [rule: string, given: FilterArguments, start: string, end: string, found: boolean][] = [
  ['within', december, '2026-12-10', '2026-12-20', true],
  ['on its first day', december, '2026-12-01', '', true],
  ['on its last day', december, '', '2026-12-31', true],
  ['the day before', december, '2026-11-30', '', false],
  ['the day after', december, '2027-01-01', '', false],
  ['begins before and ends in it', december, '2026-11-01', '2026-12-01', true],
  ['begins in it and ends after', december, '2026-12-31', '2027-02-01', true],
  ['goes on all the time', december, '2026-11-01', '2027-02-01', true],
  ['ends before', december, '2026-10-01', '2026-11-30', false],
  ['begins after', december, '2027-01-01', '2027-02-01', false],
  ['without an end', { milestoneAfter: '2026-12-01' }, '2030-01-01', '', true],
  ['ended before', { milestoneAfter: '2026-12-01' }, '2026-10-01', '2026-11-30', false],
  ['the same day, later', { milestoneAfter: '2026-12-01T20:00Z' }, '2026-12-01', '', true],
  ['within a duration ahead', { milestoneBefore: '30d' }, '2026-12-29', '', true],
  ['after a duration ahead', { milestoneBefore: '30d' }, '2026-12-30', '', false],
  ['from a duration ahead on', { milestoneAfter: '30d' }, '2026-12-29', '', true],
  ['before a duration ahead', { milestoneAfter: '30d' }, '2026-12-28', '', false],
  ['a date that is none', december, 'soon', '', false],
]
for (const [rule, given, start, end, found] of windows) {
  test(`a milestone ${rule}: ${JSON.stringify(given)} ${found ? 'finds' : 'does not find'} ${start}/${end}`, () => {
    const days = { ...(start !== '' && { start }), ...(end !== '' && { end }) }
    assert.equal(isFound(given, {}, bodyOf('<p>x</p>', [milestone('rollout', days)])), found)
  })
}

const gcc: Milestone = { ...milestone('rollout', { start: '2026-12-10' }), ring: 'general', cloud: 'gcc' }
const kinds: readonly [rule: string, given: FilterArguments, dates: Milestone[], found: boolean][] = [
  ['of the kind', { milestoneKind: 'rollout' }, [gcc], true],
  ['of another kind', { milestoneKind: 'retirement' }, [gcc], false],
  ['of the ring', { milestoneRing: 'general' }, [gcc], true],
  ['of another ring', { milestoneRing: 'targeted' }, [gcc], false],
  ['of the cloud', { milestoneCloud: 'gcc' }, [gcc], true],
  ['of another cloud', { milestoneCloud: 'gccHigh' }, [gcc], false],
  ['of no cloud that is said', { milestoneCloud: 'gcc' }, [milestone('rollout', { start: '2026-12-10' })], false],
  ['of kind, ring, cloud and time', { ...december, milestoneKind: 'rollout', milestoneCloud: 'gcc' }, [gcc], true],
  ['of the cloud at another time', { milestoneBefore: '2026-12-01', milestoneCloud: 'gcc' }, [gcc], false],
  [
    'of the cloud, and another one of the ring',
    { milestoneCloud: 'gcc', milestoneRing: 'targeted' },
    [gcc, { ...gcc, ring: 'targeted', cloud: 'dod' }],
    false,
  ],
]
for (const [rule, given, dates, found] of kinds) {
  test(`a milestone ${rule} is ${found ? '' : 'not '}found: ${JSON.stringify(given)}`, () => {
    assert.equal(isFound(given, {}, bodyOf('', dates)), found)
  })
}

test('an act-by date is a deadline of no ring and no cloud', () => {
  const post = actBy('2026-12-24T08:00:00Z')
  assert.ok(isFound({ milestoneKind: 'deadline' }, post))
  assert.ok(!isFound({ milestoneKind: 'rollout' }, post))
  assert.ok(!isFound({ milestoneKind: 'deadline', milestoneCloud: 'gcc' }, post))
})

test('one milestone of several is enough', () => {
  const body = bodyOf('', [milestone('rollout', { start: '2026-01-01' }), milestone('deadline', { end: '2026-12-24' })])
  assert.ok(isFound(december, {}, body))
})

test('two milestones around a window are not in it', () => {
  const body = bodyOf('', [milestone('rollout', { start: '2026-11-01' }), milestone('deadline', { end: '2027-02-01' })])
  assert.ok(!isFound(december, {}, body))
})

test('words are found in the text, and not in its markup', () => {
  const body = bodyOf('<table><tr><td>Your mail&shy;box</td></tr></table>')
  assert.ok(isFound({ search: 'new mailbox' }, { title: 'New' }, body))
  assert.ok(!isFound({ search: 'new table' }, { title: 'New' }, body))
})

const needed: readonly [given: FilterArguments, parts: BodyPart[]][] = [
  [{ search: 'x' }, ['words']],
  [{ milestoneAfter: '7d' }, ['dates']],
  [{ milestoneBefore: '7d' }, ['dates']],
  [{ milestoneKind: 'deadline', search: 'x' }, ['dates', 'words']],
  [{ services: ['x'], tags: ['x'], ids: ['MC1'], actionRequiredBefore: '7d', modifiedSince: '7d' }, []],
]
for (const [given, parts] of needed) {
  test(`of bodies, ${Object.keys(given).join(', ')} need ${parts.join(' and ') || 'nothing'}`, () => {
    assert.deepEqual(partsFor(filtersOf(given, nowMs)), parts)
  })
}

const noOperators = ['"teams OR outlook"', 'sign in or out', 'ORGANIZATION', 'roll-out', 'C - D', 'Teams -1', 'R&D|QA']
for (const search of noOperators) {
  test(`${search} is searched for as it is`, () => {
    assert.equal(filtersOf({ search }, nowMs).length, 1)
  })
}

test('what needs the body is looked at last', () => {
  const filters = filtersOf({ search: 'x', milestoneBefore: '7d', services: ['x'], tags: ['x'] }, nowMs)
  assert.deepEqual(
    filters.flatMap(({ names }) => names),
    ['services', 'tags', 'milestoneBefore', 'search'],
  )
})

const rejected: readonly (readonly [given: FilterArguments, message: RegExp])[] = [
  [{ search: '?!' }, /^"search" takes words of letters or figures\.$/],
  [{ tags: ['--'] }, /^"tags" takes names of tags\.$/],
  [{ services: [' '] }, /^"services" takes names of products\.$/],
  [{ services: ['Teams', '--'] }, /^"services" takes /],
  [{ allServices: ['*'] }, /^"allServices" takes /],
  ...['teams OR outlook', 'NOT teams', 'teams || outlook', 'teams | outlook', 'teams -preview', '-"live events"'].map(
    (search) => [{ search }, /^"search" takes words that all have to occur, without OR, NOT or "-": /] as const,
  ),
  [
    { milestoneAfter: '2026-12-02', milestoneBefore: '2026-12-01' },
    /^"milestoneBefore" takes a later time than milestoneAfter\.$/,
  ],
  [{ milestoneAfter: '2026-12-01T09:00:00Z', milestoneBefore: '2026-12-01' }, /^"milestoneBefore" takes a later time/],
  [{ modifiedSince: '7d', modifiedBefore: '14d' }, /^"modifiedBefore" takes a later time than modifiedSince\.$/],
  [{ startedSince: '2026-11-20', startedBefore: '2026-11-20' }, /^"startedBefore" takes a later time/],
  [{ actionRequiredAfter: '14d', actionRequiredBefore: '7d' }, /^"actionRequiredBefore" takes a later time/],
  ...(['modifiedSince', 'startedSince'] as const).map(
    (argument) =>
      [{ [argument]: '2026-02-30' }, new RegExp(`^"${argument}" takes a date that exists .*duration back`)] as const,
  ),
  ...(['actionRequiredBefore', 'actionRequiredAfter', 'milestoneBefore', 'milestoneAfter'] as const).map(
    (argument) =>
      [{ [argument]: 'soon' }, new RegExp(`^"${argument}" takes a date that exists .*duration from now`)] as const,
  ),
]
for (const [given, message] of rejected) {
  test(`${JSON.stringify(given)} is an error that names the argument`, () => {
    assert.throws(() => filtersOf(given, nowMs), { name: 'Failure', reason: 'invalid_input', message })
  })
}
