import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import fc from 'fast-check'
import type { GraphRequest } from '../../emulator/stats.ts'
import { listen, toolCall } from '../helper.ts'
import { startEmulator } from '../tenant.ts'
import { file, type HttpResponse, post, reasonOf, startBystander } from './harness.ts'

const tenant = await startEmulator()
file.after(() => tenant.close())
afterEach(() => tenant.faults.clear())
const { origin } = await listen(file, {}, tenant)
const token = await tenant.mint()

const callTool = (name: string, args: Record<string, unknown>): Promise<HttpResponse> =>
  post(origin, toolCall(name, args), token)
const graphCalls = () => tenant.stats.snapshot().endpoints.graph

for (const id of [
  'MC1/../..',
  'MC1/../../../me',
  '../../me',
  'MC1%2f..%2f..',
  '%2e%2e',
  'MC%31',
  'MC1?$select=id',
  'MC1?',
  'MC1#',
  'MC1#fragment',
  'MC1\n',
  '\nMC1',
  'MC1\r\nX-Injected: 1',
  'MC1\0',
  'MC1\u2028',
  'MC1 ',
  ' MC1',
  'MC1;x',
  'MC1&x=1',
  'MC1\\..\\..',
  'MC1@evil.example',
  '//evil.example/MC1',
  'https://evil.example/MC1',
  "MC1'",
  "MC1')/attachments('x",
  'MC１２３',
  'MC१२३',
  'MC٣',
  'ＭＣ1',
  'mc1',
  'MC',
  '',
  'MC-1',
  'MC1.5',
  'MC12345678901',
  '__proto__',
  1,
  null,
  ['MC1'],
  { toString: 'MC1' },
]) {
  test(`getMessage rejects the id ${JSON.stringify(id)}, and Graph hears nothing of it`, async () => {
    const before = graphCalls()
    const response = await callTool('getMessage', { id })
    assert.equal(response.status, 200)
    assert.equal(response.body.result?.isError, true)
    assert.equal(reasonOf(response), 'invalid_input')
    assert.match(response.body.result?.content?.[0]?.text ?? '', /"id"/)
    assert.equal(graphCalls(), before)
  })
}

test('a good id becomes no part of what Graph is asked either', async () => {
  const listed = await callTool('getMessages', { top: 1 })
  const { value = [] } = (listed.body.result?.structuredContent ?? {}) as { value?: { id: string }[] }
  const [first] = value
  for (const id of [first?.id, 'MC1']) {
    const response = await callTool('getMessage', { id })
    assert.equal(response.body.result?.structuredContent?.['id'], id === 'MC1' ? undefined : id)
    const { url } = lastRequest()
    assert.equal(url.split('?')[0], '/v1.0/admin/serviceAnnouncement/messages')
    assert.ok(!url.includes(String(id)), url)
  }
})

const tricks = fc.constantFrom(
  ...[
    "'",
    "''",
    "'''",
    "' or 1 eq 1 or title eq '",
    "')",
    "') or (true",
    '%27',
    '%2527',
    '\\',
    "\\'",
    '\\u0027',
    '’',
    'ʼ',
    '＇',
  ],
  ...[
    '&$filter=true',
    '&$top=1000',
    '#',
    '?',
    '+',
    ' ',
    '%',
    '%00',
    '\0',
    '\n',
    '\r\n',
    '\t',
    '/*',
    '--',
    ';',
    '$',
    '@p1',
  ],
  ...['(', ')', '[', '{', '"', 'null', 'true', 'İ', 'ß', 'ﬀ', '\u200b', '\u202e', '\ufeff', '😀'],
)
/** Any text that an argument takes: whole code points, some of them chosen for the harm they do elsewhere. */
const anyText = fc
  .array(fc.oneof(tricks, fc.string({ unit: 'binary', maxLength: 12 }), fc.string({ maxLength: 12 })), {
    minLength: 1,
    maxLength: 12,
  })
  .map((parts) => parts.join(''))
  .filter((text) => text.length > 0 && text.length <= 200)

const property = { numRuns: 60 }

