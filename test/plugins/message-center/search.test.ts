import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isWordOf, scoreOf, searchable, termsOf } from '../../../src/plugins/message-center/search.ts'
import { bodyOf } from './posts.ts'

interface Texts {
  readonly title?: string
  readonly about?: string
  readonly text?: string
}

function score(search: string, { title = '', about = '', text }: Texts): number {
  return scoreOf(termsOf(search), {
    title: searchable(title),
    about: searchable(about),
    text: text === undefined ? undefined : searchable(text),
  })
}

const matches: readonly [rule: string, search: string, text: string, isFound: boolean][] = [
  ['a word is found in any case', 'TEAMS', 'Microsoft Teams', true],
  ['every word must occur', 'teams outlook', 'Microsoft Teams', false],
  ['words may occur in any order', 'teams microsoft', 'Microsoft Teams', true],
  ['the beginning of a word is found', 'retire', 'The retirement of it', true],
  ['the middle of a word is not', 'tire', 'The retirement of it', false],
  ['the end of a word is not', 'word', 'Reset your password', false],
  ['a later whole word is found behind a middle', 'word', 'password of Word', true],
  ['two letters are found as a whole word', 'AI', 'New AI features', true],
  ['two letters are no beginning', 'AI', 'The aim of it', false],
  ['two letters are no part', 'AI', 'Your email', false],
  ['one letter is found as a whole word', 'e', 'Plan E: e', true],
  ['one letter is no beginning', 'e', 'Exchange', false],
  ['three letters are a beginning', 'exc', 'Exchange', true],
  ['figures are words', '365', 'Microsoft 365', true],
  ['figures within figures are not found', '47861', 'Item 147861', false],
  ['a phrase is found as it stands', '"shared mailbox"', 'A shared mailbox in it', true],
  ['a phrase is not found in parts', '"shared mailbox"', 'A mailbox that is shared', false],
  ['a phrase may end within a word', '"shared mail"', 'A shared mailbox', true],
  ['a phrase does not begin within a word', '"hared mailbox"', 'A shared mailbox', false],
  ['a phrase and words must all occur', '"shared mailbox" delegate', 'A shared mailbox', false],
  ['a quote that is never closed is none', '"shared mailbox', 'A mailbox that is shared', true],
  ['typographic quotes are quotes', '“shared mailbox”', 'A mailbox that is shared', false],
  ['punctuation around a word is not sought', '(teams), outlook!', 'Teams and Outlook', true],
  ['C# and C++ are words of their own', 'c++', 'Written in C', false],
  ['C# is found', 'C#', 'Written in C#.', true],
  ['.NET is found', '.NET', 'For .NET 10', true],
  ['parts of hyphenated words are words', 'assisted', 'AI-assisted work', true],
  ['hyphenated words are found', 'AI-assisted', 'AI-assisted work', true],
  ['a no-break hyphen is a hyphen', 'opt-in', 'The opt\u2011in flow', true],
  ['an en dash is a hyphen', 'opt\u2013in', 'The opt-in flow', true],
  ['a minus is a hyphen', 'opt-in', 'The opt\u2212in flow', true],
  ['a soft hyphen is nothing', 'rollout', 'The roll\u00adout', true],
  ['a zero-width space is nothing', 'rollout', 'The roll\u200bout', true],
  ['a typographic apostrophe is one', "user's", 'The user\u2019s mailbox', true],
  ['an apostrophe is a typographic one', 'user\u2019s', "The user's mailbox", true],
  ['a no-break space is a space', '"shared mailbox"', 'A shared\u00a0mailbox', true],
  ['line breaks and several spaces are a space', '"shared mailbox"', 'A shared \n  mailbox', true],
  ['full-width letters are letters', 'Teams', '\uff34\uff45\uff41\uff4d\uff53', true],
  ['composed letters are found by decomposed ones', 'cafe\u0301', 'Caf\u00e9', true],
  ['letters of other alphabets are words', 'данных', 'Защита данных', true],
  ['regex characters mean themselves', 'a.c', 'abc', false],
  ['a regex is a text', 't.*s', 'teams', false],
  ['a class is a text', '[a-z]', 'x', false],
  ['a group that never ends is a text', '(teams', 'Teams', true],
]
for (const [rule, search, text, isFound] of matches) {
  test(`${rule}: ${search} in ${JSON.stringify(text)}`, () => {
    for (const where of ['title', 'about', 'text']) assert.equal(score(search, { [where]: text }) > 0, isFound, where)
  })
}

