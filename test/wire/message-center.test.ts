import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { beforeEach, test } from 'node:test'
import { listen, toolCall } from '../helper.ts'
import { type Listed, message } from '../plugins/message-center/graph-double.ts'
import { file, post, reasonOf } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'

/** A Graph whose list breaks in the middle: what a user gets who has read it before, and what one who has not. */

const tenant = await startEmulator()
file.after(() => tenant.close())

const path = '/v1.0/admin/serviceAnnouncement/messages'
/** How the second page and those after it are sent: broken, where a test says how. */
let brokenPage: ((response: ServerResponse, page: string) => unknown) | undefined
/** What a test does once a page has been sent. */
let afterPage: ((query: URLSearchParams) => void) | undefined
let posts: Listed[] = []
let pageSize = 2
const asked: URLSearchParams[] = []

function servePage({ url = '' }: IncomingMessage, response: ServerResponse) {
  const { searchParams: query, pathname } = new URL(url, graphOrigin)
  assert.equal(pathname, path)
  asked.push(query)
  const skip = Number(query.get('$skip') ?? 0)
  const top = query.get('$top')
  const select = query.get('$select')?.split(',')
  const size = top === null ? pageSize : Number(top)
  const value = posts
    .slice(skip, skip + size)
    .map((one) => (select ? Object.fromEntries(select.map((field) => [field, one[field]])) : one))
  const next = new URLSearchParams(query)
  next.set('$skip', String(skip + size))
  const link = top === null && skip + size < posts.length ? { '@odata.nextLink': `${graphOrigin}${path}?${next}` } : {}
  const page = JSON.stringify({ value, ...link })
  if (skip > 0 && brokenPage !== undefined) brokenPage(response, page)
  else response.end(page)
  afterPage?.(query)
}
const graph = createServer(servePage)
await new Promise<void>((resolve) => graph.listen(0, '127.0.0.1', resolve))
const graphOrigin = `http://127.0.0.1:${(graph.address() as AddressInfo).port}`
file.after(() => {
  graph.closeAllConnections()
  graph.close()
})
const { origin } = await listen(
  file,
  { LOG_LEVEL: 'silent', GRAPH_BASE_URL: `${graphOrigin}/v1.0`, GRAPH_CACHE_TTL: '5m' },
  tenant,
)

beforeEach(() => {
  posts = [1, 2, 3, 4, 5].map((n) => message(n))
  pageSize = 2
  brokenPage = undefined
  afterPage = undefined
  asked.length = 0
})

let users = 0
/** Somebody who has asked nothing yet. */
async function newUser() {
  const token = await tenant.mint({ user: `load-${++users}` })
  const ask = (args: object = {}, tool = 'getMessages') => post(origin, toolCall(tool, { ...args }), token)
  return {
    ask,
    async page(args: object = {}) {
      const response = await ask(args)
      const { structuredContent, isError } = response.body.result ?? {}
      assert.equal(isError, undefined, response.text)
      return structuredContent as {
        value: { id: string; title?: string; body?: { content: string } }[]
        '@odata.count': number
        ageSeconds?: number
        stale?: boolean
        note?: string
      }
    },
  }
}

interface Row {
  readonly what: string
  readonly send: (response: ServerResponse, page: string) => unknown
  readonly reason: string
  /** Whether what was read before is shown no more. */
  readonly isDropped?: boolean
}

const status =
  (code: number, headers: Record<string, string> = {}, body = '{}') =>
  (response: ServerResponse) =>
    response.writeHead(code, headers).end(body)
const expired = JSON.stringify({ error: { code: 'UnknownError', message: "Resource doesn't exist for the tenant." } })

const rows: readonly Row[] = [
  { what: 'is a 503', send: status(503), reason: 'graph_unavailable' },
  { what: 'is a 500', send: status(500), reason: 'graph_unavailable' },
  { what: 'is a 429', send: status(429, { 'retry-after': '1' }), reason: 'graph_throttled' },
  { what: 'is a 403', send: status(403), reason: 'graph_forbidden', isDropped: true },
  { what: 'is a 401', send: status(401), reason: 'graph_token_rejected', isDropped: true },
  { what: 'is missing (404)', send: status(404), reason: 'graph_response_invalid' },
  { what: 'is missing (403 in Graph’s words)', send: status(403, {}, expired), reason: 'graph_response_invalid' },
  {
    what: 'ends in the middle of its JSON',
    send: (to, page) => to.end(page.slice(0, -40)),
    reason: 'graph_response_invalid',
  },
  {
    what: 'ends with its connection',
    send(to, page) {
      to.writeHead(200, { 'content-length': String(page.length) })
      to.write(page.slice(0, -40), () => to.destroy())
    },
    reason: 'graph_unavailable',
  },
  { what: 'is an empty object', send: (to) => to.end('{}'), reason: 'graph_response_invalid' },
  { what: 'holds null', send: (to) => to.end('{"value":[null]}'), reason: 'graph_response_invalid' },
]

