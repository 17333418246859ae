import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../src/errors/index.ts'
import type { GraphSession } from '../../src/plugins/graph-client/index.ts'
import { getMessages } from '../../src/tools/get-messages.ts'
import { type Listed, message } from '../plugins/message-center/graph-double.ts'
import { userOf } from './helper.ts'

const minute = 60_000
const many = (count: number) => Array.from({ length: count }, (_, i) => message(i + 1))
const idsOf = (result: Record<string, unknown>) => (result['value'] as { id: string }[]).map(({ id }) => id)

const teams = message(1, { title: 'New mailbox', lastModifiedDateTime: '2026-11-20T00:00:00Z', tags: ['Retirement'] })
const planner = message(2, { services: ['Planner'], lastModifiedDateTime: '2026-11-25T00:00:00Z' })
const exchange = message(3, {
  services: ['Exchange Online'],
  lastModifiedDateTime: '2026-11-15T00:00:00Z',
  body: { contentType: 'html', content: '<p>About your <b>mailbox</b></p>' },
})
const three = [teams, planner, exchange]

test('without arguments all messages, most recently modified first, without bodies, for one call', async () => {
  const { call, graph } = userOf(three)
  const result = await call(getMessages)
  assert.deepEqual(idsOf(result), ['MC100002', 'MC100001', 'MC100003'])
  assert.deepEqual(Object.keys(result), ['value', '@odata.count'])
  const { body: _, ...fields } = planner
  const url = 'https://admin.microsoft.com/#/MessageCenter/:/messages/MC100002'
  assert.deepEqual((result['value'] as unknown[])[0], { ...fields, url })
  assert.deepEqual(graph.asked, ['listing'])
})

const questions: readonly [args: object, ids: string[]][] = [
  [{ services: ['Planner'] }, ['MC100002']],
  [{ services: ['Planner', 'Exchange'] }, ['MC100002', 'MC100003']],
  [{ tags: ['retirement'] }, ['MC100001']],
  [{ orderby: 'id' }, ['MC100001', 'MC100002', 'MC100003']],
  [{ orderby: 'id desc', services: ['Exchange', 'Planner'] }, ['MC100003', 'MC100002']],
  [{ search: 'mailbox' }, ['MC100001', 'MC100003']],
  [{ search: 'mailbox', orderby: 'id desc' }, ['MC100003', 'MC100001']],
  [{ modifiedSince: '7d' }, ['MC100002']],
  [{ ids: ['MC100003', 'MC100001'] }, ['MC100001', 'MC100003']],
]
for (const [args, ids] of questions) {
  test(`${JSON.stringify(args)} finds ${ids.join(', ')}`, async () => {
    const result = await userOf(three).call(getMessages, args)
    assert.deepEqual([idsOf(result), result['@odata.count']], [ids, ids.length])
  })
}

test('ten questions in five minutes cost one call, with the bodies as soon as one needs them', async () => {
  const { call, graph } = userOf(three)
  await call(getMessages, { search: 'mailbox' })
  for (const [args] of questions) await call(getMessages, args)
  assert.deepEqual(graph.asked, ['bodies'])
})

