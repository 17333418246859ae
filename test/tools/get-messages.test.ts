import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../src/errors/index.ts'
import type { GraphSession } from '../../src/plugins/graph-client/index.ts'
import { fieldsWithoutBody } from '../../src/plugins/message-center/message.ts'
import { getMessages } from '../../src/tools/get-messages.ts'

interface Asked {
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly prefer: string | undefined
}

const messages = (count: number) => Array.from({ length: count }, (_, i) => ({ id: `MC${i + 1}` }))

/** Runs the tool on a Graph that answers what it is told, one after the other, and notes what it was asked. */
async function run(args: object, ...answers: unknown[]) {
  const asked: Asked[] = []
  const graph: GraphSession = {
    async get(path, { query, prefer } = {}) {
      asked.push({ path, query: Object.fromEntries(query ?? []), prefer })
      const answer = answers.length > 0 ? answers.shift() : { value: [] }
      if (answer instanceof Error) throw answer
      return answer
    },
    nextQuery: (_path, link) => new URL(link).searchParams,
  }
  const result = await getMessages.call(args, { caller: null, graph })
  return { asked, result }
}
const queryOf = async (args: object) => (await run(args)).asked[0]?.query ?? assert.fail('Graph was not asked')

test('without arguments it asks for the newest changes, 25 a page, counted and without bodies', async () => {
  const { asked } = await run({})
  assert.deepEqual(asked, [
    {
      path: '/admin/serviceAnnouncement/messages',
      query: { $orderby: 'lastModifiedDateTime desc', $count: 'true', $select: fieldsWithoutBody },
      prefer: 'odata.maxpagesize=25',
    },
  ])
})

const filters: readonly [args: object, filter: string][] = [
  [{ services: ['Teams'] }, "(services/any(s:contains(s,'Teams')))"],
  [
    { services: ["O'Brien", 'a) or (b'] },
    "(services/any(s:contains(s,'O''Brien')) or services/any(s:contains(s,'a) or (b')))",
  ],
  [{ tags: ['New feature', "'"] }, "(tags/any(t:t eq 'New feature') or tags/any(t:t eq ''''))"],
  [{ category: 'planForChange' }, "category eq 'planForChange'"],
  [{ severity: 'critical' }, "severity eq 'critical'"],
  [{ isMajorChange: true }, 'isMajorChange eq true'],
  [{ isMajorChange: false }, 'isMajorChange eq false'],
  [{ actionRequiredBefore: '2026-12-01' }, 'actionRequiredByDateTime lt 2026-12-01T00:00:00.000Z'],
  [{ actionRequiredAfter: '2026-12-01T08:00:00+02:00' }, 'actionRequiredByDateTime ge 2026-12-01T06:00:00.000Z'],
  [{ modifiedSince: '2026-11-01T08:30Z' }, 'lastModifiedDateTime ge 2026-11-01T08:30:00.000Z'],
  [{ startedSince: '2024-02-29' }, 'startDateTime ge 2024-02-29T00:00:00.000Z'],
  [{ search: "Copilot's" }, "(contains(tolower(title),'copilot''s') or contains(tolower(body/content),'copilot''s'))"],
  [{ roadmapId: '478611' }, "details/any(d:d/name eq 'RoadmapIds' and contains(d/value,'478611'))"],
  [{ unreadOnly: true }, 'viewPoint/isRead ne true'],
  [{ tags: ['GDPR'] }, "(tags/any(t:t eq 'GDPR'))"],
  [{ tags: ['Data privacy'] }, "(tags/any(t:t eq 'GDPR') or tags/any(t:t eq 'Data privacy'))"],
  [{ tags: [' data-PRIVACY', 'GDPR'] }, "(tags/any(t:t eq 'GDPR') or tags/any(t:t eq ' data-PRIVACY'))"],
  [{ tags: ['gdpr'] }, "(tags/any(t:t eq 'GDPR') or tags/any(t:t eq 'gdpr'))"],
  [{ tags: ['privacy'] }, "(tags/any(t:t eq 'privacy'))"],
  [{ filter: "startswith(title,'x') or false" }, "(startswith(title,'x') or false)"],
  [
    { category: 'stayInformed', isMajorChange: true, services: ['Teams'], filter: 'a or b' },
    "(services/any(s:contains(s,'Teams'))) and category eq 'stayInformed' and isMajorChange eq true and (a or b)",
  ],
]
for (const [args, filter] of filters) {
  test(`${JSON.stringify(args)} asks for ${filter}`, async () => {
    assert.equal((await queryOf(args))['$filter'], filter)
  })
}

