import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { Agent, setGlobalDispatcher } from 'undici'
import type { Emulator, EmulatorOptions } from '../../emulator/app.ts'
import { signIn } from '../../emulator/sign-in.ts'
import { startEmulator } from '../tenant.ts'
import { authorizeUrl, call, exchangeForm, pkce, postToken, REDIRECT } from './entra-helper.ts'

// A connection is for one request: tenants come and go on a port.
setGlobalDispatcher(new Agent({ pipelining: 0 }))

const folder = mkdtempSync(join(tmpdir(), 'emulator-secrets-'))
after(() => rmSync(folder, { recursive: true }))

/** A tenant that ends with its test. */
async function start(t: TestContext, options: EmulatorOptions): Promise<Emulator> {
  const emulator = await startEmulator(options)
  t.after(() => emulator.close())
  return emulator
}

const portOf = ({ origin }: Emulator) => Number(new URL(origin).port)
const readMessages = ({ origin }: Emulator, token: string) =>
  call(`${origin}/v1.0/admin/serviceAnnouncement/messages`, { headers: { authorization: `Bearer ${token}` } })

/** The refresh token of a sign-in. */
async function signedIn(emulator: Emulator): Promise<string> {
  const { verifier, challenge } = pkce()
  const url = authorizeUrl(emulator, { code_challenge: challenge, code_challenge_method: 'S256' })
  const { parameters } = await signIn(url, { user: 'rowan' })
  const { body } = await postToken(emulator, {
    grant_type: 'authorization_code',
    ...credentials(emulator),
    redirect_uri: REDIRECT,
    code: parameters.get('code') ?? '',
    code_verifier: verifier,
  })
  return body.refresh_token ?? ''
}

function credentials({ client }: Emulator) {
  return { client_id: client.clientId, client_secret: client.clientSecret }
}

test('tokens stay valid after a restart only with stored secrets', async (t) => {
  const secretsFile = join(folder, 'restart.json')
  const first = await startEmulator({ secretsFile })
  const assertion = await first.mint({ user: 'load-00042' })
  const form = exchangeForm(first, assertion)
  const refreshForm = {
    grant_type: 'refresh_token',
    ...credentials(first),
    refresh_token: await signedIn(first),
  }
  const graphToken = await first.mint({ kind: 'graph' })
  const port = portOf(first)
  await first.close()

  const second = await start(t, { port, secretsFile })
  assert.equal((await postToken(second, form)).status, 200)
  assert.equal((await postToken(second, refreshForm)).status, 200)
  assert.equal((await readMessages(second, graphToken)).status, 200)
  await second.close()

  const otherTenant = await start(t, { port })
  assert.deepEqual((await postToken(otherTenant, form)).body.error_codes, [7000215])
  assert.deepEqual(
    (await postToken(otherTenant, { ...form, client_secret: otherTenant.api.clientSecret })).body.error_codes,
    [50013],
  )
  const { body } = await postToken(otherTenant, { ...refreshForm, ...credentials(otherTenant) })
  assert.equal(body.error, 'invalid_grant')
  assert.equal((await readMessages(otherTenant, graphToken)).status, 401)
})

test('two processes with the same secrets are one tenant, keys that one of them rotates or retires included', async (t) => {
  const secretsFile = join(folder, 'two.json')
  const one = await start(t, { secretsFile })
  const other = await start(t, { secretsFile })
  const { kid } = await one.keys.rotate()
  assert.equal((await readMessages(other, await one.mint({ kind: 'graph' }))).status, 200)

  const published = createRemoteJWKSet(new URL(`${other.origin}/${other.tenantId}/discovery/v2.0/keys`))
  const { protectedHeader } = await jwtVerify(await one.mint(), published)
  assert.equal(protectedHeader.kid, kid)

  const rotatedThere = await other.keys.rotate()
  assert.deepEqual(
    one.keys.jwks('').keys.map((key) => key.kid),
    other.keys.published.map((key) => key.kid),
  )
  assert.ok(one.keys.retire(rotatedThere.kid))
  assert.equal(other.keys.jwks('').keys.at(-1)?.kid, kid)
})

test('the file is for its owner alone, and has no half of it lying about', async (t) => {
  const secretsFile = join(folder, 'mode.json')
  await start(t, { secretsFile })
  assert.equal(statSync(secretsFile).mode & 0o777, 0o600)
  assert.equal(existsSync(`${secretsFile}.part`), false)
})

const wholeFile = join(folder, 'whole.json')
await startEmulator({ secretsFile: wholeFile }).then((emulator) => emulator.close())
const whole = readFileSync(wholeFile, 'utf8')
for (const [what, change] of [
  ['nothing', () => ''],
  ['half a file', (text: string) => text.slice(0, text.length / 2)],
  ['another JSON', () => '["the same"]'],
  ['no keys', (text: string) => JSON.stringify({ ...JSON.parse(text), signingKeys: [] })],
  ['a member too many', (text: string) => JSON.stringify({ ...JSON.parse(text), more: 1 })],
  ['a short key', (text: string) => JSON.stringify({ ...JSON.parse(text), sessionKey: 'short' })],
] as const) {
  test(`a file with ${what} is rejected and not changed`, async () => {
    const secretsFile = join(folder, `${what}.json`)
    const text = change(whole)
    writeFileSync(secretsFile, text)
    await assert.rejects(startEmulator({ secretsFile }), {
      message: `${secretsFile} is not a secrets file of the emulator; choose another.`,
    })
    assert.equal(readFileSync(secretsFile, 'utf8'), text)
  })
}

test('a missing folder is an error', async () => {
  await assert.rejects(startEmulator({ secretsFile: join(folder, 'missing', 'secrets.json') }), { code: 'ENOENT' })
})
