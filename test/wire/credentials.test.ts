import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, type TestContext, test } from 'node:test'
import { buildConnector } from 'undici'
import type { FaultRule } from '../../emulator/fault-rule.ts'
import { startKeyVault, type VaultCertificate } from '../../emulator/key-vault/app.ts'
import { createBoundedClient } from '../../src/lib/bounded-client.ts'
import { azureLimits } from '../../src/plugins/client-credential/index.ts'
import { type Env, eventually, listen, type RunningApp, toolCall } from '../helper.ts'
import { call, post } from '../security/harness.ts'
import { freshCode, redeem } from '../sign-in-helper.ts'
import { startEmulator } from '../tenant.ts'

/** The server authenticating to Entra by every kind of credential but a secret. */

/** How far all clocks are ahead of the time of day. */
let aheadMs = 0
const now = () => Date.now() + aheadMs
const tenant = await startEmulator({ clock: now })
const vault = await startKeyVault(tenant)
const folder = mkdtempSync(join(tmpdir(), 'credentials-'))
const { api, client, tenant: directory } = tenant
const { managedIdentity } = directory

/** MSAL reads of the environment where identities come from, once, and goes on with the first client it was given. */
Object.assign(process.env, {
  IDENTITY_ENDPOINT: `${tenant.origin}/msi/token`,
  IDENTITY_HEADER: managedIdentity.header,
})
/** Vaults and identities get half a second. */
const azure = createBoundedClient({
  ...azureLimits,
  connectTimeoutMs: 500,
  deadlineMs: 500,
  connect: buildConnector({ ca: vault.ca }),
})
after(async () => {
  await Promise.all([azure.close(), tenant.close(), vault.close()])
  rmSync(folder, { recursive: true, force: true })
})
afterEach(() => {
  aheadMs = 0
  tenant.faults.clear()
  vault.outage = undefined
  vault.requested.length = 0
})
for (const app of [api, client]) {
  app.federatedCredentials.push({
    name: 'identity',
    issuer: `${tenant.origin}/${tenant.tenantId}/v2.0`,
    subject: managedIdentity.principalId,
    audiences: ['api://AzureADTokenExchange'],
  })
}

const identity: Env = { GRAPH_MANAGED_IDENTITY_CLIENT_ID: managedIdentity.clientId }
const ofVault: Env = { GRAPH_CLIENT_CERT_KEYVAULT_URL: vault.url, ...identity }

/** A certificate that is registered for the API at Entra, and in the vault. */
async function newCertificate(name: string): Promise<VaultCertificate> {
  const made = await vault.addCertificate(name)
  api.certificates.push(made.certificate)
  return made
}

function start(t: TestContext, env: Env): Promise<RunningApp> {
  return listen(t, { GRAPH_CLIENT_SECRET: '', LOG_LEVEL: 'debug', ...env }, tenant, {
    azure,
    now: () => Date.now() + aheadMs,
  })
}

async function ready({ origin, logs }: RunningApp) {
  await eventually(async () => (await call(`${origin}/readyz`)).status === 200).catch(() => {
    assert.fail(`It is not ready: ${JSON.stringify(logs.filter(({ level }) => level >= 40))}`)
  })
}

async function retry({ app }: RunningApp) {
  aheadMs += 2_000
  await app.clientAuthentication.start()
}

let newUsers = 0
/** A call as a new user, so that the server has to exchange a token. */
async function callAsNewUser(origin: string) {
  newUsers += 1
  const token = await tenant.mint({ user: `load-${newUsers}` })
  return post(origin, toolCall('getMessages', { top: 1 }), token)
}

async function assertServes({ origin }: RunningApp) {
  const response = await callAsNewUser(origin)
  assert.equal(response.status, 200, JSON.stringify(response.body))
  assert.notEqual(response.body.result?.isError, true)
}

const has = ({ logs }: RunningApp, event: string) => logs.some((line) => line.event === event)

/** The log has no part of a key, an assertion or a token. */
function assertNoSecretsLogged({ logs }: RunningApp) {
  const text = JSON.stringify(logs)
  assert.doesNotMatch(text, /BEGIN|eyJ|MII[A-Za-z0-9+/]{20}/)
  assert.ok(!text.includes(managedIdentity.header))
}

