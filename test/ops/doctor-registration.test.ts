import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Verdict } from '../../scripts/doctor/finding.ts'
import { scopesOf } from '../../src/lib/graph-permissions.ts'
import { defaultTools } from '../../src/tools/index.ts'
import { type Env, envFor } from '../helper.ts'
import { file } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'
import { diagnose, makeCertificate } from './doctor-helper.ts'
import { enterDeviceCode, fakeAz } from './helper.ts'

/** What doctor finds in an app registration and in its credential, each with a tenant of its own to break. */

const dayMs = 24 * 60 * 60 * 1000
const inDays = (days: number) => new Date(Date.now() + days * dayMs).toISOString()

const folder = await mkdtemp(join(tmpdir(), 'doctor-'))
file.after(() => rm(folder, { recursive: true }))

/** The emulated Graph's own ids of the permissions that the tools need by default. */
const permissionIds = await (async () => {
  const tenant = await startEmulator()
  try {
    const token = await tenant.mint({ user: 'gale', kind: 'graph', claims: { scp: 'Directory.Read.All' } })
    const url = `${tenant.origin}/v1.0/servicePrincipals?$filter=appId eq '00000003-0000-0000-c000-000000000000'`
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
    const { value } = (await response.json()) as {
      value: { oauth2PermissionScopes: { id: string; value: string }[] }[]
    }
    const needed = scopesOf(defaultTools)
    return value[0]?.oauth2PermissionScopes.filter((scope) => needed.includes(scope.value)).map(({ id }) => id) ?? []
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
  const seen = new Map(findings.map(({ check, verdict, message }) => [check, `${verdict}: ${message}`]))
  assert.match(seen.get('redirect URI') ?? '', /^ok: http:\/\/localhost:8080\/oauth\/callback/)
  assert.match(seen.get('scope') ?? '', /^ok: api:\/\/[\w-]+\/access_as_user/)
  assert.match(seen.get('token version') ?? '', /^ok/)
  assert.match(seen.get('admin consent') ?? '', /^ok: ServiceMessage\.Read\.All/)
  assert.match(seen.get('credential dates') ?? '', /^skipped: no dates in the registration/)
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
  assert.match(findings.find(({ check }) => check === 'redirect URI')?.message ?? '', /--az or --graph-device-code/)
})

const faults: readonly {
  readonly what: string
  readonly breakIt: (started: Started) => Env | undefined
  readonly check: string
  readonly verdict?: Verdict
  readonly message: RegExp
  readonly fix: RegExp
}[] = [
  {
    what: 'a redirect URI that is missing',
    breakIt: ({ application }) => {
      application.web.redirectUris = ['https://other.example/oauth/callback']
      return undefined
    },
    check: 'redirect URI',
    message: /http:\/\/localhost:8080\/oauth\/callback is not registered \(AADSTS50011\)/,
    fix: /register server --public-base-url http:\/\/localhost:8080/,
  },
  {
    what: 'a redirect URI of another host, where only localhost may differ by its port',
    breakIt: () => ({ PUBLIC_BASE_URL: 'https://mcp.example.com:8443' }),
    check: 'redirect URI',
    message: /https:\/\/mcp\.example\.com:8443\/oauth\/callback is not registered/,
    fix: /--public-base-url https:\/\/mcp\.example\.com:8443/,
  },
  {
    what: 'a redirect URI on the wrong platform',
    breakIt: ({ application }) => {
      application.spa.redirectUris = application.web.redirectUris
      application.web.redirectUris = []
      return undefined
    },
    check: 'redirect URI',
    message: /is registered for a single-page app/,
    fix: /Move it to the platform Web/,
  },
  {
    what: 'a scope that is missing',
    breakIt: ({ application }) => {
      application.api.oauth2PermissionScopes = []
      return undefined
    },
    check: 'scope',
    message: /Missing scope: access_as_user/,
    fix: /register server adds/,
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
    message: /Disabled scope: access_as_user/,
    fix: /Enable it/,
  },
  {
    what: 'another Application ID URI',
    breakIt: ({ application }) => {
      application.identifierUris = ['api://something-else']
      return undefined
    },
    check: 'scope',
    message: /The Application ID URI is not api:\/\//,
    fix: /register server sets it/,
  },
  {
    what: 'tokens of version 1',
    breakIt: ({ application }) => {
      application.api.requestedAccessTokenVersion = null
      return undefined
    },
    check: 'token version',
    verdict: 'warning',
    message: /version 1/,
    fix: /sets it to 2/,
  },
  {
    what: 'a permission that is neither asked for nor granted',
    breakIt: ({ grant }) => {
      grant.scope = 'ServiceHealth.Read.All'
      return undefined
    },
    check: 'Graph permission',
    message: /Missing Graph permission: ServiceMessage\.Read\.All/,
    fix: /--admin-consent/,
  },
  {
    what: 'a permission without consent',
    breakIt: ({ grant, application, tenant }) => {
      const graph = tenant.tenant.findResource('https://graph.microsoft.com')
      grant.scope = ''
      application.requiredResourceAccess = [
        {
          resourceAppId: String(graph?.clientId),
          resourceAccess: permissionIds.map((id) => ({ id, type: 'Scope' })),
        },
      ]
      return undefined
    },
    check: 'admin consent',
    message: /Missing admin consent: ServiceMessage\.Read\.All/,
    fix: /register server --admin-consent/,
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
    message: /expires in 5 days/,
    fix: /--renew-secret/,
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
    message: /expired on/,
    fix: /--renew-secret/,
  },
  {
    what: 'a managed identity that no federated credential names',
    breakIt: ({ tenant }) => ({
      GRAPH_CLIENT_SECRET: '',
      GRAPH_MANAGED_IDENTITY_CLIENT_ID: tenant.client.clientId,
    }),
    check: 'federated credential',
    message: /No federated credential names the managed identity/,
    fix: /--managed-identity [\w-]{36}/,
  },
  {
    what: 'a managed identity that the tenant does not have',
    breakIt: () => ({
      GRAPH_CLIENT_SECRET: '',
      GRAPH_MANAGED_IDENTITY_CLIENT_ID: '11111111-2222-3333-4444-555555555555',
    }),
    check: 'federated credential',
    message: /No such managed identity in the tenant/,
    fix: /it is a client id/,
  },
]

for (const { what, breakIt, check, verdict = 'failure', message, fix } of faults) {
  test(`${what} is found, and nothing else`, async (t) => {
    const started = await start(t)
    const env = breakIt(started)
    const { trouble, passed } = await diagnose(['--az'], { ...started.env, ...env })
    assert.deepEqual(
      trouble.map((finding) => [finding.check, finding.verdict]),
      [[check, verdict]],
      JSON.stringify(trouble, undefined, 2),
    )
    assert.match(String(trouble[0]?.message), message)
    assert.match(String(trouble[0]?.fix), fix)
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
  assert.match(trouble[0]?.message ?? '', /GET \/applications of Graph: HTTP 403 Authorization_RequestDenied/)
  assert.match(trouble[0]?.fix ?? '', /Global Reader/)
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
  assert.match(findings.find(({ check }) => check === 'credential')?.message ?? '', /run doctor where the server runs/)
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
  assert.match(
    findings.find(({ check }) => check === 'certificate file')?.message ?? '',
    /^valid until .* \(89 days\)$/,
  )
  assert.equal(findings.find(({ check }) => check === 'credential')?.verdict, 'ok')
})

for (const { what, made, pem, registered, check, verdict = 'failure', message, fix } of [
  {
    what: 'a certificate that the app does not have',
    made: {},
    registered: false,
    check: 'credential',
    message: /AADSTS700027/,
    fix: /register server --certificate/,
  },
  {
    what: 'a certificate that has expired',
    made: { fromDays: -30, toDays: -1 },
    registered: true,
    check: 'certificate file',
    message: /expired on/,
    fix: /Replace it there/,
  },
  {
    what: 'a certificate that ends soon',
    made: { toDays: 10.5 },
    registered: true,
    check: 'certificate file',
    verdict: 'warning' as Verdict,
    message: /Expires in 10 days/,
    fix: /Replace it there/,
  },
  {
    what: 'a file without a private key',
    made: {},
    pem: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    registered: false,
    check: 'certificate file',
    message: /has no readable private key/,
    fix: /Replace it there/,
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
    assert.match(String(trouble[0]?.message), message)
    assert.match(String(trouble[0]?.fix), fix)
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
  assert.match(trouble[0]?.message ?? '', /cannot be read \(ENOENT\)/)
})
