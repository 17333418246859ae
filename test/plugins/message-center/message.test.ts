import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  asPage,
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

const pages: readonly [name: string, page: unknown][] = [
  ['an empty page', { value: [] }],
  [
    'a page with everything',
    { value: [{ id: 'MC1' }], '@odata.count': 7, '@odata.nextLink': 'https://x', '@odata.context': 'y' },
  ],
  ['a body that is null', { value: [{ id: 'MC1', body: null }] }],
  ['services that are a text', { value: [{ id: 'MC1', services: 'Teams' }] }],
]
for (const [name, page] of pages) {
  test(`${name} is a page`, () => {
    assert.equal(asPage(page), page)
  })
}

const noPages: readonly [name: string, page: unknown][] = [
  ['null', null],
  ['a list', []],
  ['an error', { error: { code: 'x' } }],
  ['an empty object', {}],
  ['a value that is a text', { value: 'none' }],
  ['a message without id', { value: [{ title: 'T' }] }],
  ['a message that is null', { value: [null] }],
  ['an id that is a number', { value: [{ id: 7 }] }],
  ['a link that is a number', { value: [], '@odata.nextLink': 12 }],
]
for (const [name, page] of noPages) {
  test(`${name} is no page`, () => {
    assert.throws(() => asPage(page), { name: 'Failure', reason: 'graph_response_invalid' })
  })
}
