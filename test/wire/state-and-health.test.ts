import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FaultRule } from '../../emulator/fault-rule.ts'
import { type Env, listen, type RunningApp, toolCall } from '../helper.ts'
import { file, post, reasonOf } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'

/** setMessageState and getServiceHealth over real connections: what the next question sees, and nobody else. */

const on: Env = { MCP_ENABLE_WRITES: 'true', MCP_ENABLE_SERVICE_HEALTH: 'true', GRAPH_CACHE_TTL: '5 minutes' }
const tenant = await startEmulator()
file.after(() => tenant.close())
const { origin } = await listen(file, on, tenant)
test.afterEach(() => tenant.faults.clear())

let users = 0
/** A Message Center Reader whom no test has seen. */
const newcomer = () => `load-${81_000 + users++}`

async function clientOf(user: string, at = origin) {
  const token = await tenant.mint({ user })
  const call = (tool: string, args: Record<string, unknown> = {}) => post(at, toolCall(tool, args), token)
  return {
    call,
    async data(tool: string, args: Record<string, unknown> = {}) {
      const { body, text } = await call(tool, args)
      assert.ok(body.result?.isError !== true, text)
      return body.result?.structuredContent as Record<string, unknown>
    },
    /** Ids of messages, of which a fresh listing is not asked for. */
    async ids(args: Record<string, unknown>): Promise<string[]> {
      const { value } = (await this.data('getMessages', { top: 1000, view: 'compact', ...args })) as {
        value: { id: string }[]
      }
      return value.map(({ id }) => id)
    },
  }
}
const calls = () => tenant.stats.snapshot().endpoints.graph

const filters = [
  ['markRead', 'markUnread', { unreadOnly: true }, false],
  ['archive', 'unarchive', { archived: true }, true],
  ['favorite', 'unfavorite', { favoritesOnly: true }, true],
] as const

for (const [action, opposite, filter, isIn] of filters) {
  test(`${action} and ${opposite} are seen by the next question, without a call to Graph, and by it alone`, async () => {
    const [me, other] = [await clientOf(newcomer()), await clientOf(newcomer())]
    const [before, theirs] = [await me.ids(filter), await other.ids(filter)]
    const all = await me.ids({})
    const ids = (isIn ? all.filter((id) => !before.includes(id)) : before).slice(0, 3)
    assert.equal(ids.length, 3)
    const asked = calls()
    assert.deepEqual(await me.data('setMessageState', { ids, action }), { action, ids })
    const after = await me.ids(filter)
    assert.equal(calls(), asked + 1)
    for (const id of ids) assert.equal(after.includes(id), isIn)
    assert.equal(after.length, before.length + (isIn ? 3 : -3))
    assert.deepEqual(await other.ids(filter), theirs)
    assert.deepEqual(await other.ids({ ...filter, fresh: true }), theirs)
    // As Graph has it, too.
    assert.deepEqual((await me.ids({ ...filter, fresh: true })).sort(), after.sort())
    await me.data('setMessageState', { ids, action: opposite })
    assert.deepEqual((await me.ids(filter)).sort(), before.sort())
  })
}

test('a new sign-in of the same user sees it as well', async () => {
  const user = newcomer()
  const me = await clientOf(user)
  const [id = ''] = await me.ids({ unreadOnly: true })
  await me.data('setMessageState', { ids: [id], action: 'markRead' })
  assert.ok(!(await (await clientOf(user)).ids({ unreadOnly: true })).includes(id))
})

const failing: readonly [what: string, fault: Omit<FaultRule, 'target'>, reason: string][] = [
  ['throttles', { kind: 'status', status: 429, retryAfter: 30 }, 'graph_throttled'],
  ['is down', { kind: 'status', status: 500 }, 'graph_unavailable'],
  ['resets connections', { kind: 'reset' }, 'graph_unavailable'],
  ['rejects the query', { kind: 'graph-error', status: 400, code: 'BadRequest' }, 'graph_bad_request'],
  [
    'rejects the token',
    { kind: 'graph-error', status: 401, code: 'InvalidAuthenticationToken' },
    'graph_token_rejected',
  ],
  ['sends HTML', { kind: 'html' }, 'graph_response_invalid'],
  ['says false', { kind: 'status', status: 200, body: { value: false } }, 'graph_action_failed'],
]

