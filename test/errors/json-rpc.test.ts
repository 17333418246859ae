import assert from 'node:assert/strict'
import { test } from 'node:test'
import { catalogue, Failure, httpError, jsonRpcError, type Reason } from '../../src/errors/index.ts'

const reasons = Object.keys(catalogue) as Reason[]

test('what an operator has to fix is never a 401, or clients would sign in for ever', () => {
  for (const reason of ['credential_rejected', 'exchange_misconfigured', 'exchange_unavailable'] as const) {
    assert.ok(httpError(new Failure(reason)).status >= 500, reason)
  }
})

for (const reason of reasons) {
  const { status } = httpError(new Failure(reason))
  test(`${reason} as a JSON-RPC error ${status >= 500 ? 'omits' : 'has'} the reason`, () => {
    const { error } = jsonRpcError(new Failure(reason, { cause: new Error('inner zq7mark') }), 'request-1', 7)
    assert.equal(error.data.reason, status >= 500 ? undefined : reason)
    assert.equal(error.data.requestId, 'request-1')
    assert.doesNotMatch(JSON.stringify(error), /zq7mark/)
  })
}

test('a reason for a tool result is a 500 as an HTTP response', () => {
  assert.equal(httpError(new Failure('graph_forbidden')).status, 500)
})

for (const [reason, code] of [
  ['invalid_json', -32700],
  ['batch_not_supported', -32600],
  ['bad_request', -32600],
  ['internal', -32603],
  ['missing_token', -32000],
  ['rate_limited', -32000],
] as const) {
  test(`${reason} is JSON-RPC error ${code}`, () => {
    assert.equal(jsonRpcError(new Failure(reason), 'r').error.code, code)
  })
}

test('a JSON-RPC error has the id of its request, and null where there was none', () => {
  assert.equal(jsonRpcError(new Failure('bad_request'), 'r', 'seven').id, 'seven')
  assert.equal(jsonRpcError(new Failure('bad_request'), 'r', 0).id, 0)
  assert.equal(jsonRpcError(new Failure('bad_request'), 'r').id, null)
})

test('a wait is in the data of a JSON-RPC error too', () => {
  const { error } = jsonRpcError(new Failure('rate_limited', { retryAfterSeconds: 12 }), 'r')
  assert.equal(error.data.retryAfterSeconds, 12)
  assert.equal('retryAfterSeconds' in jsonRpcError(new Failure('rate_limited'), 'r').error.data, false)
})
