import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, type TestContext, test } from 'node:test'
import { startEmulator } from '../../emulator/app.ts'
import type { FaultRule } from '../../emulator/fault-rule.ts'
import { startKeyVault, type VaultCertificate } from '../../emulator/key-vault/app.ts'
import { buildBundle, type RunningBundle } from '../bundle-helper.ts'
import { type Env, envFor, eventually, toolCall } from '../helper.ts'
import { post } from '../security/harness.ts'
import { freshCode, redeem } from '../sign-in-helper.ts'

/** The server as it is deployed, proving itself to Entra by everything but a secret. */

const startBundle = buildBundle()
const tenant = await startEmulator()
const vault = await startKeyVault(tenant)
const folder = mkdtempSync(join(tmpdir(), 'credentials-'))
after(async () => {
  await Promise.all([tenant.close(), vault.close()])
  rmSync(folder, { recursive: true, force: true })
})
afterEach(() => {
  tenant.faults.clear()
  vault.outage = undefined
  vault.asked.length = 0
})

const { api, client, tenant: directory } = tenant
const { managedIdentity } = directory
const caPath = join(folder, 'vault-ca.pem')
writeFileSync(caPath, vault.ca)
for (const app of [api, client]) {
  app.federatedCredentials.push({
    name: 'identity',
    issuer: `${tenant.origin}/${tenant.tenantId}/v2.0`,
    subject: managedIdentity.principalId,
    audiences: ['api://AzureADTokenExchange'],
  })
}

const containerApp: Env = { IDENTITY_ENDPOINT: `${tenant.origin}/msi/token`, IDENTITY_HEADER: managedIdentity.header }
const virtualMachine: Env = { AZURE_POD_IDENTITY_AUTHORITY_HOST: tenant.origin }
const identity: Env = { GRAPH_MANAGED_IDENTITY_CLIENT_ID: managedIdentity.clientId }
const ofVault: Env = {
  NODE_EXTRA_CA_CERTS: caPath,
  GRAPH_CLIENT_CERT_KEYVAULT_URL: vault.url,
  ...identity,
  ...containerApp,
}

/** A certificate that Entra knows for the API, in the vault under a name of its own. */
async function newCertificate(name: string): Promise<VaultCertificate> {
  const made = await vault.addCertificate(name)
  api.certificates.push(made.certificate)
  return made
}

function forget({ certificate }: VaultCertificate) {
  api.certificates.splice(api.certificates.indexOf(certificate), 1)
}

function start(t: TestContext, env: Env): Promise<RunningBundle> {
  return startBundle(t, { ...envFor(tenant), GRAPH_CLIENT_SECRET: '', LOG_LEVEL: 'debug', ...env })
}

let newcomers = 0
/** Somebody whom the server has not met calls a tool, so that it has to exchange a token. */
async function callOfNewcomer(origin: string) {
  newcomers += 1
  const token = await tenant.mint({ user: `load-${newcomers}` })
  return post(origin, toolCall('getMessages', { top: 1 }), token)
}

async function assertServes(origin: string) {
  const answer = await callOfNewcomer(origin)
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  assert.notEqual(answer.body.result?.isError, true)
}

/** Nothing of a key, an assertion or a token is in what the server wrote. */
function assertDiscreet({ output }: RunningBundle) {
  assert.doesNotMatch(output.text, /BEGIN|eyJ|MII[A-Za-z0-9+/]{20}/)
  assert.ok(!output.text.includes(managedIdentity.header))
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
  ['a managed identity of Container Apps', async () => ({ ...identity, ...containerApp })],
  ['a managed identity of a virtual machine', async () => ({ ...identity, ...virtualMachine })],
]
for (const [name, env] of kinds) {
  test(`${name} signs users in and exchanges their tokens`, async (t) => {
    const running = await start(t, await env())
    await running.ready()
    const { status, body } = await redeem(running.origin, await freshCode(running.origin, api.clientId))
    assert.equal(status, 200, JSON.stringify(body))
    const answer = await post(running.origin, toolCall('getMessages', { top: 1 }), String(body['access_token']))
    assert.notEqual(answer.body.result?.isError, true, JSON.stringify(answer.body))
    await assertServes(running.origin)
    assert.match(running.output.text, /"event":"credential_loaded"/)
    assertDiscreet(running)
  })
}

test('with a key that signs in the vault, the private key is never asked for', async (t) => {
  await newCertificate('stays')
  const running = await start(t, { ...ofVault, GRAPH_CLIENT_CERT_NAME: 'stays' })
  await running.ready()
  await assertServes(running.origin)
  assert.ok(vault.asked.some((path) => path.endsWith('/sign')))
  assert.ok(!vault.asked.some((path) => path.startsWith('/secrets/')))
})

