import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FaultRule } from '../../emulator/fault-rule.ts'
import { listen, shortTimeouts, toolCall } from '../helper.ts'
import { startEmulator } from '../tenant.ts'
import { call, costOf, file, type HttpResponse, isRpcError, post, reasonOf, startBystander } from './harness.ts'

const tenant = await startEmulator()
file.after(() => tenant.close())
const bystander = await startBystander(file)
const { origin } = await listen(file, {}, tenant)
/** The same server with deadlines that a test can wait for. */
const { origin: hurried } = await listen(file, {}, tenant, { config: shortTimeouts(1_000) })

type Kind = Pick<FaultRule, 'kind' | 'status' | 'body' | 'location'>

interface Trouble {
  readonly name: string
  readonly fault: Kind
  /** Whether it ends by the server's own deadline. */
  readonly isEndless?: boolean
  /** A buffered 50 MB or an unpacked gigabyte would show; what the emulator itself needs to make them does not. */
  readonly megabytes?: number
}

const swiftMs = 5_000
const elsewhere = `${bystander.origin}/v1.0/admin/serviceAnnouncement/messages`

const troubles: readonly Trouble[] = [
  { name: 'HTML with 200', fault: { kind: 'html' } },
  { name: 'HTML with 502', fault: { kind: 'html', status: 502 } },
  { name: 'truncated JSON', fault: { kind: 'truncated' } },
  { name: '50 MB', fault: { kind: 'huge' }, megabytes: 150 },
  { name: 'a gzip bomb', fault: { kind: 'gzip-bomb' }, megabytes: 200 },
  { name: 'a reset', fault: { kind: 'reset' } },
  { name: 'a redirect (302)', fault: { kind: 'redirect', location: elsewhere } },
  { name: 'a redirect (307)', fault: { kind: 'redirect', location: elsewhere, status: 307 } },
  { name: 'a redirect (308)', fault: { kind: 'redirect', location: elsewhere, status: 308 } },
  { name: 'wrong types', fault: { kind: 'wrong-types' } },
  { name: 'an empty object', fault: { kind: 'empty-object' } },
  { name: 'an empty object with 500', fault: { kind: 'empty-object', status: 500 } },
  { name: 'null', fault: { kind: 'status', status: 200, body: 'null' } },
  { name: 'an array', fault: { kind: 'status', status: 200, body: [] } },
  { name: 'nothing', fault: { kind: 'status', status: 200 } },
  { name: 'no content (204)', fault: { kind: 'status', status: 204 } },
  { name: 'a status of 599', fault: { kind: 'status', status: 599, body: 'x' } },
  { name: 'a response that never ends', fault: { kind: 'endless' }, isEndless: true },
  { name: 'no response at all', fault: { kind: 'hang' }, isEndless: true },
]

/** What a user gets when Graph does this: a tool error, retryable where another try can help. */
const graphReasons: Readonly<Record<string, string>> = {
  'HTML with 502': 'graph_unavailable',
  '50 MB': 'graph_response_too_large',
  'a reset': 'graph_unavailable',
  'an empty object with 500': 'graph_unavailable',
  'a status of 599': 'graph_unavailable',
  'a response that never ends': 'graph_timeout',
  'no response at all': 'graph_timeout',
}

let users = 0
/** A user of a test's own, so that a fault which strikes them spares all others. */
function newUser(): string {
  users += 1
  return `load-${1000 + users}`
}

for (const trouble of troubles) {
  test(`Graph returns ${trouble.name}: a bounded tool error`, () => graphTrouble(trouble))
  test(`Entra returns ${trouble.name}: a bounded 503`, () => entraTrouble(trouble))
}

test('while a peer keeps one user waiting, others are served', async () => {
  const [atGraph, atEntra] = [newUser(), newUser()]
  strike('graph', atGraph, { kind: 'hang' })
  strike('token', atEntra, { kind: 'endless' })
  const waiting = [atGraph, atEntra].map((user) => askAs(user, undefined, hurried))
  for (let times = 0; times < 5; times++) {
    const { body } = await askAs(newUser(), undefined, hurried)
    assert.equal(body.result?.isError, undefined)
  }
  for (const response of await Promise.all(waiting)) assert.ok(response.status === 503 || response.body.result?.isError)
})

test('no request, and so no token, was sent to the place that redirects named', () => {
  assert.equal(bystander.received.length, 0)
})

test('a failure of Graph for one message is reported like one for many', async () => {
  const user = newUser()
  strike('graph', user, { kind: 'wrong-types' })
  const response = await askAs(user, toolCall('getMessage', { id: 'MC1' }))
  assert.equal(reasonOf(response), 'graph_response_invalid')
})

