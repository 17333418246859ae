import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  asMessage,
  asPage,
  fieldsWithoutBody,
  present,
  presentAll,
} from '../../../src/plugins/message-center/message.ts'

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

test('a link of OData and its kin are no part of a message', async () => {
  const given = { '@odata.context': 'x', 'details@odata.type': 'y', ...message }
  assert.deepEqual(await present(given, 'none'), { ...message, url })
})

const asked: readonly [field: string, value: unknown, shown: unknown][] = [
  ['viewPoint', null, undefined],
  ['viewPoint', { isRead: null, isFavorited: true }, { isFavorited: true }],
  ['viewPoint', {}, {}],
  ['viewPoint', { isRead: true, isNew: 'x' }, { isRead: true, isNew: 'x' }],
  ['viewPoint', 'read', undefined],
  ['services', null, undefined],
  ['tags', 'GDPR', undefined],
  ['isMajorChange', null, undefined],
  ['isMajorChange', 'yes', undefined],
  ['actionRequiredByDateTime', null, undefined],
  ['title', 7, undefined],
  ['details', null, undefined],
  ['details', [{ name: 'A', value: 'x' }, null, { name: 'B' }, 7], [{ name: 'A', value: 'x' }]],
  ['hasAttachments', null, undefined],
  ['somethingNew', null, undefined],
  ['expiryDateTime', '2026-01-01', '2026-01-01'],
]
for (const [field, value, shown] of asked) {
  test(`${field} that is ${JSON.stringify(value)} is ${JSON.stringify(shown)}`, async () => {
    const presented: Record<string, unknown> = await present({ id: 'MC1', [field]: value }, 'none')
    assert.deepEqual(presented, { id: 'MC1', url, ...(shown !== undefined && { [field]: shown }) })
  })
}

test('a message of which only the id is left is one', async () => {
  assert.deepEqual(await present({ id: 'MC1' }, 'text'), { id: 'MC1', url })
})

const bodies: readonly [name: string, body: unknown][] = [
  ['a text', 'x'],
  ['without content', { contentType: 'html' }],
  ['of a content that is none', { contentType: 'html', content: 7 }],
]
for (const [name, body] of bodies) {
  test(`a body ${name} is a note with the link`, async () => {
    const { body: shown } = await present({ id: 'MC1', body }, 'text')
    assert.equal(shown?.contentType, 'text')
    assert.match(shown?.content ?? '', /could not be read.*admin\.microsoft\.com.*MC1/)
  })
}

/** Posts of one word each, and what a page of them becomes. */
const posts = (...words: string[]) => words.map((content, i) => ({ id: `MC${i}`, body: { ...html, content } }))
const shownOf = async (...given: Parameters<typeof presentAll>) =>
  (await presentAll(...given)).map(({ body }) => (/could not be read/.test(body?.content ?? '') ? '-' : body?.content))

test('a post that breaks the converter is a note, and the others are as without it', async () => {
  const toText = (text: string) => {
    if (text === 'bad') throw new RangeError('Invalid count value')
    return text
  }
  assert.deepEqual(await shownOf(posts('a', 'bad', 'c'), 'text', { toText }), ['a', '-', 'c'])
})

test('a page takes no longer than it may: what is left of it are notes', async () => {
  let nowMs = 0
  const rendering = {
    now: () => nowMs,
    toText: (text: string) => {
      nowMs += Number(text)
      return text
    },
  }
  assert.deepEqual(await shownOf(posts('1000', '1999', '5000', '1', '1'), 'text', rendering), [
    '1000',
    '1999',
    '5000',
    '-',
    '-',
  ])
})

test('a page is no longer than it may: what does not fit are notes', async () => {
  const rendering = { toText: (text: string) => (text === 'big' ? 'x'.repeat(5 * 1024 * 1024) : text) }
  const shown = await shownOf(posts('big', 'big', 'c'), 'text', rendering)
  assert.deepEqual(
    shown.map((text) => text?.slice(0, 1)),
    ['x', '-', 'c'],
  )
})

