import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCorpus } from '../../emulator/graph/corpus/index.ts'
import { bearer, build, type Failure, get, messagesPath, origin, type Page } from './graph-app.ts'

const corpus = createCorpus()
const newestFirst = corpus
  .toSorted((a, b) => Date.parse(b.lastModifiedDateTime) - Date.parse(a.lastModifiedDateTime))
  .map(({ id }) => id)
const privateIds = corpus.filter(({ tags }) => tags.includes('Data privacy')).map(({ id }) => id)
const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

test('a first page holds the hundred posts changed last, and a link to the next', async (t) => {
  const page = (await get(await build(t))).json<Page>()
  assert.deepEqual(
    page.value.map(({ id }) => id),
    newestFirst.slice(0, 100),
  )
  assert.equal(page['@odata.nextLink'], `${origin}${messagesPath}?$skip=100`)
  assert.equal(page['@odata.context'], `${origin}/v1.0/$metadata#admin/serviceAnnouncement/messages`)
  assert.equal(page['@odata.count'], undefined)
})

test('a post is written with every property and the reader’s own view point', async (t) => {
  const [post] = (await get(await build(t), { $top: '1' })).json<Page>().value
  const message = corpus.find(({ id }) => id === post?.id)
  assert.deepEqual({ ...post, viewPoint: null }, { ...message, viewPoint: null })
  assert.deepEqual(Object.keys(post?.viewPoint ?? {}), ['isArchived', 'isFavorited', 'isRead'])
})

test('the links of a walk visit each post once', async (t) => {
  const app = await build(t)
  const seen: string[] = []
  let link: string | undefined = `${origin}${messagesPath}`
  while (link !== undefined) {
    const headers = { authorization: bearer('ada'), prefer: 'odata.maxpagesize=37' }
    const page: Page = (await app.inject({ url: link.replace(origin, ''), headers })).json()
    seen.push(...page.value.map(({ id }) => id))
    link = page['@odata.nextLink']
  }
  assert.deepEqual(seen, newestFirst)
})

test('$skip against @odata.count visits each post once', async (t) => {
  const app = await build(t)
  const seen: string[] = []
  let total = 1
  while (seen.length < total) {
    const page = (await get(app, { $skip: `${seen.length}`, $top: '50', $count: 'true' })).json<Page>()
    total = page['@odata.count'] ?? 0
    seen.push(...page.value.map(({ id }) => id))
  }
  assert.deepEqual(seen, newestFirst)
})

test('a next link keeps filter, order, count and selection, whatever characters they hold', async (t) => {
  const app = await build(t)
  const query = {
    $filter: "not contains(title,'a+b & c%27''d=#é')",
    $orderby: 'startDateTime desc',
    $count: 'true',
    $select: 'id,title',
  }
  const first = (await get(app, query)).json<Page>()
  const link = new URL(first['@odata.nextLink'] ?? '')
  assert.deepEqual(Object.fromEntries(link.searchParams), { ...query, $skip: '100' })
  const headers = { authorization: bearer('ada') }
  const second: Page = (await app.inject({ url: link.pathname + link.search, headers })).json()
  assert.equal(second['@odata.count'], first['@odata.count'])
  assert.equal(second.value.length, 100)
})

test('$top that fits on a page gets no next link', async (t) => {
  const page = (await get(await build(t), { $top: '100' })).json<Page>()
  assert.equal(page.value.length, 100)
  assert.equal('@odata.nextLink' in page, false)
})

test('$top larger than a page is counted down from link to link', async (t) => {
  const app = await build(t)
  const sizes: number[] = []
  let url: string | undefined = `${messagesPath}?$top=250`
  while (url !== undefined) {
    const page: Page = (await app.inject({ url, headers: { authorization: bearer('ada') } })).json()
    sizes.push(page.value.length)
    url = page['@odata.nextLink']?.replace(origin, '')
  }
  assert.deepEqual(sizes, [100, 100, 50])
})

test('$top=0 with $count=true only counts', async (t) => {
  const page = (await get(await build(t), { $top: '0', $count: 'true' })).json<Page>()
  assert.deepEqual(page.value, [])
  assert.equal(page['@odata.count'], corpus.length)
  assert.equal('@odata.nextLink' in page, false)
})

test('@odata.count is taken after the filter and before the page', async (t) => {
  const page = (await get(await build(t), { $filter: 'isMajorChange', $top: '3', $count: 'true' })).json<Page>()
  assert.equal(page['@odata.count'], corpus.filter((message) => message.isMajorChange).length)
  assert.equal(page.value.length, 3)
})