for (const [what, fault, reason] of failing) {
  test(`where Graph ${what}, the state is ${reason} and stays`, async (t) => {
    // A server of its own: after a 429 nobody calls Graph for a while.
    const me = await clientOf(newcomer(), (await listen(t, on, tenant)).origin)
    const unread = await me.ids({ unreadOnly: true })
    tenant.faults.add({ target: 'graph', method: 'POST', ...fault })
    const response = await me.call('setMessageState', { ids: unread.slice(0, 2), action: 'markRead' })
    assert.equal(reasonOf(response), reason)
    tenant.faults.clear()
    assert.deepEqual(await me.ids({ unreadOnly: true }), unread)
  })

  if (reason === 'graph_action_failed' || reason === 'graph_bad_request') continue
  test(`where Graph ${what}, health is ${reason}`, async (t) => {
    const me = await clientOf('gale', (await listen(t, on, tenant)).origin)
    tenant.faults.add({ target: 'graph', ...fault })
    assert.equal(reasonOf(await me.call('getServiceHealth', { fresh: true })), reason)
    tenant.faults.clear()
    if (reason !== 'graph_throttled') assert.ok('health' in (await me.data('getServiceHealth')))
  })
}

test('ids that are not there are not found, and none of the others is changed', async () => {
  const me = await clientOf(newcomer())
  const unread = await me.ids({ unreadOnly: true })
  const response = await me.call('setMessageState', { ids: [unread[0], 'MC1'], action: 'markRead' })
  assert.equal(reasonOf(response), 'graph_not_found')
  assert.match(response.body.result?.content?.[0]?.text ?? '', /At least one of the ids is not there/)
  assert.deepEqual(await me.ids({ unreadOnly: true, fresh: true }), unread)
})

for (const [tool, args, role] of [
  ['setMessageState', { ids: ['MC1226631'], action: 'markRead' }, 'Message Center Reader'],
  ['getServiceHealth', {}, 'Service Support Administrator'],
] as const) {
  test(`${tool} tells a user without a role which one it takes`, async () => {
    const response = await (await clientOf('nico')).call(tool, args)
    assert.equal(reasonOf(response), 'graph_forbidden')
    assert.ok(response.body.result?.content?.[0]?.text.includes(role))
  })
}

test('health is read once for a while, by its reader alone; and again once Graph rejects the token', async () => {
  const [me, other] = [await clientOf('gale'), await clientOf('rowan')]
  const health = await me.data('getServiceHealth')
  const asked = calls()
  assert.deepEqual((await me.data('getServiceHealth', { services: ['teams'] }))['ageSeconds'], 0)
  assert.equal(calls(), asked)
  assert.equal(reasonOf(await other.call('getServiceHealth')), 'graph_forbidden')
  assert.deepEqual(
    (health['issues'] as { id: string; lastPost: { text: string } }[]).map(({ id, lastPost }) => [id, lastPost.text]),
    [
      [
        'TM901003',
        "Current status: We're rerouting traffic away from the affected servers.\n\nNext update by: today, 9:00 AM UTC",
      ],
      ['EX901002', 'The queue is shrinking: half of the messages were delivered.'],
    ],
  )
  tenant.faults.add({ target: 'graph', kind: 'graph-error', status: 401, code: 'InvalidAuthenticationToken', times: 1 })
  assert.equal(reasonOf(await me.call('getServiceHealth', { activeOnly: false })), 'graph_token_rejected')
  const before = calls()
  assert.ok(!('ageSeconds' in (await me.data('getServiceHealth'))))
  assert.equal(calls(), before + 2)
})

async function names({ origin }: RunningApp): Promise<string[]> {
  const response = await post(origin, { jsonrpc: '2.0', id: 1, method: 'tools/list' }, await tenant.mint())
  return ((response.body.result?.['tools'] ?? []) as { name: string }[]).map(({ name }) => name)
}

test('neither tool is there unless it is switched on', async (t) => {
  const usual = await listen(t, {}, tenant)
  const always = await names(usual)
  const me = await clientOf('gale', usual.origin)
  for (const tool of ['setMessageState', 'getServiceHealth']) {
    assert.ok(!always.includes(tool), tool)
    assert.match((await me.call(tool)).body.error?.message ?? '', new RegExp(`Unknown tool: ${tool}`))
  }
  const writing = await listen(t, { MCP_ENABLE_WRITES: 'true' }, tenant)
  assert.deepEqual(
    (await names(writing)).filter((name) => !always.includes(name)),
    ['setMessageState'],
  )
})
