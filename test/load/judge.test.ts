import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callOf } from '../../load/calls.ts'
import { judge } from '../../load/judge.ts'
import { userOf } from '../../load/users.ts'

const own = '11111111-2222-4333-8444-555555555555'
const other = '99999999-2222-4333-8444-555555555555'
const claims = Buffer.from(JSON.stringify({ oid: own })).toString('base64url')
const user = userOf(`header.${claims}.signature`, true)
const call = callOf(user, { method: 'tools/call', tool: 'getMessages', args: { top: 2 } })

/** An answer with a post for each reader, in structured content and in its text copy. */
function answerOf(readers: readonly string[], { id = call.id }: { id?: unknown } = {}): string {
  const structuredContent = { value: readers.map((reader) => ({ id: 'MC1', viewPoint: { isRead: true, reader } })) }
  const content = [{ type: 'text', text: JSON.stringify(structuredContent, null, 2) }]
  return JSON.stringify({ jsonrpc: '2.0', id, result: { content, structuredContent } })
}

const toolError = (reason: string) =>
  JSON.stringify({
    jsonrpc: '2.0',
    id: call.id,
    result: { isError: true, content: [], _meta: { 'server/error': { reason } } },
  })
const rpcError = JSON.stringify({ jsonrpc: '2.0', id: call.id, error: { code: -32_603, message: 'm' } })
const refusal = JSON.stringify({
  jsonrpc: '2.0',
  id: null,
  error: { code: 1, message: 'm', data: { reason: 'overloaded' } },
})

for (const [what, status, text, hasRetryAfter, expected] of [
  ['its own posts', 200, answerOf([own, own]), false, { kind: 'right' }],
  ['its own posts as an event stream', 200, `event: message\ndata: ${answerOf([own])}\n\n`, false, { kind: 'right' }],
  ['another user’s posts', 200, answerOf([other]), false, { kind: 'wrong', why: `it was read as ${other}` }],
  ['one post of another user’s', 200, answerOf([own, other]), false, { kind: 'wrong', why: `it was read as ${other}` }],
  ['posts that name nobody', 200, answerOf([]), false, { kind: 'wrong', why: 'it does not say who it was read for' }],
  [
    'an answer to another call',
    200,
    answerOf([own], { id: 'load-x' }),
    false,
    { kind: 'wrong', why: 'it answers another call, or none' },
  ],
  ['nothing', 200, '', false, { kind: 'wrong', why: 'it answers another call, or none' }],
  ['a tool error', 200, toolError('graph_throttled'), false, { kind: 'failed', what: 'tool error graph_throttled' }],
  ['a JSON-RPC error', 200, rpcError, false, { kind: 'failed', what: 'JSON-RPC error without a reason' }],
  ['a refusal that says when to come again', 503, refusal, true, { kind: 'failed', what: 'HTTP 503 overloaded' }],
  [
    'a refusal that does not',
    503,
    refusal,
    false,
    { kind: 'failed', what: 'HTTP 503 overloaded, without Retry-After' },
  ],
  ['a gateway’s page', 502, '<html>', false, { kind: 'failed', what: 'HTTP 502' }],
] as const) {
  test(`${what}: ${expected.kind}`, () => assert.deepEqual(judge(call, { status, text, hasRetryAfter }), expected))
}

test('where the tenant does not name readers, an answer is known by its call and its shape', () => {
  const anyone = callOf(userOf(user.token, false), { method: 'tools/call', tool: 'getMessages' })
  assert.equal(anyone.user.reader, undefined)
  const text = answerOf([other], { id: anyone.id })
  assert.deepEqual(judge(anyone, { status: 200, text, hasRetryAfter: false }), { kind: 'right' })
  const empty = JSON.stringify({ jsonrpc: '2.0', id: anyone.id, result: {} })
  assert.equal(judge(anyone, { status: 200, text: empty, hasRetryAfter: false }).kind, 'wrong')
})

test('a call of each revision is what that revision sends', () => {
  const old = callOf(user, { method: 'tools/list' })
  assert.equal(old.headers['mcp-protocol-version'], '2025-06-18')
  assert.equal(JSON.parse(old.body).params._meta, undefined)
  const modern = callOf(user, { method: 'tools/call', tool: 'getMessage', args: { id: 'MC1' }, era: '2026' })
  assert.deepEqual([modern.headers['mcp-method'], modern.headers['mcp-name']], ['tools/call', 'getMessage'])
  assert.equal(JSON.parse(modern.body).params._meta['io.modelcontextprotocol/protocolVersion'], '2026-07-28')
  assert.notEqual(old.id, modern.id)
})
