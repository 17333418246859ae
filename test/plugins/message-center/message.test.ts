import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  asMessages,
  detailsOf,
  fieldsOfBodies,
  fieldsWithoutBody,
  resourceUriOf,
  urlOf,
} from '../../../src/plugins/message-center/message.ts'

test('a listing selects every field of Graph’s but the body, and none that is made here', () => {
  const fields = fieldsWithoutBody.split(',')
  for (const field of ['id', 'title', 'services', 'tags', 'viewPoint', 'actionRequiredByDateTime', 'details']) {
    assert.ok(fields.includes(field), field)
  }
  for (const field of ['body', 'url', 'summary', 'roadmapIds', 'featureStatus', 'major', 'due', 'milestones']) {
    assert.ok(!fields.includes(field), field)
  }
  assert.match(fieldsWithoutBody, /^[A-Za-z]+(,[A-Za-z]+)*$/)
})

test('bodies are read with what says which version of which post they belong to', () => {
  assert.deepEqual(fieldsOfBodies.split(',').sort(), ['body', 'id', 'lastModifiedDateTime', 'startDateTime'])
})

test('a message has an address for people and one for MCP', () => {
  assert.equal(urlOf('MC1'), 'https://admin.microsoft.com/#/MessageCenter/:/messages/MC1')
  assert.equal(resourceUriOf('MC1'), 'message-center://messages/MC1')
})

test('details are those that have a name and a value', () => {
  const summary = { name: 'Summary', value: 'S' }
  assert.deepEqual(detailsOf({ id: 'MC1', details: [summary, null, { name: 'A' }, { value: 'x' }, 7] }), [summary])
  for (const details of [undefined, null, summary, 'x']) assert.deepEqual(detailsOf({ id: 'MC1', details }), [])
})

test('entries with an id are messages, whatever else they have', () => {
  const entries = [{ id: 'MC1' }, { id: 'MC2', body: null }, { id: 'MC3', services: 'Teams' }]
  assert.equal(asMessages(entries), entries)
  assert.deepEqual(asMessages([]), [])
})

for (const entry of [{ title: 'T' }, { id: 7 }, { id: null }, {}]) {
  test(`an entry without an id is no message: ${JSON.stringify(entry)}`, () => {
    assert.throws(() => asMessages([{ id: 'MC1' }, entry]), { name: 'Failure', reason: 'graph_response_invalid' })
  })
}
