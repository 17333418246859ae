import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt } from 'jose'
import { type SignInError, signIn } from '../../emulator/sign-in.ts'
import { apiScope, call, type JsonResponse, postToken, startTenant } from './entra-helper.ts'

let nowMs = Date.now()
const emulator = await startTenant({ clock: () => nowMs })
const { api, client } = emulator

interface DeviceAuthorizationResponse {
  readonly device_code: string
  readonly user_code: string
  readonly verification_uri: string
  readonly expires_in: number
  readonly interval: number
  readonly message: string
}

function begin(fields: Record<string, string> = {}): Promise<JsonResponse<DeviceAuthorizationResponse>> {
  const form = { client_id: client.clientId, scope: `openid offline_access ${apiScope(api)}`, ...fields }
  return call<DeviceAuthorizationResponse>(`${emulator.origin}/${emulator.tenantId}/oauth2/v2.0/devicecode`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  })
}

function poll(deviceCode: string, clientId = client.clientId): Promise<JsonResponse> {
  return postToken(emulator, {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    client_id: clientId,
    device_code: deviceCode,
  })
}

function enter({ verification_uri, user_code }: DeviceAuthorizationResponse, user: string, consent = true) {
  return signIn(`${verification_uri}?otc=${user_code}`, { user, consent })
}

test('a device gets tokens of whoever enters its code, once', async () => {
  const { status, body } = await begin()
  assert.equal(status, 200)
  assert.match(body.user_code, /^[A-Z0-9]{9}$/)
  assert.equal(body.expires_in, 900)
  assert.match(body.message, new RegExp(`${body.verification_uri}.*${body.user_code}`))

  const early = await poll(body.device_code)
  assert.deepEqual([early.status, early.body.error, early.body.error_codes], [400, 'authorization_pending', [70016]])
  const { url } = await enter(body, 'rowan')
  assert.equal(url.pathname, '/devicelogin/done')

  const { status: done, body: tokens } = await poll(body.device_code)
  assert.equal(done, 200)
  const claims = decodeJwt(String(tokens.access_token))
  assert.deepEqual([claims['scp'], claims['azp'], claims['azpacr']], ['access_as_user', client.clientId, '0'])
  assert.equal(claims['preferred_username'], 'rowan@contoso.example')
  assert.ok(tokens.refresh_token)
  assert.equal((await poll(body.device_code)).body.error, 'bad_verification_code')
  await assert.rejects(enter(body, 'rowan'), (error: SignInError) => error.code === 70018)
})

test('declining a code is authorization_declined', async () => {
  const { body } = await begin()
  await enter(body, 'rowan', false)
  const response = await poll(body.device_code)
  assert.deepEqual([response.status, response.body.error], [400, 'authorization_declined'])
})

test('a code expires', async () => {
  const { body } = await begin()
  nowMs += 901_000
  const response = await poll(body.device_code)
  assert.deepEqual([response.body.error, response.body.error_codes], ['expired_token', [70020]])
  await assert.rejects(enter(body, 'rowan'), (error: SignInError) => error.code === 70018)
})

test('a code is for its own client, and for one that may have it', async () => {
  const { body } = await begin()
  assert.equal((await poll(body.device_code, api.clientId)).body.error, 'bad_verification_code')
  const confidential = await begin({ client_id: api.clientId })
  assert.deepEqual((await poll(confidential.body.device_code, api.clientId)).body.error_codes, [7000218])
})

for (const [name, fields, code] of [
  ['an unknown client', { client_id: '11111111-2222-4333-8444-555555555555' }, 700016],
  ['no scope', { scope: '' }, 900144],
  ['an unknown resource', { scope: 'api://nobody/x' }, 500011],
] as const) {
  test(`no code for ${name}: AADSTS${code}`, async () => {
    const { body } = (await begin(fields)) as unknown as JsonResponse
    assert.deepEqual(body.error_codes, [code])
  })
}

for (const [user, code] of [
  ['dana', 50057],
  ['una', 50105],
  ['nobody', 50034],
] as const) {
  test(`${user} cannot enter a code: AADSTS${code}`, async () => {
    const { body } = await begin()
    await assert.rejects(enter(body, user), (error: SignInError) => error.code === code)
    assert.equal((await poll(body.device_code)).body.error, 'authorization_pending')
  })
}

test('a form without the browser’s own canary responses for nobody', async () => {
  const { body } = await begin()
  const response = await call(`${body.verification_uri}?otc=${body.user_code}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'login=rowan&canary=forged',
  })
  assert.equal(response.status, 403)
  assert.equal((await poll(body.device_code)).body.error, 'authorization_pending')
})

test('the page that asks for the code leads on with it', async () => {
  const { text, status } = await call(`${emulator.origin}/devicelogin`)
  assert.equal(status, 200)
  assert.match(text, /name="otc"/)
})
