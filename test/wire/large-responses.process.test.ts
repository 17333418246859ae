import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildBundle } from '../bundle-helper.ts'
import { envFor, startTenant, toolCall } from '../helper.ts'
import { type HttpResponse, post, reasonOf } from '../security/harness.ts'

/** Text takes two bytes a character in V8's heap, for the dash. */
const content = `– ${'<p class="a">A change</p>\n'.repeat(480)}`
const summary = `– ${'A summary of what changes. '.repeat(40)}`
const callsAtOnce = 50
/** The most that is returned, with bodies and without. */
const largest = [
  { body: 'html', top: 100 },
  { body: 'text', top: 100 },
  { body: 'none', top: 1_000 },
]
const smallHeap = { NODE_OPTIONS: '--max-old-space-size=256', LOG_LEVEL: 'info' }

const startBundle = buildBundle()

for (const { body, top } of largest) {
  for (const ttl of ['0', '1m']) {
    test(`50 of the largest responses at once leave a heap of 256 MB alive: ${body}, snapshots of ${ttl}`, async (t) => {
      const tenant = await startTenant(t)
      const value = Array.from({ length: top }, (_, i) => ({
        id: `MC${1_000_000 + i}`,
        ...(body === 'none' && { details: [{ name: 'Summary', value: summary }] }),
        body: { contentType: 'html', content: body === 'none' ? '' : content },
      }))
      tenant.faults.add({ target: 'graph', kind: 'status', status: 200, body: { value } })
      const server = await startBundle(t, { ...envFor(tenant), ...smallHeap, GRAPH_CACHE_TTL: ttl })
      await server.ready()
      const tokens = await Promise.all(['load-00001', 'load-00002'].map((user) => tenant.mint({ user })))
      const ask = (number: number) =>
        post(server.origin, toolCall('getMessages', { top, body }, number), tokens[number % 2])
      const responses = await Promise.all(Array.from({ length: callsAtOnce }, (_, i) => ask(i)))
      const right = servedOf(responses)
      for (const response of right) {
        const { structuredContent, content: [copy] = [] } = response.body.result ?? {}
        const { value: found } = structuredContent as { value: unknown[] }
        assert.equal(found.length, top)
        assert.deepEqual(JSON.parse(copy?.text ?? ''), structuredContent)
      }
      assert.ok(right.length >= 2, `${right.length} are right`)
      assert.equal((await server.probe('/healthz')).status, 200)
      assert.doesNotMatch(server.output.text, /heap/)
    })
  }
}

/** Of the size of real ones: some 4 KB of HTML. */
function postsOf(reader: string) {
  const paragraph =
    '<p><b>What will happen:</b> administrators of the tenant can see &amp; change what users share.</p>\n'
  return Array.from({ length: 600 }, (_, i) => ({
    id: `MC${1_000_000 + i}`,
    title: `Change ${i}`,
    services: ['Microsoft Teams'],
    lastModifiedDateTime: '2026-11-20T00:00:00Z',
    details: [{ name: 'Summary', value: 'A summary of some two hundred characters. '.repeat(5) }],
    body: { contentType: 'html', content: `<p>${reader} ${i}</p>${paragraph.repeat(40)}` },
  }))
}

for (const [what, isShared] of [
  ['the same to all of them', true],
  ['other bodies to each', false],
] as const) {
  test(`50 users who load whole Message Centers at once leave a heap of 256 MB alive: Graph shows ${what}`, async (t) => {
    const tenant = await startTenant(t)
    const users = Array.from({ length: callsAtOnce }, (_, i) => `load-${1_001 + i}`)
    for (const user of users) {
      const body = { value: postsOf(isShared ? 'everybody' : user) }
      tenant.faults.add({ target: 'graph', kind: 'status', status: 200, body, user: `${user}@contoso.example` })
    }
    const server = await startBundle(t, { ...envFor(tenant), ...smallHeap, GRAPH_CACHE_TTL: '5m' })
    await server.ready()
    const tokens = await Promise.all(users.map((user) => tenant.mint({ user })))
    const responses = await Promise.all(
      users.map((user, i) => {
        const search = isShared ? 'everybody' : `"${user}"`
        return post(server.origin, toolCall('getMessages', { search, top: 20 }, i), tokens[i])
      }),
    )
    const right = servedOf(responses)
    for (const { body } of right) {
      const { note, '@odata.count': count } = body.result?.structuredContent ?? {}
      // What could not be rendered in the time of one question is said.
      assert.ok(count === 600 || /could not be read/.test(String(note)), JSON.stringify({ count, note }))
    }
    assert.ok(right.length >= 2, `${right.length} are right`)
    assert.equal((await server.probe('/healthz')).status, 200)
    assert.doesNotMatch(server.output.text, /heap/)
  })
}

/** A slow machine does not serve all of them in time; whoever has nothing may come again. */
function servedOf(responses: readonly HttpResponse[]): HttpResponse[] {
  const right = responses.filter((response) => response.status === 200 && reasonOf(response) === undefined)
  for (const response of responses.filter((one) => !right.includes(one))) {
    assert.ok([408, 503].includes(response.status) || reasonOf(response) === 'graph_timeout', response.text)
  }
  return right
}
