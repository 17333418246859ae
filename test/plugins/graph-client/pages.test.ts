import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../../src/errors/index.ts'
import type { GraphQuery, GraphSession } from '../../../src/plugins/graph-client/index.ts'
import { readPage, readPages } from '../../../src/plugins/graph-client/pages.ts'

/** A Graph that gives these responses in order; a failure is thrown. */
function graphOf(responses: readonly unknown[]) {
  const asked: GraphQuery[] = []
  const session: GraphSession = {
    async get(_path, query = {}) {
      const response = responses[asked.push(query) - 1]
      if (response instanceof Failure) throw response
      return response
    },
    post: () => assert.fail('nothing is written'),
    nextQuery: (_path, link) => new URLSearchParams({ at: link }),
  }
  return { session, asked }
}

const paging = { prefer: 'large', maxPages: 3 }

const pages: readonly [name: string, page: object][] = [
  ['an empty page', { value: [] }],
  [
    'a page with everything',
    { value: [{ id: 'A' }], '@odata.count': 7, '@odata.nextLink': 'x', '@odata.context': 'y' },
  ],
  ['entries with fields of any kind', { value: [{ id: null, more: [1, 'x', {}] }, {}] }],
]
for (const [name, page] of pages) {
  test(`${name} is a page`, async () => {
    assert.equal(await readPage(graphOf([page]).session, '/things', {}), page)
  })
}

const noPages: readonly [name: string, response: unknown][] = [
  ['null', null],
  ['a list', []],
  ['an error', { error: { code: 'x' } }],
  ['an empty object', {}],
  ['a value that is a text', { value: 'none' }],
  ['an entry that is null', { value: [null] }],
  ['an entry that is a text', { value: ['x'] }],
  ['a link that is a number', { value: [], '@odata.nextLink': 12 }],
  ['a page that is not there', new Failure('graph_not_found')],
]
for (const [name, response] of noPages) {
  test(`${name} is no page`, async () => {
    const { session } = graphOf([response])
    await assert.rejects(readPage(session, '/things', {}), { name: 'Failure', reason: 'graph_response_invalid' })
  })
}

test('links are followed, the first page by its own preference', async () => {
  const { session, asked } = graphOf([{ value: [{ n: 1 }], '@odata.nextLink': 'two' }, { value: [{ n: 2 }, { n: 3 }] }])
  const query = new URLSearchParams({ $top: '2' })
  const read = await readPages(session, '/things', { ...paging, query, firstPrefer: 'small' })
  assert.deepEqual(read, { entries: [{ n: 1 }, { n: 2 }, { n: 3 }], isCut: false })
  assert.deepEqual(
    asked.map(({ query, prefer }) => `${query} ${prefer}`),
    ['%24top=2 small', 'at=two large'],
  )
})

test('more pages than are read are told', async () => {
  const { session, asked } = graphOf(Array.from({ length: 9 }, (_, n) => ({ value: [{ n }], '@odata.nextLink': 'x' })))
  const { entries, isCut } = await readPages(session, '/things', paging)
  assert.deepEqual([entries.length, isCut, asked.length], [3, true, 3])
})

test('a page that fails fails all, with what Graph says', async () => {
  const { session } = graphOf([{ value: [{}], '@odata.nextLink': 'x' }, new Failure('graph_forbidden')])
  await assert.rejects(readPages(session, '/things', paging), { reason: 'graph_forbidden' })
})
