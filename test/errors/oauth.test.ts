import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure, oauthError } from '../../src/errors/index.ts'

for (const [reason, status, error] of [
  ['code_used', 400, 'invalid_grant'],
  ['client_unknown', 401, 'invalid_client'],
  ['rate_limited', 429, 'too_many_requests'],
  ['exchange_unavailable', 503, 'temporarily_unavailable'],
  ['internal', 500, 'server_error'],
  ['body_too_large', 413, 'invalid_request'],
] as const) {
  test(`${reason} is the OAuth error ${error}`, () => {
    const { status: sent, body } = oauthError(new Failure(reason))
    assert.deepEqual([sent, body.error], [status, error])
  })
}

test('an OAuth description has none of the characters that RFC 6749 rules out', () => {
  const { body } = oauthError(new Failure('scope_not_supported', { detail: 'It is "\\é\n" here.' }))
  assert.match(body.error_description, /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
})

test('Entra’s error code follows the text of a failed sign-in, and not that of an exchange', () => {
  const textOf = (failure: Failure) => oauthError(failure).body.error_description
  assert.match(textOf(new Failure('grant_rejected', { aadsts: 'AADSTS50173' })), / \(AADSTS50173\)$/)
  assert.doesNotMatch(textOf(new Failure('credential_rejected', { aadsts: 'AADSTS7000215' })), /AADSTS/)
})
