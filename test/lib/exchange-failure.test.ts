import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Reason } from '../../src/errors/index.ts'
import {
  type EntraResponse,
  exchangeFailure,
  isNamedByCode,
  isWorthOneMoreTry,
  secondsToLeaveAlone,
} from '../../src/lib/exchange-failure.ts'

const consent = 'https://login.microsoftonline.com/t/adminconsent?client_id=c'
const claims = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'

const judge = (body: unknown, { status = 400, retryAfter }: Partial<EntraResponse> = {}) =>
  exchangeFailure({ status, retryAfter, body: typeof body === 'string' ? body : JSON.stringify(body) }, consent)

/** Each AADSTS code with the OAuth error Entra sends it under. */
const codes: readonly [code: number, error: string, reason: Reason][] = [
  [7000215, 'invalid_client', 'credential_rejected'],
  [7000222, 'invalid_client', 'credential_rejected'],
  [7000218, 'invalid_client', 'credential_rejected'],
  [700027, 'invalid_client', 'credential_rejected'],
  [700024, 'invalid_client', 'credential_rejected'],
  [700211, 'invalid_request', 'credential_rejected'],
  [700212, 'invalid_request', 'credential_rejected'],
  [700213, 'invalid_request', 'credential_rejected'],
  [70011, 'invalid_scope', 'exchange_misconfigured'],
  [500011, 'invalid_resource', 'exchange_misconfigured'],
  [650053, 'invalid_client', 'exchange_misconfigured'],
  [700016, 'unauthorized_client', 'exchange_misconfigured'],
  [700038, 'unauthorized_client', 'exchange_misconfigured'],
  [90002, 'invalid_request', 'exchange_misconfigured'],
  [65001, 'invalid_grant', 'user_consent_required'],
  [90094, 'invalid_grant', 'admin_consent_required'],
  [650056, 'invalid_client', 'admin_consent_required'],
  [650057, 'invalid_resource', 'admin_consent_required'],
  [50013, 'invalid_grant', 'assertion_rejected'],
  [500133, 'invalid_grant', 'assertion_rejected'],
  [50173, 'invalid_grant', 'assertion_rejected'],
  [70043, 'invalid_grant', 'assertion_rejected'],
  [50132, 'invalid_grant', 'assertion_rejected'],
  [50133, 'invalid_grant', 'assertion_rejected'],
  [500131, 'invalid_grant', 'assertion_rejected'],
  [240002, 'invalid_grant', 'assertion_rejected'],
  [50105, 'interaction_required', 'user_not_allowed'],
  [50020, 'invalid_grant', 'user_not_allowed'],
  [50034, 'invalid_grant', 'user_not_allowed'],
  [50057, 'invalid_grant', 'user_not_allowed'],
  [53000, 'interaction_required', 'access_blocked'],
  [53001, 'interaction_required', 'access_blocked'],
  [53002, 'interaction_required', 'access_blocked'],
  [53003, 'invalid_grant', 'access_blocked'],
  [50196, 'invalid_grant', 'exchange_throttled'],
  [90033, 'invalid_request', 'exchange_unavailable'],
]
for (const [code, error, reason] of codes) {
  test(`AADSTS${code} is ${reason}`, () => {
    assert.equal(judge({ error, error_codes: [code], error_description: `AADSTS${code}: …` }).reason, reason)
  })
}

for (const [name, body] of [
  ['interaction_required with 50079', { error: 'interaction_required', error_codes: [50079], claims }],
  [
    'invalid_grant with 50076 and basic_action',
    { error: 'invalid_grant', suberror: 'basic_action', error_codes: [50076], claims },
  ],
  ['50158', { error: 'interaction_required', error_codes: [50158], claims }],
  ['53000', { error: 'interaction_required', error_codes: [53000], claims }],
  ['53003', { error: 'invalid_grant', error_codes: [53003], claims }],
  ['65001', { error: 'invalid_grant', error_codes: [65001], suberror: 'consent_required', claims }],
  ['nothing else', { claims }],
] as const) {
  test(`claims that come with ${name} are a claims challenge, unchanged`, () => {
    const { reason, details } = judge(body)
    assert.equal(reason, 'claims_required')
    assert.equal(details.claims, claims)
  })
}