const paging: readonly [rule: string, args: object, shown: number, nextSkip: number | undefined][] = [
  ['25 by default', {}, 25, 25],
  ['from a skip on', { skip: 25 }, 25, 50],
  ['the last page', { skip: 100 }, 20, undefined],
  ['a page that ends with the last message', { skip: 95 }, 25, undefined],
  ['a skip to the end', { skip: 120 }, 0, undefined],
  ['a skip beyond the end', { skip: 1_000_000 }, 0, undefined],
  ['a top', { top: 5 }, 5, 5],
  ['a top after a skip', { top: 5, skip: 5 }, 5, 10],
  ['a top of all', { top: 120 }, 120, undefined],
  ['the largest top', { top: 1_000 }, 120, undefined],
  ['a top that only counts', { top: 0 }, 0, undefined],
  ['a top that only counts, after a skip', { top: 0, skip: 10 }, 0, undefined],
  ['a page size', { pageSize: 10 }, 10, 10],
  ['a preferred page size', { prefer: 'odata.maxpagesize=7' }, 7, 7],
  ['a page size before a preferred one', { pageSize: 10, prefer: 'odata.maxpagesize=7' }, 10, 10],
  ['a top before a page size', { top: 5, pageSize: 10 }, 5, 5],
  ['at most a hundred with texts', { body: 'text', pageSize: 1_000 }, 100, 100],
  ['at most a hundred with HTML', { body: 'html', prefer: 'odata.maxpagesize=1000' }, 100, 100],
  ['a hundred with texts', { body: 'text', top: 100 }, 100, 100],
  ['more without', { body: 'none', top: 101 }, 101, 101],
]
for (const [rule, args, shown, nextSkip] of paging) {
  test(`${rule}: ${shown} are shown, the next page begins at ${nextSkip ?? 'nowhere'}`, async () => {
    const result = await userOf(many(120)).call(getMessages, args)
    assert.deepEqual([idsOf(result).length, result['@odata.count']], [shown, 120])
    assert.deepEqual(['nextSkip' in result, result['nextSkip']], [nextSkip !== undefined, nextSkip])
    assert.ok(!('note' in result))
  })
}

test('messages that are named are all shown', async () => {
  const ids = many(60).map(({ id }) => id)
  const { call } = userOf(many(120))
  for (const args of [{ ids }, { ids, body: 'text' }]) {
    const result = await call(getMessages, args)
    assert.deepEqual([idsOf(result).length, 'nextSkip' in result], [60, false])
  }
  assert.equal(idsOf(await call(getMessages, { ids, top: 5 })).length, 5)
})

test('page after page shows each message once', async () => {
  const { call } = userOf(many(120))
  const seen: string[] = []
  for (let skip: unknown = 0; skip !== undefined; ) {
    const result = await call(getMessages, { top: 7, skip })
    seen.push(...idsOf(result))
    skip = result['nextSkip']
  }
  assert.deepEqual([seen.length, new Set(seen).size], [120, 120])
})

test('what is not to be counted is not, and has pages all the same', async () => {
  const result = await userOf(many(120)).call(getMessages, { count: false, top: 5 })
  assert.deepEqual(['@odata.count' in result, result['nextSkip']], [false, 5])
})

test('a count of nothing is zero', async () => {
  assert.equal((await userOf(three).call(getMessages, { search: 'nonsense' }))['@odata.count'], 0)
})

for (const body of ['text', 'html']) {
  test(`more than 100 messages with body ${body} are rejected by name, and Graph is not called`, async () => {
    const { call, graph } = userOf(three)
    await assert.rejects(call(getMessages, { body, top: 101 }), {
      reason: 'invalid_input',
      message: `"top" takes 0 to 100 with body ${body}; page with skip.`,
    })
    assert.deepEqual(graph.asked, [])
  })
}

test('bodies are shown as they are asked for', async () => {
  const { call } = userOf([exchange])
  const bodyOf = async (body: string) => {
    const [shown] = (await call(getMessages, { body }))['value'] as { body?: unknown }[]
    return shown?.body
  }
  assert.deepEqual(await bodyOf('text'), { contentType: 'text', content: 'About your mailbox' })
  assert.deepEqual(await bodyOf('html'), exchange.body)
  assert.equal(await bodyOf('none'), undefined)
})

test('a row of the view compact has a row’s worth', async () => {
  const { value } = await userOf([teams]).call(getMessages, { view: 'compact' })
  assert.deepEqual(value, [
    { id: 'MC100001', title: 'New mailbox', services: ['Microsoft Teams'], changed: '2026-11-20' },
  ])
})

