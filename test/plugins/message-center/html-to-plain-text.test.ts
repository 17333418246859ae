import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { htmlToPlainText } from '../../../src/plugins/message-center/html-to-plain-text.ts'

const table = (...rows: string[]) => `<table>${rows.map((row) => `<tr>${row}</tr>`).join('')}</table>`

const cases: readonly [name: string, html: string, text: string][] = [
  ['nothing', '', ''],
  ['a text', 'plain', 'plain'],
  ['paragraphs', '<p>One</p><p>Two</p>', 'One\n\nTwo'],
  ['headings as they are written', '<h2>What is new</h2><p>x</p>', 'What is new\n\nx'],
  ['entities', '<p>Tom &amp; &lt;b&gt; &quot;x&quot; &#8364; &#x1F600;</p>', 'Tom & <b> "x" € 😀'],
  ['a list', '<ul><li>One</li><li>Two</li></ul>', ' * One\n * Two'],
  ['a list in a list', '<ul><li>One<ul><li>Two</li></ul></li></ul>', ' * One\n   * Two'],
  [
    'a list between the items of another, as many posts have it',
    '<ul><li>One</li><ul><li>Two</li><ul><li>Three</li></ul></ul><li>Four</li></ul>',
    ' * One\n   * Two\n     * Three\n * Four',
  ],
  ['a list right behind a line', '<b>When</b><ul><li>May</li></ul>then', 'When\n * May\n\nthen'],
  ['an item without a list', '<li>x<li>y', ' * x\n * y'],
  ['an item that says nothing', '<ul><li></li><li> <b></b></li><li>x</li></ul>', ' * x'],
  ['an item of two paragraphs', '<ul><li><p>x</p><p>y</p></li><li>z</li></ul>', ' * x\n\n   y\n\n * z'],
  ['a quotation', 'He: <blockquote>x<br>y</blockquote>z', 'He:\n\n> x\n> y\n\nz'],
  ['a quotation in an item', '<ul><li><blockquote>x<br>y</blockquote></li></ul>', ' * > x\n   > y'],
  ['a rule', '<p>x</p><hr><p>y</p>', 'x\n\n---\n\ny'],
  ['code as it is indented', '<pre>if {\n &nbsp;x;\n}</pre>', 'if {\n  x;\n}'],
  ['a numbered list', '<ol><li>One</li><li>Two</li></ol>', ' 1. One\n 2. Two'],
  ['a list that goes on', '<ol start="3"><li>x</li></ol>', ' 3. x'],
  ['a list by letters', '<ol type="a" start="2"><li>x</li><li>y</li></ol>', ' b. x\n c. y'],
  ['a list beyond its letters', '<ol type="A" start="26"><li>x</li><li>y</li></ol>', ' Z. x\n 27. y'],
  ['a list with a start that is none', '<ol start="x"><li>x</li></ol>', ' 1. x'],
  ['a list with a wild start', '<ol type="I" start="3999999"><li>x</li></ol>', ' 1. x'],
  ['a list that holds a text', '<ul>note<li>x</li></ul>', 'note\n * x'],
  ['terms and what they mean', '<dl><dt>A</dt><dd>is this</dd></dl>', 'A\nis this'],

  // Tables.
  [
    'a table by rows',
    table('<th>Question</th><th>Answer</th>', '<td>Is it on?</td><td>Yes</td>'),
    'Question | Answer\nIs it on? | Yes',
  ],
  [
    'a table with its parts and title',
    '<table><caption>T</caption><thead><tr><th>A<th>B</thead><tbody><tr><td>1<td>2</tbody><tfoot><tr><td>3<td>4</tfoot></table>',
    'T\nA | B\n1 | 2\n3 | 4',
  ],
  ['cells that are never closed', '<table><tr><td>a<td>b<tr><td>c<td>d</table>', 'a | b\nc | d'],
  ['paragraphs and breaks in a cell', table('<td><p>a</p><p>b<br>c</p></td><td>d</td>'), 'a b c | d'],
  ['a long cell', table(`<td>${'word '.repeat(50)}end</td><td>x</td>`), `${'word '.repeat(50)}end | x`],
  ['a list in a cell', table('<td>a</td><td>All:<ul><li>x</li><li>y</li></ul></td>'), 'a | All: x; y'],
  ['a numbered list in a cell', table('<td>a</td><td><ol><li>x</li><li>y</li></ol></td>'), 'a | 1. x; 2. y'],
  ['a note with an asterisk in a cell', table('<td>a</td><td>* not yet</td>'), 'a | * not yet'],
  ['an empty cell', table('<td>a</td><td></td><td>c</td>'), 'a |  | c'],
  ['an empty row', table('<td>a</td><td>b</td>', '<td> </td><td>&nbsp;</td>', '<td>c</td><td>d</td>'), 'a | b\nc | d'],
  ['a cell over two columns', table('<td colspan="2">AB</td>', '<td>1</td><td>2</td>'), 'AB\n1 | 2'],
  [
    'a table in a cell',
    table(`<td>o</td><td>${table('<td>q</td><td>a</td>', '<td>r</td><td>b</td>')}</td>`),
    'o | q | a; r | b',
  ],
  [
    'a table that only holds others',
    table(`<td><p>Before</p>${table('<td>q</td><td>a</td>', '<td>r</td><td>b</td>')}</td>`, '<td>After</td>'),
    'Before\n\nq | a\nr | b\n\nAfter',
  ],
  ['a list of one column', table('<td>a<ul><li>x</li></ul></td>', '<td>b</td>'), 'a\n * x\n\nb'],
  ['a layout in an item', `<ul><li>${table('<td><h3>h</h3></td>', '<td>b</td>')}</li></ul>`, ' * h\n\n   b'],
  ['a cell without a row, and one without a table', '<table><td>a<td>b</table><td>c', 'a\nb\n\nc'],
  ['what stands between the rows', '<table>loose<tr><td>a<td>b</table>', 'loose\na | b'],
  ['code in a cell', table('<td>a</td><td><pre>x\n  y</pre></td>'), 'a | x y'],

  // Links.
  [
    'a link with its address',
    '<a href="https://x.example/a?b=1&amp;c=2">here</a>',
    'here [https://x.example/a?b=1&c=2]',
  ],
  ['a link that is its own text', '<a href="https://x.example/">https://x.example/</a>', 'https://x.example/'],
  ['a link that is its own text but for the scheme', '<a href="https://x.example/a/">X.example/a</a>', 'X.example/a'],
  [
    'a link across words',
    '<a href="https://x.example/">the <b>new</b>\n page</a>.',
    'the new page [https://x.example/].',
  ],
  ['a link without text', 'See <a href="https://x.example/"></a> now', 'See [https://x.example/] now'],
  [
    'a link that is never closed',
    '<a href="https://x.example/">the <a href="https://x.example/b">new</a> page',
    'the [https://x.example/] new [https://x.example/b] page',
  ],
  ['a mail address', '<a href="mailto:a@x.example">a@x.example</a>', 'a@x.example'],
  ['an address without scheme', '<a href="//x.example/a">here</a>', 'here [https://x.example/a]'],
  ['an image in a link', '<a href="https://x.example/"><img alt="chart"></a>', '[image: chart] [https://x.example/]'],
  [
    'a roadmap link by its id',
    'ID <a href="https://www.microsoft.com/microsoft-365/roadmap?filters=&amp;searchterms=478611">478611</a>.',
    'ID 478611.',
  ],
  [
    'a roadmap link whose text is another',
    '<a href="https://www.microsoft.com/en-us/microsoft-365/roadmap?id=478611">here</a>',
    'here [478611]',
  ],
  [
    'a bare roadmap address',
    '<p>(https://www.microsoft.com/microsoft-365/roadmap?searchterms=478611#Roadmap).</p>',
    '(478611).',
  ],
  [
    'a roadmap link that is its own text',
    '<a href="https://www.microsoft.com/microsoft-365/roadmap?id=1234">https://www.microsoft.com/microsoft-365/roadmap?id=1234</a>',
    '1234',
  ],
  [
    'the roadmap as such',
    '<a href="https://www.microsoft.com/microsoft-365/roadmap">Roadmap</a>',
    'Roadmap [https://www.microsoft.com/microsoft-365/roadmap]',
  ],

  // Images.
  ['an image by what it says', '<p>See <img src="cid:1" alt="the chart"></p>', 'See [image: the chart]'],
  ['an image with a text of two lines', '<img alt="user\n settings">', '[image: user settings]'],
  ['an image that says nothing', '<p>x<img src="cid:1">y</p>', 'x [image] y'],
  ['an image that says it has nothing to say', '<img src="cid:1" alt=" ">', '[image]'],

  // Spaces.
  ['spaces of all kinds', 'a&nbsp;b\u2003c\u202fd&nbsp;&nbsp;e\u3000\u00a0f', 'a b c d e f'],
  ['no-break spaces in code', '<pre>a\u00a0\u00a0b</pre>', 'a  b'],
  ['one empty line at most', '<p>a</p><br><br><p>&nbsp;</p><p></p><br><p>b</p>', 'a\n\nb'],
  ['one empty line at most in code', '<pre>a\n\n\n \n\nb</pre>', 'a\n\nb'],

  // What nobody sees, or is not to be read as valid.
  ['no script', '<p>x</p><script>alert("1 < 2")</script>', 'x'],
  ['no style', '<style>p { color: red }</style><p>x</p>', 'x'],
  ['no comment', '<p>x<!-- inner --></p>', 'x'],
  ['no comment for Outlook', '<!--[if mso]><p>inner</p><![endif]--><p>x</p>', 'x'],
  ['nothing struck out', 'a <s>b</s> <strike>c</strike> <del>d</del> e', 'a e'],
  ['nothing struck out by style', 'a <span style="text-decoration: line-through red">b</span> c', 'a c'],
  ['ins and u, which are valid', '<ins>a</ins> <u>b</u>', 'a b'],
  ['no template', 'x<template>y</template><noscript>z</noscript><iframe>w</iframe>', 'x'],
  ['no tag characters', 'x\u{e0069}\u{e0067}\u202ey\u200b\ufeff', 'xy'],
  ['tags that never end', '<p>x<b>y', 'xy'],
  ['ends that never began', '</table>x</b>', 'x'],
]
for (const [name, html, text] of cases) {
  test(`${name}: ${JSON.stringify(text)}`, () => {
    assert.equal(htmlToPlainText(html), text)
  })
}

