import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { request } from 'undici'
import { type ServerPage, visit } from '../../demo/browser.ts'
import { type CookieJar, signIn } from '../../emulator/sign-in.ts'
import { envFor, eventually, freePort, toolCall } from '../helper.ts'
import { programPath } from '../programs.ts'
import { file, post } from '../security/harness.ts'
import {
  authorizationUrl,
  type JsonResponse,
  pkcePair,
  postForm,
  redeem,
  redirectUri,
  register,
} from '../sign-in-helper.ts'
import { startEmulator } from '../tenant.ts'

/**
 * Several processes of the server that share their configuration and nothing else. A load balancer would stand at the
 * public origin; here nobody listens there, and each step is brought to the replica that it is meant for.
 */

const tenant = await startEmulator()
after(() => tenant.close())
const publicOrigin = `http://localhost:${await freePort()}`

const newKey = () => randomBytes(32).toString('base64')
const sharedKey = newKey()

interface Replica {
  readonly origin: string
  readonly port: number
  readonly ready: Promise<void>
  readonly log: () => string
  /** Ends it without warning: what it had in memory is gone. */
  kill(): Promise<void>
}

/** Ends with the test or file, in a folder of its own, so that nobody's .env.local has a part in it. */
async function startReplica(t: TestContext, sealKeys = sharedKey, port?: number): Promise<Replica> {
  const ownPort = port ?? (await freePort())
  const cwd = mkdtempSync(join(tmpdir(), 'mcp-replica-'))
  const env = {
    PATH: process.env['PATH'],
    ...envFor(tenant),
    LOG_LEVEL: 'info',
    PORT: String(ownPort),
    PUBLIC_BASE_URL: publicOrigin,
    MCP_OAUTH_SEAL_KEY: sealKeys,
  }
  const child = spawn(process.execPath, [programPath('src/server.ts')], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      log += chunk
    })
  }
  const kill = () => end(child)
  t.after(async () => {
    await kill()
    rmSync(cwd, { recursive: true })
  })
  const origin = `http://127.0.0.1:${ownPort}`
  // Slow processors start five of these at once.
  return { origin, port: ownPort, ready: eventually(() => isReady(origin), 60_000), log: () => log, kill }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'close')
  child.kill('SIGKILL')
  await ended
}

async function isReady(origin: string): Promise<boolean> {
  try {
    const { statusCode, body } = await request(`${origin}/readyz`)
    await body.dump()
    return statusCode === 200
  } catch {
    return false
  }
}

/** What a client and its user's browser have in hand between two steps of a sign-in, wherever each step is taken. */
interface SignOn {
  readonly clientId: string
  readonly user: string
  readonly cookies: CookieJar
  readonly verifier: string
  readonly challenge: string
}

function signOnOf(clientId: string, user: string): SignOn {
  const { verifier, challenge } = pkcePair()
  return { clientId, user, cookies: new Map(), verifier, challenge }
}

async function registerAt({ origin }: Replica): Promise<string> {
  const { status, body } = await register(origin)
  assert.equal(status, 201)
  return String(body['client_id'])
}

/** Opens the authorization URL. */
function authorizeAt({ origin }: Replica, { clientId, challenge, cookies }: SignOn): Promise<ServerPage> {
  const asked = { code_challenge: challenge, resource: `${publicOrigin}/mcp` }
  return visit(authorizationUrl(origin, clientId, asked), cookies)
}

/** Allows what the page asks. */
function consentAt({ origin }: Replica, page: ServerPage, { cookies }: SignOn): Promise<ServerPage> {
  const form = /name="request" value="([^"]+)"/.exec(page.html)?.[1] ?? ''
  return visit(`${origin}/oauth/consent`, cookies, { request: form, decision: 'allow', confirmed: 'yes' })
}

/** Signs in at Entra and brings its redirect, which names the public origin. */
async function callbackAt({ origin }: Replica, page: ServerPage, { user, cookies }: SignOn): Promise<ServerPage> {
  const { url } = await signIn(leadsTo(page), { user })
  assert.equal(url.origin, publicOrigin)
  return visit(`${origin}${url.pathname}${url.search}`, cookies)
}

/** The code in the redirect to the client, with the issuer that it has to name. */
function codeIn(page: ServerPage): string {
  const { origin, pathname, searchParams } = new URL(leadsTo(page))
  assert.equal(`${origin}${pathname}`, redirectUri)
  assert.equal(searchParams.get('iss'), publicOrigin)
  return searchParams.get('code') ?? ''
}

