import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCall, getMessages } from '../../load/calls.ts'
import { checkResponse } from '../../load/check-response.ts'
import { createUser } from '../../load/users.ts'

const own = '11111111-2222-4333-8444-555555555555'
const other = '99999999-2222-4333-8444-555555555555'
const claims = Buffer.from(JSON.stringify({ oid: own })).toString('base64url')
const user = createUser(`header.${claims}.signature`, true)
const call = createCall(user, getMessages({ top: 2 }))

/** A response with a post for each reader, in structured content and in its text copy. */
function responseOf(readers: readonly string[], { id = call.id }: { id?: unknown } = {}): string {
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
const rejection = JSON.stringify({
  jsonrpc: '2.0',
  id: null,
  error: { code: 1, message: 'm', data: { reason: 'overloaded' } },
})

for (const [what, status, text, hasRetryAfter, expected] of [
  ['its own posts', 200, responseOf([own, own]), false, { kind: 'correct' }],
  [
    'its own posts as an event stream',
    200,
    `event: message\ndata: ${responseOf([own])}\n\n`,
    false,
    { kind: 'correct' },
  ],
  ['another user’s posts', 200, responseOf([other]), false, { kind: 'wrong', reason: `was read as ${other}` }],
  [
    'one post of another user’s',
    200,
    responseOf([own, other]),
    false,
    { kind: 'wrong', reason: `was read as ${other}` },
  ],
  ['posts that name nobody', 200, responseOf([]), false, { kind: 'wrong', reason: 'does not say who it was read for' }],
  [
    'a response to another call',
    200,
    responseOf([own], { id: 'load-x' }),
    false,
    { kind: 'wrong', reason: 'belongs to another call, or to none' },
  ],
  ['nothing', 200, '', false, { kind: 'wrong', reason: 'belongs to another call, or to none' }],
  ['a tool error', 200, toolError('graph_throttled'), false, { kind: 'failed', error: 'tool error graph_throttled' }],
  ['a JSON-RPC error', 200, rpcError, false, { kind: 'failed', error: 'JSON-RPC error without a reason' }],
  ['a rejection with Retry-After', 503, rejection, true, { kind: 'failed', error: 'HTTP 503 overloaded' }],
  [
    'a rejection without Retry-After',
    503,
    rejection,
    false,
    { kind: 'failed', error: 'HTTP 503 overloaded, without Retry-After' },
  ],
  ['a gateway’s page', 502, '<html>', false, { kind: 'failed', error: 'HTTP 502' }],
] as const) {
  test(`${what}: ${expected.kind}`, () =>
    assert.deepEqual(checkResponse(call, { status, text, hasRetryAfter }), expected))
}

test('where the tenant does not name readers, a response is known by its call and its shape', () => {
  const anyone = createCall(createUser(user.token, false), getMessages())
  assert.equal(anyone.user.reader, undefined)
  const text = responseOf([other], { id: anyone.id })
  assert.deepEqual(checkResponse(anyone, { status: 200, text, hasRetryAfter: false }), { kind: 'correct' })
  const empty = JSON.stringify({ jsonrpc: '2.0', id: anyone.id, result: {} })
  assert.equal(checkResponse(anyone, { status: 200, text: empty, hasRetryAfter: false }).kind, 'wrong')
})

test('a text that only others may read is wrong, wherever it stands', () => {
  const digest = { method: 'tools/call', tool: 'getDigest', hasPosts: false, lacks: 'twelve mailboxes' } as const
  const own = createCall(user, digest)
  const text = (words: string) =>
    JSON.stringify({ jsonrpc: '2.0', id: own.id, result: { content: [{ text: words }], structuredContent: {} } })
  const check = (words: string) => checkResponse(own, { status: 200, text: text(words), hasRetryAfter: false })
  assert.deepEqual(check('a post about mailboxes'), { kind: 'correct' })
  assert.deepEqual(check('a post about twelve mailboxes'), {
    kind: 'wrong',
    reason: 'holds what only others may read',
  })
})

test('a call of each revision is what that revision sends', () => {
  const old = createCall(user, { method: 'tools/list' })
  assert.equal(old.headers['mcp-protocol-version'], '2025-06-18')
  assert.equal(JSON.parse(old.body).params._meta, undefined)
  const modern = createCall(user, { method: 'tools/call', tool: 'getMessage', args: { id: 'MC1' }, era: '2026' })
  assert.deepEqual([modern.headers['mcp-method'], modern.headers['mcp-name']], ['tools/call', 'getMessage'])
  assert.equal(JSON.parse(modern.body).params._meta['io.modelcontextprotocol/protocolVersion'], '2026-07-28')
  assert.notEqual(old.id, modern.id)
})
