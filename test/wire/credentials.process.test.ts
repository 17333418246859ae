import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, type TestContext, test } from 'node:test'
import { startKeyVault, type VaultCertificate } from '../../emulator/key-vault/app.ts'
import { buildBundle, type RunningBundle } from '../bundle-helper.ts'
import { type Env, envFor, eventually, toolCall } from '../helper.ts'
import { post } from '../security/harness.ts'
import { freshCode, redeem } from '../sign-in-helper.ts'
import { startEmulator } from '../tenant.ts'

/** The server as it is deployed, authenticating to Entra by everything but a secret. */

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
  vault.requested.length = 0
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

/** Nothing of a key, an assertion or a token is in what the server wrote. */
function assertDiscreet({ output }: RunningBundle) {
  assert.doesNotMatch(output.text, /BEGIN|eyJ|MII[A-Za-z0-9+/]{20}/)
  assert.ok(!output.text.includes(managedIdentity.header))
}

const kinds: readonly [name: string, env: () => Promise<Env>][] = [
  [
    'a key that signs in the vault',
    async () => {
      await newCertificate('signs')
      return { ...ofVault, GRAPH_CLIENT_CERT_NAME: 'signs' }
    },
  ],
  ['a managed identity of Container Apps', async () => ({ ...identity, ...containerApp })],
  ['a managed identity of a virtual machine', async () => ({ ...identity, ...virtualMachine })],
]
for (const [name, env] of kinds) {
  test(`${name} signs users in and exchanges their tokens`, async (t) => {
    const running = await start(t, await env())
    await running.ready()
    const { status, body } = await redeem(running.origin, await freshCode(running.origin, api.clientId))
    assert.equal(status, 200, JSON.stringify(body))
    const response = await post(running.origin, toolCall('getMessages', { top: 1 }), String(body['access_token']))
    assert.notEqual(response.body.result?.isError, true, JSON.stringify(response.body))
    assertDiscreet(running)
  })
}

/** New users call all the time, until told to stop; what was not served is counted. */
function load(origin: string, callers: number) {
  const state = { running: true, served: 0, rejected: [] as string[] }
  const loop = async () => {
    while (state.running) {
      const response = await callOfNewcomer(origin)
      if (response.status === 200 && response.body.result?.isError !== true) state.served += 1
      else state.rejected.push(JSON.stringify(response.body))
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
  assert.deepEqual((await calls.stop()).rejected, [])
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
  assert.deepEqual((await calls.stop()).rejected, [])
})

test('a vault that goes down under load costs no call while the assertion lasts', async (t) => {
  await newCertificate('outlived')
  const running = await start(t, { ...ofVault, GRAPH_CLIENT_CERT_NAME: 'outlived' })
  await running.ready()
  const calls = load(running.origin, 8)
  await calls.served(50)
  vault.outage = 'hang'
  await calls.served(100)
  assert.deepEqual((await calls.stop()).rejected, [])
})
