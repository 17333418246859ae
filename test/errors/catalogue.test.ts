import assert from 'node:assert/strict'
import { test } from 'node:test'
import { catalogue, isRetryable, type Reason } from '../../src/errors/index.ts'

const reasons = Object.keys(catalogue) as Reason[]
const httpStatuses = new Set([400, 401, 403, 404, 405, 406, 408, 413, 415, 429, 431, 499, 500, 503])

for (const reason of reasons) {
  const entry = catalogue[reason]
  test(`${reason} has a text, a fix and a place on the wire`, () => {
    assert.match(entry.text, /^[A-Za-z][\x20-\x7e]{10,400}\.\)?$/)
    assert.match(entry.fix, /^[A-Z][\x20-\x7e]{10,400}\.$/)
    if (entry.kind === 'tool') assert.equal(typeof entry.retryable, 'boolean')
    else assert.ok(httpStatuses.has(entry.status), `status ${entry.status}`)
  })
}

test('a Bearer error goes with the status that RFC 6750 gives it', () => {
  const statuses = { invalid_request: 400, invalid_token: 401, insufficient_claims: 401, insufficient_scope: 403 }
  for (const reason of reasons) {
    const entry = catalogue[reason]
    if (entry.kind === 'http' && 'challenge' in entry) assert.equal(entry.status, statuses[entry.challenge], reason)
  }
})

test('a request without a token is challenged without an error', () => {
  assert.equal('challenge' in catalogue.missing_token, false)
})

test('only temporary errors of Graph and the roadmap are retryable tool errors', () => {
  const retryable = reasons.filter((reason) => {
    const entry = catalogue[reason]
    return entry.kind === 'tool' && entry.retryable
  })
  assert.deepEqual(retryable, [
    'graph_throttled',
    'graph_quota_exceeded',
    'graph_unavailable',
    'graph_timeout',
    'graph_response_invalid',
    'roadmap_unavailable',
    'roadmap_timeout',
    'roadmap_response_invalid',
  ])
})

test('every 503, 429 and temporarily_unavailable is retryable, and no invalid token is', () => {
  for (const reason of ['rate_limited', 'overloaded', 'exchange_throttled', 'client_document_pending'] as const) {
    assert.equal(isRetryable(catalogue[reason]), true, reason)
  }
  for (const reason of ['expired', 'internal', 'code_used', 'invalid_input'] as const) {
    assert.equal(isRetryable(catalogue[reason]), false, reason)
  }
})