test('$skip beyond the end gives an empty page', async (t) => {
  const page = (await get(await build(t), { $skip: '100000' })).json<Page>()
  assert.deepEqual(page.value, [])
  assert.equal('@odata.nextLink' in page, false)
})

const preferences: readonly [prefer: string, size: number, applied: string | undefined][] = [
  ['odata.maxpagesize=7', 7, 'odata.maxpagesize=7'],
  ['maxpagesize=7', 7, 'odata.maxpagesize=7'],
  ['respond-async, odata.maxpagesize="7"; foo=bar', 7, 'odata.maxpagesize=7'],
  ['odata.maxpagesize=5000', corpus.length, 'odata.maxpagesize=1000'],
  ['odata.maxpagesize=0', 100, undefined],
  ['odata.maxpagesize=-3', 100, undefined],
  ['odata.maxpagesize=many', 100, undefined],
  ['xmaxpagesize=7', 100, undefined],
]

for (const [prefer, size, applied] of preferences) {
  test(`Prefer: ${prefer} gives a page of ${size}`, async (t) => {
    const response = await get(await build(t), {}, { prefer })
    assert.equal(response.json<Page>().value.length, size)
    assert.equal(response.headers['preference-applied'], applied)
  })
}

test('$select writes the properties asked for and no others', async (t) => {
  const page = (await get(await build(t), { $select: 'id, viewPoint,title', $top: '2' })).json<Page>()
  assert.deepEqual(page.value.map(Object.keys), [
    ['id', 'viewPoint', 'title'],
    ['id', 'viewPoint', 'title'],
  ])
  assert.match(page['@odata.context'], /#admin\/serviceAnnouncement\/messages\(id,viewPoint,title\)$/)
})

test('$select=* writes every property', async (t) => {
  const [post] = (await get(await build(t), { $select: '*', $top: '1' })).json<Page>().value
  assert.equal(Object.keys(post ?? {}).length, 15)
})

test('+ and percent-encoding in a query mean what they mean in a form', async (t) => {
  const app = await build(t)
  const headers = { authorization: bearer('ada') }
  const plus = await app.inject({ url: `${messagesPath}?$filter=isMajorChange+eq+true&$count=true&$top=0`, headers })
  const percent = await app.inject({
    url: `${messagesPath}?%24filter=isMajorChange%20eq%20true&$count=true&$top=0`,
    headers,
  })
  assert.equal(plus.json<Page>()['@odata.count'], corpus.filter((message) => message.isMajorChange).length)
  assert.equal(percent.body, plus.body)
})

test('options without a $ are ignored', async (t) => {
  const page = (await get(await build(t), { top: '3', custom: 'x' })).json<Page>()
  assert.equal(page.value.length, 100)
})

test('one post is found by its id', async (t) => {
  const app = await build(t)
  const id = newestFirst[3] ?? ''
  const post = (await app.inject({ url: `${messagesPath}/${id}`, headers: { authorization: bearer('ada') } })).json()
  assert.equal(post.id, id)
  assert.equal(post['@odata.context'], `${origin}/v1.0/$metadata#admin/serviceAnnouncement/messages/$entity`)
})

test('one post can be reduced by $select', async (t) => {
  const app = await build(t)
  const url = `${messagesPath}/${newestFirst[3]}?$select=id`
  const post = (await app.inject({ url, headers: { authorization: bearer('ada') } })).json()
  assert.deepEqual(Object.keys(post), ['@odata.context', 'id'])
})

const badQueries: readonly [what: string, query: string, message: RegExp][] = [
  ['a filter with a fault', '$filter=x eq 1', /Could not find a property named 'x'/],
  ['an empty filter', '$filter=', /cannot be empty/],
  ['an order with a fault', '$orderby=x', /Could not find a property named 'x'/],
  ['a negative $top', '$top=-1', /Invalid value '-1' for \$top/],
  ['a $top that is no number', '$top=ten', /Invalid value 'ten' for \$top/],
  ['a huge $top', '$top=99999999999', /Invalid value/],
  ['a $skip with a fraction', '$skip=1.5', /Invalid value '1.5' for \$skip/],
  ['a $count that is no boolean', '$count=yes', /Invalid value 'yes' for \$count/],
  ['an unknown property in $select', '$select=id,__proto__', /Could not find a property named '__proto__'/],
  ['an empty $select', '$select=', /cannot be empty/],
  ['$search', '$search="x"', /'\$search' is not supported/],
  ['an unknown option', '$nonsense=1', /'\$nonsense' is not supported/],
  ['an option given twice', '$top=1&$top=2', /specified more than once/],
  ['a filter of 100 KB', `$filter=${'a'.repeat(100_000)}`, /longer than the allowed limit/],
]

for (const [what, query, message] of badQueries) {
  test(`${what} is a bad request`, async (t) => {
    const app = await build(t)
    const response = await app.inject({ url: `${messagesPath}?${query}`, headers: { authorization: bearer('ada') } })
    assert.equal(response.statusCode, 400)
    assert.equal(response.json<Failure>().error.code, 'BadRequest')
    assert.match(response.json<Failure>().error.message, message)
  })
}

test('collection options on one post are a bad request', async (t) => {
  const app = await build(t)
  const url = `${messagesPath}/${newestFirst[0]}?$top=1`
  const response = await app.inject({ url, headers: { authorization: bearer('ada') } })
  assert.equal(response.statusCode, 400)
  assert.match(response.json<Failure>().error.message, /can be applied only on collections/)
})

test('an unknown id is not found', async (t) => {
  const app = await build(t)
  const response = await app.inject({ url: `${messagesPath}/MC9999999`, headers: { authorization: bearer('ada') } })
  assert.equal(response.statusCode, 404)
  assert.equal(response.json<Failure>().error.code, 'ResourceNotFound')
})

test('without a token the answer is 401 with a challenge and the error in Graph’s shape', async (t) => {
  const app = await build(t)
  const response = await app.inject({ url: messagesPath, headers: { 'client-request-id': 'mine-1' } })
  assert.equal(response.statusCode, 401)
  assert.equal(response.headers['www-authenticate'], 'Bearer realm=""')
  const { error } = response.json<Failure>()
  assert.equal(error.code, 'InvalidAuthenticationToken')
  assert.match(error.innerError['date'] ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/)
  assert.equal(error.innerError['request-id'], response.headers['request-id'])
  assert.equal(error.innerError['client-request-id'], 'mine-1')
})

test('a token without ServiceMessage.Read.All is forbidden', async (t) => {
  const response = await get(
    await build(t),
    {},
    { authorization: bearer('ada', ['Global Administrator'], ['User.Read']) },
  )
  assert.equal(response.statusCode, 403)
  assert.equal(response.json<Failure>().error.code, 'Forbidden')
})

const roles: readonly [role: string, sees: 'nothing' | 'all but private' | 'all'][] = [
  ['Global Administrator', 'all'],
  ['Message Center Privacy Reader', 'all'],
  ['Message Center Reader', 'all but private'],
  ['Global Reader', 'all but private'],
  ['Service Support Administrator', 'all but private'],
  ['Helpdesk Administrator', 'nothing'],
  ['', 'nothing'],
]

for (const [role, sees] of roles) {
  test(`${role === '' ? 'no role' : role} sees ${sees}`, async (t) => {
    const app = await build(t)
    const headers = { authorization: bearer('ada', [role]), prefer: 'odata.maxpagesize=1000' }
    const list = await get(app, { $count: 'true' }, headers)
    const item = await app.inject({ url: `${messagesPath}/${privateIds[0]}`, headers })
    const expected = { nothing: [403, 403], 'all but private': [200, 404], all: [200, 200] }[sees]
    assert.deepEqual([list.statusCode, item.statusCode], expected)
    if (sees === 'nothing') return
    const hidden = sees === 'all' ? 0 : privateIds.length
    assert.equal(list.json<Page>()['@odata.count'], corpus.length - hidden)
    assert.equal(list.json<Page>().value.filter(({ id }) => privateIds.includes(id)).length, privateIds.length - hidden)
  })
}

test('a filter cannot reach posts that a role hides, even after somebody else asked the same', async (t) => {
  const app = await build(t)
  const query = { $filter: "tags/any(t:t eq 'Data privacy')", $count: 'true' }
  const all = (await get(app, query)).json<Page>()
  const reader = (await get(app, query, { authorization: bearer('bo', ['Message Center Reader']) })).json<Page>()
  assert.deepEqual([all['@odata.count'], reader['@odata.count']], [privateIds.length, 0])
})

test('each reader has view points of their own, the same at every call', async (t) => {
  const app = await build(t)
  const reads = async (user: string) =>
    (await get(app, {}, { authorization: bearer(user) })).json<Page>().value.map(({ viewPoint }) => viewPoint)
  const [ada, again, bo] = [await reads('ada'), await reads('ada'), await reads('bo')]
  assert.deepEqual(ada, again)
  assert.notDeepEqual(ada, bo)
})

test('some posts are read, fewer favourite and fewest archived', async (t) => {
  const page = (await get(await build(t), {}, { prefer: 'odata.maxpagesize=1000' })).json<Page>()
  const count = (is: (viewPoint: Page['value'][number]['viewPoint']) => boolean) =>
    page.value.filter(({ viewPoint }) => is(viewPoint)).length
  const [read, favorite, archived] = [count((v) => v.isRead), count((v) => v.isFavorited), count((v) => v.isArchived)]
  assert.ok(
    corpus.length > read && read > favorite && favorite > archived && archived > 0,
    `${[read, favorite, archived]}`,
  )
})

for (const [filter, is] of [
  ['viewPoint/isRead eq false', ({ viewPoint }) => !viewPoint.isRead],
  ['viewPoint/isFavorited and not viewPoint/isArchived', ({ viewPoint: v }) => v.isFavorited && !v.isArchived],
] as [string, (post: Page['value'][number]) => boolean][]) {
  test(`$filter=${filter} is answered for each reader apart`, async (t) => {
    const app = await build(t)
    for (const user of ['ada', 'bo', 'ada']) {
      const headers = { authorization: bearer(user), prefer: 'odata.maxpagesize=1000' }
      const all = (await get(app, {}, headers)).json<Page>().value
      const some = (await get(app, { $filter: filter }, headers)).json<Page>().value
      assert.deepEqual(some, all.filter(is))
      assert.ok(some.length > 0)
    }
  })
}

test('$orderby=viewPoint/isRead puts unread posts first, the latest change first among them', async (t) => {
  const headers = { prefer: 'odata.maxpagesize=1000' }
  const app = await build(t)
  const all = (await get(app, {}, headers)).json<Page>().value
  const sorted = (await get(app, { $orderby: 'viewPoint/isRead' }, headers)).json<Page>().value
  const unread = all.filter(({ viewPoint }) => !viewPoint.isRead)
  assert.deepEqual(sorted.slice(0, unread.length), unread)
})

test('every answer names the request, and repeats the client’s own id', async (t) => {
  const app = await build(t)
  const mine = await get(app, {}, { 'client-request-id': '8b6a7a5e-1111-4222-8333-123456789abc' })
  assert.match(`${mine.headers['request-id']}`, guid)
  assert.equal(mine.headers['client-request-id'], '8b6a7a5e-1111-4222-8333-123456789abc')
  const none = await get(app)
  assert.equal(none.headers['client-request-id'], none.headers['request-id'])
  assert.notEqual(none.headers['request-id'], mine.headers['request-id'])
})

test('a client id that is no short token is not repeated', async (t) => {
  const response = await get(await build(t), {}, { 'client-request-id': '<script>' })
  assert.equal(response.headers['client-request-id'], response.headers['request-id'])
})

test('a preHandler of an outer scope finds the caller', async (t) => {
  const app = await build(t)
  const { graphRoutes } = await import('../../emulator/graph/routes.ts')
  const callers: (string | undefined)[] = []
  app.addHook('preHandler', async (request) => callers.push(request.graphCaller?.user.id))
  await app.register(graphRoutes, {
    prefix: '/v2.0',
    tenant: {
      origin,
      authenticate: async () => ({
        ok: true,
        caller: { user: { id: 'eve', userPrincipalName: 'eve@contoso.example', roles: [] }, scopes: [] },
      }),
    },
  })
  await app.inject({ url: messagesPath.replace('v1.0', 'v2.0') })
  assert.deepEqual(callers, ['eve'])
})

test('an unforeseen fault is a 500 in Graph’s shape that does not say why', async (t) => {
  const app = await build(t, [])
  const { graphRoutes } = await import('../../emulator/graph/routes.ts')
  const tenant = { origin, authenticate: () => Promise.reject(new Error('the secret reason')) }
  await app.register(graphRoutes, { prefix: '/v2.0', tenant, messages: [] })
  const response = await app.inject({ url: messagesPath.replace('v1.0', 'v2.0') })
  assert.equal(response.statusCode, 500)
  assert.equal(response.json<Failure>().error.code, 'InternalServerError')
  assert.doesNotMatch(response.body, /secret/)
})
