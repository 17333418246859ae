import assert from 'node:assert/strict'
import { test } from 'node:test'
import { oauthError, type Reason } from '../../../src/errors/index.ts'
import { authorizeFailure } from '../../../src/plugins/oauth-proxy/callback.ts'

const responses: readonly [error: string | undefined, reason: Reason, toClient: string][] = [
  ['access_denied', 'entra_sign_in_denied', 'access_denied'],
  ['login_required', 'entra_interaction_required', 'interaction_required'],
  ['interaction_required', 'entra_interaction_required', 'interaction_required'],
  ['consent_required', 'entra_interaction_required', 'interaction_required'],
  ['temporarily_unavailable', 'entra_sign_in_unavailable', 'temporarily_unavailable'],
  ['server_error', 'entra_sign_in_unavailable', 'temporarily_unavailable'],
  ['invalid_request', 'entra_sign_in_failed', 'server_error'],
  ['unauthorized_client', 'entra_sign_in_failed', 'server_error'],
  ['invalid_resource', 'entra_sign_in_failed', 'server_error'],
  ['constructor', 'entra_sign_in_failed', 'server_error'],
  ['', 'entra_sign_in_failed', 'server_error'],
  [undefined, 'entra_sign_in_failed', 'server_error'],
]
for (const [error, reason, toClient] of responses) {
  test(`Entra’s ${error} is ${reason} here and ${toClient} to the client`, () => {
    const failure = authorizeFailure(error, 'AADSTS65004: User declined to consent to access the app.')
    assert.equal(failure.reason, reason)
    assert.equal(failure.details.aadsts, 'AADSTS65004')
    const { error: code, error_description } = oauthError(failure).body
    assert.equal(code, toClient)
    assert.match(error_description, /\(AADSTS65004\)$/)
  })
}

test('of Entra’s description the number is passed on and not a word more', () => {
  const failure = authorizeFailure('access_denied', 'AADSTS65004: call this number now <b>')
  assert.deepEqual(failure.details, { aadsts: 'AADSTS65004' })
})

for (const description of [undefined, '', 'Call AADSTS65004 now', 'AADSTS', 'AADSTS12', 'aadsts65004: x']) {
  test(`${JSON.stringify(description)} names no number`, () => {
    const failure = authorizeFailure('access_denied', description)
    assert.deepEqual(failure.details, {})
  })
}
