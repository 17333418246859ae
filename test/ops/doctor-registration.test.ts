import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Verdict } from '../../scripts/doctor/finding.ts'
import { type Env, envFor } from '../helper.ts'
import { file } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'
import { diagnose, makeCertificate } from './doctor-helper.ts'
import { enterDeviceCode, fakeAz } from './helper.ts'

/** What doctor finds in an app registration and in its credential, each with a tenant of its own to break. */

const dayMs = 24 * 60 * 60 * 1000
const inDays = (days: number) => new Date(Date.now() + days * dayMs).toISOString()
const permission = 'ServiceMessage.Read.All'

const folder = await mkdtemp(join(tmpdir(), 'doctor-'))
file.after(() => rm(folder, { recursive: true }))

/** The emulated Graph's own id of the permission. */
const permissionId = await (async () => {
  const tenant = await startEmulator()
  try {
    const token = await tenant.mint({ user: 'gale', kind: 'graph', claims: { scp: 'Directory.Read.All' } })
    const url = `${tenant.origin}/v1.0/servicePrincipals?$filter=appId eq '00000003-0000-0000-c000-000000000000'`
    const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
    const { value } = (await answer.json()) as { value: { oauth2PermissionScopes: { id: string; value: string }[] }[] }
    return value[0]?.oauth2PermissionScopes.find((scope) => scope.value === permission)?.id ?? ''
  } finally {
    await tenant.close()
  }
})()

async function start(t: TestContext) {
  const tenant = await startEmulator()
  t.after(() => tenant.close())
  const application = tenant.applications.applications.find(({ appId }) => appId === tenant.api.clientId)
  const principal = tenant.applications.servicePrincipals.find(({ appId }) => appId === tenant.api.clientId)
  const grant = tenant.applications.grants.find(({ clientId }) => clientId === principal?.id)
  assert.ok(application && grant)
  const env = { ...envFor(tenant), PORT: '8080', ...fakeAz(t, tenant, 'gale') }
  return { tenant, application, grant, env }
}
type Started = Awaited<ReturnType<typeof start>>

test('a registration in order is found in order, and read once', async (t) => {
  const { env } = await start(t)
  const { trouble, findings } = await diagnose(['--az'], env)
  assert.deepEqual(trouble, [])
  const seen = new Map(findings.map(({ check, verdict, says }) => [check, `${verdict}: ${says}`]))
  assert.match(seen.get('redirect URI') ?? '', /^ok: http:\/\/localhost:8080\/oauth\/callback/)
  assert.match(seen.get('scope') ?? '', /^ok: api:\/\/[\w-]+\/access_as_user/)
  assert.match(seen.get('token version') ?? '', /^ok/)
  assert.match(seen.get('admin consent') ?? '', /^ok: ServiceMessage\.Read\.All/)
  assert.match(seen.get('credential dates') ?? '', /^skipped: the registration says no dates/)
  assert.match(seen.get('federated credential') ?? '', /^skipped/)
})

test('an operator may sign in by a device code, for reading alone', async (t) => {
  const { env } = await start(t)
  const { trouble, findings } = await diagnose(['--graph-device-code'], env, {
    onProgress: enterDeviceCode({ user: 'gale' }),
  })
  assert.deepEqual(trouble, [])
  assert.equal(findings.find(({ check }) => check === 'admin consent')?.verdict, 'ok')
})

test('without an operator’s token it is left out, and how to give one is said', async (t) => {
  const { env } = await start(t)
  const { trouble, findings } = await diagnose([], env)
  assert.deepEqual(trouble, [])
  assert.match(findings.find(({ check }) => check === 'redirect URI')?.says ?? '', /--az or --graph-device-code/)
})