test('others get their turn between any two bodies', async () => {
  let turns = 0
  const timer = setInterval(() => turns++, 0)
  const busy = (text: string) => {
    const endMs = performance.now() + 5
    while (performance.now() < endMs);
    return text
  }
  await presentAll(posts(...'abcdefgh'), 'text', { toText: busy })
  clearInterval(timer)
  assert.ok(turns >= 4, `${turns}`)
})

test('a page of a hundred nested posts blocks nobody for long, and is whole', async () => {
  const nested = Array<string>(100).fill('<div>'.repeat(60_000))
  let longestMs = 0
  let lastMs = performance.now()
  const timer = setInterval(() => {
    longestMs = Math.max(longestMs, performance.now() - lastMs)
    lastMs = performance.now()
  }, 0)
  const shown = await presentAll([...posts(...nested), ...posts('<p>good</p>')], 'text')
  clearInterval(timer)
  assert.equal(shown.length, 101)
  assert.equal(shown.at(-1)?.body?.content, 'good')
  assert.ok(longestMs < 500, `${longestMs} ms`)
})

const launched =
  '{"RoadmapId":478611,"Platform":"Web","Status":"Launched","LastUpdateTime":"2026-02-11T01:29:10.02Z","LatestRing":"StandardRelease"}'
const detail = (value: string) => ({ name: 'FeatureStatusJson', value })

test('the rollout status is told as data, once', async () => {
  const details = [{ name: 'Summary', value: 'S' }, detail(`{"478611":[${launched}]}`)]
  const shown = await present({ id: 'MC1', details }, 'none')
  assert.deepEqual(shown.details, [{ name: 'Summary', value: 'S' }])
  assert.deepEqual(shown.featureStatus, [
    {
      roadmapId: '478611',
      platform: 'Web',
      status: 'Launched',
      lastUpdateTime: '2026-02-11T01:29:10.02Z',
      latestRing: 'StandardRelease',
    },
  ])
})

test('a rollout status that cannot be read stays as it came', async () => {
  const details = [detail('{"478611":[{"Platform":"Web"}]}')]
  assert.deepEqual(await present({ id: 'MC1', details }, 'none'), { id: 'MC1', url, details })
})

test('a list asks for every field but the body and what is made here', () => {
  const fields = fieldsWithoutBody.split(',')
  for (const field of ['id', 'title', 'services', 'tags', 'viewPoint', 'actionRequiredByDateTime', 'details']) {
    assert.ok(fields.includes(field), field)
  }
  for (const field of ['body', 'url', 'featureStatus']) assert.ok(!fields.includes(field), field)
  assert.match(fieldsWithoutBody, /^[A-Za-z]+(,[A-Za-z]+)*$/)
})

const pages: readonly [name: string, page: unknown][] = [
  ['an empty page', { value: [] }],
  [
    'a page with everything',
    { value: [message], '@odata.count': 7, '@odata.nextLink': 'https://x', '@odata.context': 'y' },
  ],
  ['a body that is null', { value: [{ id: 'MC1', body: null }] }],
  ['services that are a text', { value: [{ id: 'MC1', services: 'Teams' }] }],
  ['a body that is a text', { value: [{ id: 'MC1', body: 'x' }] }],
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
  ['a count that is a text', { value: [], '@odata.count': '7' }],
  ['a link that is a number', { value: [], '@odata.nextLink': 12 }],
]
for (const [name, page] of noPages) {
  test(`${name} is no page`, () => {
    assert.throws(() => asPage(page), { name: 'Failure', reason: 'graph_response_invalid' })
  })
}

test('one message is held to the same shape', () => {
  assert.equal(asMessage(message), message)
  for (const none of [null, [], {}, { id: 7 }, { value: [message] }, 'MC1']) {
    assert.throws(() => asMessage(none), { name: 'Failure', reason: 'graph_response_invalid' })
  }
})