const kinds: readonly [name: string, env: () => Promise<Env>][] = [
  [
    'a certificate in a file',
    async () => {
      const path = join(folder, 'kinds.pem')
      writeFileSync(path, (await newCertificate('file')).pem)
      return { GRAPH_CLIENT_CERT_PATH: path }
    },
  ],
  [
    'a key that signs in the vault',
    async () => {
      await newCertificate('signs')
      return { ...ofVault, GRAPH_CLIENT_CERT_NAME: 'signs' }
    },
  ],
  [
    'a secret of the vault, PEM',
    async () => {
      await newCertificate('pem')
      return { ...ofVault, GRAPH_CLIENT_CERT_SECRET_NAME: 'pem' }
    },
  ],
  [
    'an older version of a secret of the vault',
    async () => {
      const { version } = await newCertificate('versions')
      await vault.addCertificate('versions')
      return { ...ofVault, GRAPH_CLIENT_CERT_SECRET_NAME: 'versions', GRAPH_CLIENT_CERT_SECRET_VERSION: version }
    },
  ],
  [
    'a secret of the vault, JSON with key and certificate',
    async () => {
      const { pem, certificate } = await newCertificate('json')
      vault.setSecret('json', JSON.stringify({ privateKey: pem, certificate: certificate.toString() }))
      return { ...ofVault, GRAPH_CLIENT_CERT_SECRET_NAME: 'json' }
    },
  ],
  ...(['fingerprint256', 'fingerprint'] as const).map((kind): [string, () => Promise<Env>] => [
    `a secret of the vault, JSON with a key alone, by ${kind}`,
    async () => {
      const { pem, certificate } = await newCertificate(kind)
      const privateKey = pem.slice(0, pem.indexOf('-----BEGIN CERTIFICATE'))
      vault.setSecret(kind, JSON.stringify({ privateKey }), 'application/json')
      const GRAPH_CLIENT_CERT_THUMBPRINT = certificate[kind].replaceAll(':', '')
      return { ...ofVault, GRAPH_CLIENT_CERT_SECRET_NAME: kind, GRAPH_CLIENT_CERT_THUMBPRINT }
    },
  ]),
  ['a managed identity of Container Apps', async () => identity],
]
for (const [name, env] of kinds) {
  test(`${name} signs users in and exchanges their tokens`, async (t) => {
    const running = await start(t, await env())
    await ready(running)
    const { status, body } = await redeem(running.origin, await freshCode(running.origin, api.clientId))
    assert.equal(status, 200, JSON.stringify(body))
    const response = await post(running.origin, toolCall('getMessages', { top: 1 }), String(body['access_token']))
    assert.notEqual(response.body.result?.isError, true, JSON.stringify(response.body))
    await assertServes(running)
    assert.ok(has(running, 'credential_loaded'))
    assertNoSecretsLogged(running)
  })
}

test('with a key that signs in the vault, the private key is never requested', async (t) => {
  await newCertificate('stays')
  const running = await start(t, { ...ofVault, GRAPH_CLIENT_CERT_NAME: 'stays' })
  await ready(running)
  await assertServes(running)
  assert.ok(vault.requested.some((path) => path.endsWith('/sign')))
  assert.ok(!vault.requested.some((path) => path.startsWith('/secrets/')))
})

test('one assertion serves many callers', async (t) => {
  await newCertificate('once')
  const running = await start(t, { ...ofVault, GRAPH_CLIENT_CERT_NAME: 'once' })
  await ready(running)
  await Promise.all(Array.from({ length: 20 }, () => assertServes(running)))
  assert.equal(vault.requested.filter((path) => path.endsWith('/sign')).length, 1)
})

test('one identity authenticates both apps of the two-app model', async (t) => {
  const running = await start(t, { ...identity, MCP_OAUTH_CLIENT_ID: client.clientId })
  await ready(running)
  const { status, body } = await redeem(running.origin, await freshCode(running.origin, client.clientId))
  assert.equal(status, 200, JSON.stringify(body))
  await assertServes(running)
})

test('one certificate authenticates both apps, each by an assertion of its own', async (t) => {
  const { certificate, pem } = await newCertificate('both')
  client.certificates.push(certificate)
  const path = join(folder, 'both.pem')
  writeFileSync(path, pem)
  const running = await start(t, { GRAPH_CLIENT_CERT_PATH: path, MCP_OAUTH_CLIENT_ID: client.clientId })
  await ready(running)
  assert.equal((await redeem(running.origin, await freshCode(running.origin, client.clientId))).status, 200)
  await assertServes(running)
})

test('a client that has to send a secret is served where the server has none', async (t) => {
  const running = await start(t, identity)
  await ready(running)
  const code = await freshCode(running.origin, api.clientId)
  const { status } = await redeem(running.origin, code, { client_secret: 'whatever the form wanted' })
  assert.equal(status, 200)
})

test('a vault that is down at start is retried, and /readyz says so', async (t) => {
  await newCertificate('late')
  vault.outage = 'reset'
  const running = await start(t, { ...ofVault, GRAPH_CLIENT_CERT_NAME: 'late' })
  await eventually(async () => (await call(`${running.origin}/readyz`)).text.includes('Key Vault'))
  assert.equal((await call(`${running.origin}/readyz`)).status, 503)
  assert.equal((await call(`${running.origin}/healthz`)).status, 200)
  const rejected = await callAsNewUser(running.origin)
  assert.equal(rejected.status, 503)
  assert.equal(rejected.headers['retry-after'], '2')
  vault.outage = undefined
  await retry(running)
  await ready(running)
  await assertServes(running)
  assertNoSecretsLogged(running)
})