test('a row has the deadline of its text, whatever was asked before', async () => {
  const due = message(1, {
    body: { contentType: 'html', content: '<p>You must update your settings before December 15, 2026.</p>' },
  })
  const { call, graph, advance } = userOf([due])
  const dueOf = async () => (await call(getMessages, { view: 'compact' }))['value'] as { due?: string }[]
  assert.equal((await dueOf())[0]?.due, '2026-12-15')
  await call(getMessages, { view: 'compact', top: 0, fresh: true })
  assert.deepEqual(graph.asked, ['bodies', 'listing'])
  advance(6 * minute)
  assert.equal((await dueOf())[0]?.due, '2026-12-15')
})

test('rows come without the deadlines of texts that cannot be read', async () => {
  const { call, graph } = userOf(three)
  await call(getMessages)
  graph.fail('graph_throttled')
  const result = await call(getMessages, { view: 'compact' })
  assert.deepEqual([idsOf(result).length, result['stale']], [3, undefined])
  assert.match(String(result['note']), /^The text of 3 rows was not read/)
})

test('the view graph has Graph’s own details', async () => {
  const details = [{ name: 'Summary', value: 'S' }]
  const { value } = await userOf([message(1, { details })]).call(getMessages, { view: 'graph' })
  const [shown] = value as { details?: unknown; summary?: string }[]
  assert.deepEqual([shown?.details, shown?.summary], [details, undefined])
})

test('ids that are not there are missing, each once; those that other arguments leave out are not', async () => {
  const { call } = userOf(three)
  const ids = ['MC9', 'MC100001', 'MC9', 'MC100002']
  const result = await call(getMessages, { ids, services: ['Planner'] })
  assert.deepEqual([idsOf(result), result['missing']], [['MC100002'], ['MC9']])
  assert.ok(!('missing' in (await call(getMessages, { ids: ['MC100001'], services: ['Planner'] }))))
})

test('an id that is not there is looked for again after a minute', async () => {
  const { call, graph, advance } = userOf(three)
  const ids = ['MC100009']
  await call(getMessages, { ids })
  graph.show([...three, message(9)])
  advance(minute - 1)
  assert.deepEqual((await call(getMessages, { ids }))['missing'], ids)
  assert.deepEqual(graph.asked, ['listing'])
  advance(1)
  assert.deepEqual(idsOf(await call(getMessages, { ids })), ids)
  assert.deepEqual(graph.asked, ['listing', 'listing'])
})

test('fresh reads again, and once, be an id missing', async () => {
  const { call, graph } = userOf(three)
  await call(getMessages)
  const result = await call(getMessages, { fresh: true, ids: ['MC9'] })
  assert.deepEqual([graph.asked, 'ageSeconds' in result], [['listing', 'listing'], false])
})

test('an answer from memory says how old it is', async () => {
  const { call, advance } = userOf(three)
  await call(getMessages)
  advance(90_000)
  const result = await call(getMessages, { services: ['Teams'] })
  assert.deepEqual([result['ageSeconds'], 'stale' in result], [90, false])
})

test('where Graph fails, what was read before is the answer, and says so', async () => {
  const { call, graph, advance } = userOf(three)
  await call(getMessages)
  advance(6 * minute)
  graph.fail('graph_throttled')
  const result = await call(getMessages)
  assert.deepEqual([idsOf(result).length, result['stale'], result['ageSeconds']], [3, true, 360])
})

test('texts that could not be read are counted in a search, and are notes in a page', async () => {
  const { call, graph, advance } = userOf(three)
  await call(getMessages, { search: 'mailbox' })
  advance(6 * minute)
  graph.show([...three, message(9)])
  assert.equal((await call(getMessages))['@odata.count'], 4)
  graph.fail('graph_unavailable')
  const found = await call(getMessages, { search: 'mailbox' })
  assert.equal(found['note'], 'The text of 1 messages could not be read, and was not searched.')
  assert.equal(idsOf(found).length, 2)
  graph.fail('graph_unavailable')
  const { value } = await call(getMessages, { ids: ['MC100009'], body: 'text' })
  assert.match((value as { body: { content: string } }[])[0]?.body.content ?? '', /could not be read/)
})