test('one assertion serves many callers', async (t) => {
  await newCertificate('once')
  const running = await start(t, { ...ofVault, GRAPH_CLIENT_CERT_NAME: 'once' })
  await running.ready()
  await Promise.all(Array.from({ length: 20 }, () => assertServes(running.origin)))
  assert.equal(vault.asked.filter((path) => path.endsWith('/sign')).length, 1)
})

test('one identity proves both apps of the two-app model', async (t) => {
  const running = await start(t, { ...identity, ...containerApp, MCP_OAUTH_CLIENT_ID: client.clientId })
  await running.ready()
  const { status, body } = await redeem(running.origin, await freshCode(running.origin, client.clientId))
  assert.equal(status, 200, JSON.stringify(body))
  await assertServes(running.origin)
})

test('one certificate proves both apps, each by an assertion of its own', async (t) => {
  const { certificate, pem } = await newCertificate('both')
  client.certificates.push(certificate)
  const path = join(folder, 'both.pem')
  writeFileSync(path, pem)
  const running = await start(t, { GRAPH_CLIENT_CERT_PATH: path, MCP_OAUTH_CLIENT_ID: client.clientId })
  await running.ready()
  assert.equal((await redeem(running.origin, await freshCode(running.origin, client.clientId))).status, 200)
  await assertServes(running.origin)
})

test('a client that cannot leave its secret empty is served where the server has none', async (t) => {
  const running = await start(t, { ...identity, ...containerApp })
  await running.ready()
  const code = await freshCode(running.origin, api.clientId)
  const { status } = await redeem(running.origin, code, { client_secret: 'whatever the form wanted' })
  assert.equal(status, 200)
})

test('a vault that is down at start is waited for, and readiness says so', async (t) => {
  await newCertificate('late')
  vault.outage = 'reset'
  const running = await start(t, { ...ofVault, GRAPH_CLIENT_CERT_NAME: 'late' })
  await eventually(async () => (await running.probe('/readyz')).text.includes('Key Vault'), 20_000)
  assert.equal((await running.probe('/readyz')).status, 503)
  assert.equal((await running.probe('/healthz')).status, 200)
  const refused = await callOfNewcomer(running.origin)
  assert.equal(refused.status, 503)
  assert.equal(refused.headers['retry-after'], '2')
  vault.outage = undefined
  await running.ready()
  await assertServes(running.origin)
  assertDiscreet(running)
})

const outages: readonly [name: string, outage: typeof vault.outage, log: RegExp][] = [
  ['refuses the identity', 403, /answers 403: the identity needs the role/],
  ['has no such certificate', 404, /answers 404/],
  ['throttles', 429, /answers 429/],
  ['fails', 500, /answers 500/],
  ['does not answer', 'hang', /cannot be reached/],
  ['breaks off', 'reset', /cannot be reached/],
]
for (const [name, outage, log] of outages) {
  test(`a vault that ${name} is told by its fault in the log`, async (t) => {
    await newCertificate('outages')
    vault.outage = outage
    const running = await start(t, { ...ofVault, GRAPH_CLIENT_CERT_NAME: 'outages' })
    await eventually(() => running.output.text.includes('"credential_unavailable"'), 25_000)
    assert.match(running.output.text, log)
    assertDiscreet(running)
  })
}

const identityFaults: readonly [name: string, rule: Omit<FaultRule, 'target'>][] = [
  ['fails', { kind: 'status', status: 500, body: { error: 'down' } }],
  ['answers HTML', { kind: 'html' }],
  ['answers nothing of use', { kind: 'empty-object' }],
  ['hangs', { kind: 'hang' }],
  ['breaks off', { kind: 'reset' }],
  ['answers without end', { kind: 'endless' }],
]
for (const [name, rule] of identityFaults) {
  test(`an identity endpoint that ${name} is told in the log and waited for`, async (t) => {
    tenant.faults.add({ target: 'identity', ...rule })
    const running = await start(t, { ...identity, ...containerApp })
    await eventually(() => running.output.text.includes('"credential_unavailable"'), 25_000)
    assert.match(running.output.text, /the managed identity/)
    assert.equal((await running.probe('/readyz')).status, 503)
    tenant.faults.clear()
    await running.ready()
    await assertServes(running.origin)
    assertDiscreet(running)
  })
}

