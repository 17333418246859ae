import assert from 'node:assert/strict'
import { test } from 'node:test'
import { htmlToPlainText } from '../../src/plugins/message-center/html-to-plain-text.ts'
import { blocksOf, inlinesOf, shownUrl } from '../../view/body-text.ts'

test('what the server renders of HTML has its structure again', () => {
  const text = htmlToPlainText(`<p><b>[When this will happen:]</b></p><p>Rollout begins in May.<br>It ends in June.</p>
    <h2>How to prepare</h2><ul><li>Update</li><li>Tell users</li></ul><ol><li>First</li><li>Second</li></ol>
    <blockquote><p>Dear all,</p><ul><li>one</li></ul></blockquote>
    <table><tr><td>Question</td><td>Answer</td></tr><tr><td>New data?</td><td>No</td></tr></table>
    <p>Can we go back?<br>No.</p>`)
  assert.deepEqual(blocksOf(text), [
    { kind: 'heading', text: 'When this will happen' },
    { kind: 'paragraph', text: 'Rollout begins in May.\nIt ends in June.' },
    { kind: 'heading', text: 'How to prepare' },
    { kind: 'list', isOrdered: false, items: ['Update', 'Tell users'] },
    { kind: 'list', isOrdered: true, items: ['First', 'Second'] },
    {
      kind: 'quote',
      blocks: [
        { kind: 'paragraph', text: 'Dear all,' },
        { kind: 'list', isOrdered: false, items: ['one'] },
      ],
    },
    {
      kind: 'table',
      rows: [
        ['Question', 'Answer'],
        ['New data?', 'No'],
      ],
    },
    { kind: 'question', text: 'Can we go back?' },
    { kind: 'paragraph', text: 'No.' },
  ])
})

for (const line of ['It ends in June.', 'Note: this is a sentence', 'and so on', '[image: settings]', 'Is it?']) {
  test(`no heading: ${line}`, () => {
    assert.equal(blocksOf(line)[0]?.kind, 'paragraph')
  })
}

test('links, images and other messages are found within a text', () => {
  const text = htmlToPlainText(`<p>See <a href="https://learn.microsoft.com/teams/?a=1">Teams</a>, https://aka.ms/x.
    <img src="https://t.example/p.gif" alt="a switch"> <a href="javascript:alert(1)">here</a>
    <a href="https://admin.microsoft.com/#/MessageCenter/:/messages/MC123456">MC123456</a></p>`)
  assert.deepEqual(
    inlinesOf(text).filter(({ kind }) => kind !== 'text'),
    [
      { kind: 'link', url: 'https://learn.microsoft.com/teams/?a=1' },
      { kind: 'link', url: 'https://aka.ms/x' },
      { kind: 'image', text: 'a switch' },
      { kind: 'message', id: 'MC123456' },
    ],
  )
})

test('an address of another scheme, or of no host, is text', () => {
  for (const text of ['javascript:alert(1)', '[javascript:alert(1)]', 'data:text/html,x', 'http://[', 'https://']) {
    assert.ok(
      inlinesOf(text).every(({ kind }) => kind === 'text'),
      text,
    )
  }
})

test('a link to somewhere else that calls itself a message is shown as what it is', () => {
  assert.deepEqual(inlinesOf('MC1 [https://evil.example/messages/MC1]'), [
    { kind: 'message', id: 'MC1' },
    { kind: 'text', text: ' ' },
    { kind: 'link', url: 'https://evil.example/messages/MC1' },
  ])
})

test('a link shows where it leads, cut to what a line holds', () => {
  assert.equal(shownUrl('https://www.microsoft.com/en-us/?x=1'), 'microsoft.com/en-us')
  assert.equal(shownUrl('https://user:pass@evil.example:8443/'), 'evil.example:8443')
  assert.equal(shownUrl(`https://a.example/${'x'.repeat(99)}`).length, 48)
})

test('a text made to be slow is read in time', () => {
  const begin = performance.now()
  for (const part of ['[https://a', 'MC1 [https://admin.microsoft.com/', '[image: ', ' * \n', '> ', 'A: ']) {
    const text = part.repeat(60_000 / part.length)
    for (const block of blocksOf(text)) if ('text' in block) inlinesOf(block.text)
  }
  const tookMs = performance.now() - begin
  assert.ok(tookMs < 5_000, `${tookMs} ms`)
})
