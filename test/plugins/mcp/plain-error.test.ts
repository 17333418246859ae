import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withPlainError } from '../../../src/plugins/mcp/plain-error.ts'

const asError = (message: string) => ({ jsonrpc: '2.0' as const, id: 1, error: { code: -32603, message } })
const listOf = (...issues: object[]) => JSON.stringify(issues, null, 2)
const name = { expected: 'string', code: 'invalid_type', path: ['params', 'name'], message: 'Invalid input' }

for (const [message, plain] of [
  [listOf(name), 'Invalid params: "params.name" must be of type string.'],
  [`Invalid tools/call request: ${listOf(name)}`, 'Invalid params: "params.name" must be of type string.'],
  [
    listOf({ ...name, path: ['params', 'arguments'], expected: 'record' }, name),
    'Invalid params: "params.arguments" must be of type object.',
  ],
  [listOf({ code: 'invalid_union', path: ['params', 'list', 2] }), 'Invalid params: "params.list.2" is invalid.'],
  [listOf({ code: 'invalid_union', path: ['"\n'] }), 'Invalid params: "\\"\\n" is invalid.'],
] as const) {
  test(`${JSON.stringify(message).slice(0, 70)} becomes a sentence`, () => {
    assert.deepEqual(withPlainError(asError(message)), {
      jsonrpc: '2.0',
      id: 1,
      error: { code: -32602, message: plain },
    })
  })
}

test('the sentence is short, however long the name of a member is', () => {
  const response = withPlainError(asError(listOf({ ...name, path: ['x'.repeat(10_000)] })))
  assert.ok('error' in response && response.error.message.length < 150)
})

for (const response of [
  asError('Method not found'),
  asError('Unknown tool: [\n'),
  asError('Unknown tool: [\n1]'),
  asError('Unknown tool: [\n{"path":1}]'),
  asError('Unknown tool: [\nnull]'),
  { ...asError(''), error: { code: -32022, message: 'Unsupported', data: { supported: [] } } },
  { jsonrpc: '2.0' as const, id: 1, result: { content: [{ type: 'text', text: listOf(name) }] } },
]) {
  test(`${JSON.stringify(response).slice(30, 120)} is left as it is`, () => {
    assert.equal(withPlainError(response), response)
  })
}
