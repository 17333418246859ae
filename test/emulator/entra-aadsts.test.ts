import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AadstsError, errorBody, reportOf } from '../../emulator/entra/aadsts.ts'
import { AADSTS } from '../../emulator/entra/aadsts-table.ts'

/** What a server has to tell apart, as Entra sends it: code, HTTP status, error, suberror. */
const shapes: [code: number, status: number, error: string, suberror?: string][] = [
  [50076, 400, 'invalid_grant', 'basic_action'],
  [50079, 400, 'interaction_required'],
  [50158, 400, 'interaction_required'],
  [53000, 400, 'interaction_required'],
  [53001, 400, 'interaction_required'],
  [53002, 400, 'interaction_required'],
  [53003, 400, 'interaction_required', 'message_only'],
  [65001, 400, 'invalid_grant', 'consent_required'],
  [90094, 400, 'invalid_grant', 'consent_required'],
  [650056, 400, 'invalid_client'],
  [650057, 400, 'invalid_resource'],
  [50013, 400, 'invalid_grant'],
  [500133, 400, 'invalid_grant'],
  [50173, 400, 'invalid_grant', 'bad_token'],
  [70043, 400, 'invalid_grant', 'token_expired'],
  [50132, 400, 'invalid_grant'],
  [50133, 400, 'invalid_grant'],
  [500131, 400, 'invalid_grant'],
  [240002, 400, 'invalid_request'],
  [50105, 400, 'invalid_grant'],
  [50020, 400, 'invalid_grant'],
  [50034, 400, 'invalid_grant'],
  [50057, 400, 'invalid_grant'],
  [7000215, 401, 'invalid_client'],
  [7000222, 401, 'invalid_client'],
  [700027, 401, 'invalid_client'],
  [700024, 401, 'invalid_client'],
  [70021, 401, 'invalid_client'],
  [700211, 401, 'invalid_client'],
  [700212, 401, 'invalid_client'],
  [700213, 401, 'invalid_client'],
  [70011, 400, 'invalid_scope'],
  [500011, 400, 'invalid_resource'],
  [50196, 400, 'invalid_grant'],
  [90033, 503, 'temporarily_unavailable'],
  [700038, 400, 'unauthorized_client'],
  [70003, 400, 'unsupported_grant_type'],
  [9010010, 400, 'invalid_target'],
  [901002, 400, 'invalid_request'],
  [9000411, 400, 'invalid_request'],
  [90009, 400, 'invalid_request'],
  [28000, 400, 'invalid_request'],
  [28003, 400, 'invalid_request'],
]
for (const [code, status, error, suberror] of shapes) {
  test(`AADSTS${code} is ${status} ${error} ${suberror ?? ''}`, () => {
    const aadstsError = new AadstsError(code)
    assert.deepEqual([aadstsError.status, aadstsError.error, aadstsError.suberror], [status, error, suberror])
  })
}

for (const code of AADSTS.keys()) {
  test(`the body of AADSTS${code} has the same trail in the description`, () => {
    const body = errorBody(new AadstsError(code), reportOf(new AadstsError(code), 1_795_000_000, 'the-correlation'))
    assert.deepEqual(body.error_codes, [code])
    assert.equal(body.timestamp, '2026-11-18 11:06:40Z')
    assert.equal(body.correlation_id, 'the-correlation')
    assert.ok(body.error_description.startsWith(`AADSTS${code}: `))
    assert.ok(
      body.error_description.endsWith(
        ` Trace ID: ${body.trace_id} Correlation ID: the-correlation Timestamp: ${body.timestamp}`,
      ),
    )
    assert.doesNotMatch(body.error_description, /[{}]/)
  })
}

test('an unlisted number is still an error with that number', () => {
  const body = errorBody(new AadstsError(123456), reportOf(new AadstsError(123456), 0))
  assert.deepEqual([body.error, body.error_codes], ['invalid_grant', [123456]])
})