for (const attribute of [
  'hidden',
  'hidden=""',
  'HIDDEN="until-found"',
  'aria-hidden="true"',
  'aria-hidden=" TRUE "',
  'style="display:none"',
  'style="color: red; DISPLAY : none !important"',
  'style="display:/* x */none;"',
  'style="visibility: hidden"',
  'style="font-size:0"',
  'style="font-size: 0px; color: red"',
  'style="font-size:.0em"',
  'style="font-size: 0.00%"',
  'style="opacity: 0"',
  'style="opacity: 0.0;"',
  'style="mso-hide: all"',
  'style="text-indent: -9999px"',
]) {
  for (const hidden of [
    `<span ${attribute}>secret</span>`,
    `<p ${attribute}>secret</p>`,
    `<a href="https://x.example/secret" ${attribute}>secret</a>`,
    `<img alt="secret" ${attribute}>`,
    `<table ${attribute}><tr><td>secret</table>`,
    `<table><tr ${attribute}><td>secret<td>secret</table>`,
    `<table><tr><td ${attribute}>secret</table>`,
    `<ul><li ${attribute}>secret</ul>`,
    `<div ${attribute}><div><b>secret</b></div></div>`,
  ]) {
    test(`hidden is not told: ${hidden}`, () => {
      assert.equal(htmlToPlainText(`before ${hidden} after`).replaceAll(/\s+/g, ' '), 'before after')
    })
  }
}