const others: readonly [name: string, body: unknown, reason: Reason][] = [
  ['the suberror consent_required', { error: 'invalid_grant', suberror: 'consent_required' }, 'user_consent_required'],
  ['the suberror bad_token', { error: 'invalid_grant', suberror: 'bad_token' }, 'assertion_rejected'],
  ['the suberror token_expired', { error: 'invalid_grant', suberror: 'token_expired' }, 'assertion_rejected'],
  ['invalid_client alone', { error: 'invalid_client' }, 'credential_rejected'],
  ['invalid_grant alone', { error: 'invalid_grant' }, 'assertion_rejected'],
  ['interaction_required alone', { error: 'interaction_required' }, 'assertion_rejected'],
  ['unauthorized_client alone', { error: 'unauthorized_client' }, 'exchange_misconfigured'],
  ['unsupported_grant_type', { error: 'unsupported_grant_type', error_codes: [70003] }, 'exchange_misconfigured'],
  ['temporarily_unavailable', { error: 'temporarily_unavailable' }, 'exchange_unavailable'],
  ['an unknown code of a known error', { error: 'invalid_grant', error_codes: [99999999] }, 'assertion_rejected'],
  ['a known code behind an unknown one', { error: 'x', error_codes: [1, 50105] }, 'user_not_allowed'],
  [
    'a code that says more than its suberror',
    { error: 'invalid_grant', suberror: 'bad_token', error_codes: [50105] },
    'user_not_allowed',
  ],
  ['an unknown error', { error: 'something_new' }, 'exchange_unavailable'],
  ['an error named as every object has one', { error: 'constructor', suberror: '__proto__' }, 'exchange_unavailable'],
  ['an empty object', {}, 'exchange_unavailable'],
  ['null', 'null', 'exchange_unavailable'],
  ['a list', '[{"error":"invalid_grant"}]', 'exchange_unavailable'],
  ['a text', '"invalid_grant"', 'exchange_unavailable'],
  ['HTML', '<html>invalid_grant</html>', 'exchange_unavailable'],
  ['truncated JSON', '{"error":"invalid_gra', 'exchange_unavailable'],
  ['nothing', '', 'exchange_unavailable'],
  ['wrong types', { error: 7, suberror: [], error_codes: '50105', claims: { a: 1 } }, 'exchange_unavailable'],
  ['codes that are no numbers', { error: 'invalid_grant', error_codes: ['50105', null, {}] }, 'assertion_rejected'],
]
for (const [name, body, reason] of others) {
  test(`${name}: ${reason}`, () => {
    assert.equal(judge(body).reason, reason)
  })
}

for (const status of [500, 502, 503, 504]) {
  test(`a ${status} is a temporary error, whatever its body says`, () => {
    assert.equal(
      judge({ error: 'invalid_client', error_codes: [7000215], claims }, { status }).reason,
      'exchange_unavailable',
    )
  })
}

const waits: readonly [
  name: string,
  response: Partial<EntraResponse>,
  body: unknown,
  reason: Reason,
  seconds: number,
][] = [
  ['a 429 that says how long', { status: 429, retryAfter: '17' }, '', 'exchange_throttled', 17],
  ['a 429 that does not', { status: 429 }, '', 'exchange_throttled', 10],
  ['a 429 with nonsense', { status: 429, retryAfter: 'soon' }, '', 'exchange_throttled', 10],
  ['a 429 over claims', { status: 429 }, { claims }, 'exchange_throttled', 10],
  ['50196 without a time', {}, { error: 'invalid_grant', error_codes: [50196] }, 'exchange_throttled', 10],
  ['a 503 that says how long', { status: 503, retryAfter: '4' }, '', 'exchange_unavailable', 4],
  ['a 503 that does not', { status: 503 }, '', 'exchange_unavailable', 2],
  ['a time of a thousand hours', { status: 429, retryAfter: '3600000' }, '', 'exchange_throttled', 3600],
]
for (const [name, response, body, reason, seconds] of waits) {
  test(`${name} is ${reason} with ${seconds} seconds to wait`, () => {
    const failure = judge(body, response)
    assert.equal(failure.reason, reason)
    assert.equal(failure.details.retryAfterSeconds, seconds)
  })
}