const faults: readonly {
  readonly what: string
  readonly breakIt: (started: Started) => Env | undefined
  readonly check: string
  readonly verdict?: Verdict
  readonly says: RegExp
  readonly mend: RegExp
}[] = [
  {
    what: 'a redirect URI that is missing',
    breakIt: ({ application }) => {
      application.web.redirectUris = ['https://other.example/oauth/callback']
      return undefined
    },
    check: 'redirect URI',
    says: /http:\/\/localhost:8080\/oauth\/callback is not registered \(AADSTS50011\)/,
    mend: /register server --public-base-url http:\/\/localhost:8080/,
  },
  {
    what: 'a redirect URI of another host, where only localhost may differ by its port',
    breakIt: () => ({ PUBLIC_BASE_URL: 'https://mcp.example.com:8443' }),
    check: 'redirect URI',
    says: /https:\/\/mcp\.example\.com:8443\/oauth\/callback is not registered/,
    mend: /--public-base-url https:\/\/mcp\.example\.com:8443/,
  },
  {
    what: 'a redirect URI on the wrong platform',
    breakIt: ({ application }) => {
      application.spa.redirectUris = application.web.redirectUris
      application.web.redirectUris = []
      return undefined
    },
    check: 'redirect URI',
    says: /is registered for a single-page app/,
    mend: /Move it to the platform Web/,
  },
  {
    what: 'a scope that is missing',
    breakIt: ({ application }) => {
      application.api.oauth2PermissionScopes = []
      return undefined
    },
    check: 'scope',
    says: /has no scope access_as_user/,
    mend: /register server adds/,
  },
  {
    what: 'a scope that is disabled',
    breakIt: ({ application }) => {
      application.api.oauth2PermissionScopes = application.api.oauth2PermissionScopes.map((scope) => ({
        ...scope,
        isEnabled: false,
      }))
      return undefined
    },
    check: 'scope',
    says: /The scope access_as_user is disabled/,
    mend: /Enable it/,
  },
  {
    what: 'another Application ID URI',
    breakIt: ({ application }) => {
      application.identifierUris = ['api://something-else']
      return undefined
    },
    check: 'scope',
    says: /The Application ID URI is not api:\/\//,
    mend: /register server sets it/,
  },
  {
    what: 'tokens of version 1',
    breakIt: ({ application }) => {
      application.api.requestedAccessTokenVersion = null
      return undefined
    },
    check: 'token version',
    verdict: 'warning',
    says: /version 1/,
    mend: /sets it to 2/,
  },
  {
    what: 'a permission that is neither asked for nor granted',
    breakIt: ({ grant }) => {
      grant.scope = 'ServiceHealth.Read.All'
      return undefined
    },
    check: 'Graph permission',
    says: /does not ask for Graph’s ServiceMessage\.Read\.All/,
    mend: /--admin-consent/,
  },
  {
    what: 'a permission without consent',
    breakIt: ({ grant, application, tenant }) => {
      const graph = tenant.tenant.findResource('https://graph.microsoft.com')
      grant.scope = ''
      application.requiredResourceAccess = [
        {
          resourceAppId: String(graph?.clientId),
          resourceAccess: [{ id: permissionId, type: 'Scope' }],
        },
      ]
      return undefined
    },
    check: 'admin consent',
    says: /No administrator has consented to ServiceMessage\.Read\.All/,
    mend: /register server --admin-consent/,
  },
  {
    what: 'a secret that ends soon',
    breakIt: ({ application, tenant }) => {
      const about = { displayName: null, startDateTime: inDays(-100) }
      application.passwordCredentials.push(
        { ...about, keyId: 'a', hint: 'zzz', endDateTime: inDays(400), secretText: '' },
        { ...about, keyId: 'b', hint: tenant.api.clientSecret.slice(0, 3), endDateTime: inDays(5.5), secretText: '' },
      )
      return undefined
    },
    check: 'credential dates',
    verdict: 'warning',
    says: /ends in 5 days/,
    mend: /--renew-secret/,
  },
  {
    what: 'secrets that have all expired',
    breakIt: ({ application }) => {
      application.passwordCredentials.push({
        ...{ keyId: 'a', displayName: null, hint: 'zzz', secretText: '' },
        ...{ startDateTime: inDays(-100), endDateTime: inDays(-2) },
      })
      return undefined
    },
    check: 'credential dates',
    says: /expired on/,
    mend: /--renew-secret/,
  },
  {
    what: 'a managed identity that no federated credential names',
    breakIt: ({ tenant }) => ({
      GRAPH_CLIENT_SECRET: '',
      GRAPH_MANAGED_IDENTITY_CLIENT_ID: tenant.client.clientId,
    }),
    check: 'federated credential',
    says: /No federated credential names the managed identity/,
    mend: /--managed-identity [\w-]{36}/,
  },
  {
    what: 'a managed identity that the tenant does not have',
    breakIt: () => ({
      GRAPH_CLIENT_SECRET: '',
      GRAPH_MANAGED_IDENTITY_CLIENT_ID: '11111111-2222-3333-4444-555555555555',
    }),
    check: 'federated credential',
    says: /has no such managed identity/,
    mend: /it is a client id/,
  },
]

for (const { what, breakIt, check, verdict = 'failure', says, mend } of faults) {
  test(`${what} is found, and nothing else`, async (t) => {
    const started = await start(t)
    const env = breakIt(started)
    const { trouble, passed } = await diagnose(['--az'], { ...started.env, ...env })
    assert.deepEqual(
      trouble.map((finding) => [finding.check, finding.verdict]),
      [[check, verdict]],
      JSON.stringify(trouble, undefined, 2),
    )
    assert.match(String(trouble[0]?.says), says)
    assert.match(String(trouble[0]?.mend), mend)
    assert.equal(passed, verdict === 'warning')
  })
}

