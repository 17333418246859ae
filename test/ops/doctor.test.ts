import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Emulator } from '../../emulator/app.ts'
import type { FaultRule } from '../../emulator/fault-rule.ts'
import type { DoctorWorld } from '../../scripts/commands/doctor.ts'
import { judgeReadiness } from '../../scripts/doctor/deployment.ts'
import { entraOf } from '../../scripts/doctor/entra.ts'
import type { Verdict } from '../../scripts/doctor/finding.ts'
import { buildApp } from '../../src/app.ts'
import { configFor, type Env, envFor, freePort, listen } from '../helper.ts'
import { file } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'
import { type Bend, deploy, diagnose, type FrontOptions, makeCertificate, say } from './doctor-helper.ts'
import { ops } from './helper.ts'

const tenant = await startEmulator()
file.after(() => tenant.close())
const healthy = await listen(file, {}, tenant)
/** Where nothing listens. */
const nothing = `http://127.0.0.1:${await freePort()}`
const ownEnv = { ...envFor(tenant), PUBLIC_BASE_URL: healthy.origin }

/** Long enough for whatever responds at all, on a busy machine too. */
const impatient: DoctorWorld = { deadlineMs: 500 }

interface Expected {
  readonly check: string
  readonly verdict?: Verdict
  readonly message: RegExp
  readonly fix: RegExp
}

/** That one thing was found, and nothing else. */
function assertFound({ passed, trouble }: Awaited<ReturnType<typeof diagnose>>, expected: Expected) {
  const { check, verdict = 'failure', message, fix } = expected
  assert.deepEqual(
    trouble.map((finding) => [finding.check, finding.verdict]),
    [[check, verdict]],
    JSON.stringify(trouble, undefined, 2),
  )
  assert.match(String(trouble[0]?.message), message)
  assert.match(String(trouble[0]?.fix), fix)
  assert.equal(passed, verdict === 'warning')
}

test('finds nothing where nothing is wrong, in configuration and deployment together', async () => {
  const env = { ...ownEnv, MCP_ACCESS_TOKEN: await tenant.mint({ user: 'rowan' }) }
  const { passed, findings, trouble } = await diagnose(['--url', healthy.origin], env)
  assert.deepEqual(trouble, [])
  assert.ok(passed)
  const left = findings.filter(({ verdict }) => verdict === 'skipped').map(({ check }) => check)
  for (const check of ['TLS', 'certificate', 'http to https', 'credential for sign-in']) assert.ok(left.includes(check))
  assert.ok(findings.filter(({ verdict }) => verdict === 'ok').length >= 16)
})

test('a deployment alone says which tenant it is of, and that is examined too', async () => {
  const { trouble, findings } = await diagnose(['--url', healthy.origin])
  assert.deepEqual(trouble, [])
  for (const check of ['tenant', 'signing keys', 'clock'])
    assert.equal(findings.find((finding) => finding.check === check)?.verdict, 'ok', check)
})

test('a configuration alone skips the checks of a deployment, and says so', async () => {
  const { trouble, findings } = await diagnose([], ownEnv)
  assert.deepEqual(trouble, [])
  assert.equal(findings.find(({ check }) => check === 'credential')?.verdict, 'ok')
  const ready = findings.find(({ check }) => check === 'ready')
  assert.deepEqual([ready?.verdict, ready?.message], ['skipped', 'no deployment; --url names one'])
})

test('--env-file is read instead of the environment', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'doctor-'))
  t.after(() => rm(folder, { recursive: true }))
  const path = join(folder, 'deployment.env')
  writeFileSync(path, `GRAPH_TENANT_ID=${tenant.tenantId}\nGRAPH_CLIENT_ID=not-a-guid\nGRAPH_CLIENT_SECRET=x\n`)
  const { findings } = await diagnose(['--env-file', path], ownEnv)
  assert.match(findings[0]?.message ?? '', /^GRAPH_CLIENT_ID must be a GUID/)
})

test('a missing file is reported', async () => {
  const { code, err } = await ops(['doctor', '--env-file', '/nowhere/.env'])
  assert.equal(code, 1)
  assert.match(err, /Cannot read \/nowhere\/\.env \(ENOENT\)/)
})