for (const { what, send, reason, isDropped = false } of rows) {
  test(`a second page that ${what}: ${reason}, and nothing of the first is shown`, async () => {
    const newcomer = await newUser()
    brokenPage = send
    const response = await newcomer.ask({ top: 1 })
    assert.equal(reasonOf(response), reason)
    assert.equal(response.body.result?.structuredContent, undefined)
    assert.doesNotMatch(response.text, /Change \d/)
  })

  test(`a second page that ${what}, when it is read again: ${isDropped ? 'all is dropped' : 'all that was read before'}`, async () => {
    const [reader, other] = await Promise.all([newUser(), newUser()])
    const before = await reader.page()
    await other.page()
    posts = posts.map((one) => ({ ...one, title: 'New title' }))
    brokenPage = send
    const response = await reader.ask({ fresh: true })
    if (isDropped) {
      assert.equal(reasonOf(response), reason)
      brokenPage = status(503)
      assert.match(reasonOf(await reader.ask()) ?? '', /^graph_(forbidden|unavailable)$/)
    } else {
      const { stale, value } = response.body.result?.structuredContent ?? {}
      assert.deepEqual([stale, value], [true, before.value])
    }
    brokenPage = undefined
    const { ageSeconds, value } = await other.page()
    assert.deepEqual([typeof ageSeconds, value], ['number', before.value], 'nobody else notices')
  })
}

test('a post that changes between listing and body is shown with the body that Graph had last', async () => {
  const { page } = await newUser()
  await page()
  posts = posts.map((one) =>
    one.id === 'MC100003'
      ? message(3, {
          lastModifiedDateTime: '2026-11-25T00:00:00Z',
          body: { contentType: 'html', content: '<p>Later</p>' },
        })
      : one,
  )
  const { value } = await page({ ids: ['MC100003'], body: 'text' })
  assert.equal(value[0]?.body?.content, 'Later')
  assert.equal((await page({ search: 'later' }))['@odata.count'], 1)
  assert.equal(asked.filter((query) => query.has('$select')).length, 6, 'three pages of the listing, three of bodies')
})

test('a post that is new while pages are read comes once, though it moves another to two pages', async () => {
  const { page } = await newUser()
  afterPage = () => {
    afterPage = undefined
    posts = [message(9), ...posts]
  }
  const { value } = await page({ orderby: 'id' })
  assert.deepEqual(
    value.map(({ id }) => id),
    [1, 2, 3, 4, 5].map((n) => `MC10000${n}`),
  )
  assert.equal((await page({ fresh: true }))['@odata.count'], 6)
})

test('a post that leaves between listing and body is not found, and takes no other away', async () => {
  const { page, ask } = await newUser()
  await page()
  posts = posts.filter(({ id }) => id !== 'MC100003')
  assert.equal(reasonOf(await ask({ id: 'MC100003' }, 'getMessage')), 'graph_not_found')
  assert.equal((await page())['@odata.count'], 4)
})

test('questions of one user at once make one load, and those who join it share its failure', async () => {
  const { ask, page } = await newUser()
  // Late enough for all of them to have come.
  brokenPage = (response) => setTimeout(() => status(500)(response), 500)
  const failed = await Promise.all(Array.from({ length: 20 }, () => ask()))
  assert.deepEqual([...new Set(failed.map(reasonOf))], ['graph_unavailable'])
  assert.equal(asked.length, 2)
  brokenPage = undefined
  await page()
  assert.equal(asked.length, 5)
})

test('5,000 posts are read page by page, and answered from memory like a few', async () => {
  const paragraph = '<p>What is going to change is that administrators can see more of it than they could before.</p>\n'
  posts = Array.from({ length: 5_000 }, (_, i) =>
    message(i, { body: { contentType: 'html', content: `${paragraph.repeat(40)}<p>word${i}</p>` } }),
  )
  pageSize = 1_000
  const { page } = await newUser()
  const search = async () => page({ search: 'word4711', top: 1 })
  let found = await search()
  assert.equal(asked.length, 5)
  // What could not be rendered in the time of one question is said, and there for the next.
  for (let tries = 0; found.note?.includes('could not be read') && tries < 10; tries++) found = await search()
  assert.deepEqual([found.note, found.value[0]?.id], [undefined, 'MC104711'])
  assert.equal((await page({ top: 1_000 }))['@odata.count'], 5_000)
  assert.equal(asked.length, 5)
})