describe('whatever text is given', () => {
  for (const [argument, given] of Object.entries({
    services: (text: string) => ({ services: [text] }),
    allServices: (text: string) => ({ allServices: [text, text] }),
    tags: (text: string) => ({ tags: [text] }),
    search: (text: string) => ({ search: text }),
  })) {
    test(`${argument}: Graph is asked for its list and nothing else`, async () => {
      await callTool('getMessages', argument === 'search' ? { search: 'x' } : {})
      const { url } = lastRequest()
      await fc.assert(
        fc.asyncProperty(anyText, async (text) => {
          const response = await callTool('getMessages', { ...given(text), top: 1 })
          assert.ok([undefined, 'invalid_input'].includes(reasonOf(response)), response.text)
          assert.equal(lastRequest().url, url)
        }),
        property,
      )
    })
  }

  test('a raw filter goes to Graph as it is, and to nothing but $filter', async () => {
    await fc.assert(
      fc.asyncProperty(anyText, async (filter) => {
        fc.pre(!/^\s*(null\s*)?$/i.test(filter)) // It stands for absence.
        const before = graphCalls()
        const response = await callTool('getMessages', { filter, top: 1 })
        if (reasonOf(response) === 'invalid_input') return assert.equal(graphCalls(), before)
        const query = lastQuery()
        assert.deepEqual([...query.keys()], ['$filter', '$select'])
        assert.equal(query.get('$filter'), filter)
      }),
      property,
    )
  })

  test('a raw filter narrows what the other arguments ask for, and never widens it', async () => {
    const words = [
      "'",
      "''",
      '(',
      ')',
      ' or ',
      ' and ',
      'not ',
      'true',
      'false',
      '1 eq 1',
      'title ne null',
      "' or '",
      "'a'",
    ]
    const more = [
      'isMajorChange eq true',
      'isMajorChange eq false',
      ',',
      '/',
      ' ',
      '&$filter=true',
      "services/any(s:s eq 'x')",
    ]
    const expression = fc
      .array(fc.constantFrom(...words, ...more), { minLength: 1, maxLength: 7 })
      .map((parts) => parts.join(''))
    await fc.assert(
      fc.asyncProperty(expression, async (filter) => {
        const response = await callTool('getMessages', { services: ['Teams'], filter, top: 200 })
        if (response.body.result?.isError === true) {
          assert.match(reasonOf(response) ?? '', /^(invalid_input|graph_bad_request)$/)
          return
        }
        const value = response.body.result?.structuredContent?.['value'] as { services: string[]; title: string }[]
        assert.ok(value.every(({ services, title }) => /\bteams\b/i.test([...services, title].join(' '))))
      }),
      { numRuns: 120 },
    )
  })
})

for (const filter of [
  'true) or (true',
  "title eq ')' or (true",
  "') or (1 eq 1",
  ') or (',
  "title eq '''",
  '(',
  ')(',
]) {
  test(`the raw filter ${filter} does not leave its parentheses`, async () => {
    const before = graphCalls()
    assert.equal(reasonOf(await callTool('getMessages', { services: ['Teams'], filter })), 'invalid_input')
    assert.equal(graphCalls(), before)
  })
}

for (const [argument, values] of Object.entries({
  orderby: ['title desc&$filter=true', "title desc'", 'title desc,', 'title desc\nx', 'title;drop', 'a/b/c', '$it'],
  prefer: [
    'odata.maxpagesize=5\r\nx-injected: 1',
    'odata.maxpagesize=5, return=minimal',
    'odata.maxpagesize=1001',
    'x=1',
  ],
  roadmapId: ["1' or '1' eq '1", '1 2', '１', '1\n', '-1'],
  modifiedSince: [
    "2026-01-01' or true",
    '2026-01-01T00:00:00Z or true',
    '2026-13-45',
    '2026-01-01\nor true',
    '２０２６-01-01',
  ],
  actionRequiredBefore: ['2026-01-01T00:00:00', 'now()', '2026-01-01T00:00:00Z)'],
  category: ["planForChange' or true", 'planforchange'],
  severity: ["high' or '1' eq '1", 'HIGH'],
  skip: ['-1', '0x0', '1; drop', -1, 1.5, 1e9],
  top: ['1001', '5 or 1', -1, 1001, 0.5],
})) {
  test(`${argument} takes nothing but what it is for`, async () => {
    const before = graphCalls()
    for (const value of values) {
      const response = await callTool('getMessages', { [argument]: value })
      assert.equal(reasonOf(response), 'invalid_input', JSON.stringify(value))
      assert.match(response.body.result?.content?.[0]?.text ?? '', new RegExp(`"${argument}"`))
    }
    assert.equal(graphCalls(), before)
  })
}

