import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { quotable } from '../../src/errors/quotable.ts'

for (const [name, text, expected] of [
  ['nothing', '', ''],
  ['a plain sentence', 'It is redirect_uri (RFC 6749).', 'It is redirect_uri (RFC 6749).'],
  ['quotes', 'a "b" c', "a 'b' c"],
  ['a backslash', 'a\\"b', "a''b"],
  ['a new header', 'a\r\nset-cookie: b=c', "a''set-cookie: b=c"],
  ['control characters', '\0\t\x1b\x7f', "''''"],
  ['letters beyond ASCII', 'Entra’s café', "Entra's caf'"],
  ['an emoji', '🤖', "''"],
  ['a lone surrogate', 'a\ud800b', "a'b"],
  ['the first and the last that may stay', ' ~', ' ~'],
] as const) {
  test(`${name} can be quoted`, () => assert.equal(quotable(text), expected))
}

test('whatever the text, it becomes one that RFC 6749 allows, of the same length, and stays that way', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const quoted = quotable(text)
      assert.match(quoted, /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/)
      assert.equal(quoted.length, text.length)
      assert.equal(quotable(quoted), quoted)
    }),
  )
})

test('what RFC 6749 allows is left alone', () => {
  const unit = fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code))
  fc.assert(
    fc.property(fc.string({ unit: unit.filter((one) => one !== '"' && one !== '\\') }), (text) => {
      assert.equal(quotable(text), text)
    }),
  )
})
