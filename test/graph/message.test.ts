import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asMessage, asPage, fieldsWithoutBody, present } from '../../src/graph/message.ts'

const html = { contentType: 'html', content: '<p>Tom &amp; <b>Jerry</b></p>' }
const message = { id: 'MC1', title: 'T', services: ['Teams'], unknownToUs: { kept: true } }
const url = 'https://admin.microsoft.com/#/MessageCenter/:/messages/MC1'

test('a message gets the link for people, and keeps what it came with', async () => {
  assert.deepEqual(await present(message, 'none'), { ...message, url })
})

test('no body is shown where none is wanted', async () => {
  assert.deepEqual(await present({ ...message, body: html }, 'none'), { ...message, url })
})

test('HTML is shown as Graph has it where it is wanted', async () => {
  assert.deepEqual(await present({ ...message, body: html }, 'html'), { ...message, url, body: html })
})

test('HTML is shown as text where text is wanted', async () => {
  const body = { contentType: 'text', content: 'Tom & Jerry' }
  assert.deepEqual(await present({ ...message, body: html }, 'text'), { ...message, url, body })
})

test('a text is a text, be there what may in it', async () => {
  const body = { contentType: 'text', content: '<b> &amp;' }
  for (const format of ['text', 'html'] as const)
    assert.deepEqual((await present({ ...message, body }, format)).body, body)
})

for (const body of [null, undefined]) {
  for (const format of ['text', 'html', 'none'] as const) {
    test(`a body that is ${body} is left out of ${format}`, async () => {
      const given = body === undefined ? message : { ...message, body }
      assert.deepEqual(await present(given, format), { ...message, url })
    })
  }
}

test('a list asks for every field but the body and what is made here', () => {
  const fields = fieldsWithoutBody.split(',')
  for (const field of ['id', 'title', 'services', 'tags', 'viewPoint', 'actionRequiredByDateTime', 'details']) {
    assert.ok(fields.includes(field), field)
  }
  assert.ok(!fields.includes('body') && !fields.includes('url'))
  assert.match(fieldsWithoutBody, /^[A-Za-z]+(,[A-Za-z]+)*$/)
})

const pages: readonly [name: string, page: unknown][] = [
  ['an empty page', { value: [] }],
  [
    'a page with everything',
    { value: [message], '@odata.count': 7, '@odata.nextLink': 'https://x', '@odata.context': 'y' },
  ],
  ['a body that is null', { value: [{ id: 'MC1', body: null }] }],
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
  ['services that are a text', { value: [{ id: 'MC1', services: 'Teams' }] }],
  ['a body that is a text', { value: [{ id: 'MC1', body: 'x' }] }],
  ['a body without content', { value: [{ id: 'MC1', body: { contentType: 'html' } }] }],
  ['a count that is a text', { value: [], '@odata.count': '7' }],
  ['a link that is a number', { value: [], '@odata.nextLink': 12 }],
]
for (const [name, page] of noPages) {
  test(`${name} is no page`, () => {
    assert.throws(() => asPage(page), { name: 'Failure', reason: 'graph_answer_invalid' })
  })
}

test('one message is held to the same shape', () => {
  assert.equal(asMessage(message), message)
  for (const none of [null, [], {}, { id: 7 }, { value: [message] }, 'MC1']) {
    assert.throws(() => asMessage(none), { name: 'Failure', reason: 'graph_answer_invalid' })
  }
})