const outages: readonly [name: string, outage: typeof vault.outage, log: RegExp][] = [
  ['denies the identity', 403, /returned 403: the identity needs the role/],
  ['has no such certificate', 404, /returned 404/],
  ['throttles', 429, /returned 429/],
  ['fails', 500, /returned 500/],
  ['hangs', 'hang', /cannot be reached/],
  ['resets the connection', 'reset', /cannot be reached/],
]
for (const [name, outage, log] of outages) {
  test(`a vault that ${name} is logged with the cause`, async (t) => {
    await newCertificate('outages')
    vault.outage = outage
    const running = await start(t, { ...ofVault, GRAPH_CLIENT_CERT_NAME: 'outages' })
    await eventually(() => has(running, 'credential_unavailable'))
    assert.match(JSON.stringify(running.logs), log)
    assertNoSecretsLogged(running)
  })
}

const identityFaults: readonly [name: string, rule: Omit<FaultRule, 'target'>][] = [
  ['fails', { kind: 'status', status: 500, body: { error: 'down' } }],
  ['returns HTML', { kind: 'html' }],
  ['returns an empty object', { kind: 'empty-object' }],
  ['hangs', { kind: 'hang' }],
  ['resets the connection', { kind: 'reset' }],
  ['never ends its response', { kind: 'endless' }],
]
for (const [name, rule] of identityFaults) {
  test(`an identity endpoint that ${name} is logged and retried`, async (t) => {
    // A new one each time: MSAL caches the tokens of the others.
    const clientId = randomUUID()
    Object.assign(managedIdentity, { clientId })
    tenant.faults.add({ target: 'identity', ...rule })
    const running = await start(t, { GRAPH_MANAGED_IDENTITY_CLIENT_ID: clientId })
    await eventually(() => has(running, 'credential_unavailable'))
    assert.match(JSON.stringify(running.logs), /the managed identity/)
    assert.equal((await call(`${running.origin}/readyz`)).status, 503)
    tenant.faults.clear()
    await retry(running)
    await ready(running)
    await assertServes(running)
    assertNoSecretsLogged(running)
  })
}

const badFiles: readonly [name: string, text: string | undefined, log: RegExp][] = [
  ['is missing', undefined, /cannot be read \(ENOENT\)/],
  ['is empty', '', /no readable private key/],
  [
    'has a certificate alone',
    '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----',
    /no readable private key/,
  ],
]
for (const [name, text, log] of badFiles) {
  test(`a file that ${name} is logged, and used once it is fixed, without a restart`, async (t) => {
    const path = join(folder, `${name.replaceAll(' ', '-')}.pem`)
    if (text !== undefined) writeFileSync(path, text)
    const running = await start(t, { GRAPH_CLIENT_CERT_PATH: path })
    await eventually(() => has(running, 'credential_unavailable'))
    assert.match(JSON.stringify(running.logs), log)
    writeFileSync(path, (await newCertificate('fixed')).pem)
    await retry(running)
    await ready(running)
    await assertServes(running)
  })
}

test('a certificate that expires is replaced without a failed call', async (t) => {
  const path = join(folder, 'ending.pem')
  const validity = { notBefore: new Date(0), notAfter: new Date(now() + 20_000) }
  const ending = await vault.addCertificate('ending', validity)
  api.certificates.push(ending.certificate)
  writeFileSync(path, ending.pem)
  const running = await start(t, { GRAPH_CLIENT_CERT_PATH: path })
  await ready(running)
  await assertServes(running)
  writeFileSync(path, (await newCertificate('following')).pem)
  // In its last minute it is replaced in the background, and at once after it expired.
  for (const laterMs of [3_000, 19_000]) {
    aheadMs += laterMs
    await Promise.all(Array.from({ length: 5 }, () => assertServes(running)))
  }
  assert.ok(has(running, 'credential_expires'))
})

test('a certificate that Entra does not know is logged as rejected, and used once Entra knows it', async (t) => {
  const made = await vault.addCertificate('unknown')
  const path = join(folder, 'unknown.pem')
  writeFileSync(path, made.pem)
  const running = await start(t, { GRAPH_CLIENT_CERT_PATH: path })
  await ready(running)
  const exchanges = () => tenant.stats.snapshot().grants.on_behalf_of
  const before = exchanges()
  const responses = await Promise.all(Array.from({ length: 20 }, () => callAsNewUser(running.origin)))
  assert.deepEqual(new Set(responses.map(({ status }) => status)), new Set([503]))
  assert.ok(exchanges() - before <= 40)
  assert.ok(running.logs.some(({ reason }) => reason === 'credential_rejected'))
  api.certificates.push(made.certificate)
  assert.equal((await callAsNewUser(running.origin)).status, 503, 'Entra is left alone for a moment')
  aheadMs += 5_000
  await assertServes(running)
})