const otherGuid = '11111111-2222-3333-4444-555555555555'

const configurations: readonly (Expected & {
  readonly what: string
  readonly env?: Env
  readonly fault?: FaultRule
  readonly world?: DoctorWorld
})[] = [
  {
    what: 'a value that the server would not start with',
    env: { MCP_REQUIRE_AUTH: 'maybe' },
    check: 'configuration',
    message: /^MCP_REQUIRE_AUTH must be true or false/,
    fix: /docs\/configuration\.md/,
  },
  {
    what: 'a wrong secret',
    env: { GRAPH_CLIENT_SECRET: 'not-the-secret-of-this-app' },
    check: 'credential',
    message: /AADSTS7000215/,
    fix: /Set its value, not its id/,
  },
  {
    what: 'an expired secret',
    fault: { target: 'token', kind: 'aadsts', code: 7000222, grant: 'client_credentials' },
    check: 'credential',
    message: /AADSTS7000222/,
    fix: /has expired: create another/,
  },
  {
    what: 'an app that is not in the tenant',
    env: { GRAPH_CLIENT_ID: otherGuid },
    check: 'credential',
    message: new RegExp(`for the app ${otherGuid} \\(AADSTS7000?\\d\\d\\)`),
    fix: /The app is not in this tenant/,
  },
  {
    what: 'a wrong secret of the app that users sign in to',
    env: { MCP_OAUTH_CLIENT_ID: tenant.client.clientId, MCP_OAUTH_CLIENT_SECRET: 'not-the-secret-of-that-app' },
    check: 'credential for sign-in',
    message: new RegExp(`for the app ${tenant.client.clientId} \\(AADSTS7000215\\)`),
    fix: /Set its value, not its id/,
  },
  {
    what: 'an Entra that limits requests',
    fault: { target: 'token', kind: 'status', status: 429 },
    check: 'credential',
    verdict: 'warning',
    message: /Could not be tested: HTTP 429/,
    fix: /Retry/,
  },
  {
    what: 'a wrong tenant',
    env: { GRAPH_TENANT_ID: otherGuid },
    check: 'tenant',
    message: new RegExp(`Unknown tenant ${otherGuid}`),
    fix: /Check GRAPH_TENANT_ID/,
  },
  {
    what: 'an authority where nothing listens',
    env: { ENTRA_AUTHORITY_HOST: nothing },
    check: 'tenant',
    message: /Nothing listens on/,
    fix: /name the right address/,
  },
  {
    what: 'an authority that never responds',
    fault: { target: 'discovery', kind: 'hang' },
    world: impatient,
    check: 'tenant',
    message: /did not answer in time/,
    fix: /firewall or proxy/,
  },
  {
    what: 'a page where the discovery document should be',
    fault: { target: 'discovery', kind: 'html' },
    check: 'tenant',
    message: /Discovery document of the tenant: /,
    fix: /./,
  },
  {
    what: 'keys that are down',
    fault: { target: 'keys', kind: 'status', status: 503 },
    check: 'signing keys',
    message: /Key set of the tenant: HTTP 503/,
    fix: /./,
  },
  {
    what: 'keys that are no keys',
    fault: { target: 'keys', kind: 'empty-object' },
    check: 'signing keys',
    message: /no RSA signing key/,
    fix: /ENTRA_AUTHORITY_HOST/,
  },
  {
    what: 'keys that never come',
    fault: { target: 'keys', kind: 'hang' },
    world: impatient,
    check: 'signing keys',
    message: /did not answer in time/,
    fix: /try again/,
  },
  {
    what: 'a clock that is 400 s ahead',
    world: { now: () => Date.now() + 400_000 },
    check: 'clock',
    message: /this machine is (399|400|401) s ahead of that of Entra/,
    fix: /NTP/,
  },
  {
    what: 'a clock that is 90 s behind',
    world: { now: () => Date.now() - 90_000 },
    check: 'clock',
    verdict: 'warning',
    message: /this machine is (89|90|91) s behind that of Entra/,
    fix: /NTP/,
  },
]