test('where nothing is found, the note says what was searched and what to try', async () => {
  const { call } = userOf(three)
  const { note } = await call(getMessages, { services: ['Outlook'], tags: ['Retirement'] })
  assert.match(String(note), /^No match among 3 messages; .*services 0, tags 1\. Services here: .*try search\.$/)
  assert.match(String((await call(getMessages, { top: 0, search: 'x y z' }))['note']), /Every word must occur/)
  assert.match(String((await userOf([]).call(getMessages))['note']), /shows this user no messages/)
})

/** Graph that finds what it is told, or fails, and what it was asked. */
function rawGraph(found: Listed[] | Failure) {
  const asked: { query: Record<string, string>; prefer: string | undefined }[] = []
  const session: GraphSession = {
    async get(_path, { query, prefer } = {}) {
      asked.push({ query: Object.fromEntries(query ?? []), prefer })
      if (found instanceof Failure) throw found
      return { value: found }
    },
    post: () => assert.fail('nothing is written'),
    nextQuery: () => assert.fail('there is one page'),
  }
  return { asked, session }
}

test('a raw filter goes to Graph as it is, each time, and the other arguments hold as well', async () => {
  const { asked, session } = rawGraph(three)
  const { call } = userOf([], session)
  const filter = "startswith(title,'it''s (x') or false"
  const prefer = 'odata.maxpagesize=7'
  for (let i = 0; i < 2; i++) {
    const result = await call(getMessages, { filter, prefer, services: ['Planner', 'Exchange'], orderby: 'id desc' })
    assert.deepEqual([idsOf(result), 'ageSeconds' in result], [['MC100003', 'MC100002'], false])
  }
  assert.equal(asked.length, 2)
  for (const { query, prefer: sent } of asked) {
    const { $select, ...others } = query
    assert.deepEqual([others, sent], [{ $filter: filter }, prefer])
    assert.ok(!$select?.split(',').includes('body'))
  }
})

test('with a raw filter bodies are read where they are needed', async () => {
  for (const args of [{ body: 'text' }, { search: 'mailbox' }]) {
    const { asked, session } = rawGraph([exchange])
    const result = await userOf([], session).call(getMessages, { filter: 'true', ...args })
    assert.deepEqual(idsOf(result), ['MC100003'])
    assert.deepEqual(asked[0]?.query, { $filter: 'true' })
  }
})

test('where a raw filter finds nothing, the note says so', async () => {
  const { call } = userOf([], rawGraph([]).session)
  assert.match(String((await call(getMessages, { filter: 'true' }))['note']), /finds no message by "filter"/)
  const some = userOf([], rawGraph(three).session)
  const { note } = await some.call(getMessages, { filter: 'true', services: ['Outlook'] })
  assert.match(String(note), /^No match among 3 messages/)
})

test('a raw filter that Graph rejects is an error that names the argument, with what Graph said', async () => {
  const rejection = new Failure('graph_bad_request', { detail: 'Graph: No.', cause: { status: 400, message: 'No.' } })
  const { call } = userOf([], rawGraph(rejection).session)
  await assert.rejects(call(getMessages, { filter: "details/any(d:d/name eq 'x')" }), {
    reason: 'graph_bad_request',
    message: 'It came from the argument "filter". Graph: No.',
  })
})

for (const [name, filter, asks] of [
  ['hasAttachments', 'true', 2],
  ['hasAttachments', 'hasAttachments eq true', 1],
  ['nothing', 'true', 1],
] as const) {
  test(`where Graph rejects ${name} beside the filter ${filter}, it is asked ${asks === 1 ? 'once' : 'again without $select'}`, async () => {
    const message = `Could not find a property named '${name}' on type 'x'.`
    const { asked, session } = rawGraph(new Failure('graph_bad_request', { cause: { status: 400, message } }))
    await assert.rejects(userOf([], session).call(getMessages, { filter }), { reason: 'graph_bad_request' })
    assert.deepEqual(
      asked.map(({ query }) => '$select' in (query ?? {})),
      [true, false].slice(0, asks),
    )
  })
}

