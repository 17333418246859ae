import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Body, toBody } from '../../../src/plugins/message-center/body.ts'

const make = (body: unknown, fields = {}, find: (key: string) => Body | undefined = () => undefined) =>
  toBody({ id: 'MC1', lastModifiedDateTime: '2026-11-01T00:00:00Z', ...fields, body }, find)

const html = (content: string) => ({ contentType: 'html', content })

const texts: readonly [rule: string, body: unknown, text: string | undefined][] = [
  ['HTML is rendered', html('<p>Tom &amp; <b>Jerry</b></p>'), 'Tom & Jerry'],
  ['a content type in any case is HTML', { contentType: 'HTML', content: '<p>x</p>' }, 'x'],
  ['without a content type it is HTML', { content: '<p>x</p>' }, 'x'],
  ['a text is a text, be there what may in it', { contentType: 'text', content: '<b> &amp;' }, '<b> &amp;'],
  ['a body that is null is empty', null, ''],
  ['a body that is absent is empty', undefined, ''],
  ['a body that is a text is empty', 'x', ''],
  ['a content that is a number is empty', { contentType: 'html', content: 7 }, ''],
]
for (const [rule, body, text] of texts) {
  test(rule, () => {
    assert.equal(make(body).text, text)
  })
}

test('the content stays as Graph has it', () => {
  const { contentType, content, version } = make(html('<p>Tom &amp; Jerry</p>'))
  assert.deepEqual([contentType, content, version], ['html', '<p>Tom &amp; Jerry</p>', '2026-11-01T00:00:00Z'])
})

test('each of its parts is made once, and by itself', () => {
  const body = make(html('<p>Tom</p>'))
  assert.equal(body.isPrepared(['text']), false)
  body.prepare(['words'])
  assert.equal(body.isPrepared(['text', 'words']), true)
  assert.equal(body.isPrepared(['words', 'dates']), false)
  body.prepare(['dates'])
  assert.equal(body.isPrepared(['words', 'dates']), true)
  assert.equal(body.words, body.words)
  assert.equal(body.dates, body.dates)
  assert.match(body.words, /^tom$/)
})

test('where links lead is in the text, and no word that is searched', () => {
  const body = make(html('<p>See <a href="https://learn.microsoft.com/ai/x">the guide</a> to agents, <i>[AI]</i>.</p>'))
  assert.equal(body.text, 'See the guide [https://learn.microsoft.com/ai/x] to agents, [AI].')
  assert.equal(body.words, 'see the guide to agents, [ai].')
})

test('a body of nothing but beginnings of addresses is searchable in time', () => {
  const body = make({ contentType: 'text', content: '[https:'.repeat(50_000) })
  const started = performance.now()
  assert.equal(body.words.length, 350_000)
  assert.ok(performance.now() - started < 1_000)
})

const differences: readonly [name: string, fields: object, body: unknown][] = [
  ['another message', { id: 'MC2' }, html('x')],
  ['another version', { lastModifiedDateTime: '2026-11-02T00:00:00Z' }, html('x')],
  ['another start, which dates in the text are counted from', { startDateTime: '2025-11-02T00:00:00Z' }, html('x')],
  ['another content', {}, html('y')],
  ['another kind', {}, { contentType: 'text', content: 'x' }],
]
test('what somebody was shown is found by exactly that', () => {
  const first = make(html('x'))
  const find = (key: string) => (key === first.key ? first : undefined)
  assert.equal(make(html('x'), { title: 'not part of it' }, find), first)
  for (const [name, fields, body] of differences) assert.notEqual(make(body, fields, find), first, name)
})

test('its size grows with its content', () => {
  assert.ok(make(html('x'.repeat(2_000))).bytes > make(html('x')).bytes + 2_000)
})