test('what is not asked for is not filtered', async () => {
  assert.equal((await queryOf({ unreadOnly: false }))['$filter'], undefined)
})

const options: readonly [
  args: object,
  asked: { $top?: string; $skip?: string; $count?: string; $orderby?: string; prefer?: string },
][] = [
  [{}, { $count: 'true', prefer: 'odata.maxpagesize=25' }],
  [{ top: 10 }, { $top: '10', $count: 'true', prefer: 'odata.maxpagesize=10' }],
  [{ top: 500 }, { $top: '500', $count: 'true', prefer: 'odata.maxpagesize=500' }],
  [{ top: 0 }, { $top: '0', $count: 'true' }],
  [
    { top: 500, pageSize: 100 },
    { $top: '500', $count: 'true', prefer: 'odata.maxpagesize=100' },
  ],
  [{ pageSize: 1000 }, { $count: 'true', prefer: 'odata.maxpagesize=1000' }],
  [
    { body: 'text', pageSize: 1000 },
    { $count: 'true', prefer: 'odata.maxpagesize=100' },
  ],
  [
    { body: 'html', prefer: 'odata.maxpagesize=1000' },
    { $count: 'true', prefer: 'odata.maxpagesize=100' },
  ],
  [
    { body: 'html', top: 100 },
    { $top: '100', $count: 'true', prefer: 'odata.maxpagesize=100' },
  ],
  [
    { body: 'none', top: 101 },
    { $top: '101', $count: 'true', prefer: 'odata.maxpagesize=101' },
  ],
  [
    { prefer: 'odata.maxpagesize=7', pageSize: 100 },
    { $count: 'true', prefer: 'odata.maxpagesize=7' },
  ],
  [{ count: false }, { prefer: 'odata.maxpagesize=25' }],
  [{ skip: 50 }, { $skip: '50', $count: 'true', prefer: 'odata.maxpagesize=25' }],
  [{ skip: 0 }, { $count: 'true', prefer: 'odata.maxpagesize=25' }],
  [
    { orderby: 'startDateTime asc, title' },
    { $orderby: 'startDateTime asc, title', $count: 'true', prefer: 'odata.maxpagesize=25' },
  ],
]
for (const [args, { prefer, ...expected }] of options) {
  test(`${JSON.stringify(args)} asks for ${JSON.stringify({ ...expected, prefer })}`, async () => {
    const { asked } = await run(args)
    const { $select: _, ...query } = asked[0]?.query ?? {}
    assert.deepEqual(query, { $orderby: 'lastModifiedDateTime desc', ...expected })
    assert.equal(asked[0]?.prefer, prefer)
  })
}

const refused: readonly [field: string, value: unknown][] = [
  ['services', []],
  ['services', 'Teams'],
  ['services', ['']],
  ['services', Array(21).fill('x')],
  ['tags', ['x'.repeat(201)]],
  ['category', 'PlanForChange'],
  ['severity', 'low'],
  ['isMajorChange', 'true'],
  ['actionRequiredBefore', 'tomorrow'],
  ['actionRequiredBefore', '2026-12-01T08:00:00'],
  ['actionRequiredAfter', '2026-02-30'],
  ['actionRequiredAfter', '2026-02-30T00:00:00Z'],
  ['modifiedSince', '2026-13-01'],
  ['modifiedSince', '2026-12-01T25:00:00Z'],
  ['startedSince', "2026-12-01' or true"],
  ['startedSince', '2026-12-01\n'],
  ['search', ''],
  ['search', 'x'.repeat(201)],
  ['roadmapId', '478611, 1'],
  ['roadmapId', "1') or (true"],
  ['roadmapId', 478611],
  ['body', 'markdown'],
  ['top', -1],
  ['top', 1001],
  ['top', '5'],
  ['skip', -1],
  ['skip', 1_000_001],
  ['pageSize', 0],
  ['pageSize', 1001],
  ['filter', ''],
  ['filter', 'a) or (b'],
  ['filter', "title eq 'x"],
  ['filter', 'x'.repeat(2_001)],
  ['orderby', 'title; drop'],
  ['orderby', 'title desc&$top=1000'],
  ['orderby', 'tolower(title)'],
  ['prefer', 'return=minimal'],
  ['prefer', 'odata.maxpagesize=1001'],
  ['prefer', 'odata.maxpagesize=5\r\nx: y'],
]
for (const body of ['text', 'html']) {
  test(`more than 100 messages with body ${body} are rejected by name, and Graph is not asked`, async () => {
    await assert.rejects(run({ body, top: 101 }, new Error('Graph was asked')), (error: Failure) => {
      assert.equal(error.reason, 'invalid_input')
      assert.equal(error.message, `"top" takes 0 to 100 with body ${body}; page with skip.`)
      return true
    })
  })
}

