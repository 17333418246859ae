import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MintOptions } from '../../emulator/mint.ts'
import { call, exchangeForm, postToken, startTenant } from './entra-helper.ts'

const emulator = await startTenant()
const { origin, mint, tenant, keys } = emulator
const messages = `${origin}/v1.0/admin/serviceAnnouncement/messages`

interface GraphBody {
  error?: { code: string; message: string }
}

const get = (token: string | undefined) =>
  call<GraphBody>(messages, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } })

test('a Graph token of a reader is accepted', async () => {
  assert.equal((await get(await mint({ kind: 'graph' }))).status, 200)
})

test('a user without an admin role gets 403', async () => {
  assert.equal((await get(await mint({ kind: 'graph', user: 'nico' }))).status, 403)
})

const invalidTokens: { name: string; options: MintOptions }[] = [
  { name: 'a token for the API', options: {} },
  { name: 'a forged token', options: { kind: 'graph', key: 'foreign' } },
  { name: 'an expired token', options: { kind: 'graph', claims: { exp: 1 } } },
  { name: 'a token of another issuer', options: { kind: 'graph', claims: { iss: 'https://fabrikam.example/' } } },
  { name: 'a token of an unknown user', options: { kind: 'graph', claims: { oid: 'nobody' } } },
]
for (const { name, options } of invalidTokens) {
  test(`${name} gets 401 with a challenge`, async () => {
    const { status, headers, body } = await get(await mint(options))
    assert.equal(status, 401)
    assert.equal(body.error?.code, 'InvalidAuthenticationToken')
    assert.match(String(headers['www-authenticate']), /^Bearer realm="", authorization_uri="http/)
    assert.doesNotMatch(String(headers['www-authenticate']), /claims/)
  })
}

test('no token gets 401', async () => assert.equal((await get(undefined)).status, 401))

test('a verified token is rejected once its key is retired', async () => {
  const { kid } = await keys.rotate()
  const token = await mint({ kind: 'graph' })
  assert.equal((await get(token)).status, 200)
  keys.retire(kid)
  assert.equal((await get(token)).status, 401)
})

test('a revocation causes a claims challenge, which a token of a new sign-in satisfies', async () => {
  const user = tenant.directory.find('load-00009')
  assert.ok(user)
  const before = await mint({ kind: 'graph', user: user.id })
  assert.equal((await get(before)).status, 200)
  tenant.revokeSessions(user, Math.floor(Date.now() / 1000))

  const { status, headers } = await get(before)
  assert.equal(status, 401)
  const [, claims = ''] =
    /error="insufficient_claims", claims="([^"]+)"/.exec(String(headers['www-authenticate'])) ?? []
  const { access_token } = JSON.parse(Buffer.from(claims, 'base64').toString())
  assert.deepEqual(access_token, { nbf: { essential: true, value: String(user.sessionsValidFrom) } })

  const { body } = await postToken(emulator, exchangeForm(emulator, await mint({ user: user.id })))
  assert.equal((await get(body.access_token)).status, 200)
})