for (const [what, value] of Object.entries<unknown>({
  'value holds null': [null],
  'value holds numbers': [1, 2],
  'an id is a number': [{ id: 7 }],
})) {
  test(`a page whose ${what} is rejected as a whole`, async () => {
    const user = newUser()
    strike('graph', user, { kind: 'status', status: 200, body: { value } })
    assert.equal(reasonOf(await askAs(user)), 'graph_response_invalid')
  })
}

for (const [what, post] of Object.entries<unknown>({
  'services that are a text': { id: 'MC1', services: 'Teams' },
  'a body without content': { id: 'MC1', body: { contentType: 'html' } },
  'a viewPoint that is null': { id: 'MC1', viewPoint: null },
  'nothing but its id': { id: 'MC1' },
})) {
  test(`a post with ${what} takes no other post away`, async () => {
    const user = newUser()
    const value = [post, { id: 'MC2', services: ['Teams'] }]
    strike('graph', user, { kind: 'status', status: 200, body: { value } })
    const { body } = await askAs(user)
    const posts = body.result?.structuredContent?.['value'] as { id: string; services?: unknown }[]
    const services = new Map(posts.map(({ id, services }) => [id, services]))
    assert.deepEqual([posts.length, services.get('MC1'), services.get('MC2')], [2, undefined, ['Teams']])
  })
}

test('a body of deeply nested HTML costs a bounded time', async () => {
  const user = newUser()
  const content = '<div>'.repeat(100_000)
  const value = [{ id: 'MC1', body: { contentType: 'html', content } }, { id: 'MC2' }]
  strike('graph', user, { kind: 'status', status: 200, body: { value } })
  for (const message of [
    toolCall('getMessage', { id: 'MC1' }),
    toolCall('getMessages', { search: 'MC2' }),
    toolCall('getDigest'),
  ]) {
    const { result, ms } = await costOf(() => askAs(user, message))
    assert.equal(result.body.result?.isError, undefined)
    assert.ok(ms < swiftMs, `it took ${ms} ms`)
  }
})

test('an access token that could end a header is never sent', async () => {
  const user = newUser()
  const before = tenant.stats.snapshot().endpoints.graph
  const body = { access_token: 'x\r\nx-injected: 1', token_type: 'Bearer', expires_in: 3600, scope: 'x' }
  strike('token', user, { kind: 'status', status: 200, body })
  const response = await askAs(user)
  assert.ok(response.status >= 500 || response.body.result?.isError === true, response.text)
  assert.equal(tenant.stats.snapshot().endpoints.graph, before)
})

/** The fault strikes this user's calls only, until it is replaced. */
function strike(target: 'graph' | 'token', user: string, fault: Kind) {
  tenant.faults.add({ ...fault, target, user: `${user}@contoso.example` })
}

async function askAs(
  user: string,
  message: unknown = toolCall('getMessages', { top: 5 }),
  at = origin,
): Promise<HttpResponse> {
  return post(at, message, await tenant.mint({ user }))
}

const serverFor = ({ isEndless }: Trouble) => (isEndless ? hurried : origin)

async function graphTrouble(trouble: Trouble) {
  const user = newUser()
  const healthy = await askAs(user, undefined, serverFor(trouble))
  assert.equal(healthy.body.result?.isError, undefined, 'the user’s Graph token is there')
  strike('graph', user, trouble.fault)
  const response = await bounded(trouble, () => askAs(user, undefined, serverFor(trouble)))

  assert.equal(response.status, 200)
  assert.equal(response.body.result?.isError, true)
  assert.equal(reasonOf(response), graphReasons[trouble.name] ?? 'graph_response_invalid')
  assert.match(response.body.result?.content?.[0]?.text ?? '', /^graph_\w+: .*Microsoft Graph/)
}

async function entraTrouble(trouble: Trouble) {
  const user = newUser()
  strike('token', user, trouble.fault)
  const response = await bounded(trouble, () => askAs(user, undefined, serverFor(trouble)))

  assert.equal(response.status, 503)
  assert.ok(isRpcError(response), response.text)
  assert.equal(response.headers['www-authenticate'], undefined, 'it is not the caller’s fault')
  assert.match(response.body.error?.message ?? '', /Entra/)
  assert.equal(reasonOf(response), undefined, 'a 5xx does not say why')
}

/** Time and memory stay within bounds, nothing of the peer's response is passed on, and the server goes on. */
async function bounded({ megabytes }: Trouble, work: () => Promise<HttpResponse>): Promise<HttpResponse> {
  const cost = await costOf(work)
  assert.ok(cost.ms < swiftMs, `it took ${cost.ms} ms`)
  if (megabytes !== undefined) assert.ok(cost.megabytes < megabytes, `memory rose by ${cost.megabytes} MB`)
  assert.ok(cost.result.text.length < 1_000)
  assert.doesNotMatch(cost.result.text, /<|xxxx|cut short|not available/)
  assert.equal((await call(`${origin}/healthz`)).status, 200)
  return cost.result
}
