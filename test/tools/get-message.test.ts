import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../src/errors/index.ts'
import type { GraphSession } from '../../src/plugins/graph-client/index.ts'
import { getMessage } from '../../src/tools/get-message.ts'

const message = { id: 'MC1234567', title: 'T', body: { contentType: 'html', content: '<p>Tom &amp; Jerry</p>' } }
const url = 'https://admin.microsoft.com/#/MessageCenter/:/messages/MC1234567'

async function run(args: object, answer: unknown = message) {
  const asked: unknown[][] = []
  const graph: GraphSession = {
    async get(...given) {
      asked.push(given)
      if (answer instanceof Error) throw answer
      return answer
    },
    nextQuery: () => assert.fail('one message has no next page'),
  }
  return { result: await getMessage.call(args, { caller: null, graph }), asked }
}

test('one request reads the message of that id', async () => {
  const { asked, result } = await run({ id: 'MC1234567' })
  assert.deepEqual(asked, [['/admin/serviceAnnouncement/messages/MC1234567']])
  assert.deepEqual(result, { ...message, url, body: { contentType: 'text', content: 'Tom & Jerry' } })
})

test('the body comes as it is asked for', async () => {
  assert.deepEqual((await run({ id: 'MC1', body: 'html' })).result['body'], message.body)
  assert.deepEqual((await run({ id: 'MC1', body: 'none' })).result, { id: message.id, title: 'T', url })
})

for (const id of [
  undefined,
  '',
  'mc1',
  'MC',
  'MC12345678901',
  'MC1/../MC2',
  'MC1%2f..',
  'MC1?$select=id',
  'MC1#x',
  'MC1\n',
  ' MC1',
  "MC1'",
  'MC١',
  7,
  ['MC1'],
]) {
  test(`the id ${JSON.stringify(id)} is refused, and Graph is not asked`, async () => {
    await assert.rejects(run({ id }, new Error('Graph was asked')), (error: Failure) => {
      assert.equal(error.reason, 'invalid_input')
      assert.match(error.message, /^"id" .* It takes: Message id: MC and digits, such as MC1234567\.$/)
      return true
    })
  })
}

test('what Graph says is passed on', async () => {
  await assert.rejects(run({ id: 'MC1' }, new Failure('graph_not_found')), { reason: 'graph_not_found' })
  await assert.rejects(run({ id: 'MC1' }, { value: [] }), { reason: 'graph_response_invalid' })
})

test('a refused query names the id, and keeps what Graph said', async () => {
  const refused = new Failure('graph_bad_request', { detail: 'It said: No.', cause: { status: 400, message: 'No.' } })
  await assert.rejects(run({ id: 'MC1' }, refused), { message: 'It came from the argument "id". It said: No.' })
})