for (const { what, env, fault, world, ...expected } of configurations) {
  test(`${what} is found, and nothing else`, async (t) => {
    if (fault !== undefined) tenant.faults.add(fault)
    t.after(() => tenant.faults.clear())
    assertFound(await diagnose([], { ...ownEnv, ...env }, world), expected)
  })
}

/** Handles a path in another way. */
const at =
  (path: string, status: number, body: string, type?: string): Bend =>
  (asked, response) =>
    asked === path && say(response, status, body, type)

const page = '<!doctype html><title>Sign in to the Wi-Fi</title>'
const resourcePath = '/.well-known/oauth-protected-resource'
const serverPath = '/.well-known/oauth-authorization-server'

const deployments: readonly (Expected & {
  readonly what: string
  readonly front: FrontOptions
  readonly world?: DoctorWorld
})[] = [
  {
    what: 'a page where /healthz should be',
    front: { bend: (_path, response) => say(response, 200, page, 'text/html') },
    check: 'alive',
    message: /not a JSON object \(text\/html\)/,
    fix: /Check the address/,
  },
  {
    what: 'a gateway that does not reach the server',
    front: { bend: (_path, response) => say(response, 502, 'bad gateway', 'text/plain') },
    check: 'alive',
    message: /\/healthz: HTTP 502/,
    fix: /any gateway in front/,
  },
  {
    what: 'a server that never responds',
    front: { bend: () => true },
    world: impatient,
    check: 'alive',
    message: /did not answer in time/,
    fix: /firewall or proxy/,
  },
  {
    what: 'a readiness that never comes',
    front: { bend: (path) => path === '/readyz' },
    world: impatient,
    check: 'ready',
    message: /did not answer in time/,
    fix: /./,
  },
  {
    what: 'a page where the metadata should be',
    front: { bend: at(`${resourcePath}/mcp`, 200, page, 'text/html') },
    check: 'protected resource',
    message: /oauth-protected-resource\/mcp: the response is not a JSON object/,
    fix: /Check the address/,
  },
  {
    what: 'metadata at the root that differ from those at the path',
    front: { bend: at(resourcePath, 200, '{"resource":"https://other.example/mcp"}') },
    check: 'protected resource',
    message: /at the root and at the path \/mcp differ/,
    fix: /Route both/,
  },
  {
    what: 'a name that the server does not know',
    front: {
      bend: (path, response) =>
        path.startsWith('/.well-known') && say(response, 403, '{"error":{"data":{"reason":"host_not_allowed"}}}'),
    },
    check: 'protected resource',
    message: /host_not_allowed/,
    fix: /PUBLIC_BASE_URL/,
  },
  {
    what: 'an authorization server without PKCE',
    front: {
      bend: at(
        serverPath,
        200,
        JSON.stringify({
          issuer: 'x',
          authorization_endpoint: 'x',
          token_endpoint: 'x',
          response_types_supported: ['code'],
          grant_types_supported: ['authorization_code'],
        }),
      ),
    },
    check: 'authorization server',
    message: /lacks PKCE with S256/,
    fix: /./,
  },
  {
    what: 'a gateway that requires no token',
    front: { bend: at('/mcp', 200, '{}') },
    check: 'challenge',
    message: /does not require a token/,
    fix: /MCP_REQUIRE_AUTH/,
  },
  {
    what: 'a gateway with a sign-in of its own',
    front: {
      bend: (path, response) => {
        if (path !== '/mcp') return false
        response.writeHead(401, { 'www-authenticate': 'Basic realm="gateway"' }).end()
        return true
      },
    },
    check: 'challenge',
    message: /is not Bearer/,
    fix: /in front of it/,
  },
  {
    what: 'a gateway that takes the challenge away',
    front: {
      headers: (headers) => {
        headers['www-authenticate'] = headers['www-authenticate'] && 'Bearer realm="mcp"'
      },
    },
    check: 'challenge',
    message: /lacks resource_metadata or scope/,
    fix: /WWW-Authenticate/,
  },
  {
    what: 'a gateway that takes security headers away',
    front: {
      headers: (headers) => {
        headers['content-security-policy'] = undefined
        headers['x-content-type-options'] = undefined
      },
    },
    check: 'security headers',
    message: /content-security-policy, x-content-type-options/,
    fix: /in front of it pass them on/,
  },
  {
    what: 'a deployment whose clock is 400 s behind',
    front: {
      headers: (headers) => {
        headers['date'] = new Date(Date.now() - 400_000).toUTCString()
      },
    },
    check: 'clock of the deployment',
    message: /the deployment is (39\d|40\d) s behind that of Entra/,
    fix: /NTP/,
  },
  {
    what: 'another address in all that clients are told',
    front: { env: { PUBLIC_BASE_URL: 'http://localhost:1' } },
    check: 'public address',
    message: /resource is http:\/\/localhost:1\/mcp, and 6 more/,
    fix: /Set PUBLIC_BASE_URL of the server to http:\/\/localhost:\d+/,
  },
]