test('an operator who may not read registrations is told so once', async (t) => {
  const { tenant, env } = await start(t)
  const accessToken = await tenant.mint({ user: 'rowan', kind: 'graph', claims: { scp: 'User.Read' } })
  const az = fakeAz(t, tenant, 'rowan', { stdout: JSON.stringify({ accessToken }) })
  const { trouble } = await diagnose(['--az'], { ...env, ...az })
  assert.deepEqual(
    trouble.map(({ check }) => check),
    ['registration'],
  )
  assert.match(trouble[0]?.says ?? '', /Graph answered 403 Authorization_RequestDenied to GET \/applications/)
  assert.match(trouble[0]?.mend ?? '', /Global Reader/)
})

test('a federated credential that names the identity is found in order', async (t) => {
  const { tenant, application, env } = await start(t)
  const principal = tenant.applications.servicePrincipals.find(({ appId }) => appId === tenant.client.clientId)
  application.federatedIdentityCredentials.push({
    ...{ id: 'x', name: 'identity', description: null, audiences: ['api://AzureADTokenExchange'] },
    issuer: `${tenant.origin}/${tenant.tenantId}/v2.0`,
    subject: String(principal?.id),
  })
  const identity = { GRAPH_CLIENT_SECRET: '', GRAPH_MANAGED_IDENTITY_CLIENT_ID: tenant.client.clientId }
  const { trouble, findings } = await diagnose(['--az'], { ...env, ...identity })
  assert.deepEqual(trouble, [])
  assert.equal(findings.find(({ check }) => check === 'federated credential')?.verdict, 'ok')
  assert.match(findings.find(({ check }) => check === 'credential')?.says ?? '', /run doctor there/)
})

async function certificateEnv(made: Parameters<typeof makeCertificate>[0], pem?: string) {
  const { key, cert } = await makeCertificate({ host: 'mcp', ...made })
  const path = join(folder, 'credential.pem')
  writeFileSync(path, pem ?? `${key}\n${cert}`)
  return { cert, env: { GRAPH_CLIENT_SECRET: '', GRAPH_CLIENT_CERT_PATH: path } }
}

test('a certificate that the app has is taken, and its last day told', async (t) => {
  const { tenant, env } = await start(t)
  const { cert, env: credential } = await certificateEnv({ toDays: 90 })
  tenant.api.certificates.push(new X509Certificate(cert))
  const { trouble, findings } = await diagnose([], { ...env, ...credential })
  assert.deepEqual(trouble, [])
  assert.match(findings.find(({ check }) => check === 'certificate file')?.says ?? '', /^good until .* \(89 days\)$/)
  assert.equal(findings.find(({ check }) => check === 'credential')?.verdict, 'ok')
})

for (const { what, made, pem, registered, check, verdict = 'failure', says, mend } of [
  {
    what: 'a certificate that the app does not have',
    made: {},
    registered: false,
    check: 'credential',
    says: /AADSTS700027/,
    mend: /register server --certificate/,
  },
  {
    what: 'a certificate that has expired',
    made: { fromDays: -30, toDays: -1 },
    registered: true,
    check: 'certificate file',
    says: /expired on/,
    mend: /Put a new one there/,
  },
  {
    what: 'a certificate that ends soon',
    made: { toDays: 10.5 },
    registered: true,
    check: 'certificate file',
    verdict: 'warning' as Verdict,
    says: /ends in 10 days/,
    mend: /Put a new one there/,
  },
  {
    what: 'a file without a private key',
    made: {},
    pem: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    registered: false,
    check: 'certificate file',
    says: /holds no private key/,
    mend: /Put a new one there/,
  },
]) {
  test(`${what} is found, and nothing else`, async (t) => {
    const { tenant, env } = await start(t)
    const { cert, env: credential } = await certificateEnv(made, pem)
    if (registered) tenant.api.certificates.push(new X509Certificate(cert))
    const { trouble } = await diagnose([], { ...env, ...credential })
    assert.deepEqual(
      trouble.map((finding) => [finding.check, finding.verdict]),
      [[check, verdict]],
      JSON.stringify(trouble, undefined, 2),
    )
    assert.match(String(trouble[0]?.says), says)
    assert.match(String(trouble[0]?.mend), mend)
  })
}

test('a certificate file that is not there is found, and nothing else', async (t) => {
  const { env } = await start(t)
  const { trouble } = await diagnose([], {
    ...env,
    GRAPH_CLIENT_SECRET: '',
    GRAPH_CLIENT_CERT_PATH: '/nowhere/cert.pem',
  })
  assert.deepEqual(
    trouble.map(({ check }) => check),
    ['certificate file'],
  )
  assert.match(trouble[0]?.says ?? '', /cannot be read \(ENOENT\)/)
})
