import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../src/errors/index.ts'
import { getMessages } from '../../src/tools/get-messages.ts'
import { setMessageState } from '../../src/tools/set-message-state.ts'
import { graphOf, message } from '../plugins/message-center/graph-double.ts'
import { userOf } from './helper.ts'

const messages = [1, 2, 3].map((n) =>
  message(n, { viewPoint: { isRead: false, isArchived: false, isFavorited: true } }),
)
const id = 'MC100001'

/** A user whose Graph answers actions like this; what is posted is recorded. */
function writer(response: unknown = { value: true }) {
  const posted: [path: string, body: unknown][] = []
  const { session } = graphOf(messages)
  const post = async (path: string, body: unknown) => {
    posted.push([path, body])
    if (response instanceof Failure) throw response
    return response
  }
  return { posted, ...userOf(messages, { ...session, post }) }
}

const actions = [
  ['markRead', { unreadOnly: false }, { isRead: true }],
  ['markUnread', {}, { isRead: false }],
  ['archive', { archived: true }, { isArchived: true }],
  ['unarchive', {}, { isArchived: false }],
  ['favorite', {}, { isFavorited: true }],
  ['unfavorite', {}, { isFavorited: false }],
] as const

for (const [action, filter, change] of actions) {
  test(`${action} is Graph’s action on all ids at once, and the next question sees it`, async () => {
    const { call, posted, graph } = writer()
    await call(getMessages)
    assert.deepEqual(await call(setMessageState, { ids: [id, 'MC100002', id], action }), {
      action,
      ids: [id, 'MC100002'],
    })
    assert.deepEqual(posted, [[`/admin/serviceAnnouncement/messages/${action}`, { messageIds: [id, 'MC100002'] }]])
    const { value } = (await call(getMessages, { ids: [id], ...filter })) as { value: { viewPoint: object }[] }
    assert.deepEqual(value[0]?.viewPoint, { isRead: false, isArchived: false, isFavorited: true, ...change })
    assert.deepEqual(graph.asked, [])
  })
}

for (const response of [{ value: false }, {}, null, 'true']) {
  test(`where Graph answers ${JSON.stringify(response)}, nothing was changed`, async () => {
    const { call } = writer(response)
    await call(getMessages)
    await assert.rejects(call(setMessageState, { ids: [id], action: 'markRead' }), { reason: 'graph_action_failed' })
    assert.equal((await call(getMessages, { unreadOnly: true }))['@odata.count'], 3)
  })
}

test('where Graph fails, nothing is changed here either', async () => {
  const { call } = writer(new Failure('graph_forbidden'))
  await call(getMessages)
  await assert.rejects(call(setMessageState, { ids: [id], action: 'markRead' }), { reason: 'graph_forbidden' })
  assert.equal((await call(getMessages, { unreadOnly: true }))['@odata.count'], 3)
})

test('of several ids one that is not there is said to be among them', async () => {
  const { call } = writer(new Failure('graph_not_found'))
  const failing = (ids: string[]) => call(setMessageState, { ids, action: 'archive' })
  await assert.rejects(failing([id, 'MC2']), { reason: 'graph_not_found', message: /At least one of the ids/ })
  await assert.rejects(failing(['MC2']), ({ details }: Failure) => details.detail === undefined)
})

for (const args of [
  {},
  { ids: [id] },
  { action: 'markRead' },
  { ids: [], action: 'markRead' },
  { ids: [id], action: 'delete' },
  { ids: [id], action: 'markRead/../x' },
  { ids: ['MC1/x'], action: 'markRead' },
  { ids: Array.from({ length: 101 }, (_, i) => `MC${i}`), action: 'markRead' },
]) {
  test(`${JSON.stringify(args).slice(0, 60)} is rejected before anything is written`, async () => {
    const { call, posted } = writer()
    await assert.rejects(call(setMessageState, args), { reason: 'invalid_input' })
    assert.deepEqual(posted, [])
  })
}
