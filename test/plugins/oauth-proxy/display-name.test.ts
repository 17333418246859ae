import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { clientKey } from '../../../src/plugins/oauth-proxy/clients.ts'
import { displayName } from '../../../src/plugins/oauth-proxy/display-name.ts'

for (const [what, name, shown] of [
  ['a plain name', 'Visual Studio Code', 'Visual Studio Code'],
  ['letters of any script', 'Пример 例 نموذج', 'Пример 例 نموذج'],
  ['an emoji', 'Agent 🤖', 'Agent'],
  ['a tick', '✅ Agent (verified) ✔\ufe0f ☑ ✓ √', 'Agent (verified)'],
  ['emoji of several characters', 'A 👩\u200d💻 🇩🇪 👍🏽 1\ufe0f\u20e3 name', 'A 1 name'],
  ['symbols of ASCII', 'C++ <=> $HOME ~|^`', 'C++ <=> $HOME ~|^`'],
  ['letters made for formulas, or wide', '𝐌𝗂𝚌𝓇ｏsoft ⓐ', 'Microsoft a'],
  ['one script a word', 'Яндекс Browser', 'Яндекс Browser'],
  ['Japanese and Latin in one word', 'Googleマップ検索', 'Googleマップ検索'],
  ['Korean and Latin in one word', 'AI도우미', 'AI도우미'],
  ['Russian with words of one letter', 'Заметки с ИИ', 'Заметки с ИИ'],
  ['Greek', 'Σημειώσεις', 'Σημειώσεις'],
  ['Latin with accents', 'Zażółć Çağrı Việt', 'Zażółć Çağrı Việt'],
  ['Cyrillic within a Latin word', 'Miсrosoft', 'App with a misleading name'],
  ['Greek within a Latin word', 'Οutlook Teams', 'App with a misleading name'],
  ['Cyrillic that looks like Latin throughout', 'Ѕсоре', 'App with a misleading name'],
  ['a word of it beside Latin', 'Microsoft Соре', 'App with a misleading name'],
  ['Armenian within a Latin word', 'Teamս', 'App with a misleading name'],
  ['markup, which is the page’s to escape', '<b>A & "B"</b>', '<b>A & "B"</b>'],
  ['white space around and within', '  A \u00a0  name\u2003', 'A name'],
  ['line separators', 'A\u2028name\u2029', 'A name'],
  ['control characters', 'A\u0000 n\u0007a\u001bm\u009fe', 'A name'],
  ['a text turned round', 'A \u202eeman\u202c', 'A eman'],
  ['isolates and marks of direction', '\u2066A\u2069 \u200fname\u200e\u061c', 'A name'],
  ['invisible characters', 'A\u200b n\u200ca\u200dm\u2060e\ufeff', 'A name'],
  ['soft hyphens', 'A na\u00adme', 'A name'],
  ['something invisible between spaces', 'A \u200b \u2060 name', 'A name'],
  ['marks that pile up', 'A\u0301\u0302\u0303\u0304 name', 'Á\u0302\u0303 name'],
  ['tags', 'A name\u{e0041}\u{e007f}', 'A name'],
  ['private and unassigned characters', 'A\ue000 name\u{10ffff}\u0378', 'A name'],
  ['lone surrogates', 'A\ud800 name\udfff', 'A name'],
] as const) {
  test(`${what} is shown as ${JSON.stringify(shown)}`, () => assert.equal(displayName(name, 'fallback'), shown))
}

test('lines are words apart', () => {
  for (const end of ['\n', '\r\n', '\t']) assert.equal(displayName(`A${end}name`, 'fallback'), 'A name')
})

for (const [what, name] of [
  ['no name', undefined],
  ['null', null],
  ['a number', 7],
  ['an object', { toString: () => 'x' }],
  ['a list', ['<b>']],
  ['an empty name', ''],
  ['white space', ' \t\n\u00a0'],
  ['invisible characters alone', '\u200b\u202e\u0000\ufeff'],
  ['fillers alone, which are letters but show nothing', '\u3164\u115f\u1160\uffa0'],
  ['pictures alone', '✅🤖'],
  ['blank Braille alone', '\u2800\u2800'],
  ['joiners and selectors alone, which are marks but show nothing', '\u034f\ufe0f\u{e0100}\u180b'],
] as const) {
  test(`${what} gives the fallback`, () => assert.equal(displayName(name, 'fallback'), 'fallback'))
}

test('a name of 60 characters is whole, and of a longer one there are 59 and an ellipsis', () => {
  assert.equal(displayName('a'.repeat(60), ''), 'a'.repeat(60))
  assert.equal(displayName('a'.repeat(61), ''), `${'a'.repeat(59)}…`)
  assert.equal(displayName('𠀋'.repeat(61), ''), `${'𠀋'.repeat(59)}…`)
})

test('whatever the name, it is short, on one line, and shows its direction and its characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (name) => {
      const shown = displayName(name, 'fallback')
      assert.ok(shown !== '' && [...shown].length <= 60)
      assert.doesNotMatch(shown, /\p{C}|[\r\n\u2028\u2029]|^\s|\s$|\s\s/u)
    }),
    { numRuns: 1_000 },
  )
})

test('a client key is 22 characters, always the same for one id and another for another', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (one, another) => {
      assert.match(clientKey(one), /^[A-Za-z0-9_-]{22}$/)
      assert.equal(clientKey(one) === clientKey(another), Buffer.from(one).equals(Buffer.from(another)))
    }),
  )
  assert.match(clientKey('x'.repeat(100_000)), /^[\w-]{22}$/)
})
