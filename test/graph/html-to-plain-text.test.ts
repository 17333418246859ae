import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { htmlToPlainText } from '../../src/graph/html-to-plain-text.ts'

const cases: readonly [name: string, html: string, text: string][] = [
  ['nothing', '', ''],
  ['a text', 'plain', 'plain'],
  ['paragraphs', '<p>One</p><p>Two</p>', 'One\n\nTwo'],
  ['headings as they are written', '<h2>What is new</h2><p>x</p>', 'What is new\n\nx'],
  ['entities', '<p>Tom &amp; &lt;b&gt; &quot;x&quot; &#8364; &#x1F600;</p>', 'Tom & <b> "x" € 😀'],
  ['a list', '<ul><li>One</li><li>Two</li></ul>', ' * One\n * Two'],
  [
    'a link with its address',
    '<a href="https://x.example/a?b=1&amp;c=2">here</a>',
    'here [https://x.example/a?b=1&c=2]',
  ],
  ['a link that is its own text', '<a href="https://x.example/">https://x.example/</a>', 'https://x.example/'],
  ['an image by what it says', '<p>See <img src="cid:1" alt="the chart"></p>', 'See the chart'],
  ['a table in columns', '<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>', 'A   B\n1   2'],
  [
    'a cell over two columns',
    '<table><tr><td colspan="2">AB</td></tr><tr><td>1</td><td>2</td></tr></table>',
    'AB\n1   2',
  ],
  ['no script', '<p>x</p><script>alert("1 < 2")</script>', 'x'],
  ['no style', '<style>p { color: red }</style><p>x</p>', 'x'],
  ['no comment', '<p>x<!-- inner --></p>', 'x'],
  ['tags that never end', '<p>x<b>y', 'xy'],
  ['an image that says nothing', '<p>x <img src="cid:1"></p>', 'x'],
  ['ends that never began', '</table>x</b>', 'x'],
]
for (const [name, html, text] of cases) {
  test(`${name}: ${JSON.stringify(text)}`, () => {
    assert.equal(htmlToPlainText(html).trimEnd(), text)
  })
}

const times = (part: string, count: number) => part.repeat(count)
const hostile: readonly [name: string, html: string][] = [
  ['200,000 divisions in one another', times('<div>', 200_000)],
  ['300,000 bold in one another', times('<b>', 300_000)],
  ['60,000 tables in one another', times('<table><tr><td>', 60_000)],
  ['100,000 lists in one another', times('<ul><li>', 100_000)],
  ['a cell over a hundred million columns', '<table><tr><td colspan="100000000">x</td></tr></table>'],
  ['a cell over 1e9 rows', '<table><tr><td rowspan=1e9>x</td></tr></table>'],
  ['a cell over columns in hexadecimal', "<table><tr><td COLSPAN = '0xffffff'>x</td></tr></table>"],
  [
    'a cell over columns in entities',
    '<table><tr><td colspan="&#57;&#57;&#57;&#57;&#57;&#57;&#57;">x</td></tr></table>',
  ],
  ['a cell over white space and many columns', '<table><tr><td colspan="\n 9999999">x</td></tr></table>'],
  ['a hundred thousand brackets', times('<', 100_000)],
  ['a hundred thousand attributes', `<td ${times('colspan=', 100_000)}>`],
  ['5 MB of text', times('x', 5_000_000)],
]
for (const [name, html] of hostile) {
  test(`${name} cost no more than a moment`, () => {
    const started = performance.now()
    htmlToPlainText(html)
    const ms = performance.now() - started
    // Unbounded, each of them takes many seconds, or the process.
    assert.ok(ms < 3_000, `${ms} ms`)
  })
}

test('whatever it is given, it gives a text', () => {
  const unit = fc.constantFrom(
    '<',
    '>',
    '/',
    '"',
    "'",
    '=',
    '&',
    ';',
    '#',
    'a',
    'td',
    'table',
    'colspan',
    'p',
    '!--',
    '9',
    ' ',
  )
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 60 }), (html) => {
      assert.equal(typeof htmlToPlainText(html), 'string')
    }),
  )
})
