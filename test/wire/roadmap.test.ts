import assert from 'node:assert/strict'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { FaultRule } from '../../emulator/fault-rule.ts'
import { createCorpus } from '../../emulator/graph/corpus/index.ts'
import { build, mcpHeaders, type RunningApp, startTenant, toolCall } from '../helper.ts'

/** getRoadmapItems as clients see it. */

const post = createCorpus().find(({ details }) => details.some(({ name }) => name === 'RoadmapIds'))
const roadmapIds = post?.details.find(({ name }) => name === 'RoadmapIds')?.value.split(', ') ?? []

interface Item {
  readonly id: string
  readonly status: string
  readonly generalAvailability: string
}

/** Calls a tool as a user. */
async function callerOf({ app, tenant }: RunningApp, user = 'rowan') {
  const token = await tenant.mint({ user })
  return async (args: Record<string, unknown>) => {
    const headers = { ...mcpHeaders(token), host: 'localhost' }
    const payload = toolCall('getRoadmapItems', args)
    const response = await app.inject({ method: 'POST', url: '/mcp', headers, payload })
    const { result, error } = response.json()
    return {
      error: error?.message as string | undefined,
      isError: result?.isError === true,
      text: String(result?.content[0].text),
      meta: result?._meta?.['mcp-message-center-server/error'],
      items: (result?.structuredContent?.items ?? []) as Item[],
      notFound: result?.structuredContent?.notFound as string[],
    }
  }
}

test('an administrator reads the items that a message names, and a second one costs no request', async (t) => {
  const running = await build(t)
  const call = await callerOf(running)
  const { items, notFound, text } = await call({ messageId: post?.id })
  assert.deepEqual(
    items.map(({ id }) => id),
    roadmapIds,
    text,
  )
  assert.deepEqual(notFound, [])
  for (const { status, generalAvailability } of items) {
    assert.match(status, /^(In development|Rolling out|Launched)$/)
    assert.match(generalAvailability, /^\d{4}-\d\d$/)
  }
  const other = await callerOf(running, 'gale')
  assert.deepEqual((await other({ ids: [...roadmapIds, '999999'] })).notFound, ['999999'])
  assert.equal(running.tenant.stats.snapshot().endpoints.roadmap, 2)
})

test('the roadmap is sent nothing about a user: no token, no cookie, no trace, no id', async (t) => {
  const seen: IncomingHttpHeaders[] = []
  const server = createServer(({ headers }, response) => {
    seen.push(headers)
    response.end('{"value":[]}')
  }).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/m365`
  const traces = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }
  const call = await callerOf(await build(t, { ROADMAP_URL: url, ...traces }))
  assert.deepEqual((await call({ ids: ['1'] })).notFound, ['1'])
  assert.deepEqual(
    seen.map((headers) => Object.keys(headers).sort()),
    [['accept', 'connection', 'host']],
  )
})

async function list({ app, tenant }: RunningApp): Promise<string[]> {
  const headers = { ...mcpHeaders(await tenant.mint()), host: 'localhost' }
  const payload = { jsonrpc: '2.0', id: 1, method: 'tools/list' }
  const response = await app.inject({ method: 'POST', url: '/mcp', headers, payload })
  return response.json().result.tools.map(({ name }: { name: string }) => name)
}

test('ROADMAP_URL=off takes the tool away', async (t) => {
  const off = await build(t, { ROADMAP_URL: 'off' })
  const usual = await list(await build(t))
  assert.ok(usual.includes('getRoadmapItems'))
  assert.deepEqual(
    await list(off),
    usual.filter((name) => name !== 'getRoadmapItems'),
  )
  const call = await callerOf(off)
  assert.match((await call({ ids: ['1'] })).error ?? '', /Unknown tool: getRoadmapItems/)
})

async function failing(t: TestContext, fault: Omit<FaultRule, 'target'>) {
  const tenant = await startTenant(t)
  tenant.faults.add({ target: 'roadmap', ...fault })
  return callerOf(await build(t, {}, tenant))
}

for (const [what, fault, reason] of [
  ['is down', { kind: 'status', status: 503, retryAfter: 9 }, 'roadmap_unavailable'],
  ['resets connections', { kind: 'reset' }, 'roadmap_unavailable'],
  ['sends HTML', { kind: 'html' }, 'roadmap_response_invalid'],
  ['sends half a page', { kind: 'truncated' }, 'roadmap_response_invalid'],
  ['sends too much', { kind: 'huge' }, 'roadmap_response_invalid'],
  ['redirects', { kind: 'redirect' }, 'roadmap_response_invalid'],
] as const) {
  test(`a roadmap that ${what} is the tool error ${reason}, which may be tried again`, async (t) => {
    const call = await failing(t, fault)
    const { isError, text, meta } = await call({ ids: ['478649'] })
    assert.ok(isError)
    assert.match(text, new RegExp(`^${reason}: `))
    assert.deepEqual([meta.reason, meta.retryable], [reason, true])
    if ('retryAfter' in fault) assert.equal(meta.retryAfterSeconds, 9)
  })
}

test('a roadmap that hangs is given up within its deadline', async (t) => {
  const call = await failing(t, { kind: 'hang' })
  const started = performance.now()
  assert.match((await call({ ids: ['478649'] })).text, /^roadmap_timeout: /)
  assert.ok(performance.now() - started < 7_000)
})

test('who may not read messages learns so of messageId; the roadmap itself is public', async (t) => {
  const call = await callerOf(await build(t), 'nico')
  assert.match((await call({ messageId: post?.id })).text, /^graph_forbidden: .*"Message Center Reader"/)
  assert.deepEqual(
    (await call({ ids: roadmapIds })).items.map(({ id }) => id),
    roadmapIds,
  )
})
