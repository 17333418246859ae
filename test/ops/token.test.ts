import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt } from 'jose'
import { freePort } from '../helper.ts'
import { startEmulator } from '../tenant.ts'
import { enterDeviceCode, fakeAz, ops, tenantArgs } from './helper.ts'

const tenant = await startEmulator()
test.after(() => tenant.close())
const { api, client, tenantId } = tenant
const args = ['token', ...tenantArgs(tenant), '--api', api.clientId]
const byCode = [...args, '--client-id', client.clientId]

test('the token of the Azure CLI is for this API, with the requested scope', async (t) => {
  const { code, out, err } = await ops([...args, '--scope', 'another'], { env: fakeAz(t, tenant, 'rowan') })
  assert.deepEqual([code, err], [0, ''])
  const { aud, scp } = decodeJwt(out.trim())
  assert.deepEqual([aud, scp], [api.clientId, 'another'])
})

test('--claims prints the claims, not the token', async (t) => {
  const { code, out } = await ops([...args, '--claims'], { env: fakeAz(t, tenant, 'rowan') })
  assert.equal(code, 0)
  const claims = JSON.parse(out)
  assert.deepEqual([claims.preferred_username, claims.tid], ['rowan@contoso.example', tenantId])
  assert.doesNotMatch(out, /eyJ/)
})

test('a device code is shown on standard error; standard output holds only the token', async () => {
  const { code, out, err } = await ops(byCode, { onProgress: enterDeviceCode({ user: 'rowan' }) })
  assert.equal(code, 0, err)
  const { scp, azp, preferred_username } = decodeJwt(out.trim())
  assert.deepEqual([scp, azp, preferred_username], ['access_as_user', client.clientId, 'rowan@contoso.example'])
  assert.match(err, /^To sign in, open \S+\/devicelogin and enter the code [A-Z0-9]{9}\n$/)
})

test('slow_down increases the polling interval', async () => {
  tenant.faults.add({ target: 'token', kind: 'status', status: 400, body: { error: 'slow_down' }, times: 1 })
  const waited: number[] = []
  const { code } = await ops(byCode, { onProgress: enterDeviceCode({ user: 'rowan' }), waited })
  assert.equal(code, 0)
  const [first = 0, second = 0] = waited
  assert.equal(second - first, 5_000)
})

const login = `az login --tenant ${tenantId} --scope api://${api.clientId}/access_as_user`
for (const [name, az, message, next] of [
  [
    'nobody is signed in',
    { code: 1, stderr: "ERROR: Please run 'az login' to setup account.\n" },
    /Nobody is signed in/,
    login,
  ],
  [
    'consent is missing',
    {
      code: 1,
      stderr: 'ERROR: AADSTS65001: The user or administrator has not consented. Trace ID: 1\r\nCorrelation ID: 2\n',
    },
    /AADSTS65001: The user or administrator has not consented\.$/,
    '--preauthorize 04b07795-8ddb-461a-bbee-02f9e1bf7b46',
  ],
  [
    'MFA is required',
    { code: 1, stderr: 'ERROR: AADSTS50076: Due to a configuration change …\n' },
    /AADSTS50076/,
    login,
  ],
  [
    'the API does not exist',
    { code: 1, stderr: 'ERROR: AADSTS500011: The resource principal …\n' },
    /AADSTS500011/,
    'register server',
  ],
  ['an unknown AADSTS number', { code: 1, stderr: 'AADSTS99999: What is that\n' }, /AADSTS99999/, 'error?code=99999'],
  [
    'another failure',
    { code: 2, stderr: 'ERROR: argument --scope: unknown\nmore' },
    /failed\. argument --scope: unknown$/,
    login,
  ],
  [
    'another tenant',
    { stdout: JSON.stringify({ accessToken: 'eyJ.secret.x', tenant: api.clientId }) },
    new RegExp(`tenant ${api.clientId}, not of ${tenantId}`),
    login,
  ],
  ['no token in the output', { stdout: '{}' }, /returned no token/, 'az upgrade'],
  ['no JSON in the output', { stdout: 'warning: eyJ.secret.x' }, /returned no token/, 'az upgrade'],
] as const) {
  test(`remediation where az fails: ${name}`, async (t) => {
    const { code, out, err } = await ops(args, { env: fakeAz(t, tenant, 'rowan', az) })
    const [first = '', second = ''] = err.split('\n')
    assert.deepEqual([code, out], [1, ''])
    assert.match(first, message)
    assert.ok(second.includes(next), second)
    assert.doesNotMatch(err, /secret/)
  })
}

for (const [name, line, onProgress, message, next] of [
  ['the person declines', byCode, enterDeviceCode({ user: 'rowan', consent: false }), /AADSTS65004/, /accept/],
  [
    'the client is confidential',
    [...args, '--client-id', api.clientId],
    enterDeviceCode({ user: 'rowan' }),
    /AADSTS7000218/,
    /register client --public/,
  ],
  ['the client is unknown', [...args, '--client-id', tenantId], undefined, /AADSTS700016/, /check its client id/],
  ['the scope is unknown', [...byCode, '--scope', 'unknown'], undefined, /AADSTS650053/, /register server/],
  [
    'the tenant is another',
    [
      'token',
      '--tenant',
      api.clientId,
      '--authority-host',
      tenant.origin,
      '--api',
      api.clientId,
      '--client-id',
      client.clientId,
    ],
    undefined,
    /AADSTS90002/,
    /--tenant/,
  ],
  [
    'nothing listens there',
    [
      'token',
      '--tenant',
      tenantId,
      '--authority-host',
      `http://127.0.0.1:${await freePort()}`,
      '--api',
      api.clientId,
      '--client-id',
      client.clientId,
    ],
    undefined,
    /^Entra cannot be reached: Nothing listens on 127\.0\.0\.1:\d+\.$/,
    /--authority-host/,
  ],
] as const) {
  test(`remediation where a device code fails: ${name}`, async () => {
    const { code, out, err } = await ops(line, onProgress === undefined ? {} : { onProgress })
    assert.deepEqual([code, out], [1, ''])
    const lines = err.trim().split('\n').slice(-2)
    assert.match(lines[0] ?? '', message)
    assert.match(lines[1] ?? '', next)
  })
}

for (const kind of ['html', 'truncated', 'empty-object', 'wrong-types'] as const) {
  test(`an invalid response from Entra is an error: ${kind}`, async () => {
    tenant.faults.add({ target: 'devicecode', kind, times: 1 })
    const { code, out, err } = await ops(byCode)
    assert.deepEqual([code, out], [1, ''])
    assert.match(err, /Invalid response from Entra/)
  })
}