for (const [name, response, seconds] of [
  ['a 503 that names no time', { status: 503 }, 0],
  ['a 503 that names nonsense', { status: 503, retryAfter: 'soon' }, 0],
  ['a 503 that names a second', { status: 503, retryAfter: '1' }, 0],
  ['a 503 that names two', { status: 503, retryAfter: '2' }, 2],
  ['a 400 that names thirty', { retryAfter: '30' }, 30],
] as const) {
  test(`${name} leaves Entra alone for ${seconds} seconds, and is ${seconds > 0 ? 'not ' : ''}tried once more`, () => {
    const failure = judge({ error: 'temporarily_unavailable' }, response)
    assert.equal(secondsToLeaveAlone(failure), seconds)
    assert.equal(isWorthOneMoreTry(failure), seconds === 0)
  })
}

for (const code of [65001, 90094, 650056, 650057]) {
  test(`AADSTS${code} comes with the page where consent is given`, () => {
    assert.equal(judge({ error: 'invalid_grant', error_codes: [code] }).details.link, consent)
  })
}

test('only the log sees what Entra wrote, and of that numbers, names and ids: its description names users', () => {
  const { details } = judge({
    error: 'invalid_grant',
    error_codes: [50013],
    error_description: 'AADSTS50013: The user rowan@contoso.example …',
    trace_id: '0a1b2c3d-0000-4000-8000-0000000000ff',
    correlation_id: '0A1B2C3D-0000-4000-8000-0000000000EE',
    assertion: 'zq7mark',
  })
  assert.deepEqual(Object.keys(details), ['cause', 'aadsts'])
  assert.equal(details.aadsts, 'AADSTS50013')
  assert.deepEqual(details.cause, {
    status: 400,
    error: 'invalid_grant',
    correlation_id: '0A1B2C3D-0000-4000-8000-0000000000EE',
    trace_id: '0a1b2c3d-0000-4000-8000-0000000000ff',
    error_codes: [50013],
  })
})

test('what is not of its documented form is no part of the log either', () => {
  const user = 'rowan@contoso.example'
  const { details, reason } = judge({
    error: `invalid_grant for ${user}`,
    suberror: [user],
    error_codes: [user, 1.5, 50013],
    trace_id: user,
    correlation_id: { user },
    timestamp: user,
  })
  assert.equal(reason, 'assertion_rejected')
  assert.deepEqual(details.cause, { status: 400, error_codes: [50013] })
})

test('where there are no numbers, the one at the beginning of the description counts', () => {
  const said = (error_description: unknown) => judge({ error: 'invalid_grant', error_description })
  assert.deepEqual(said('AADSTS50105: The user …').details.cause, {
    status: 400,
    error: 'invalid_grant',
    error_codes: [50105],
  })
  assert.equal(said('AADSTS50105: The user …').reason, 'user_not_allowed')
  for (const other of ['See AADSTS50105', 'AADSTS5010500000', 50105, undefined]) {
    assert.deepEqual(said(other).details.cause, { status: 400, error: 'invalid_grant' })
  }
})

test('only a number of the table names what is wrong', () => {
  assert.equal(isNamedByCode(judge({ error: 'invalid_client', error_codes: [7000215] })), true)
  assert.equal(isNamedByCode(judge({ error: 'invalid_client', error_codes: [7000999] })), false)
  assert.equal(isNamedByCode(judge({ error: 'invalid_client' })), false)
  assert.equal(isNamedByCode(judge('{')), false)
})
