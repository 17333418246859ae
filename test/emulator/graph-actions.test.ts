import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { createCorpus } from '../../emulator/graph/corpus/index.ts'
import { viewPointActions } from '../../emulator/graph/view-points.ts'
import { bearer, build, type Failure, messagesPath, origin } from './graph-app.ts'

const [first, second] = createCorpus()
const ids = [first?.id ?? '', second?.id ?? '']
const read = ['ServiceMessage.Read.All']
const write = ['ServiceMessageViewpoint.Write']

function act(app: FastifyInstance, action: string, body: unknown, authorization = bearer('ada', undefined, write)) {
  const headers = { authorization, 'content-type': 'application/json' }
  return app.inject({ method: 'POST', url: `${messagesPath}/${action}`, headers, payload: JSON.stringify(body) })
}

async function viewPointOf(app: FastifyInstance, id: string, user = 'ada') {
  const response = await app.inject({
    url: `${messagesPath}/${id}`,
    headers: { authorization: bearer(user, undefined, read) },
  })
  return response.json().viewPoint
}

for (const [action, change] of Object.entries(viewPointActions)) {
  test(`${action} changes the caller’s view point of each post, and nobody else’s`, async (t) => {
    const app = await build(t)
    const before = await viewPointOf(app, ids[0] ?? '', 'bo')
    const response = await act(app, action, { messageIds: ids })
    assert.equal(response.statusCode, 200)
    assert.deepEqual(response.json(), { '@odata.context': `${origin}/v1.0/$metadata#Edm.Boolean`, value: true })
    for (const id of ids) {
      for (const [name, value] of Object.entries(change)) assert.equal((await viewPointOf(app, id))[name], value)
    }
    assert.deepEqual(await viewPointOf(app, ids[0] ?? '', 'bo'), before)
  })
}

test('an unknown id is the 403 of a read, and nothing is changed', async (t) => {
  const app = await build(t)
  const before = await viewPointOf(app, ids[0] ?? '')
  for (const action of ['markRead', 'markUnread']) {
    const response = await act(app, action, { messageIds: [ids[0], 'MC1'] })
    assert.deepEqual([response.statusCode, response.json<Failure>().error.code], [403, 'UnknownError'])
  }
  assert.deepEqual(await viewPointOf(app, ids[0] ?? ''), before)
})

for (const [what, authorization] of [
  ['a token to read', bearer('ada', undefined, read)],
  ['a user without a role', bearer('ada', ['User'], write)],
] as const) {
  test(`${what} is forbidden`, async (t) => {
    const response = await act(await build(t), 'archive', { messageIds: ids }, authorization)
    assert.deepEqual([response.statusCode, response.json<Failure>().error.code], [403, 'Forbidden'])
  })
}

test('a token to write does not read', async (t) => {
  const app = await build(t)
  const response = await app.inject({ url: messagesPath, headers: { authorization: bearer('ada', undefined, write) } })
  assert.equal(response.statusCode, 403)
})

for (const body of [{}, null, [], { messageIds: [] }, { messageIds: 'MC1' }, { messageIds: [7] }]) {
  test(`${JSON.stringify(body)} is a bad request`, async (t) => {
    const response = await act(await build(t), 'markRead', body)
    assert.deepEqual([response.statusCode, response.json<Failure>().error.code], [400, 'BadRequest'])
  })
}