test('any word of a text finds it, whatever is in either', () => {
  const text = fc.string({ unit: 'grapheme' })
  fc.assert(
    fc.property(text, text, (around, some) => {
      const word = some.replaceAll(/[\s"“”]/gu, '')
      fc.pre(termsOf(word).length > 0)
      assert.ok(score(word, { title: `${around} ${word} ${around}` }) > 0)
    }),
  )
})

test('words may occur in different places', () => {
  assert.ok(score('teams retirement mailbox', { title: 'Teams', about: 'Retirement', text: 'Your mailbox' }) > 0)
})

test('a text that was not read is not searched', () => {
  assert.equal(score('mailbox', { title: 'Teams' }), 0)
})

const better: readonly [rule: string, search: string, better: Texts, worse: Texts][] = [
  ['a title before a summary', 'teams', { title: 'Teams' }, { about: 'Teams' }],
  ['a summary before a text', 'teams', { about: 'Teams' }, { text: 'Teams' }],
  ['a title before summary and text together', 'teams', { title: 'Teams' }, { about: 'Teams', text: 'Teams' }],
  ['a whole word before a beginning', 'retire', { title: 'We retire it' }, { title: 'Retirement' }],
  ['a whole word of a text before a beginning', 'retire', { text: 'We retire it' }, { text: 'Retirement' }],
  ['two words of a title before one', 'teams chat', { title: 'Teams chat' }, { title: 'Teams', text: 'chat' }],
  ['a beginning before nothing', 'retire', { text: 'Retirement' }, { text: 'Return' }],
]
for (const [rule, search, one, other] of better) {
  test(`${rule} (${search})`, () => {
    assert.ok(score(search, one) > score(search, other))
  })
}

const html =
  '<table class="outer"><tr><td style="color:red">Shown</td></tr></table><p data-x="attribute">A <b>bold</b>er word</p>' +
  '<script>scripted()</script><!-- commented --><img src="https://pictures.example/secretpath.png" alt="A chart">'
const markup: readonly [word: string, isFound: boolean][] = [
  ['shown', true],
  ['bolder', true],
  ['chart', true],
  ['table', false],
  ['outer', false],
  ['style', false],
  ['color', false],
  ['attribute', false],
  ['scripted', false],
  ['commented', false],
  ['secretpath', false],
  ['td', false],
]
for (const [word, isFound] of markup) {
  test(`of a body of HTML ${word} is ${isFound ? '' : 'not '}found`, () => {
    const sought = { title: searchable(''), about: searchable(''), text: bodyOf(html).words }
    assert.equal(scoreOf(termsOf(word), sought) > 0, isFound)
  })
}

const terms: readonly [search: string, terms: string[]][] = [
  ['', []],
  ['   ', []],
  ['?!… -- ""', []],
  ['"', []],
  ['" "', []],
  ['* | & ()', []],
  ['Teams teams TEAMS', ['teams']],
  ['"A  Phrase" word', ['a phrase', 'word']],
  ['"quoted,"', ['quoted']],
  ['a"b c"d', ['a', 'b c', 'd']],
]
for (const [search, expected] of terms) {
  test(`the terms of ${JSON.stringify(search)} are ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(termsOf(search), expected)
  })
}

const hostile: readonly [name: string, search: string][] = [
  ['punctuation', '!'.repeat(50_000)],
  ['letters between punctuation', 'a!'.repeat(50_000)],
  ['one long word', 'a'.repeat(50_000)],
  ['quotes', '"'.repeat(50_000)],
  ['quotes that are never closed', '"a '.repeat(50_000)],
  ['spaces', ' '.repeat(50_000)],
  ['as many words', Array.from({ length: 50_000 }, (_, i) => `w${i}`).join(' ')],
]
for (const [name, search] of hostile) {
  test(`a search of 50,000 ${name} takes little processor time`, () => {
    const text = 'a! '.repeat(20_000)
    const before = process.cpuUsage()
    assert.ok(termsOf(search).length <= 20)
    score(search, { title: text, text })
    const { user, system } = process.cpuUsage(before)
    assert.ok(user + system < 500_000, `${user + system} µs`)
  })
}

const words: readonly [text: string, words: string, isOne: boolean][] = [
  ['New Outlook for Windows', 'Outlook', true],
  ['Outlooks', 'Outlook', false],
  ['Reset your password', 'Word', false],
  ['Word, Excel and others', 'Word', true],
  ['Viva Engage: new feature', 'Viva Engage', true],
  ['Outlook', '', false],
]
for (const [text, sought, isOne] of words) {
  test(`${JSON.stringify(sought)} is ${isOne ? '' : 'not '}a word of ${JSON.stringify(text)}`, () => {
    assert.equal(isWordOf(searchable(text), searchable(sought)), isOne)
  })
}