for (const { what, front, world, ...expected } of deployments) {
  test(`${what} is found, and nothing else`, async (t) => {
    const origin = await deploy(t, tenant, front)
    assertFound(await diagnose(['--url', origin], {}, world), expected)
  })
}

test('a port where nothing listens is found, and everything behind it left out', async () => {
  assertFound(await diagnose(['--url', nothing]), {
    check: 'address',
    message: /Nothing listens on 127\.0\.0\.1:\d+/,
    fix: /Start the server/,
  })
})

test('a name that nobody has is found', async () => {
  assertFound(await diagnose(['--url', 'https://mcp.invalid']), {
    check: 'address',
    message: /The name mcp\.invalid:443 does not resolve/,
    fix: /DNS/,
  })
})

test('a server without signing keys is found, with its own code', async (t) => {
  const port = String(await freePort())
  const app = await buildApp(configFor(tenant, { PORT: port, ENTRA_AUTHORITY_HOST: nothing, LOG_LEVEL: 'silent' }))
  t.after(() => app.close())
  const origin = `http://localhost:${port}`
  await app.listen({ host: '127.0.0.1', port: Number(port) })
  assertFound(await diagnose(['--url', origin], { ...ownEnv, PUBLIC_BASE_URL: origin }), {
    check: 'ready',
    message: /Not ready \(signing_keys_unavailable\)/,
    fix: /ENTRA_AUTHORITY_HOST/,
  })
})

test('a configuration that is not the deployment’s is found', async () => {
  const env = {
    ...ownEnv,
    MCP_OAUTH_CLIENT_ID: tenant.client.clientId,
    MCP_OAUTH_CLIENT_SECRET: tenant.client.clientSecret,
  }
  assertFound(await diagnose(['--url', healthy.origin], env), {
    check: 'same configuration',
    message: /signs clients in to the app/,
    fix: /belong together/,
  })
})

const certificates: readonly (Expected & {
  readonly what: string
  readonly made: Parameters<typeof makeCertificate>[0]
  readonly isTrusted?: boolean
})[] = [
  {
    what: 'of another host',
    made: { host: 'other.example' },
    check: 'certificate',
    message: /Issued for DNS:other\.example, not for localhost/,
    fix: /Bind a certificate/,
  },
  {
    what: 'that ends in some days',
    made: { toDays: 3.5 },
    check: 'certificate',
    verdict: 'warning',
    message: /Expires in 3 days/,
    fix: /Renew it/,
  },
  {
    what: 'that has expired',
    made: { fromDays: -30, toDays: -1 },
    check: 'certificate',
    message: /Expired on/,
    fix: /Renew/,
  },
  {
    what: 'that begins tomorrow',
    made: { fromDays: 1 },
    check: 'certificate',
    message: /Not valid before/,
    fix: /clock/,
  },
  {
    what: 'that nobody vouches for',
    made: {},
    isTrusted: false,
    check: 'certificate',
    message: /Invalid certificate chain \(DEPTH_ZERO_SELF_SIGNED_CERT\)/,
    fix: /NODE_EXTRA_CA_CERTS/,
  },
]

for (const { what, made, isTrusted = true, ...expected } of certificates) {
  test(`a certificate ${what} is found, and nothing else`, async (t) => {
    const tls = await makeCertificate(made)
    const origin = await deploy(t, tenant, { tls })
    assertFound(await diagnose(['--url', origin], {}, isTrusted ? { trusted: tls.cert } : {}), expected)
  })
}

