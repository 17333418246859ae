import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCorpus } from '../../emulator/graph/corpus/index.ts'
import type { ViewPoint } from '../../emulator/graph/view-points.ts'
import { bearer, build, type Failure, get, messagesPath, origin, type Page } from './graph-app.ts'

const corpus = createCorpus()
const newestFirst = corpus
  .toSorted((a, b) => Date.parse(b.lastModifiedDateTime) - Date.parse(a.lastModifiedDateTime))
  .map(({ id }) => id)
const privatePosts = corpus.filter(({ tags }) => tags.includes('GDPR'))
const privateIds = privatePosts.map(({ id }) => id)
const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

test('a first page has the hundred most recently modified posts, and a next link', async (t) => {
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
  const posts = (await get(await build(t))).json<Page>().value
  for (const post of posts) {
    const message = corpus.find(({ id }) => id === post.id)
    assert.deepEqual({ ...post, viewPoint: null }, { ...message, viewPoint: null })
  }
  const viewPoints = posts.map(({ viewPoint }) => viewPoint)
  const shapes = new Set(viewPoints.map((viewPoint) => viewPoint && Object.keys(viewPoint).join()))
  assert.deepEqual(shapes, new Set([null, 'isArchived,isFavorited,isRead']))
})

test('following next links visits each post once', async (t) => {
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

test('a next link preserves filter, order, count and selection, with any characters', async (t) => {
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

test('$select returns exactly the selected properties', async (t) => {
  const page = (await get(await build(t), { $select: 'id, viewPoint,title', $top: '2' })).json<Page>()
  assert.deepEqual(page.value.map(Object.keys), [
    ['id', 'viewPoint', 'title'],
    ['id', 'viewPoint', 'title'],
  ])
  assert.match(page['@odata.context'], /#admin\/serviceAnnouncement\/messages\(id,viewPoint,title\)$/)
})

test('$select ignores case and duplicates; the response has Graph’s names', async (t) => {
  const page = (await get(await build(t), { $select: 'ID,Title,id,VIEWPOINT', $top: '1' })).json<Page>()
  assert.deepEqual(page.value.map(Object.keys), [['id', 'title', 'viewPoint']])
  assert.match(page['@odata.context'], /messages\(id,title,viewPoint\)$/)
})

test('filters on unfilterable properties are rejected; details by default', async (t) => {
  const filters = ["details/any(d:d/name eq 'Summary')", 'viewPoint/isRead eq true', "contains(body/content,'a')"]
  for (const [settings, statuses] of [
    [{}, [400, 200, 200]],
    [{ unfilterable: [] }, [200, 200, 200]],
    [{ unfilterable: ['viewPoint', 'body'] }, [200, 400, 400]],
  ] as const) {
    const app = await build(t, undefined, settings)
    const responses = await Promise.all(filters.map(($filter) => get(app, { $filter })))
    assert.deepEqual(
      responses.map(({ statusCode }) => statusCode),
      statuses,
    )
  }
})

test('a cached query is rejected once its property is unfilterable', async (t) => {
  const unfilterable: string[] = []
  const app = await build(t, undefined, { unfilterable })
  const query = { $filter: 'details/any()' }
  assert.equal((await get(app, query)).statusCode, 200)
  unfilterable.push('details')
  assert.equal((await get(app, query)).statusCode, 400)
})

test('$select=* returns every property', async (t) => {
  const [post] = (await get(await build(t), { $select: '*', $top: '1' })).json<Page>().value
  assert.equal(Object.keys(post ?? {}).length, 15)
})

test('+ and percent-encoding in a query are decoded as in a form', async (t) => {
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

/** The activity id in the captured error: JSON within JSON, with the code UnknownError. */
function activityIdOf({ error }: Failure): string {
  assert.equal(error.code, 'UnknownError')
  const { code, message } = JSON.parse(error.message)
  assert.equal(code, 'forbidden')
  const [, activityId = ''] =
    /^Resource doesn't exist for the tenant\. ActivityId: ([-0-9a-f]+)\. /.exec(JSON.parse(message).error) ?? []
  return activityId
}

test('an unknown or expired id is a 403 UnknownError, with new request ids each time', async (t) => {
  const app = await build(t)
  const failures: Failure[] = []
  for (const id of ['MC9999999', 'MC1', 'nonsense', 'MC9999999']) {
    const response = await app.inject({ url: `${messagesPath}/${id}`, headers: { authorization: bearer('ada') } })
    assert.equal(response.statusCode, 403)
    failures.push(response.json<Failure>())
  }
  const activityIds = failures.map(activityIdOf)
  for (const id of activityIds) assert.match(id, guid)
  const requestIds = failures.map(({ error }) => error.innerError['request-id'])
  assert.equal(new Set([...activityIds, ...requestIds]).size, 8)
})

test('without a token: 401 with a challenge and Graph’s error body', async (t) => {
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

const roles: readonly [role: string, sees: 'nothing' | 'stubs of private posts' | 'all'][] = [
  ['Global Administrator', 'all'],
  ['Message Center Privacy Reader', 'all'],
  ['Message Center Reader', 'stubs of private posts'],
  ['Global Reader', 'stubs of private posts'],
  ['Service Support Administrator', 'stubs of private posts'],
  ['Helpdesk Administrator', 'stubs of private posts'],
  ['Exchange Administrator', 'stubs of private posts'],
  ['Security Reader', 'stubs of private posts'],
  ['message center reader', 'stubs of private posts'],
  ['global administrator', 'all'],
  ['Compliance Administrator', 'nothing'],
  ['Conditional Access Administrator', 'nothing'],
  ['Customer Lockbox Access Approver', 'nothing'],
  ['Device Administrators', 'nothing'],
  ['Microsoft Entra Joined Device Local Administrator', 'nothing'],
  ['Directory Readers', 'nothing'],
  ['Directory Synchronization Accounts', 'nothing'],
  ['Directory Writers', 'nothing'],
  ['Intune Administrator', 'nothing'],
  ['intune service administrator', 'nothing'],
  ['Privileged Role Administrator', 'nothing'],
  ['Reports Reader', 'nothing'],
  ['Guest User', 'nothing'],
  ['Compliance Administrator,Reports Reader', 'nothing'],
  ['Reports Reader,Message Center Reader', 'stubs of private posts'],
  ['Compliance Administrator,Message Center Privacy Reader', 'all'],
  ['', 'nothing'],
]

for (const [role, sees] of roles) {
  test(`${role === '' ? 'no role' : role} sees ${sees}`, async (t) => {
    const app = await build(t)
    const headers = { authorization: bearer('ada', role.split(',')), prefer: 'odata.maxpagesize=1000' }
    const list = await get(app, { $count: 'true' }, headers)
    const item = await app.inject({ url: `${messagesPath}/${privateIds[0]}`, headers })
    const expected = sees === 'nothing' ? [403, 403] : [200, 200]
    assert.deepEqual([list.statusCode, item.statusCode], expected)
    if (sees === 'nothing') return
    assert.equal(list.json<Page>()['@odata.count'], corpus.length)
    const shown = list.json<Page>().value.filter(({ id }) => privateIds.includes(id))
    for (const post of [...shown, item.json<Page['value'][number]>()]) {
      const written = privatePosts.find(({ id }) => id === post.id)
      assert.equal(post.body.content === written?.body.content, sees === 'all')
    }
  })
}

test('a stub has the id, dates and tags of its post, without details and body', async (t) => {
  const app = await build(t)
  const query = { $filter: "'GDPR' in tags", $orderby: 'id' }
  const stubs = (await get(app, query, { authorization: bearer('bo', ['Message Center Reader']) })).json<Page>().value
  const whole = (await get(app, query, { authorization: bearer('bo') })).json<Page>().value
  assert.equal(stubs.length, privateIds.length)
  const [{ body } = { body: undefined }] = stubs
  assert.match(body?.content ?? '', /Message Center Privacy Reader/)
  assert.deepEqual(
    stubs,
    whole.map((post) => ({ ...post, details: [], hasAttachments: false, body })),
  )
})

test('a filter does not see what a stub omits, even after the same query of another reader', async (t) => {
  const app = await build(t, undefined, { unfilterable: [] })
  const post = privatePosts.find(({ details }) => details.length > 0)
  const words = /<p>([A-Za-z ,]{20,})/.exec(post?.body.content ?? '')?.[1] ?? 'nothing'
  for (const $filter of [`'GDPR' in tags and contains(body/content,'${words}')`, "'GDPR' in tags and details/any()"]) {
    const query = { $filter, $count: 'true', $top: '0' }
    const all = (await get(app, query)).json<Page>()
    const reader = (await get(app, query, { authorization: bearer('bo', ['Message Center Reader']) })).json<Page>()
    assert.ok((all['@odata.count'] ?? 0) > 0, $filter)
    assert.equal(reader['@odata.count'], 0)
  }
})

test('a tenant can hide data privacy posts from readers without a role for them', async (t) => {
  const app = await build(t, undefined, { dataPrivacyPosts: 'hidden' })
  const headers = { authorization: bearer('bo', ['Message Center Reader']) }
  const list = (await get(app, { $count: 'true', $top: '0' }, headers)).json<Page>()
  assert.equal(list['@odata.count'], corpus.length - privateIds.length)
  assert.equal((await get(app, { $filter: "'GDPR' in tags" }, headers)).json<Page>().value.length, 0)
  assert.equal((await app.inject({ url: `${messagesPath}/${privateIds[0]}`, headers })).statusCode, 403)
  assert.equal((await get(app, { $count: 'true' })).json<Page>()['@odata.count'], corpus.length)
})

test('each reader has their own view points, the same in every response', async (t) => {
  const app = await build(t)
  const reads = async (user: string) =>
    (await get(app, {}, { authorization: bearer(user) })).json<Page>().value.map(({ viewPoint }) => viewPoint)
  const [ada, again, bo] = [await reads('ada'), await reads('ada'), await reads('bo')]
  assert.deepEqual(ada, again)
  assert.notDeepEqual(ada, bo)
})

test('some posts are read, fewer favourite and fewest archived', async (t) => {
  const page = (await get(await build(t), {}, { prefer: 'odata.maxpagesize=1000' })).json<Page>()
  const count = (is: (viewPoint: ViewPoint) => boolean) =>
    page.value.filter(({ viewPoint }) => viewPoint !== null && is(viewPoint)).length
  const [read, favorite, archived] = [
    count((v) => v.isRead === true),
    count((v) => v.isFavorited === true),
    count((v) => v.isArchived === true),
  ]
  assert.ok(
    corpus.length > read && read > favorite && favorite > archived && archived > 0,
    `${[read, favorite, archived]}`,
  )
})

for (const [filter, is] of [
  ['viewPoint/isRead eq false', ({ viewPoint }) => viewPoint?.isRead === false],
  ['VIEWPOINT/isread ne true', ({ viewPoint }) => viewPoint?.isRead !== true],
  ['viewPoint eq null', ({ viewPoint }) => viewPoint === null],
  [
    'viewPoint/isFavorited and not viewPoint/isArchived',
    ({ viewPoint: v }) => v?.isFavorited === true && v.isArchived === false,
  ],
] as [string, (post: Page['value'][number]) => boolean][]) {
  test(`$filter=${filter} depends on the reader`, async (t) => {
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

test('$orderby=viewPoint/isRead sorts null, unread, read; most recently modified first within each', async (t) => {
  const headers = { prefer: 'odata.maxpagesize=1000' }
  const app = await build(t)
  const all = (await get(app, {}, headers)).json<Page>().value
  const sorted = (await get(app, { $orderby: 'viewPoint/isRead' }, headers)).json<Page>().value
  const rank = ({ viewPoint }: Page['value'][number]) => [null, false, true].indexOf(viewPoint?.isRead ?? null)
  assert.deepEqual(
    sorted,
    all.toSorted((a, b) => rank(a) - rank(b)),
  )
})

test('every response has a request id and the client’s id', async (t) => {
  const app = await build(t)
  const mine = await get(app, {}, { 'client-request-id': '8b6a7a5e-1111-4222-8333-123456789abc' })
  assert.match(`${mine.headers['request-id']}`, guid)
  assert.equal(mine.headers['client-request-id'], '8b6a7a5e-1111-4222-8333-123456789abc')
  const none = await get(app)
  assert.equal(none.headers['client-request-id'], none.headers['request-id'])
  assert.notEqual(none.headers['request-id'], mine.headers['request-id'])
})

test('an invalid client id is not returned', async (t) => {
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

test('an unexpected error is a 500 with Graph’s error body and no cause', async (t) => {
  const app = await build(t, [])
  const { graphRoutes } = await import('../../emulator/graph/routes.ts')
  const tenant = { origin, authenticate: () => Promise.reject(new Error('the secret reason')) }
  await app.register(graphRoutes, { prefix: '/v2.0', tenant, messages: () => [] })
  const response = await app.inject({ url: messagesPath.replace('v1.0', 'v2.0') })
  assert.equal(response.statusCode, 500)
  assert.equal(response.json<Failure>().error.code, 'InternalServerError')
  assert.doesNotMatch(response.body, /secret/)
})