const badFiles: readonly [name: string, text: string | undefined, log: RegExp][] = [
  ['is not there', undefined, /cannot be read \(ENOENT\)/],
  ['is empty', '', /no private key/],
  ['holds a certificate alone', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', /no private key/],
]
for (const [name, text, log] of badFiles) {
  test(`a file that ${name} is told in the log; mended, it is taken without a restart`, async (t) => {
    const path = join(folder, `${name.replaceAll(' ', '-')}.pem`)
    if (text !== undefined) writeFileSync(path, text)
    const running = await start(t, { GRAPH_CLIENT_CERT_PATH: path })
    await eventually(() => running.output.text.includes('"credential_unavailable"'), 20_000)
    assert.match(running.output.text, log)
    writeFileSync(path, (await newCertificate('mended')).pem)
    await running.ready()
    await assertServes(running.origin)
  })
}

/** New users call all the time, until told to stop; what was not served is counted. */
function load(origin: string, callers: number) {
  const state = { running: true, served: 0, refused: [] as string[] }
  const loop = async () => {
    while (state.running) {
      const answer = await callOfNewcomer(origin)
      if (answer.status === 200 && answer.body.result?.isError !== true) state.served += 1
      else state.refused.push(JSON.stringify(answer.body))
    }
  }
  const ended = Promise.all(Array.from({ length: callers }, loop))
  const served = (more: number) => {
    const goal = state.served + more
    return eventually(() => state.served >= goal, 30_000)
  }
  const stop = async () => {
    state.running = false
    await ended
    return state
  }
  return { served, stop }
}

test('a certificate file is replaced, and Entra drops the old one, under load: no call is lost', async (t) => {
  const old = await newCertificate('rotated-file')
  const path = join(folder, 'rotated.pem')
  writeFileSync(path, old.pem)
  const running = await start(t, { GRAPH_CLIENT_CERT_PATH: path })
  await running.ready()
  const calls = load(running.origin, 8)
  await calls.served(50)
  writeFileSync(path, (await newCertificate('rotated-file')).pem)
  await calls.served(50)
  forget(old)
  await calls.served(100)
  assert.deepEqual((await calls.stop()).refused, [])
  assert.equal(running.output.text.match(/"credential_loaded"/g)?.length, 2)
})

test('a vault’s certificate gets a new version, and Entra drops the old one, under load: no call is lost', async (t) => {
  const old = await newCertificate('rotated')
  const running = await start(t, { ...ofVault, GRAPH_CLIENT_CERT_NAME: 'rotated' })
  await running.ready()
  const calls = load(running.origin, 8)
  await calls.served(50)
  await newCertificate('rotated')
  forget(old)
  await calls.served(100)
  assert.deepEqual((await calls.stop()).refused, [])
})

test('a certificate that ends under load is replaced in time: no call is lost', async (t) => {
  const endsAtMs = Date.now() + 20_000
  const path = join(folder, 'ending.pem')
  const ending = await vault.addCertificate('ending', { notBefore: new Date(0), notAfter: new Date(endsAtMs) })
  api.certificates.push(ending.certificate)
  writeFileSync(path, ending.pem)
  const running = await start(t, { GRAPH_CLIENT_CERT_PATH: path })
  await running.ready()
  const calls = load(running.origin, 4)
  await calls.served(50)
  writeFileSync(path, (await newCertificate('following')).pem)
  await eventually(() => Date.now() > endsAtMs + 2_000, 30_000)
  await calls.served(50)
  assert.deepEqual((await calls.stop()).refused, [])
  assert.match(running.output.text, /"event":"credential_expires"/)
})

test('a vault that goes down under load costs no call while the assertion lasts', async (t) => {
  await newCertificate('outlived')
  const running = await start(t, { ...ofVault, GRAPH_CLIENT_CERT_NAME: 'outlived' })
  await running.ready()
  const calls = load(running.origin, 8)
  await calls.served(50)
  vault.outage = 'hang'
  await calls.served(100)
  assert.deepEqual((await calls.stop()).refused, [])
})

test('a certificate that Entra does not know is told as that, once every few seconds', async (t) => {
  const made = await vault.addCertificate('unknown')
  const path = join(folder, 'unknown.pem')
  writeFileSync(path, made.pem)
  const running = await start(t, { GRAPH_CLIENT_CERT_PATH: path })
  await running.ready()
  const exchangesBefore = tenant.stats.snapshot().grants.on_behalf_of
  const answers = await Promise.all(Array.from({ length: 20 }, () => callOfNewcomer(running.origin)))
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([503]))
  const more = await Promise.all(Array.from({ length: 20 }, () => callOfNewcomer(running.origin)))
  assert.deepEqual(new Set(more.map(({ status }) => status)), new Set([503]))
  assert.ok(tenant.stats.snapshot().grants.on_behalf_of - exchangesBefore <= 40)
  assert.match(running.output.text, /"reason":"credential_refused"/)
  api.certificates.push(made.certificate)
  await eventually(async () => (await callOfNewcomer(running.origin)).status === 200, 15_000)
})
