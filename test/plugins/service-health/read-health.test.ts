import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../../src/errors/index.ts'
import type { GraphQuery, GraphSession } from '../../../src/plugins/graph-client/index.ts'
import { readHealth } from '../../../src/plugins/service-health/read-health.ts'

type Entry = Record<string, unknown>

/** Graph with these issues, a number of them a page; queries are recorded. */
function graphOf(issues: readonly unknown[], { pageSize = 100, rejects = false } = {}) {
  const asked: string[] = []
  const session: GraphSession = {
    async get(path, { query = new URLSearchParams(), prefer }: GraphQuery = {}) {
      asked.push(`${path.split('/').at(-1)}?${decodeURIComponent(query.toString())} ${prefer}`)
      if (path.endsWith('/healthOverviews')) {
        return { value: [{ id: 'x', service: 'Microsoft Teams', status: 'serviceOperational' }, { id: 'y' }] }
      }
      if (rejects && query.has('$filter')) throw new Failure('graph_bad_request')
      const skip = Number(query.get('$skip') ?? 0)
      const next = new URLSearchParams(query)
      next.set('$skip', String(skip + pageSize))
      const more = skip + pageSize < issues.length ? { '@odata.nextLink': `${path}?${next}` } : {}
      return { value: issues.slice(skip, skip + pageSize), ...more }
    },
    post: () => assert.fail('nothing is written'),
    nextQuery: (_path, link) => new URLSearchParams(link.split('?')[1]),
  }
  return { session, asked }
}

const issue = (n: number, fields: Entry = {}): Entry => ({ id: `EX${n}`, isResolved: false, ...fields })
const idsOf = ({ issues }: { issues: readonly { id: string }[] }) => issues.map(({ id }) => id)

test('two calls read what is active, a hundred a page', async () => {
  const { session, asked } = graphOf([issue(1), issue(2)])
  const health = await readHealth(session, true)
  assert.deepEqual(health.services, [{ service: 'Microsoft Teams', status: 'serviceOperational' }])
  assert.deepEqual(idsOf(health), ['EX1', 'EX2'])
  assert.deepEqual(asked, [
    'healthOverviews? odata.maxpagesize=100',
    'issues?$filter=isResolved+eq+false odata.maxpagesize=100',
  ])
})

test('a filter that Graph ignores is applied here; one that it rejects is left out', async () => {
  const issues = [issue(1), issue(2, { isResolved: true }), issue(3)]
  const ignoring = graphOf(issues)
  assert.deepEqual(idsOf(await readHealth(ignoring.session, true)), ['EX1', 'EX3'])
  const rejecting = graphOf(issues, { rejects: true })
  assert.deepEqual(idsOf(await readHealth(rejecting.session, true)), ['EX1', 'EX3'])
  assert.match(rejecting.asked.at(-1) ?? '', /^issues\? /)
})

test('all issues are read without a filter', async () => {
  const { session, asked } = graphOf([issue(1), issue(2, { isResolved: true })])
  assert.deepEqual(idsOf(await readHealth(session, false)), ['EX1', 'EX2'])
  assert.match(asked.at(-1) ?? '', /^issues\? /)
})

test('pages are followed, up to five', async () => {
  const few = graphOf(
    Array.from({ length: 9 }, (_, i) => issue(i)),
    { pageSize: 2 },
  )
  const read = await readHealth(few.session, true)
  assert.deepEqual([read.issues.length, read.isCut], [9, false])
  const many = graphOf(
    Array.from({ length: 99 }, (_, i) => issue(i)),
    { pageSize: 2 },
  )
  const cut = await readHealth(many.session, true)
  assert.deepEqual([cut.issues.length, cut.isCut, many.asked.length], [10, true, 6])
})

test('an issue has what Graph says, and the latest of its posts wherever that is', async () => {
  const post = (at: string, content: unknown) => ({
    createdDateTime: at,
    description: { contentType: 'html', content },
  })
  const { session } = graphOf([
    issue(1, {
      title: 'Mail is late',
      service: 'Exchange Online',
      feature: 'E-Mail',
      featureGroup: 'E-Mail',
      status: 'serviceDegradation',
      classification: 'incident',
      startDateTime: '2026-11-20T08:00:00Z',
      lastModifiedDateTime: '2026-11-20T12:00:00Z',
      endDateTime: null,
      impactDescription: 'Mail waits.',
      highImpact: null,
      posts: [
        post('2026-11-20T09:00:00Z', 'first'),
        post('2026-11-20T11:30:00Z', 'last'),
        post('2026-11-20T10:00:00Z', 'second'),
        post('2026-11-20T12:00:00Z', null),
        null,
      ],
    }),
  ])
  assert.deepEqual((await readHealth(session, true)).issues, [
    {
      id: 'EX1',
      isResolved: false,
      title: 'Mail is late',
      service: 'Exchange Online',
      feature: 'E-Mail',
      status: 'serviceDegradation',
      classification: 'incident',
      start: '2026-11-20T08:00:00Z',
      modified: '2026-11-20T12:00:00Z',
      impact: 'Mail waits.',
      lastPost: { at: '2026-11-20T11:30:00Z', contentType: 'html', content: 'last' },
    },
  ])
})

test('fields that are null or something else are left out; an entry without an id is none', async () => {
  const odd = { id: 'EX1', title: null, service: 7, posts: 'none', isResolved: null }
  const { session } = graphOf([odd, { title: 'No id' }])
  assert.deepEqual((await readHealth(session, true)).issues, [{ id: 'EX1', isResolved: false }])
})

for (const [what, response] of [
  ['no page', {}],
  ['null', null],
  ['entries that are no objects', { value: ['x'] }],
] as const) {
  test(`${what} is an invalid response`, async () => {
    const { session } = graphOf([])
    const graph = { ...session, get: async () => response }
    await assert.rejects(readHealth(graph, true), { reason: 'graph_response_invalid' })
  })
}

test('what Graph says of failures is passed on', async () => {
  const { session } = graphOf([])
  const get = async () => {
    throw new Failure('graph_forbidden')
  }
  await assert.rejects(readHealth({ ...session, get }, true), { reason: 'graph_forbidden' })
})
