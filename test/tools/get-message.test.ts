import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../src/errors/index.ts'
import { getMessage } from '../../src/tools/get-message.ts'
import { message } from '../plugins/message-center/graph-double.ts'
import { userOf } from './helper.ts'

const id = 'MC1234567'
const html = { contentType: 'html', content: '<p>Tom &amp; Jerry</p>' }
const details = [{ name: 'Summary', value: 'S' }]
const post = message(1, { id, details, body: html })
const url = `https://admin.microsoft.com/#/MessageCenter/:/messages/${id}`

test('a message is shown in full: its fields, its text and its milestones', async () => {
  const { call, graph } = userOf([message(2), post])
  const { body: _, details: __, ...fields } = post
  assert.deepEqual(await call(getMessage, { id }), {
    ...fields,
    url,
    summary: 'S',
    body: { contentType: 'text', content: 'Tom & Jerry' },
    milestones: [],
  })
  assert.deepEqual(graph.asked, ['bodies'])
})

test('the body comes as it is asked for', async () => {
  const { call } = userOf([post])
  assert.deepEqual((await call(getMessage, { id, body: 'html' }))['body'], html)
  assert.ok(!('body' in (await call(getMessage, { id, body: 'none' }))))
})

test('the view comes as it is asked for', async () => {
  const { call } = userOf([post])
  const graph = await call(getMessage, { id, view: 'graph' })
  assert.deepEqual([graph['details'], 'summary' in graph], [details, false])
  const compact = await call(getMessage, { id, view: 'compact', body: 'none' })
  assert.deepEqual(Object.keys(compact), ['id', 'title', 'services', 'changed', 'ageSeconds'])
})

test('another message costs no call, and says how old it is', async () => {
  const { call, graph, advance } = userOf([post, message(2)])
  assert.ok(!('ageSeconds' in (await call(getMessage, { id }))))
  advance(61_000)
  assert.equal((await call(getMessage, { id: 'MC100002' }))['ageSeconds'], 61)
  assert.deepEqual(graph.asked, ['bodies'])
})

test('fresh reads again', async () => {
  const { call, graph } = userOf([post])
  await call(getMessage, { id })
  graph.show([{ ...post, title: 'Changed' }])
  assert.equal((await call(getMessage, { id, fresh: true }))['title'], 'Changed')
})

test('an id that is not there is not found, and is looked for once a minute', async () => {
  const { call, graph, advance } = userOf([post])
  for (let i = 0; i < 3; i++) await assert.rejects(call(getMessage, { id: 'MC9' }), { reason: 'graph_not_found' })
  assert.deepEqual(graph.asked, ['bodies'])
  advance(60_000)
  graph.show([post, message(2, { id: 'MC9', lastModifiedDateTime: '2026-11-29T15:00:00Z' })])
  assert.equal((await call(getMessage, { id: 'MC9' }))['id'], 'MC9')
})

test('a fresh message that is not there is looked for once', async () => {
  const { call, graph } = userOf([post])
  await assert.rejects(call(getMessage, { id: 'MC9', fresh: true }), { reason: 'graph_not_found' })
  assert.deepEqual(graph.asked, ['bodies'])
})

test('what Graph says is passed on where nothing was read before', async () => {
  for (const reason of ['graph_forbidden', 'graph_unavailable', 'graph_throttled'] as const) {
    const { call, graph } = userOf([post])
    graph.fail(reason, reason, reason)
    await assert.rejects(call(getMessage, { id }), { reason })
  }
})

test('where Graph fails, what was read before is shown as stale', async () => {
  const { call, graph, advance } = userOf([post])
  await call(getMessage, { id })
  advance(6 * 60_000)
  graph.fail('graph_unavailable')
  const { title, stale, ageSeconds } = await call(getMessage, { id })
  assert.deepEqual([title, stale, ageSeconds], ['Change 1', true, 360])
})

for (const wrong of [
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
  test(`the id ${JSON.stringify(wrong)} is rejected by name, and Graph is not called`, async () => {
    const { call, graph } = userOf([post])
    await assert.rejects(call(getMessage, { id: wrong }), (error) => {
      assert.ok(error instanceof Failure)
      assert.equal(error.reason, 'invalid_input')
      assert.match(error.message, /^"id" .* It takes: Message id, such as MC1234567\.$/)
      return true
    })
    assert.deepEqual(graph.asked, [])
  })
}

const rejected: readonly [argument: string, value: unknown][] = [
  ['body', 'markdown'],
  ['view', 'full'],
  ['fresh', 'yes'],
]
for (const [argument, value] of rejected) {
  test(`${argument}: ${JSON.stringify(value)} is rejected by name`, async () => {
    const { call } = userOf([post])
    await assert.rejects(call(getMessage, { id, [argument]: value }), {
      reason: 'invalid_input',
      message: new RegExp(`^"${argument}" `),
    })
  })
}