test('another failure of a raw filter is passed on', async () => {
  for (const reason of ['graph_forbidden', 'graph_throttled', 'graph_unavailable'] as const) {
    const { call } = userOf([], rawGraph(new Failure(reason)).session)
    await assert.rejects(call(getMessages, { filter: 'true' }), { reason })
  }
})

test('a page links its messages as resources, twenty at most', async () => {
  const { call } = userOf(many(30))
  const links = getMessages.links(await call(getMessages, { orderby: 'id' }))
  assert.equal(links.length, 20)
  assert.deepEqual(links[0], {
    type: 'resource_link',
    uri: 'message-center://messages/MC100001',
    name: 'MC100001',
    title: 'Change 1',
  })
})

test('a message without a title is linked by its id; rows of an overview are not linked', async () => {
  const { call } = userOf([message(1, { title: null })])
  assert.deepEqual(getMessages.links(await call(getMessages)), [
    { type: 'resource_link', uri: 'message-center://messages/MC100001', name: 'MC100001' },
  ])
  assert.deepEqual(getMessages.links(await call(getMessages, { view: 'compact' })), [])
})

const rejected: readonly [argument: string, value: unknown][] = [
  ['services', []],
  ['services', 'Teams'],
  ['services', ['']],
  ['services', [' ']],
  ['services', Array(21).fill('x')],
  ['allServices', ['?']],
  ['tags', ['x'.repeat(201)]],
  ['allTags', []],
  ['category', 'PlanForChange'],
  ['severity', 'low'],
  ['isMajorChange', 'true'],
  ['unreadOnly', 1],
  ['favoritesOnly', 'yes'],
  ['archived', 'no'],
  ['actionRequiredBefore', 'soon'],
  ['actionRequiredBefore', '2026-12-01T08:00:00'],
  ['actionRequiredAfter', '2026-02-30'],
  ['actionRequiredAfter', '2026-02-30T00:00:00Z'],
  ['milestoneBefore', '30'],
  ['milestoneAfter', '-30d'],
  ['modifiedSince', '2026-13-01'],
  ['modifiedSince', 'constructor'],
  ['startedSince', "2026-12-01' or true"],
  ['startedSince', '7d'.repeat(21)],
  ['search', ''],
  ['search', '""'],
  ['search', 'x'.repeat(201)],
  ['roadmapId', '478611, 1'],
  ['roadmapId', 478611],
  ['ids', []],
  ['ids', ['mc1']],
  ['ids', ['MC1', "MC1'"]],
  ['ids', Array(101).fill('MC1')],
  ['view', 'full'],
  ['body', 'markdown'],
  ['top', -1],
  ['top', 1001],
  ['top', '5'],
  ['skip', -1],
  ['skip', 1_000_001],
  ['count', 'no'],
  ['pageSize', 0],
  ['pageSize', 1001],
  ['filter', ''],
  ['filter', 'a) or (b'],
  ['filter', "title eq 'x"],
  ['filter', 'x'.repeat(2_001)],
  ['orderby', 'title; drop'],
  ['orderby', 'title desc&$top=1000'],
  ['orderby', 'tolower(title)'],
  ['orderby', 'services'],
  ['prefer', 'return=minimal'],
  ['prefer', 'odata.maxpagesize=1001'],
  ['prefer', 'odata.maxpagesize=5\r\nx: y'],
  ['fresh', 'true'],
]
for (const [argument, value] of rejected) {
  test(`${argument}: ${JSON.stringify(value).slice(0, 50)} is rejected by name, and Graph is not called`, async () => {
    const { call, graph } = userOf(three)
    await assert.rejects(call(getMessages, { [argument]: value }), (error) => {
      assert.ok(error instanceof Failure)
      assert.equal(error.reason, 'invalid_input')
      assert.match(error.message, new RegExp(`^"${argument}[".]`))
      return true
    })
    assert.deepEqual(graph.asked, [])
  })
}

test('an argument that there is none of is an error that names it', async () => {
  await assert.rejects(userOf(three).call(getMessages, { service: ['Teams'] }), {
    reason: 'invalid_input',
    message: /^There is no argument "service"; there are: services, /,
  })
})