describe('a next page’s link', async () => {
  const bystander = await startBystander(file)
  const { host, port } = new URL(tenant.origin)
  const path = '/v1.0/admin/serviceAnnouncement/messages'
  /** A listing whose first page has this link, as somebody reads it who has read nothing before. */
  const listing = async (link: unknown, times?: number) => {
    tenant.faults.clear()
    const body = { value: [{ id: 'MC1' }], '@odata.nextLink': link }
    tenant.faults.add({ target: 'graph', kind: 'status', status: 200, body, ...(times && { times }) })
    return post(origin, toolCall('getMessages', { top: 0 }), await tenant.mint())
  }

  for (const [what, link] of Object.entries({
    'another host': `https://evil.example${path}?$skip=1`,
    'another name of the same host': `http://localhost:${port}${path}?$skip=1`,
    'another port': `${bystander.origin}${path}?$skip=1`,
    'no port': `http://127.0.0.1${path}?$skip=1`,
    'another scheme': `https://${host}${path}?$skip=1`,
    'a scheme of its own': `javascript:${tenant.origin}${path}?$skip=1`,
    'another path': `${tenant.origin}/v1.0/me/messages?$skip=1`,
    'a path below': `${tenant.origin}${path}/MC1?$skip=1`,
    'a path with dots': `${tenant.origin}${path}/../../../me?$skip=1`,
    'a path with encoded dots': `${tenant.origin}${path}/%2e%2e/%2e%2e/me?$skip=1`,
    'a path in another case': `${tenant.origin}${path.toUpperCase()}?$skip=1`,
    'a path with a slash': `${tenant.origin}${path}/?$skip=1`,
    userinfo: `http://user:password@${host}${path}?$skip=1`,
    'a user that looks like the host': `http://${host}@${new URL(bystander.origin).host}${path}?$skip=1`,
    'an empty user': `http://x@${host}${path}?$skip=1`,
    'a host that begins like ours': `http://${host.split(':')[0]}.evil.example:${port}${path}?$skip=1`,
    'no scheme': `//${new URL(bystander.origin).host}${path}?$skip=1`,
    'no host': `${path}?$skip=1`,
    'a backslash': `${tenant.origin}\\@${new URL(bystander.origin).host}${path}?$skip=1`,
    nothing: '',
  })) {
    test(`with ${what} is rejected, and nobody is asked`, async () => {
      const before = graphCalls()
      const response = await listing(link)
      assert.equal(reasonOf(response), 'graph_link_rejected')
      assert.equal(graphCalls(), before + 1)
      assert.equal(bystander.received.length, 0)
      assert.ok(!response.text.includes('evil.example'))
    })
  }

  for (const link of [7, null, {}, ['x'], true]) {
    test(`that is ${JSON.stringify(link)} makes the response invalid`, async () => {
      assert.equal(reasonOf(await listing(link)), 'graph_response_invalid')
    })
  }

  test('that is Graph’s own is followed to the end', async () => {
    const count = async (response: HttpResponse) => Number(response.body.result?.structuredContent?.['@odata.count'])
    const all = await count(await callTool('getMessages', { top: 0 }))
    const before = graphCalls()
    const response = await listing(`${tenant.origin}${path}?$skip=41`, 1)
    assert.equal(await count(response), 1 + all - 41)
    assert.equal(graphCalls(), before + 2)
  })

  test('that leads on for ever is followed twenty times, and nothing is made of what was read', async () => {
    const before = graphCalls()
    assert.equal(reasonOf(await listing(`${tenant.origin}${path}?$skip=0`)), 'graph_response_too_large')
    assert.equal(graphCalls(), before + 20)
  })

  test('that is rejected takes nothing away that was read before', async () => {
    await callTool('getMessages', { top: 0 })
    const body = { value: [{ id: 'MC1' }], '@odata.nextLink': `https://evil.example${path}` }
    tenant.faults.add({ target: 'graph', kind: 'status', status: 200, body })
    const { structuredContent } = (await callTool('getMessages', { top: 0 })).body.result ?? {}
    assert.equal(structuredContent?.['stale'], true)
    assert.ok(Number(structuredContent['@odata.count']) > 1)
  })
})

function lastRequest(): GraphRequest {
  const { lastGraphRequest } = tenant.stats.snapshot()
  assert.ok(lastGraphRequest)
  return lastGraphRequest
}

/** The query of the last request that Graph received, decoded once. */
function lastQuery(): URLSearchParams {
  const { url } = lastRequest()
  return new URLSearchParams(url.slice(url.indexOf('?') + 1))
}