for (const [field, value] of refused) {
  test(`${field}: ${JSON.stringify(value).slice(0, 50)} is refused by name, and Graph is not asked`, async () => {
    await assert.rejects(run({ [field]: value }, new Error('Graph was asked')), (error: Failure) => {
      assert.equal(error.reason, 'invalid_input')
      assert.match(error.message, new RegExp(`^"${field}[".]`))
      return true
    })
  })
}

const badRequest = (message: string) =>
  new Failure('graph_bad_request', { detail: `It said: ${message}`, cause: { status: 400, message } })

for (const message of [
  "Could not find a property named 'hasAttachments' on type 'microsoft.graph.serviceUpdateMessage'.",
  'The query option "$select" is not supported.',
]) {
  test(`where Graph refuses a field that this server selects (${message}), the same is asked without $select`, async () => {
    const { asked, result } = await run({ services: ['Teams'], top: 5 }, badRequest(message), {
      value: [{ id: 'MC1', body: { contentType: 'html', content: 'x' } }],
    })
    const [first, second, ...more] = asked
    assert.deepEqual(more, [])
    const { $select, ...rest } = first?.query ?? {}
    assert.equal($select, fieldsWithoutBody)
    assert.deepEqual(second, { ...first, query: rest })
    assert.deepEqual(result['value'], [
      { id: 'MC1', url: 'https://admin.microsoft.com/#/MessageCenter/:/messages/MC1' },
    ])
  })
}

const refusals: readonly [args: object, message: string, source: string][] = [
  [{ filter: 'nosuch eq 1' }, "Could not find a property named 'nosuch' on type 'x'.", 'the argument "filter"'],
  [
    { filter: 'nosuch eq 1', orderby: 'title', unreadOnly: true },
    "Could not find a property named 'nosuch' on type 'x'.",
    'the argument "filter"',
  ],
  [
    { filter: 'isMajorChange eq true', orderby: 'nosuch desc' },
    "Could not find a property named 'nosuch' on type 'x'.",
    'the argument "orderby"',
  ],
  [{ filter: 'a b', search: 'x' }, "Syntax error at position 2 in 'a b'.", 'the argument "filter"'],
  [
    { unreadOnly: true, search: 'x' },
    'The property "viewPoint" does not support filters.',
    'the argument "unreadOnly"',
  ],
  [{ roadmapId: '478611', tags: ['x'] }, "'details' doesn't support filters", 'the argument "roadmapId"'],
  [{ category: 'stayInformed', severity: 'high' }, 'Invalid query.', 'one of the arguments "category", "severity"'],
  [{ filter: 'x', orderby: 'y', severity: 'high' }, 'Invalid orderby clause.', 'the argument "orderby"'],
  [{ filter: 'x', severity: 'high' }, 'Invalid query.', 'the argument "filter"'],
  [{ severity: 'high' }, "The function 'nosuch' is not supported.", 'the argument "severity"'],
  [{ filter: "hasAttachments eq 'x'" }, "Cannot compare 'hasAttachments' to a text.", 'the argument "filter"'],
]
for (const [args, message, source] of refusals) {
  test(`Graph refuses ${JSON.stringify(args)} with ${message}: ${source}, and it is asked once`, async () => {
    await assert.rejects(run(args, badRequest(message), new Error('asked twice')), {
      reason: 'graph_bad_request',
      message: `It came from ${source}. It said: ${message}`,
    })
  })
}

