import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCorpus } from '../../emulator/graph/corpus/index.ts'

const corpus = createCorpus()
const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/
const text = (html: string) => html.replaceAll(/<[^>]+>/g, ' ')

test('there are at least 300 posts', () => {
  assert.ok(corpus.length >= 300)
})

test('the corpus is the same at every call', () => {
  assert.deepEqual(createCorpus(), corpus)
})

test('ids are unique and ascend with the start date', () => {
  const ids = corpus.map(({ id }) => id)
  assert.ok(ids.every((id) => /^MC1\d{6}$/.test(id)))
  assert.deepEqual([...new Set(ids)].sort(), ids)
  const starts = corpus.map(({ startDateTime }) => startDateTime)
  assert.deepEqual(starts.toSorted(), starts)
})

test('dates are valid, in order, and none is written after the anchor', () => {
  for (const { startDateTime, lastModifiedDateTime, endDateTime, actionRequiredByDateTime } of corpus) {
    assert.match(startDateTime, iso)
    assert.match(lastModifiedDateTime, iso)
    assert.match(endDateTime, iso)
    assert.match(actionRequiredByDateTime ?? endDateTime, iso)
    assert.ok(Date.parse(startDateTime) <= Date.parse(lastModifiedDateTime))
    assert.ok(Date.parse(startDateTime) < Date.parse(endDateTime))
    assert.ok(Date.parse(lastModifiedDateTime) <= Date.UTC(2026, 10, 20, 17, 30))
  }
})

test('no two posts have the same title', () => {
  assert.equal(new Set(corpus.map(({ title }) => title)).size, corpus.length)
})

test('no two bodies are the same text with other numbers', () => {
  const bodies = corpus.map(({ body }) => text(body.content).replaceAll(/\d+/g, '#'))
  assert.equal(new Set(bodies).size, corpus.length)
})

test('a body holds no placeholder that nobody filled', () => {
  for (const { id, title, body } of corpus) assert.doesNotMatch(title + body.content, /undefined|null|NaN|\[object/, id)
})

test('every tag that opens in a body closes there', () => {
  for (const { id, body } of corpus) {
    const open: string[] = []
    for (const [, slash, name = ''] of body.content.matchAll(/<(\/?)([a-z0-9]+)[^>]*>/g)) {
      if (name === 'img' || name === 'br') continue
      if (slash === '') open.push(name)
      else assert.equal(open.pop(), name, id)
    }
    assert.deepEqual(open, [], id)
  }
})

test('a reference to another post leads to an earlier one', () => {
  const ids = new Set(corpus.map(({ id }) => id))
  const references = corpus.flatMap(({ id, body }) =>
    [...body.content.matchAll(/messages\/(\w+)/g)].map(([, to = '']) => [id, to] as const),
  )
  assert.ok(references.length > 100)
  for (const [from, to] of references) assert.ok(ids.has(to) && to < from, `${from} to ${to}`)
})

test('a post says it was updated in its title, its tags, its dates and its body, or in none of them', () => {
  for (const { id, title, tags, startDateTime, lastModifiedDateTime, body } of corpus) {
    const updated = title.startsWith('(Updated) ')
    assert.equal(tags.includes('Updated message'), updated, id)
    assert.equal(lastModifiedDateTime !== startDateTime, updated, id)
    assert.equal(body.content.startsWith('<p>Updated '), updated, id)
  }
})

const kinds: Record<string, (message: (typeof corpus)[number]) => boolean> = {
  'data privacy': ({ tags }) => tags.includes('Data privacy'),
  retirement: ({ tags }) => tags.includes('Retirement'),
  'major change': ({ isMajorChange }) => isMajorChange,
  'deadline ahead': ({ actionRequiredByDateTime }) => (actionRequiredByDateTime ?? '') > '2026-11-20',
  attachment: ({ hasAttachments }) => hasAttachments,
  table: ({ body }) => body.content.includes('<table>'),
  image: ({ body }) => body.content.includes('<img'),
  'nested list': ({ body }) => /<ul><li>.*?<\/ul><\/li>/s.test(body.content),
  entity: ({ body }) => body.content.includes('&nbsp;'),
  'text in Japanese': ({ body }) => /\p{Script=Hiragana}/u.test(body.content),
  emoji: ({ body }) => /\p{Emoji_Presentation}/u.test(body.content),
  'critical severity': ({ severity }) => severity === 'critical',
  'issue to prevent': ({ category }) => category === 'preventOrFixIssue',
}

for (const [kind, is] of Object.entries(kinds)) {
  test(`some posts, but not all, have: ${kind}`, () => {
    const found = corpus.filter(is).length
    assert.ok(found > 0 && found < corpus.length / 2, `${found}`)
  })
}
