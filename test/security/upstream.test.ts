import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startEmulator } from '../../emulator/app.ts'
import type { FaultRule } from '../../emulator/fault-rule.ts'
import { listen, toolCall } from '../helper.ts'
import { type Answer, call, costOf, file, isRpcError, post, reasonOf, startBystander } from './harness.ts'

const tenant = await startEmulator()
file.after(() => tenant.close())
const bystander = await startBystander(file)
const { origin } = await listen(file, {}, tenant)

type Kind = Pick<FaultRule, 'kind' | 'status' | 'body' | 'location'>

interface Trouble {
  readonly name: string
  readonly fault: Kind
  readonly withinMs: number
  /** A buffered 50 MB or an unpacked gigabyte would show; what the emulator itself needs to make them does not. */
  readonly megabytes?: number
}

const swiftMs = 5_000
const elsewhere = `${bystander.origin}/v1.0/admin/serviceAnnouncement/messages`

const troubles: readonly Trouble[] = [
  { name: 'HTML with 200', fault: { kind: 'html' }, withinMs: swiftMs },
  { name: 'HTML with 502', fault: { kind: 'html', status: 502 }, withinMs: swiftMs },
  { name: 'truncated JSON', fault: { kind: 'truncated' }, withinMs: swiftMs },
  { name: '50 MB', fault: { kind: 'huge' }, withinMs: swiftMs, megabytes: 150 },
  { name: 'a gzip bomb', fault: { kind: 'gzip-bomb' }, withinMs: swiftMs, megabytes: 200 },
  { name: 'a reset', fault: { kind: 'reset' }, withinMs: swiftMs },
  { name: 'a redirect (302)', fault: { kind: 'redirect', location: elsewhere }, withinMs: swiftMs },
  { name: 'a redirect (307)', fault: { kind: 'redirect', location: elsewhere, status: 307 }, withinMs: swiftMs },
  { name: 'a redirect (308)', fault: { kind: 'redirect', location: elsewhere, status: 308 }, withinMs: swiftMs },
  { name: 'wrong types', fault: { kind: 'wrong-types' }, withinMs: swiftMs },
  { name: 'an empty object', fault: { kind: 'empty-object' }, withinMs: swiftMs },
  { name: 'an empty object with 500', fault: { kind: 'empty-object', status: 500 }, withinMs: swiftMs },
  { name: 'null', fault: { kind: 'status', status: 200, body: 'null' }, withinMs: swiftMs },
  { name: 'an array', fault: { kind: 'status', status: 200, body: [] }, withinMs: swiftMs },
  { name: 'nothing', fault: { kind: 'status', status: 200 }, withinMs: swiftMs },
  { name: 'no content (204)', fault: { kind: 'status', status: 204 }, withinMs: swiftMs },
  { name: 'a status of 599', fault: { kind: 'status', status: 599, body: 'x' }, withinMs: swiftMs },
  { name: 'an answer that never ends', fault: { kind: 'endless' }, withinMs: 25_000 },
  { name: 'no answer at all', fault: { kind: 'hang' }, withinMs: 25_000 },
]

/** What a user is told when Graph does this (design, section 11): a tool error, retryable where another try can help. */
const graphReasons: Readonly<Record<string, string>> = {
  'HTML with 502': 'graph_unavailable',
  '50 MB': 'graph_answer_too_large',
  'a reset': 'graph_unavailable',
  'an empty object with 500': 'graph_unavailable',
  'a status of 599': 'graph_unavailable',
  'an answer that never ends': 'graph_timeout',
  'no answer at all': 'graph_timeout',
}

let users = 0
/** A user of a test's own, so that a fault which strikes them spares all others. */
function newUser(): string {
  users += 1
  return `load-${1000 + users}`
}

const slow = ({ withinMs }: Trouble) => withinMs > swiftMs

for (const trouble of troubles.filter((one) => !slow(one))) {
  test(`Graph answers ${trouble.name}: a bounded tool error`, () => graphTrouble(trouble))
  test(`Entra answers ${trouble.name}: a bounded 503`, () => entraTrouble(trouble))
}

// These wait for the server's own deadlines, so they wait together.
describe('a peer that keeps a call waiting', { concurrency: true }, () => {
  for (const trouble of troubles.filter(slow)) {
    test(`Graph gives ${trouble.name}: a bounded tool error`, () => graphTrouble(trouble))
    test(`Entra gives ${trouble.name}: a bounded 503`, () => entraTrouble(trouble))
  }

  test('others are served meanwhile', async () => {
    for (let times = 0; times < 20; times++) {
      const { result, ms } = await costOf(async () => askAs(newUser()))
      assert.equal(result.body.result?.isError, undefined)
      assert.ok(ms < swiftMs)
    }
  })
})

