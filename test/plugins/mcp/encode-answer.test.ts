import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeAnswer } from '../../../src/plugins/mcp/encode-answer.ts'

const value = fc.jsonValue({ stringUnit: 'binary', maxDepth: 3 })
const key = fc.oneof(
  fc.constantFrom('content', 'isError', '_meta', 'result', '__proto__'),
  fc.string({ unit: 'binary' }),
)
const members = fc.dictionary(key, value, { maxKeys: 4 })
const id = fc.oneof(fc.integer(), fc.string({ unit: 'binary' }))

test('a result is written as JSON.stringify means it, whatever it holds', () => {
  fc.assert(
    fc.property(id, members, members, (messageId, result, structuredContent) => {
      const answer = { jsonrpc: '2.0' as const, id: messageId, result: { ...result, structuredContent } }
      const text = encodeAnswer(answer, JSON.stringify(structuredContent))
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(answer)))
    }),
  )
})

test('what JSON leaves out is left out', () => {
  const answer = { jsonrpc: '2.0' as const, id: 1, result: { content: undefined, structuredContent: { a: undefined } } }
  assert.equal(encodeAnswer(answer, '{}'), '{"jsonrpc":"2.0","id":1,"result":{"structuredContent":{}}}')
})

test('a text that was written already stands as it is, where it belongs', () => {
  const answer = { jsonrpc: '2.0' as const, id: 1, result: { content: [], structuredContent: { a: 1 } } }
  const text = encodeAnswer(answer, '{ "a" : 1 }')
  assert.equal(text, '{"jsonrpc":"2.0","id":1,"result":{"content":[],"structuredContent":{ "a" : 1 }}}')
})

test('an error, and a result without a text, are JSON as ever', () => {
  const error = { jsonrpc: '2.0' as const, id: 'x', error: { code: -32602, message: 'no "such" tool' } }
  assert.equal(encodeAnswer(error, '{}'), JSON.stringify(error))
  const result = { jsonrpc: '2.0' as const, id: 1, result: { structuredContent: { a: 1 } } }
  assert.equal(encodeAnswer(result, undefined), JSON.stringify(result))
})