for (const shown of [
  'aria-hidden="false"',
  'style="display:block"',
  'style="font-size:0.8em"',
  'style="font-size:10px"',
  'style="opacity:0.5"',
  'style="x-display:none"',
  'style="background:url(hidden)"',
  'class="hidden"',
]) {
  test(`${shown} is shown, as what it is`, () => {
    assert.equal(htmlToPlainText(`<ul ${shown}><li>x</li></ul>`), ' * x')
    assert.equal(htmlToPlainText(`<table ${shown}><tr><td ${shown}>x<td>y</table>`), 'x | y')
  })
}

const times = (part: string, count: number) => part.repeat(count)
const hostile: readonly [name: string, html: string][] = [
  ['200,000 divisions in one another', times('<div>', 200_000)],
  ['300,000 bold in one another', times('<b>', 300_000)],
  ['60,000 tables in one another', times('<table><tr><td>', 60_000)],
  ['100,000 lists in one another', times('<ul><li>', 100_000)],
  ['20,000 styles in one another', times('<div style="a:b">', 20_000)],
  ['20,000 links in one another', times('<a href=https://x.example>y ', 20_000)],
  ['a cell over a hundred million columns', '<table><tr><td colspan="100000000">x</td></tr></table>'],
  ['a cell over 1e9 rows', '<table><tr><td rowspan=1e9>x</td></tr></table>'],
  [
    'a cell over columns in entities',
    '<table><tr><td colspan="&#57;&#57;&#57;&#57;&#57;&#57;&#57;">x</td></tr></table>',
  ],
  ['one wide cell and many rows', table(`<td>${times('x', 30_000)}`, ...Array<string>(1_500).fill('<td>a<td>b'))],
  ['a long list in Roman numerals', `<ol type="I" start="3999999">${times('<li>x', 10_000)}</ol>`],
  ['a list of many lines, deep down', times('<ul><li>', 29) + times('<br>x', 8_000)],
  ['a quotation of many lines, deep down', times('<blockquote>', 29) + times('<br>x', 8_000)],
  ['a hundred thousand brackets', times('<', 100_000)],
  ['a hundred thousand attributes', `<td ${times('colspan=', 100_000)}>`],
  ['a million attributes', `<p ${times('a b c d e ', 200_000)}>x`],
  ['a style without end', `<p style="${times('font-size:0', 9_000)}">x`],
  ['a style of comments', `<p style="${times('/*', 30_000)}">x`],
  ['an entity without end', `&#${times('9', 100_000)};`],
  ['a hundred thousand entities', times('&#x1F600;', 100_000)],
  ['roadmap addresses without end', `https://${times('roadmap?', 8_000)}`],
  ['spaces without end', `<pre>${times(' ', 59_000)}x</pre>`],
  ['an address without end', `<a href="https://x.example/${times('a', 50_000)}">x</a>`],
  ['images without end', times('<img>', 12_000)],
  ['5 MB of text', times('x', 5_000_000)],
]
for (const [name, html] of hostile) {
  test(`${name} cost no more than a moment, and no more text than a long post`, () => {
    const started = performance.now()
    const { length } = htmlToPlainText(html)
    const ms = performance.now() - started
    // Unbounded, each of them takes many seconds, or the process.
    assert.ok(ms < 1_000, `${ms} ms`)
    assert.ok(length < 61_000, `${length} characters`)
  })
}

test('where something is left out for its length or depth, that is said', () => {
  const said = /\n\n\[The rest of this post is left out\.\]$/
  assert.match(htmlToPlainText(`<p>${'x'.repeat(70_000)}</p>`), said)
  assert.match(htmlToPlainText(`<p>first</p>${times('<b>', 2_000)}x`), /^first\n\n\[The rest/)
  assert.match(htmlToPlainText(times(`<p>${times('<img>', 10)}</p>`, 1_000)).slice(-100), said)
  assert.doesNotMatch(htmlToPlainText(`<p>${'x'.repeat(50_000)}</p>`), said)
  assert.doesNotMatch(htmlToPlainText(times('<p>x<br>y</p><hr>', 1_500)), said)
})

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
    'ul',
    'ol start',
    'style',
    'href',
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