test('no request, and so no token, was sent to the place that redirects named', () => {
  assert.equal(bystander.received.length, 0)
})

test('Graph’s trouble with one message is told like its trouble with many', async () => {
  const user = newUser()
  strike('graph', user, { kind: 'wrong-types' })
  const answer = await askAs(user, toolCall('getMessage', { id: 'MC1' }))
  assert.equal(reasonOf(answer), 'graph_answer_invalid')
})

for (const [what, value] of Object.entries<unknown>({
  'value holds null': [null],
  'value holds numbers': [1, 2],
  'an id is a number': [{ id: 7 }],
  'services is a text': [{ id: 'MC1', services: 'Teams' }],
  'a body has no content': [{ id: 'MC1', body: { contentType: 'html' } }],
})) {
  test(`a page whose ${what} is refused as a whole`, async () => {
    const user = newUser()
    strike('graph', user, { kind: 'status', status: 200, body: { value } })
    assert.equal(reasonOf(await askAs(user)), 'graph_answer_invalid')
  })
}

test('a body of deeply nested HTML costs a bounded time', async () => {
  const user = newUser()
  const content = '<div>'.repeat(100_000)
  strike('graph', user, { kind: 'status', status: 200, body: { id: 'MC1', body: { contentType: 'html', content } } })
  const { result, ms } = await costOf(() => askAs(user, toolCall('getMessage', { id: 'MC1' })))
  assert.equal(result.status, 200)
  assert.ok(ms < swiftMs, `it took ${ms} ms`)
})

test('an access token that could end a header is never sent', async () => {
  const user = newUser()
  const before = tenant.stats.snapshot().endpoints.graph
  const body = { access_token: 'x\r\nx-injected: 1', token_type: 'Bearer', expires_in: 3600, scope: 'x' }
  strike('token', user, { kind: 'status', status: 200, body })
  const answer = await askAs(user)
  assert.ok(answer.status >= 500 || answer.body.result?.isError === true, answer.text)
  assert.equal(tenant.stats.snapshot().endpoints.graph, before)
})

/** The fault strikes this user's calls only, until it is replaced. */
function strike(target: 'graph' | 'token', user: string, fault: Kind) {
  tenant.faults.add({ ...fault, target, user: `${user}@contoso.example` })
}

async function askAs(user: string, message: unknown = toolCall('getMessages', { top: 5 })): Promise<Answer> {
  return post(origin, message, await tenant.mint({ user }))
}

async function graphTrouble(trouble: Trouble) {
  const user = newUser()
  const { result: healthy } = await costOf(() => askAs(user))
  assert.equal(healthy.body.result?.isError, undefined, 'the user’s Graph token is there')
  strike('graph', user, trouble.fault)
  const answer = await bounded(trouble, () => askAs(user))

  assert.equal(answer.status, 200)
  assert.equal(answer.body.result?.isError, true)
  assert.equal(reasonOf(answer), graphReasons[trouble.name] ?? 'graph_answer_invalid')
  assert.match(answer.body.result?.content?.[0]?.text ?? '', /^graph_\w+: .*Microsoft Graph/)
}

async function entraTrouble(trouble: Trouble) {
  const user = newUser()
  strike('token', user, trouble.fault)
  const answer = await bounded(trouble, () => askAs(user))

  assert.equal(answer.status, 503)
  assert.ok(isRpcError(answer), answer.text)
  assert.equal(answer.headers['www-authenticate'], undefined, 'it is not the caller’s fault')
  assert.match(answer.body.error?.message ?? '', /Entra/)
  assert.equal(reasonOf(answer), undefined, 'a 5xx does not say why')
}

/** Time and memory stay within bounds, nothing of the peer's answer is passed on, and the server goes on. */
async function bounded({ withinMs, megabytes }: Trouble, work: () => Promise<Answer>): Promise<Answer> {
  const cost = await costOf(work)
  assert.ok(cost.ms < withinMs, `it took ${cost.ms} ms`)
  if (megabytes !== undefined) assert.ok(cost.megabytes < megabytes, `memory rose by ${cost.megabytes} MB`)
  assert.ok(cost.result.text.length < 1_000)
  assert.doesNotMatch(cost.result.text, /<|xxxx|cut short|not available/)
  assert.equal((await call(`${origin}/healthz`)).status, 200)
  return cost.result
}
