import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { tokenize } from '../../../emulator/graph/odata/tokens.ts'
import { and, isSelfContained, literal, or } from '../../../src/plugins/message-center/odata.ts'

const hostile = fc.string({
  unit: fc.oneof(
    fc.constantFrom("'", '(', ')', '\\', '%27', ' or ', '"'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
})

test('a text as a literal is one literal of exactly that text, whatever it holds', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const quoted = literal(text)
      assert.match(quoted, /^'(?:[^']|'')*'$/)
      assert.equal(quoted.slice(1, -1).replaceAll("''", "'"), text)
    }),
  )
})

test('a condition made of hostile texts stands in parentheses', () => {
  fc.assert(
    fc.property(fc.array(hostile, { minLength: 1, maxLength: 4 }), (texts) => {
      assert.ok(isSelfContained(or(texts.map((text) => `contains(title,${literal(text)})`)) ?? ''))
    }),
  )
})

test('a reader of OData finds the text in its literal again', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const [first, ...more] = tokenize(literal(text)).filter(({ kind }) => kind === 'string')
      assert.deepEqual(more, [])
      assert.equal(first?.text.replace(/^'|'$/g, '').replaceAll("''", "'"), text)
    }),
  )
})

for (const [expression, expected] of [
  ['', true],
  ["title eq 'x'", true],
  ["(a eq 1) or (b eq ')')", true],
  ["title eq 'it''s (not'", true],
  ["services/any(s:contains(s,'Teams'))", true],
  [')', false],
  ['(', false],
  ['a eq 1) or (b eq 1', false],
  ["a eq '", false],
  ["a eq 'x''", false],
  ["a eq 'x' or b eq '(", false],
  ["')(' eq ')'", true],
  ['))((', false],
] as const) {
  test(`${JSON.stringify(expression)} can ${expected ? '' : 'not '}stand in parentheses`, () => {
    assert.equal(isSelfContained(expression), expected)
  })
}

test('what cannot stand alone cannot close the parenthesis it is put in', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('(', ')', "'", 'a', ' ') }), (expression) => {
      fc.pre(isSelfContained(expression))
      // Every beginning of it leaves the outer parenthesis open.
      for (let end = 0; end <= expression.length; end++) {
        const outside = expression.slice(0, end).replaceAll(/'[^']*('|$)/g, '')
        assert.ok(outside.split(')').length <= outside.split('(').length || outside === '')
      }
    }),
  )
})

test('conditions are joined by what they are joined by, and none is none', () => {
  assert.equal(and([]), undefined)
  assert.equal(and([undefined, undefined]), undefined)
  assert.equal(and([undefined, 'a', undefined, 'b']), 'a and b')
  assert.equal(or([]), undefined)
  assert.equal(or(['a']), '(a)')
  assert.equal(or(['a', 'b']), '(a or b)')
})