/** Where a page sends its browser: by redirect, or by the refresh after a form. */
function leadsTo({ location, html }: ServerPage): string {
  const refresh = /http-equiv="refresh" content="0; url=([^"]+)"/.exec(html)?.[1]
  const target = location ?? refresh?.replaceAll(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
  assert.ok(target, `The page leads nowhere: ${/<main>.*<\/main>/s.exec(html)?.[0]}`)
  return target
}

function redeemAt({ origin }: Replica, code: string, { clientId, verifier }: SignOn): Promise<JsonResponse> {
  return redeem(origin, { code, clientId, verifier }, { resource: `${publicOrigin}/mcp` })
}

function refreshAt({ origin }: Replica, { body }: JsonResponse, { clientId }: SignOn): Promise<JsonResponse> {
  const refresh_token = String(body['refresh_token'])
  return postForm(`${origin}/token`, { grant_type: 'refresh_token', refresh_token, client_id: clientId })
}

/** The tokens are good at a replica, down to Graph. */
async function assertServedAt({ origin }: Replica, { status, body }: JsonResponse) {
  assert.equal(status, 200, JSON.stringify(body))
  const response = await post(origin, toolCall('getMessages', { top: 1 }), String(body['access_token']))
  assert.equal(response.status, 200)
  assert.ok(response.body.result?.structuredContent)
}

function assertRejected({ status, body }: JsonResponse, error: string, says: RegExp) {
  assert.deepEqual([status, body['error']], [error === 'invalid_client' ? 401 : 400, error])
  assert.match(String(body['error_description']), says)
}

const newerKey = newKey()
const [one, other, mixed, rotated, foreign] = await Promise.all([
  startReplica(file),
  startReplica(file),
  startReplica(file, `${sharedKey},${newerKey}`),
  startReplica(file, `${newerKey},${sharedKey}`),
  startReplica(file, newKey()),
])
await Promise.all([one, other, mixed, rotated, foreign].map(({ ready }) => ready))

/** The configured app's code, made at one replica. */
async function codeAt(replica: Replica, user: string) {
  const signOn = signOnOf(tenant.api.clientId, user)
  return { signOn, code: codeIn(await callbackAt(replica, await authorizeAt(replica, signOn), signOn)) }
}

for (const [where, redeeming, refreshing] of [
  ['at the first, and refreshed at the second', one, other],
  ['at the second, and refreshed at the first', other, one],
] as const) {
  test(`a sign-in goes from replica to replica with every step, redeemed ${where}`, async () => {
    const signOn = signOnOf(await registerAt(one), `load-${refreshing.origin.slice(-4)}`)
    const asked = await authorizeAt(other, signOn)
    const allowed = await consentAt(one, asked, signOn)
    const code = codeIn(await callbackAt(other, allowed, signOn))
    const tokens = await redeemAt(redeeming, code, signOn)
    await assertServedAt(refreshing, tokens)
    await assertServedAt(redeeming, await refreshAt(refreshing, tokens, signOn))
  })
}

test('a consent given at one replica is remembered by the others', async () => {
  const signOn = signOnOf(await registerAt(one), 'load-1')
  await consentAt(one, await authorizeAt(one, signOn), signOn)
  assert.match((await authorizeAt(other, signOn)).html, /You have allowed this before/)
})

test('a code that one replica redeemed is rejected by the others, since Entra redeems it once', async () => {
  const { signOn, code } = await codeAt(one, 'load-2')
  await assertServedAt(one, await redeemAt(one, code, signOn))
  const codeGrants = tenant.stats.snapshot().grants.authorization_code
  assertRejected(await redeemAt(other, code, signOn), 'invalid_grant', /\(AADSTS54005\)/)
  assert.equal(tenant.stats.snapshot().grants.authorization_code, codeGrants + 1, 'Entra was asked')
  assertRejected(await redeemAt(one, code, signOn), 'invalid_grant', /already used/)
  assert.equal(tenant.stats.snapshot().grants.authorization_code, codeGrants + 1, 'and was not asked again')
})

