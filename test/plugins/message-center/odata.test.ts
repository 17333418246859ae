import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isBalanced } from '../../../src/plugins/message-center/odata.ts'

for (const [expression, expected] of [
  ['', true],
  ["title eq 'x'", true],
  ["(a eq 1) or (b eq ')')", true],
  ["title eq 'it''s (not'", true],
  ["services/any(s:contains(s,'Teams'))", true],
  ["')(' eq ')'", true],
  [')', false],
  ['(', false],
  ['a eq 1) or (b eq 1', false],
  ["a eq '", false],
  ["a eq 'x''", false],
  ["a eq 'x' or b eq '(", false],
  ['))((', false],
] as const) {
  test(`${JSON.stringify(expression)} is ${expected ? '' : 'not '}balanced`, () => {
    assert.equal(isBalanced(expression), expected)
  })
}
