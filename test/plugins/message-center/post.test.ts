import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toPost, withViewPoint } from '../../../src/plugins/message-center/post.ts'
import { type Fields, postOf } from './posts.ts'

const url = 'https://admin.microsoft.com/#/MessageCenter/:/messages/MC1'

/** Both views of a message of these fields, without what every message has. */
function viewsOf(fields: Fields) {
  const { message, graph } = postOf(fields)
  const { id, url: shownUrl, ...standard } = message
  const { id: _, url: __, ...asGraph } = graph
  assert.deepEqual([id, shownUrl], ['MC1', url])
  return { standard, asGraph }
}

const fields: readonly [rule: string, given: Fields, shown: Fields][] = [
  ['a field of its type is shown', { title: 'T', isMajorChange: false }, { title: 'T', isMajorChange: false }],
  ['lists of texts are shown', { services: ['A', 'B'], tags: [] }, { services: ['A', 'B'], tags: [] }],
  ['null is left out', { title: null, services: null, isMajorChange: null, actionRequiredByDateTime: null }, {}],
  ['a number where a text belongs is left out', { title: 7, category: 1 }, {}],
  ['a text where a list belongs is left out', { tags: 'GDPR' }, {}],
  ['a text where a boolean belongs is left out', { isMajorChange: 'yes', hasAttachments: 'true' }, {}],
  ['a field that is not known is left out', { expiryDateTime: '2026-01-01', '@odata.type': '#x' }, {}],
  ['a view point that is null is left out', { viewPoint: null }, {}],
  ['a view point that is a text is left out', { viewPoint: 'read' }, {}],
  [
    'what is null in a view point is left out of it',
    { viewPoint: { isRead: null, isFavorited: true, '@odata.type': '#x' } },
    { viewPoint: { isFavorited: true } },
  ],
  ['the body belongs to no view', { body: { contentType: 'html', content: '<p>x</p>' } }, {}],
]
for (const [rule, given, shown] of fields) {
  test(`in both views ${rule}`, () => {
    assert.deepEqual(viewsOf(given), { standard: shown, asGraph: shown })
  })
}

const detail = (name: unknown, value: unknown) => ({ name, value })
const launched = '{"478611":[{"Platform":"Web","Status":"Launched"}]}'
const featureStatus = [{ roadmapId: '478611', platform: 'Web', status: 'Launched' }]
const unreadable = detail('FeatureStatusJson', '{"478611":[{"Platform":"Web"}]}')

const details: readonly [rule: string, details: unknown, standard: Fields][] = [
  ['a summary is a member', [detail('Summary', 'S')], { summary: 'S' }],
  ['two summaries are one member of both', [detail('Summary', 'S'), detail('Summary', 'T')], { summary: 'S\nT' }],
  [
    'links are members',
    [detail('ExternalLink', 'https://a'), detail('BlogLink', 'https://b'), detail('HelpLink', 'https://c')],
    { externalLink: 'https://a', blogLink: 'https://b', helpLink: 'https://c' },
  ],
  ['roadmap ids are a list', [detail('RoadmapIds', '478611, 47861')], { roadmapIds: ['478611', '47861'] }],
  ['platforms are a list', [detail('Platforms', 'Web,Desktop; iOS')], { platforms: ['Web', 'Desktop', 'iOS'] }],
  [
    'a list in two details is one, each entry once',
    [detail('RoadmapIds', '1,2'), detail('RoadmapIds', ' 2 ,,3')],
    { roadmapIds: ['1', '2', '3'] },
  ],
  ['an empty detail says nothing', [detail('Summary', ''), detail('Platforms', ' '), detail('Other', '')], {}],
  ['a list of nothing but commas is none', [detail('RoadmapIds', ' , ')], {}],
  [
    'a name that is not known stays a detail',
    [detail('Summary', 'S'), detail('New', 'x')],
    { summary: 'S', details: [detail('New', 'x')] },
  ],
  [
    'names of JavaScript objects are names as any other',
    [detail('constructor', 'x'), detail('__proto__', 'y')],
    { details: [detail('constructor', 'x'), detail('__proto__', 'y')] },
  ],
  ['a name in another case is another name', [detail('summary', 'S')], { details: [detail('summary', 'S')] }],
  ['the rollout status is data', [detail('FeatureStatusJson', launched)], { featureStatus }],
  ['a rollout status that cannot be read stays a detail', [unreadable], { details: [unreadable] }],
  [
    'of two the one that can be read is data',
    [detail('FeatureStatusJson', launched), unreadable],
    { featureStatus, details: [unreadable] },
  ],
  ['details that are null are none', null, {}],
  ['details that are an object are none', { name: 'Summary', value: 'S' }, {}],
  [
    'details that are malformed are left out, and not those beside them',
    [detail('A', null), detail(7, 'x'), null, 'y', detail('Summary', 'S')],
    { summary: 'S' },
  ],
]
for (const [rule, given, standard] of details) {
  test(`in the standard view ${rule}`, () => {
    assert.deepEqual(viewsOf({ details: given }).standard, standard)
  })
}