test('a code that two replicas redeem at once brings tokens from one of them', async () => {
  const { signOn, code } = await codeAt(one, 'load-3')
  const responses = await Promise.all([redeemAt(one, code, signOn), redeemAt(other, code, signOn)])
  assert.deepEqual(responses.map(({ status }) => status).sort(), [200, 400])
})

test('keys are rotated by rolling restarts in the middle of a sign-in, and nobody notices', async () => {
  // First every replica gets to know the new key, then they seal with it: none ever meets what it cannot open.
  const signOn = signOnOf(await registerAt(one), 'load-5')
  const asked = await authorizeAt(mixed, signOn)
  const allowed = await consentAt(one, asked, signOn)
  const code = codeIn(await callbackAt(rotated, allowed, signOn))
  const tokens = await redeemAt(mixed, code, signOn)
  const refreshed = await refreshAt(rotated, tokens, signOn)
  await assertServedAt(mixed, await refreshAt(mixed, refreshed, signOn))
})

test('a replica with the old key as its second goes on with all that the old one sealed', async () => {
  const signOn = signOnOf(await registerAt(one), 'load-6')
  const asked = await authorizeAt(one, signOn)
  await consentAt(rotated, asked, { ...signOn, cookies: new Map(signOn.cookies) })
  const allowed = await consentAt(one, asked, signOn)
  const again = await authorizeAt(rotated, { ...signOn, cookies: new Map(signOn.cookies) })
  assert.match(again.html, /You have allowed this before/)
  const { signOn: approved, code } = await codeAt(one, 'load-7')
  codeIn(await callbackAt(rotated, allowed, signOn))
  const tokens = await redeemAt(one, code, approved)
  await assertServedAt(rotated, await refreshAt(rotated, tokens, approved))
})

test('a replica with another key rejects all that it did not encrypt, each time in plain words', async () => {
  const clientId = await registerAt(one)
  const signOn = signOnOf(clientId, 'load-8')
  const asked = await authorizeAt(one, signOn)
  const allowed = await consentAt(one, asked, signOn)
  const { signOn: approved, code } = await codeAt(one, 'load-9')

  const pages = {
    authorize: await authorizeAt(foreign, signOnOf(clientId, 'load-8')),
    consent: await consentAt(foreign, asked, { ...signOn, cookies: new Map(signOn.cookies) }),
    callback: await callbackAt(foreign, allowed, { ...signOn, cookies: new Map(signOn.cookies) }),
  }
  for (const [page, status, reason] of [
    [pages.authorize, 400, /client_unknown/],
    [pages.consent, 403, /consent_form_rejected/],
    [pages.callback, 403, /sign_in_elsewhere/],
  ] as const) {
    assert.equal(page.status, status)
    assert.match(page.html, reason)
    assert.equal(page.location, undefined)
  }

  assertRejected(await redeemAt(foreign, code, signOn), 'invalid_client', /Unknown client/)
  assertRejected(await redeemAt(foreign, code, approved), 'invalid_grant', /Invalid authorization code/)
  // None of these attempts used the code up.
  const tokens = await redeemAt(other, code, approved)
  await assertServedAt(other, tokens)
  assertRejected(await refreshAt(foreign, tokens, approved), 'invalid_grant', /Sign in again/)
  assert.equal((await refreshAt(one, tokens, approved)).status, 200)
  assert.ok(!/"level":[56]0/.test(foreign.log()), 'nothing of this is an error of the server')
})

test('a replica with another key asks for a consent that was given elsewhere', async () => {
  const signOn = signOnOf(await registerAt(one), 'load-10')
  await consentAt(one, await authorizeAt(one, signOn), signOn)
  const own = { ...signOn, clientId: await registerAt(foreign) }
  const { status, html } = await authorizeAt(foreign, own)
  assert.equal(status, 200)
  assert.ok(html.includes('action="/oauth/consent"'))
})

test('a sign-in survives that the replica which takes its steps is killed, started again and killed again', async (t) => {
  const signOn = signOnOf(await registerAt(other), 'load-4')
  const asked = await authorizeAt(other, signOn)
  await other.kill()
  const again = await startReplica(t, sharedKey, other.port)
  await again.ready
  const allowed = await consentAt(again, asked, signOn)
  const code = codeIn(await callbackAt(again, allowed, signOn))
  await again.kill()
  const tokens = await redeemAt(one, code, signOn)
  await assertServedAt(one, await refreshAt(one, tokens, signOn))
})
