import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Emulator, startEmulator } from '../../emulator/app.ts'
import type { FaultRule } from '../../emulator/faults.ts'
import { eventually, listen, toolCall } from '../helper.ts'
import { type Answer, call, file, post, reasonOf } from '../security/harness.ts'

const tenant: Emulator = await startEmulator()
file.after(() => tenant.close())
const { origin, logs } = await listen(file, {}, tenant)

let made = 0
/** A user nobody has exchanged for yet. */
function newcomer(): { name: string; upn: string; token: Promise<string> } {
  const name = `load-${++made}`
  return { name, upn: `${name}@contoso.example`, token: tenant.mint({ user: name }) }
}

const ask = (token: string, args: Record<string, unknown> = { top: 1 }): Promise<Answer> =>
  post(origin, toolCall('getMessages', args), token)
const exchanges = () => tenant.stats.snapshot().endpoints.token
const isServed = (answer: Answer) => answer.status === 200 && answer.body.result?.isError !== true

interface Fault {
  readonly what: string
  readonly rule: Omit<FaultRule, 'target'>
  readonly reason: string
}

const brokenAnswers: readonly Omit<Fault, 'reason'>[] = [
  { what: 'resets the connection', rule: { kind: 'reset' } },
  { what: 'answers 500', rule: { kind: 'status', status: 500 } },
  { what: 'answers 503', rule: { kind: 'status', status: 503 } },
  { what: 'answers HTML', rule: { kind: 'html' } },
  { what: 'answers half of its JSON', rule: { kind: 'truncated' } },
  { what: 'answers an empty object', rule: { kind: 'empty-object' } },
]

for (const { what, rule } of brokenAnswers) {
  test(`Entra ${what}: a 503, after one more try, and nothing is remembered`, async (t) => {
    t.after(() => tenant.faults.clear())
    const { token } = newcomer()
    tenant.faults.add({ target: 'token', ...rule } as FaultRule)
    const before = exchanges()
    const refused = await ask(await token)
    assert.equal(refused.status, 503)
    assert.equal(exchanges() - before, 2)
    tenant.faults.clear()
    assert.ok(isServed(await ask(await token)))
  })

  test(`Entra ${what} once: the call succeeds all the same`, async (t) => {
    t.after(() => tenant.faults.clear())
    tenant.faults.add({ target: 'token', times: 1, ...rule } as FaultRule)
    assert.ok(isServed(await ask(await newcomer().token)))
  })

  test(`Graph ${what}: a tool error, and the next call is served`, async (t) => {
    t.after(() => tenant.faults.clear())
    const token = await newcomer().token
    tenant.faults.add({ target: 'graph', ...rule } as FaultRule)
    const refused = await ask(token)
    assert.equal(refused.status, 200)
    assert.ok(['graph_unavailable', 'graph_answer_invalid'].includes(reasonOf(refused) ?? ''), reasonOf(refused))
    tenant.faults.clear()
    assert.ok(isServed(await ask(token)))
  })
}

for (const what of ['reset', 'status'] as const) {
  test(`Graph fails a read once (${what}): it is read again`, async (t) => {
    t.after(() => tenant.faults.clear())
    tenant.faults.add({ target: 'graph', kind: what, ...(what === 'status' && { status: 502 }), times: 1 })
    assert.ok(isServed(await ask(await newcomer().token)))
  })
}

test('a slow Entra and a slow Graph are waited for', async (t) => {
  t.after(() => tenant.faults.clear())
  tenant.faults.add({ target: 'token', kind: 'delay', delayMs: 300 }, { target: 'graph', kind: 'delay', delayMs: 300 })
  assert.ok(isServed(await ask(await newcomer().token)))
})

test('an Entra that never answers holds up its own caller for a bounded time, and nobody else', async (t) => {
  t.after(() => tenant.faults.clear())
  const [held, other] = [newcomer(), newcomer()]
  tenant.faults.add({ target: 'token', kind: 'hang', user: held.upn })
  const started = Date.now()
  const pending = ask(await held.token)
  assert.ok(isServed(await ask(await other.token)))
  assert.equal((await pending).status, 503)
  assert.ok(Date.now() - started < 25_000)
})

test('a Graph that never answers ends in a tool error within its deadline', async (t) => {
  t.after(() => tenant.faults.clear())
  const token = await newcomer().token
  tenant.faults.add({ target: 'graph', kind: 'hang' })
  const started = Date.now()
  assert.equal(reasonOf(await ask(token)), 'graph_timeout')
  assert.ok(Date.now() - started < 20_000)
})

test('fifty first calls of one user at once make one exchange', async (t) => {
  t.after(() => tenant.faults.clear())
  tenant.faults.add({ target: 'token', kind: 'delay', delayMs: 200 })
  const token = await newcomer().token
  const before = exchanges()
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask(token)))
  assert.ok(answers.every(isServed))
  assert.equal(exchanges() - before, 1)
})

test('a consent refused to one user is asked of Entra once in a while, and leaves the others alone', async () => {
  const [cato, other] = await Promise.all([tenant.mint({ user: 'cato' }), newcomer().token])
  const before = exchanges()
  for (let i = 0; i < 3; i++) assert.equal(reasonOf(await ask(cato)), 'user_consent_required')
  assert.equal(exchanges() - before, 1)
  assert.ok(isServed(await ask(other)))
})

test('a client that goes away takes its call to Graph with it', async (t) => {
  t.after(() => tenant.faults.clear())
  const token = await newcomer().token
  assert.ok(isServed(await ask(token)))
  const connections = () =>
    new Promise<number>((resolve) => process.nextTick(() => resolve(tenant.stats.snapshot().endpoints.graph)))
  const before = await connections()
  tenant.faults.add({ target: 'graph', kind: 'status', status: 503, delayMs: 300 })
  const abort = new AbortController()
  const { message } = { message: toolCall('getMessages') }
  const gone = call(`${origin}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify(message),
    signal: abort.signal,
  }).catch((error: Error) => error)
  await eventually(async () => (await connections()) === before + 1)
  abort.abort()
  assert.ok((await gone) instanceof Error)
  await eventually(() => logs.some((line) => line.event === 'request' && line['status'] === 499))
  assert.ok(!logs.some(({ level, reason }) => level >= 50 && reason === 'call_cancelled'))
  // Had the call gone on, its 503 would have been followed by a second try before this one was answered.
  tenant.faults.clear()
  tenant.faults.add({ target: 'graph', kind: 'delay', delayMs: 1_000, times: 1 })
  assert.ok(isServed(await ask(token)))
  assert.equal(await connections(), before + 2)
})

test('a waiter that goes away leaves the shared exchange to the others', async (t) => {
  t.after(() => tenant.faults.clear())
  tenant.faults.add({ target: 'token', kind: 'delay', delayMs: 500 })
  const token = await newcomer().token
  const before = exchanges()
  const abort = new AbortController()
  const gone = call(`${origin}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify(toolCall('getMessages')),
    signal: abort.signal,
  }).catch((error: Error) => error)
  await eventually(() => exchanges() === before + 1)
  const staying = ask(token)
  abort.abort()
  assert.ok((await gone) instanceof Error)
  assert.ok(isServed(await staying))
  assert.equal(exchanges() - before, 1)
})