test('a refusal that no argument can have caused is told as it is', async () => {
  await assert.rejects(run({}, badRequest('No.'), new Error('asked twice')), { message: 'It said: No.' })
  await assert.rejects(run({}, new Failure('graph_bad_request'), new Error('asked twice')), {
    reason: 'graph_bad_request',
  })
})

test('nothing but a refused query is asked again', async () => {
  for (const reason of ['graph_throttled', 'graph_forbidden', 'graph_unavailable'] as const) {
    const failure = new Failure(reason, { cause: { status: 500, message: 'The $select is not supported.' } })
    await assert.rejects(run({}, failure, { value: [] }), { reason })
  }
})

for (const body of ['text', 'html'] as const) {
  test(`bodies as ${body} are asked for whole`, async () => {
    const content = '<p>Tom &amp; Jerry</p>'
    const { asked, result } = await run({ body }, { value: [{ id: 'MC1', body: { contentType: 'html', content } }] })
    assert.equal(asked[0]?.query['$select'], undefined)
    const shown = body === 'html' ? { contentType: 'html', content } : { contentType: 'text', content: 'Tom & Jerry' }
    assert.deepEqual((result['value'] as { body: unknown }[])[0]?.body, shown)
    await assert.rejects(run({ body }, badRequest('$select'), { value: [] }), { reason: 'graph_bad_request' })
  })
}

const link = (query: string) => `https://graph.microsoft.com/v1.0/admin/serviceAnnouncement/messages?${query}`
const paging: readonly [name: string, args: object, page: object, nextSkip: number | undefined][] = [
  ['a link with $skip', {}, { value: messages(25), '@odata.nextLink': link('$skip=25') }, 25],
  ['a link that goes on from a skip', { skip: 50 }, { value: messages(25), '@odata.nextLink': link('$skip=75') }, 75],
  ['an empty page with a link', { skip: 50 }, { value: [], '@odata.nextLink': link('$skip=75') }, 75],
  ['a link with a token', { skip: 50 }, { value: messages(25), '@odata.nextLink': link('$skiptoken=x') }, 75],
  ['a link that leads back', { skip: 50 }, { value: messages(25), '@odata.nextLink': link('$skip=25') }, 75],
  ['a link with nonsense', {}, { value: messages(25), '@odata.nextLink': link('$skip=1e99') }, 25],
  ['the last page', {}, { value: messages(7), '@odata.count': 7 }, undefined],
  ['a top that leaves some', { top: 5 }, { value: messages(5), '@odata.count': 12 }, 5],
  ['a top after a skip that leaves some', { top: 5, skip: 5 }, { value: messages(5), '@odata.count': 12 }, 10],
  ['a top that leaves none', { top: 5, skip: 10 }, { value: messages(2), '@odata.count': 12 }, undefined],
  ['a top that only counts', { top: 0 }, { value: [], '@odata.count': 12 }, undefined],
  ['a skip beyond the end', { skip: 100 }, { value: [], '@odata.count': 12 }, undefined],
  ['a top without a count', { top: 5, count: false }, { value: messages(5) }, undefined],
]
for (const [name, args, page, nextSkip] of paging) {
  test(`${name}: the next page begins at ${nextSkip ?? 'nowhere'}`, async () => {
    const { result } = await run(args, page)
    assert.equal(result['nextSkip'], nextSkip)
    assert.equal('nextSkip' in result, nextSkip !== undefined)
    assert.equal((result['value'] as unknown[]).length, (page as { value: unknown[] }).value.length)
  })
}

test('the count is Graph’s, be it zero', async () => {
  assert.equal((await run({}, { value: [], '@odata.count': 0 })).result['@odata.count'], 0)
  assert.equal('@odata.count' in (await run({}, { value: [] })).result, false)
})

test('nothing of Graph’s own link or context is passed on', async () => {
  const { result } = await run({}, { value: [], '@odata.context': 'x', '@odata.nextLink': link('$skip=25') })
  assert.deepEqual(Object.keys(result).sort(), ['nextSkip', 'value'])
})

for (const answer of [null, {}, { value: 'none' }, { value: [{ title: 'x' }] }]) {
  test(`${JSON.stringify(answer)} is no answer of Graph's`, async () => {
    await assert.rejects(run({}, answer), { reason: 'graph_response_invalid' })
  })
}