test('a certificate that holds is told with its name and its last day', async (t) => {
  const tls = await makeCertificate()
  const origin = await deploy(t, tenant, { tls })
  const { trouble, findings } = await diagnose(['--url', origin], {}, { trusted: tls.cert })
  assert.deepEqual(trouble, [])
  assert.match(
    findings.find(({ check }) => check === 'certificate')?.message ?? '',
    /^for localhost, until .* \(89 days\)$/,
  )
  assert.match(findings.find(({ check }) => check === 'security headers')?.message ?? '', /^6 of 6/)
})

test('https where only http is spoken is found', async () => {
  assertFound(await diagnose(['--url', healthy.origin.replace('http:', 'https:')]), {
    check: 'TLS',
    message: /does not speak TLS/,
    fix: /begins with http/,
  })
})

for (const [what, user, message, fix] of [
  ['no role', 'nico', /graph_forbidden: .*Message Center Reader/, /role that the error names/],
  ['no consent', 'cato', /user_consent_required/, /Have an administrator open the link/],
  ['a policy against them', 'blake', /access_blocked/, /Conditional Access/],
] as const) {
  test(`a user with ${what} is found, and nothing else`, async () => {
    const token = await tenant.mint({ user })
    assertFound(await diagnose(['--url', healthy.origin], { MCP_ACCESS_TOKEN: token }), {
      check: 'reading as a user',
      message,
      fix,
    })
  })
}

test('several errors are all found in one run', async (t) => {
  const own: Emulator = await startEmulator()
  t.after(() => own.close())
  const origin = await deploy(t, own, { bend: at(resourcePath, 500, '{}') })
  const { trouble, passed } = await diagnose(['--url', origin], {
    ...envFor(own),
    PUBLIC_BASE_URL: origin,
    GRAPH_CLIENT_SECRET: 'not-the-secret-of-this-app',
    MCP_ACCESS_TOKEN: await own.mint({ user: 'nico' }),
  })
  assert.equal(passed, false)
  assert.deepEqual(
    trouble.map(({ check }) => check),
    ['protected resource', 'credential'],
  )
})

test('it prints a line for each check, with the fix below it, and a summary', async () => {
  const env = { ...ownEnv, GRAPH_CLIENT_SECRET: 'not-the-secret-of-this-app' }
  const { code, out, err } = await ops(['doctor'], { env })
  assert.equal(code, 1)
  assert.match(out, /^✔ configuration +valid; development, PUBLIC_BASE_URL http:\/\/localhost:\d+$/m)
  assert.match(out, /^✘ credential +Entra rejects it .*\n( {27}.*\n)* {27}The secret is wrong/m)
  assert.match(out, /^- skipped: no deployment; --url names one\n {4}address, TLS, /m)
  assert.match(out, /\n\nOk 4, warnings 0, failures 1, skipped \d+\.\n$/)
  assert.equal(err, '1 check failed.\nFix the first failure first, and run doctor again.\n')
  assert.ok(out.split('\n').every((line) => line.length <= 100))
  assert.doesNotMatch(out + err, /not-the-secret/)
})

test('checks blocked by a failure share a line, and each of them names it in JSON', async () => {
  const { out } = await ops(['doctor', '--url', nothing])
  const [, names = ''] = /^- skipped: skipped after a failure\n((?: {4}.+\n)+)/m.exec(out) ?? []
  const checks = names.trim().replaceAll(/\s+/g, ' ').split(', ')
  assert.deepEqual([checks[0], checks.at(-1), checks.includes('alive')], ['TLS', 'reading as a user', true])
  const { findings } = await diagnose(['--url', nothing])
  assert.equal(findings.find(({ check }) => check === 'ready')?.blockedBy, 'alive')
})