test('the view graph has the details as Graph has them, but for a rollout status that was read', () => {
  const kept = [detail('Summary', 'S'), detail('RoadmapIds', '1,2'), detail('New', ''), unreadable]
  const { asGraph } = viewsOf({ details: [...kept, detail('FeatureStatusJson', launched)] })
  assert.deepEqual(asGraph, { details: kept, featureStatus })
})

const times: readonly [given: unknown, ms: number][] = [
  ['2026-11-01T00:00:00Z', Date.UTC(2026, 10, 1)],
  ['2026-11-01T02:00:00+02:00', Date.UTC(2026, 10, 1)],
  ['soon', Number.NaN],
  [null, Number.NaN],
  [1_700_000_000_000, Number.NaN],
]
for (const [given, ms] of times) {
  test(`the time ${JSON.stringify(given)} is ${ms}`, () => {
    const { modifiedMs, startMs, actionMs } = postOf({
      lastModifiedDateTime: given,
      startDateTime: given,
      actionRequiredByDateTime: given,
    })
    assert.deepEqual([modifiedMs, startMs, actionMs], [ms, ms, ms])
  })
}

const viewPoints: readonly [viewPoint: unknown, read: boolean, favorite: boolean, archived: boolean][] = [
  [undefined, false, false, false],
  [null, false, false, false],
  [{ isRead: null, isFavorited: null, isArchived: null }, false, false, false],
  [{ isRead: false, isFavorited: false, isArchived: false }, false, false, false],
  [{ isRead: true, isFavorited: true, isArchived: true }, true, true, true],
  [{ isRead: true }, true, false, false],
]
for (const [viewPoint, ...expected] of viewPoints) {
  test(`of the view point ${JSON.stringify(viewPoint)}, read, favorite and archived are ${expected.join(', ')}`, () => {
    const { isRead, isFavorite, isArchived } = postOf({ viewPoint })
    assert.deepEqual([isRead, isFavorite, isArchived], expected)
  })
}

test('what the user did is in both views, beside what was done before', () => {
  const post = postOf({ title: 'T', viewPoint: { isRead: true, isArchived: true } })
  const changed = withViewPoint(post, { isFavorited: true, isArchived: false })
  const viewPoint = { isRead: true, isFavorited: true, isArchived: false }
  assert.deepEqual([changed.message.viewPoint, changed.graph.viewPoint], [viewPoint, viewPoint])
  assert.deepEqual([changed.isRead, changed.isFavorite, changed.isArchived], [true, true, false])
  assert.notEqual(changed.key, post.key)
  assert.deepEqual(post.message.viewPoint, { isRead: true, isArchived: true })
})

test('equal messages are one post, whatever their bodies, and unequal ones are not', () => {
  const message = { id: 'MC1', title: 'T' }
  const first = toPost(message, () => undefined)
  const find = (key: string) => (key === first.key ? first : undefined)
  assert.equal(toPost({ ...message, body: { contentType: 'html', content: 'x' } }, find), first)
  assert.notEqual(toPost({ ...message, viewPoint: { isRead: true } }, find), first)
  assert.notEqual(toPost({ ...message, title: 'U' }, find), first)
})
