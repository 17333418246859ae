import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listen, toolCall } from '../helper.ts'
import { file, post } from '../security/harness.ts'
import { assertRejected, assertTokens, formOf, leadsTo, openBrowser } from '../security/oauth-harness.ts'
import { authorizationUrl, freshCode, postForm, redeem, register } from '../sign-in-helper.ts'
import { startEmulator } from '../tenant.ts'

/** Users of whom Entra requires more for Graph than for this server, and clients that know no claims challenge. */

const tenant = await startEmulator()
file.after(() => tenant.close())
const { origin } = await listen(file, {}, tenant)

const newClient = async () => String((await register(origin)).body['client_id'])
const ask = async (token: unknown) => (await post(origin, toolCall('getMessages', { top: 1 }), String(token))).status

async function signIn(clientId: string, user: string) {
  return redeem(origin, await freshCode(origin, clientId, { user }))
}

function refresh(clientId: string, refreshToken: unknown) {
  const form = { grant_type: 'refresh_token', refresh_token: String(refreshToken), client_id: clientId }
  return postForm(`${origin}/token`, form)
}

test('a refresh is rejected until the user has signed in with what Entra requires, and then works', async () => {
  const client = await newClient()
  const first = await signIn(client, 'mika')
  const usual = await refresh(client, first.body['refresh_token'])
  assertTokens(usual)
  assert.equal(await ask(usual.body['access_token']), 401)
  const { refresh_token: token } = usual.body
  for (let i = 0; i < 2; i++) {
    const rejected = await refresh(client, token)
    assertRejected(rejected, 'invalid_grant')
    assert.match(String(rejected.body['error_description']), /requires more of this sign-in.* Sign in again\./)
  }
  const second = await signIn(client, 'mika')
  assert.equal(await ask(second.body['access_token']), 200)
  const renewed = await refresh(client, second.body['refresh_token'])
  assertTokens(renewed)
  assert.equal(await ask(renewed.body['access_token']), 200)
})

test('a client that never refreshes signs in with it the next time but one', async () => {
  const client = await newClient()
  const statuses: number[] = []
  for (let i = 0; i < 3; i++) {
    const { body } = await signIn(client, 'signe')
    statuses.push(await ask(body['access_token']))
  }
  assert.deepEqual(statuses, [401, 401, 200])
})

test('other users of the same client, and other clients, are asked for nothing', async () => {
  const client = await newClient()
  const other = await newClient()
  const rowan = await signIn(client, 'rowan')
  const mika = await signIn(client, 'mika')
  assert.equal(await ask(mika.body['access_token']), 401)
  assertTokens(await refresh(client, rowan.body['refresh_token']))
  assertRejected(await refresh(client, mika.body['refresh_token']), 'invalid_grant')
  assertTokens(await refresh(client, rowan.body['refresh_token']))
  assert.match((await claimsAskedOf(client)) ?? '', /"access_token"/)
  assert.equal(await claimsAskedOf(other), null)
})

test('claims that the client brings itself are the ones that Entra is asked for', async () => {
  const client = await newClient()
  const { body } = await signIn(client, 'mika')
  assert.equal(await ask(body['access_token']), 401)
  assertRejected(await refresh(client, body['refresh_token']), 'invalid_grant')
  const claims = JSON.stringify({ access_token: { acrs: { essential: true, value: 'c1' } } })
  assert.equal(await claimsAskedOf(client, { claims }), claims)
})

/** The claims in the address at Entra that a sign-in leads to. */
async function claimsAskedOf(clientId: string, overrides = {}): Promise<string | null> {
  const browser = openBrowser(origin)
  const request = formOf(await browser.go(authorizationUrl(origin, clientId, overrides)))
  return leadsTo(await browser.submit({ request, decision: 'allow', confirmed: 'yes' })).searchParams.get('claims')
}