test('--json prints the findings beside the error, and the code of both', async () => {
  const env = { ...ownEnv, GRAPH_CLIENT_SECRET: 'not-the-secret-of-this-app' }
  const { code, out } = await ops(['doctor', '--json'], { env })
  const { ok, count, findings, error } = JSON.parse(out)
  assert.deepEqual([code, ok, count.failure, error.code], [1, false, 1, 'checks_failed'])
  assert.equal(findings.find(({ verdict }: { verdict: string }) => verdict === 'failure').check, 'credential')
})

test('nothing secret of a configuration is in what it prints', async () => {
  const env = { ...ownEnv, MCP_ACCESS_TOKEN: await tenant.mint({ user: 'rowan' }) }
  const { out, err } = await ops(['doctor', '--url', healthy.origin, '--json'], { env })
  assert.ok(!(out + err).includes(tenant.api.clientSecret))
  assert.doesNotMatch(out + err, /eyJ/)
})

for (const [code, fix] of [
  ['signing_keys_unavailable', /path to Entra.*keys_unavailable/],
  ['credential_unavailable', /credential_unavailable/],
  ['stopping', /replica that replaces it/],
  ['of_a_later_version', /See the log/],
] as const) {
  test(`a server that is not ready (${code}) gets the fix for that, whatever its message`, () => {
    const json = { status: 'not_ready', problems: [{ code, message: 'Anything.' }] }
    const [outcome, ...more] = [judgeReadiness({ status: 503, json })].flat()
    assert.deepEqual([outcome?.verdict, outcome?.message, more], ['failure', `Not ready (${code}). Anything.`, []])
    assert.match(String(outcome?.fix), fix)
  })
}

for (const [name, status, json] of [
  ['a 503 of a gateway', 503, undefined],
  ['a 503 without problems', 503, { status: 'not_ready', problems: [] }],
  ['a 200 that is not ready', 200, { status: 'ok' }],
] as const) {
  test(`/readyz that is ${name} is not this server’s`, () => {
    const [outcome] = [judgeReadiness({ status, json })].flat()
    assert.deepEqual(
      [outcome?.verdict, outcome?.message],
      ['failure', `Unexpected response of /readyz: HTTP ${status}.`],
    )
  })
}

/** The tenant that a deployment of that origin names, if it is trusted. */
function tenantBy(origin: string, discover: object, jwksUri: string) {
  const ok = (json: Record<string, unknown>) => ({
    ...{ status: 200, headers: {}, body: '', json },
    ...{ askedAtMs: 0, receivedAtMs: 0 },
  })
  const toDeployment = {
    get: async (url: string) => ok(url.endsWith('/discover') ? { ...discover } : { jwks_uri: jwksUri }),
    post: () => Promise.reject(new Error('Nothing is posted')),
    close: () => Promise.resolve(),
  }
  return entraOf({ config: undefined, deployment: { origin, endpoint: `${origin}/mcp` }, toDeployment })
}

const guid = '11111111-2222-4333-8444-555555555555'
const microsoft = `https://login.microsoftonline.com/${guid}/discovery/v2.0/keys`
const said: readonly [what: string, discover: object, jwksUri: string][] = [
  ['an authority that is not Microsoft’s', {}, `https://login.evil.example/${guid}/discovery/v2.0/keys`],
  ['one that only begins like it', {}, `https://login.microsoftonline.com.evil.example/${guid}/discovery/v2.0/keys`],
  ['Microsoft’s by plain http', {}, `http://login.microsoftonline.com/${guid}/discovery/v2.0/keys`],
  ['one on the operator’s own machine', {}, `http://127.0.0.1:1234/${guid}/discovery/v2.0/keys`],
  ['a tenant that is a command', { tenantId: 'x&calc.exe&' }, microsoft],
  ['a client id that is a filter', { clientId: "' or true or appId eq '" }, microsoft],
]
for (const [what, discover, jwksUri] of said) {
  test(`a deployment that names ${what} is not trusted: an operator may sign in there`, async () => {
    const valid = { tenantId: guid, clientId: guid }
    await assert.rejects(tenantBy('https://mcp.example', { ...valid, ...discover }, jwksUri), {
      message: 'The deployment does not name its tenant.',
    })
    assert.equal(
      (await tenantBy('https://mcp.example', valid, microsoft)).authorityHost,
      'https://login.microsoftonline.com',
    )
  })
}
