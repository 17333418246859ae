import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parseEnv } from 'node:util'
import { generate } from 'selfsigned'
import type { Emulator } from '../../emulator/app.ts'
import type { FaultRule } from '../../emulator/fault-rule.ts'
import { AZURE_CLI_CLIENT_ID, GRAPH } from '../../emulator/tenant.ts'
import { scopesOf } from '../../src/lib/graph-permissions.ts'
import { defaultTools } from '../../src/tools/index.ts'
import { startTenant } from '../helper.ts'
import { postForm } from '../sign-in-helper.ts'
import { type CommandResult, enterDeviceCode, fakeAz, graphArgs, ops } from './helper.ts'

const name = 'A new server'

interface Place {
  readonly tenant: Emulator
  /** `register server` of a new registration, signed in to the Azure CLI as `gale`, an administrator. */
  register(...more: readonly string[]): Promise<CommandResult>
  /** The application as Graph holds it. */
  app(): Emulator['applications']['applications'][number]
}

async function start(t: TestContext, user = 'gale', args = ['--az', '--display-name', name]): Promise<Place> {
  const tenant = await startTenant(t)
  const env = fakeAz(t, tenant, user)
  return {
    tenant,
    register: (...more) => ops(['register', 'server', ...graphArgs(tenant), ...args, ...more], { env }),
    app() {
      const found = tenant.applications.applications.find(({ displayName }) => displayName === name)
      assert.ok(found)
      return found
    },
  }
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'register-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

test('a new registration has everything that the server needs', async (t) => {
  const { register, app, tenant } = await start(t)
  const { code, out, err } = await register(
    ...['--public-base-url', 'https://mcp.example.com', '--public-base-url', 'http://localhost:8080'],
    ...['--admin-consent', '--preauthorize', AZURE_CLI_CLIENT_ID],
  )
  assert.equal(code, 0, err)
  const { appId, api, ...rest } = app()
  assert.equal(rest.signInAudience, 'AzureADMyOrg')
  assert.deepEqual(rest.identifierUris, [`api://${appId}`])
  assert.deepEqual(rest.web.redirectUris, [
    'https://mcp.example.com/oauth/callback',
    'http://localhost:8080/oauth/callback',
  ])
  assert.equal(api.requestedAccessTokenVersion, 2)
  const [scope] = api.oauth2PermissionScopes
  const { id: scopeId, ...texts } = scope ?? {}
  assert.deepEqual(texts, {
    value: 'access_as_user',
    type: 'User',
    isEnabled: true,
    adminConsentDisplayName: 'Access MCP server as signed-in user',
    adminConsentDescription: 'Allows the app to call the MCP server API as the signed-in user.',
    userConsentDisplayName: 'Access MCP server as signed-in user',
    userConsentDescription: 'Allows the app to call the MCP server API as the signed-in user.',
  })
  assert.deepEqual(api.preAuthorizedApplications, [{ appId: AZURE_CLI_CLIENT_ID, delegatedPermissionIds: [scopeId] }])
  assert.deepEqual(
    rest.requiredResourceAccess.map(({ resourceAppId }) => resourceAppId),
    [GRAPH.clientId],
  )
  assert.deepEqual(tenant.tenant.findApp(appId)?.graphPermissions, needed)
  assert.deepEqual(rest.passwordCredentials, [])
  assert.ok(out.includes(`\nGRAPH_TENANT_ID=${tenant.tenantId}\nGRAPH_CLIENT_ID=${appId}\n`), out)
  assert.doesNotMatch(out + err, /SECRET|eyJ/)
})

test('a second run changes nothing', async (t) => {
  const { register, tenant } = await start(t)
  const { certificate } = await pemFiles(t)
  const credentials = [['--certificate', certificate], ['--managed-identity', tenant.tenantId], ['--secret']]
  for (const credential of credentials) {
    const { code, err } = await register('--admin-consent', ...credential)
    assert.equal(code, 0, err)
  }
  for (const method of ['POST', 'PATCH'] as const)
    tenant.faults.add({ target: 'graph', kind: 'status', status: 418, method })
  for (const credential of credentials) {
    const { code, out, err } = await register('--admin-consent', ...credential)
    assert.deepEqual([code, out.includes('\nNothing to change.\n')], [0, true], err)
    assert.doesNotMatch(out, /^[+~-] |SECRET=/m)
    if (credential[0] === '--secret') assert.match(err, /has a secret, valid until .*--renew-secret/)
  }
})

for (const [first, ...others] of [
  ['--certificate', '--secret', '--renew-secret'],
  ['--managed-identity', '--secret', '--renew-secret', '--certificate'],
]) {
  for (const other of others) {
    test(`${first} and ${other} are mutually exclusive: a usage error before the sign-in`, async (t) => {
      const { register, tenant } = await start(t)
      const given = (option = '') =>
        option === '--certificate' ? ['/nowhere/cert.pem'] : option === '--managed-identity' ? [tenant.tenantId] : []
      const { code, out, err } = await register(first ?? '', ...given(first), other, ...given(other))
      assert.deepEqual([code, out], [2, ''])
      assert.match(err, new RegExp(`option '${first} .*cannot be used with option '${other}`))
      assert.equal(tenant.stats.snapshot().endpoints.graph, 0)
    })
  }
}

for (const [origins, lines] of [
  [['https://mcp.example.com'], { PUBLIC_BASE_URL: 'https://mcp.example.com' }],
  [['http://localhost:8400'], { PUBLIC_BASE_URL: 'http://localhost:8400', PORT: '8400' }],
  [['http://127.0.0.1'], { PUBLIC_BASE_URL: 'http://127.0.0.1', PORT: '80' }],
  [['https://mcp.example.com', 'http://localhost:8080'], { PUBLIC_BASE_URL: 'https://mcp.example.com' }],
  [[], {}],
] as const) {
  test(`the variables for ${origins.join(' and ') || 'no address'} have the address of the server`, async (t) => {
    const { register } = await start(t)
    const { out } = await register('--json', ...origins.flatMap((origin) => ['--public-base-url', origin]))
    const { PUBLIC_BASE_URL, PORT } = JSON.parse(out).env
    assert.deepEqual(JSON.parse(JSON.stringify({ PUBLIC_BASE_URL, PORT })), lines)
  })
}

test('the role that users need is printed, with or without --admin-consent', async (t) => {
  const { register } = await start(t)
  for (const args of [[], ['--admin-consent']]) {
    assert.match(
      (await register(...args)).out,
      /^To read the Message Center, each user needs at least the admin role Message Center Reader/m,
    )
  }
})

test('--write-env writes the variables, including the secret, to a file with mode 600', async (t) => {
  const { register, app, tenant } = await start(t)
  const file = join(folder(t), '.env.local')
  const { code, out, err } = await register(
    '--secret',
    '--public-base-url',
    'http://localhost:8400',
    '--write-env',
    file,
  )
  assert.equal(code, 0, err)
  const secret = app().passwordCredentials[0]?.secretText ?? ''
  assert.deepEqual(
    { ...parseEnv(readFileSync(file, 'utf8')) },
    {
      GRAPH_TENANT_ID: tenant.tenantId,
      GRAPH_CLIENT_ID: app().appId,
      GRAPH_CLIENT_SECRET: secret,
      PUBLIC_BASE_URL: 'http://localhost:8400',
      PORT: '8400',
      ENTRA_AUTHORITY_HOST: tenant.origin,
      GRAPH_BASE_URL: `${tenant.origin}/v1.0`,
    },
  )
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.ok(!`${out}${err}`.includes(secret))
  assert.match(err, /^Written to .*: GRAPH_TENANT_ID, GRAPH_CLIENT_ID, GRAPH_CLIENT_SECRET, /m)

  const written = readFileSync(file, 'utf8')
  const again = await register('--secret', '--public-base-url', 'http://localhost:8400', '--write-env', file)
  assert.equal(again.code, 0)
  assert.equal(readFileSync(file, 'utf8'), written)
  assert.doesNotMatch(again.err, /other values/)
})

test('--write-env preserves other lines, and reports the variables that it replaced', async (t) => {
  const { register, app } = await start(t)
  const path = folder(t)
  const file = join(path, 'server.env')
  const before = 'LOG_LEVEL=debug # mine\nGRAPH_CLIENT_ID=11111111-2222-4333-8444-555555555555\nGRAPH_TENANT_ID=\n'
  writeFileSync(file, before, { mode: 0o644 })
  const link = join(path, 'link.env')
  symlinkSync(file, link)
  const { code, err } = await register('--write-env', link)
  assert.equal(code, 0, err)
  const after = readFileSync(file, 'utf8')
  assert.ok(
    after.startsWith(
      `LOG_LEVEL=debug # mine\n# GRAPH_CLIENT_ID=11111111-2222-4333-8444-555555555555\nGRAPH_CLIENT_ID=${app().appId}\nGRAPH_TENANT_ID=`,
    ),
    after,
  )
  assert.match(err, /had other values of GRAPH_CLIENT_ID; they are comments now/)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(path).sort(), ['link.env', 'server.env'])
})

test('an invalid --write-env fails before the sign-in; a dry run and a failed run write nothing', async (t) => {
  const { register, tenant } = await start(t)
  const { code, out, err } = await register('--write-env', '/nowhere/x.env')
  assert.deepEqual([code, out], [1, ''])
  assert.match(err, /^\/nowhere\/x\.env cannot be written \(ENOENT\)\.\n.*nothing was changed/)
  assert.equal(tenant.stats.snapshot().endpoints.graph, 0)
  assert.match((await register('--write-env', 'x', '--secret', '--secret-file', 'y')).err, /cannot be used with/)

  const path = folder(t)
  await register('--dry-run', '--write-env', join(path, 'x.env'))
  tenant.faults.add({ target: 'graph', kind: 'status', status: 400, method: 'POST', times: 1 })
  assert.equal((await register('--write-env', join(path, 'x.env'))).code, 1)
  assert.deepEqual(readdirSync(path), [])
})

test('variables that cannot be written are printed, since Entra shows a secret once', async (t) => {
  const { register, app } = await start(t)
  const file = join(folder(t), 'x.env')
  // A multi-line value with a line that looks like a variable of ours.
  writeFileSync(file, 'KEY="first\nGRAPH_TENANT_ID=inside\nlast"\n')
  const { out, err } = await register('--secret', '--write-env', file)
  assert.match(err, /cannot be written \(KEY would change\)\. The variables are printed instead/)
  assert.ok(out.includes(`GRAPH_CLIENT_SECRET=${app().passwordCredentials[0]?.secretText}\n`))
})

test('a dry run shows the changes without writing them', async (t) => {
  const { register, tenant } = await start(t)
  for (const method of ['POST', 'PATCH'] as const)
    tenant.faults.add({ target: 'graph', kind: 'status', status: 418, method })
  const file = join(folder(t), 'secret.txt')
  const { code, out } = await register('--dry-run', '--secret', '--secret-file', file, '--admin-consent')
  assert.equal(code, 0)
  for (const line of [
    `+ displayName  ${name}`,
    '+ web.redirectUris  http://localhost:8080/oauth/callback',
    '~ api.requestedAccessTokenVersion  null → 2',
    '+ api.oauth2PermissionScopes  access_as_user (admins and users may consent)',
    '+ oauth2PermissionGrants  ServiceMessage.Read.All of Microsoft Graph, for all users',
  ]) {
    assert.ok(out.includes(`${line}\n`), line)
  }
  assert.match(out, /Dry run: nothing was written\.\n$/)
  assert.throws(() => statSync(file))
})

test('other settings stay; redirect URIs are removed only with --prune-redirects', async (t) => {
  const { register, app } = await start(t)
  await register()
  const { api, web, requiredResourceAccess } = app()
  const mine = 'https://mine.example/callback'
  web.redirectUris.push(mine)
  api.oauth2PermissionScopes.push({ ...onlyScope(api.oauth2PermissionScopes), id: AZURE_CLI_CLIENT_ID, value: 'mine' })
  requiredResourceAccess.push({ resourceAppId: AZURE_CLI_CLIENT_ID, resourceAccess: [] })

  await register('--public-base-url', 'https://mcp.example.com')
  assert.deepEqual(app().web.redirectUris, [
    'http://localhost:8080/oauth/callback',
    mine,
    'https://mcp.example.com/oauth/callback',
  ])
  assert.equal(app().api.oauth2PermissionScopes.length, 2)
  assert.equal(app().requiredResourceAccess.length, 2)

  const { out } = await register('--public-base-url', 'https://mcp.example.com', '--prune-redirects')
  assert.deepEqual(app().web.redirectUris, ['https://mcp.example.com/oauth/callback'])
  assert.match(out, /^- web\.redirectUris {2}https:\/\/mine\.example\/callback$/m)
})

function onlyScope<T>(scopes: readonly T[]): T {
  const [scope] = scopes
  assert.ok(scope)
  return scope
}

test('a manually changed scope is corrected', async (t) => {
  const { register, app } = await start(t)
  await register()
  const scope = onlyScope(app().api.oauth2PermissionScopes)
  Object.assign(scope, { type: 'Admin', isEnabled: false, userConsentDescription: null })
  const { out } = await register()
  assert.match(out, /^~ api\.oauth2PermissionScopes\.access_as_user\.type {2}Admin → User$/m)
  assert.match(out, /^3 changes made\.$/m)
  const { type, isEnabled, id } = onlyScope(app().api.oauth2PermissionScopes)
  assert.deepEqual([type, isEnabled, id], ['User', true, scope.id])
})

test('--secret-file writes the secret to a file with mode 600, and nowhere else', async (t) => {
  const { register, app } = await start(t)
  const file = join(folder(t), 'secret.txt')
  const { code, out, err } = await register('--secret', '--secret-days', '30', '--secret-file', file, '--json')
  assert.equal(code, 0, err)
  const [created] = app().passwordCredentials
  assert.equal(readFileSync(file, 'utf8'), `${created?.secretText}\n`)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.ok(!`${out}${err}`.includes(String(created?.secretText)))
  const days = (Date.parse(created?.endDateTime ?? '') - Date.now()) / 86_400_000
  assert.ok(days > 29.9 && days < 30.1)

  const again = await register('--secret', '--secret-file', file)
  assert.equal(again.code, 1)
  assert.match(again.err, /already exists\.\n.*nothing was changed/)
  const other = join(folder(t), 'other.txt')
  await register('--secret', '--secret-file', other)
  assert.throws(() => statSync(other), 'no file without a new secret')
  await register('--renew-secret', '--secret-file', other)
  assert.equal(readFileSync(other, 'utf8'), `${app().passwordCredentials[1]?.secretText}\n`)
  assert.match((await register('--secret-file', 'x')).err, /--secret-file requires a secret/)
})

test('--json prints the ids, the changes and the variables for .env.local, and nothing else', async (t) => {
  const { register, app, tenant } = await start(t)
  const dry = JSON.parse((await register('--json', '--dry-run')).out)
  assert.deepEqual([dry.clientId, dry.objectId, dry.dryRun, dry.env], [null, null, true, {}])
  const { changes, next, ...rest } = JSON.parse((await register('--json', '--secret')).out)
  const { appId, id, passwordCredentials } = app()
  assert.deepEqual(rest, {
    tenantId: tenant.tenantId,
    clientId: appId,
    objectId: id,
    displayName: name,
    scope: `api://${appId}/access_as_user`,
    dryRun: false,
    env: {
      GRAPH_TENANT_ID: tenant.tenantId,
      GRAPH_CLIENT_ID: appId,
      GRAPH_CLIENT_SECRET: passwordCredentials[0]?.secretText,
      ENTRA_AUTHORITY_HOST: tenant.origin,
      GRAPH_BASE_URL: `${tenant.origin}/v1.0`,
    },
  })
  assert.deepEqual(changes[0], { action: 'add', property: 'displayName', value: name })
  assert.match(next[0], new RegExp(`/adminconsent\\?client_id=${appId}$`))
})

/** The permissions of the tools that are on by default. */
const needed = scopesOf(defaultTools)
const consentLine =
  /^Tools that need (.*) fail until an administrator has consented: --admin-consent, or \S+adminconsent/m

test('missing consent is reported until it is granted', async (t) => {
  const { register, tenant, app } = await start(t)
  assert.match((await register()).out, consentLine)
  await register('--admin-consent')
  const given = await register()
  assert.doesNotMatch(given.out, /consent/)
  assert.doesNotMatch(given.err, /consent/)

  const principal = tenant.applications.servicePrincipals.find(({ appId }) => appId === app().appId)
  const [toGraph, toItself] = tenant.applications.grants.filter(({ clientId }) => clientId === principal?.id)
  assert.ok(toGraph && toItself)
  toGraph.scope = 'User.Read'
  assert.equal(consentLine.exec((await register()).out)?.[1], needed.join(', '))
  assert.equal(consentLine.exec((await register('--dry-run', '--json')).out), null)
  toGraph.scope = ['User.Read', ...needed].join(' ')
  toItself.scope = ''
  assert.match(
    (await register()).out,
    /^Each user is asked once to consent to access_as_user\. To consent for all: --admin-consent/m,
  )
})

test('a user who may not read consents gets a warning, and the run continues', async (t) => {
  const tenant = await startTenant(t)
  const accessToken = await tenant.mint({ user: 'gale', kind: 'graph', claims: { scp: 'Application.ReadWrite.All' } })
  const env = fakeAz(t, tenant, 'gale', { stdout: JSON.stringify({ accessToken }) })
  const args = ['register', 'server', ...graphArgs(tenant), '--az', '--display-name', name]
  const { code, out, err } = await ops(args, { env })
  assert.equal(code, 0, err)
  assert.equal(err.match(/Admin consent cannot be checked\. Graph responded with 403/g)?.length, 1)
  assert.ok(out.includes(`\nTools that need ${needed.join(', ')} fail unless an administrator has consented: `), out)
})

test('a device code requests permission to read consents, and to grant them only with --admin-consent', async (t) => {
  const tenant = await startTenant(t)
  const args = ['register', 'server', ...graphArgs(tenant), '--display-name', name]
  const { code, out, err } = await ops(args, { onProgress: enterDeviceCode({ user: 'gale' }) })
  assert.equal(code, 0, err)
  assert.match(out, consentLine)
  assert.doesNotMatch(err, /cannot be checked/)
})

async function pemFiles(t: TestContext, options: Parameters<typeof generate>[1] = { keySize: 2048 }) {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'a test' }], options)
  const path = folder(t)
  const files = { certificate: join(path, 'cert.pem'), both: join(path, 'both.pem'), two: join(path, 'two.pem') }
  writeFileSync(files.certificate, cert)
  writeFileSync(files.both, `${key}\n${cert}`)
  writeFileSync(files.two, `${cert}\n${cert}`)
  return { ...files, key, der: cert.replaceAll(/-----[^-]+-----|\s/g, '') }
}

test('a certificate is added to the existing ones; a private key in its file is not uploaded', async (t) => {
  const { register, app } = await start(t)
  const { certificate, both, two, der, key } = await pemFiles(t)
  const { code, err } = await register('--certificate', both)
  assert.equal(code, 0, err)
  assert.match(err, /also contains a private key\. Only the certificate is read/)
  assert.deepEqual(
    app().keyCredentials.map((credential) => credential.key),
    [der],
  )
  assert.ok(!JSON.stringify(app()).includes(key.split('\n')[1] ?? key))

  assert.match((await register('--certificate', certificate)).out, /Nothing to change/)
  assert.match((await register('--certificate', two)).err, /contains 2 certificates; using the first/)
  const other = await pemFiles(t)
  await register('--certificate', other.certificate)
  assert.deepEqual(
    app().keyCredentials.map((credential) => credential.key),
    [der, other.der],
  )
})

for (const [what, make, message] of [
  ['no file', async () => '/nowhere/cert.pem', /cannot be read/],
  ['no certificate in it', async (t: TestContext) => fileOf(t, 'nothing'), /contains no certificate\.\n.*openssl req/],
  [
    'a damaged one',
    async (t: TestContext) => fileOf(t, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'),
    /invalid certificate/,
  ],
  [
    'a short key',
    async (t: TestContext) => (await pemFiles(t, { keySize: 1024 })).certificate,
    /Entra does not accept this key/,
  ],
  ['an expired one', async (t: TestContext) => (await pemFiles(t, expired)).certificate, /expired on/],
] as const) {
  test(`an unusable certificate fails before the sign-in: ${what}`, async (t) => {
    const { register, tenant } = await start(t)
    const { code, out, err } = await register('--certificate', await make(t))
    assert.deepEqual([code, out], [1, ''])
    assert.match(err, message)
    assert.equal(tenant.stats.snapshot().endpoints.graph, 0)
  })
}

const expired = { keySize: 2048, notBeforeDate: new Date('2020-01-01'), notAfterDate: new Date('2021-01-01') } as const

function fileOf(t: TestContext, text: string): string {
  const file = join(folder(t), 'file.pem')
  writeFileSync(file, text)
  return file
}

test('a managed identity can authenticate as the app', async (t) => {
  const { register, app, tenant } = await start(t)
  const { clientId, principalId } = tenant.tenant.managedIdentity
  const { out } = await register('--managed-identity', principalId)
  assert.match(out, new RegExp(`^\\+ federatedIdentityCredentials {2}managed identity ${principalId}$`, 'm'))

  const resource = encodeURIComponent('api://AzureADTokenExchange')
  const identity = await fetch(
    `${tenant.origin}/metadata/identity/oauth2/token?resource=${resource}&client_id=${clientId}`,
    { headers: { metadata: 'true' } },
  )
  const { access_token } = (await identity.json()) as { access_token: string }
  const { status, body } = await postForm(`${tenant.origin}/${tenant.tenantId}/oauth2/v2.0/token`, {
    grant_type: 'client_credentials',
    client_id: app().appId,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: access_token,
    scope: 'https://graph.microsoft.com/.default',
  })
  assert.equal(status, 200, JSON.stringify(body))
})

test('a federated credential with another audience is corrected', async (t) => {
  const { register, app, tenant } = await start(t)
  const { principalId } = tenant.tenant.managedIdentity
  await register('--managed-identity', principalId)
  const [trusted] = app().federatedIdentityCredentials
  assert.ok(trusted)
  trusted.audiences = ['api://another']
  const { out } = await register('--managed-identity', principalId)
  assert.match(out, /^~ federatedIdentityCredentials\.audiences {2}api:\/\/another → api:\/\/AzureADTokenExchange$/m)
  assert.deepEqual(app().federatedIdentityCredentials[0]?.audiences, ['api://AzureADTokenExchange'])
  assert.match((await register('--managed-identity', principalId)).out, /Nothing to change/)
})

test('several registrations of one name are listed; --app-id selects one', async (t) => {
  const { register, tenant } = await start(t)
  await register()
  const [first] = tenant.applications.applications.slice(-1)
  assert.ok(first)
  const { appId } = first
  tenant.applications.applications.push({ ...first, id: AZURE_CLI_CLIENT_ID, appId: AZURE_CLI_CLIENT_ID })
  const { code, err } = await register()
  assert.equal(code, 1)
  assert.match(err, new RegExp(`2 app registrations are called "${name}":\n {2}${appId} {2}created .*\n.*\n.*--app-id`))
  const renamed = await register('--app-id', appId, '--display-name', 'Another name')
  assert.match(renamed.out, /^~ displayName {2}A new server → Another name$/m)
  for (const [option, value] of [
    ['--app-id', tenant.tenantId],
    ['--unique-name', 'nothing'],
  ] as const) {
    assert.match((await register(option, value)).err, /No app registration in this tenant has the/)
  }
})

test('an update by id or unique name keeps the display name', async (t) => {
  const { register, tenant } = await start(t, 'gale', ['--az'])
  const { displayName } = tenant.api
  const { out } = await register('--app-id', tenant.api.clientId)
  assert.match(out, new RegExp(`^${displayName} {2}${tenant.api.clientId}$`, 'm'))
  assert.doesNotMatch(out, /displayName/)
})

test('a new object that is not replicated yet is retried', async (t) => {
  const { register, tenant, app } = await start(t)
  tenant.applications.replicationDelay = 3
  const { code, err } = await register('--admin-consent', '--secret')
  assert.equal(code, 0, err)
  assert.deepEqual(app().identifierUris, [`api://${app().appId}`])
})

test('the administrator may sign in with a device code', async (t) => {
  const tenant = await startTenant(t)
  const args = ['register', 'server', ...graphArgs(tenant), '--display-name', name, '--admin-consent']
  const { code, out } = await ops(args, { onProgress: enterDeviceCode({ user: 'gale' }) })
  assert.equal(code, 0)
  assert.match(out, /changes made/)
})

for (const [what, rule, line] of [
  ['429 with Retry-After', { kind: 'status', status: 429, retryAfter: 0, times: 2 }, /changes made/],
  ['503', { kind: 'status', status: 503, times: 2 }, /changes made/],
  ['a lost response to a GET', { kind: 'reset', method: 'GET', times: 1 }, /changes made/],
  ['500 to a PATCH', { kind: 'status', status: 500, method: 'PATCH', times: 1 }, /changes made/],
] as const satisfies readonly (readonly [string, Omit<FaultRule, 'target'>, RegExp])[]) {
  test(`${what} is retried`, async (t) => {
    const { register, tenant } = await start(t)
    tenant.faults.add({ target: 'graph', ...rule })
    const { code, out, err } = await register()
    assert.equal(code, 0, err)
    assert.match(out, line)
  })
}

for (const [what, rule, message, next] of [
  ['401', { kind: 'status', status: 401 }, /responded with 401/, /sign in again/],
  [
    '403 for a permission',
    { kind: 'graph-error', status: 403, code: 'Authorization_RequestDenied' },
    /Authorization_RequestDenied/,
    /directory role/,
  ],
  [
    '409',
    { kind: 'graph-error', status: 409, code: 'Request_MultipleObjectsWithSameKeyValue', method: 'PATCH' },
    /responded with 409 to PATCH \/applications/,
    /Concurrent change/,
  ],
  [
    '412',
    { kind: 'graph-error', status: 412, code: 'PreconditionFailed', method: 'PATCH' },
    /responded with 412/,
    /Concurrent change/,
  ],
  [
    '400',
    { kind: 'graph-error', status: 400, code: 'Request_BadRequest', method: 'PATCH' },
    /Request_BadRequest/,
    /this request wrote nothing/,
  ],
  [
    '429 that lasts an hour',
    { kind: 'status', status: 429, retryAfter: 3600 },
    /responded with 429/,
    /in a few minutes/,
  ],
  [
    '500 to a POST',
    { kind: 'status', status: 500, method: 'POST' },
    /responded with 500 to POST/,
    /run the command again later/,
  ],
  [
    'a lost response to a POST',
    { kind: 'reset', method: 'POST' },
    /Graph is unreachable: 127\.0\.0\.1:\d+ closed the connection/,
    /it continues where this run stopped/,
  ],
  ['a web page', { kind: 'html', status: 502, method: 'POST' }, /responded with 502/, /run the command again/],
] as const satisfies readonly (readonly [string, Omit<FaultRule, 'target'>, RegExp, RegExp])[]) {
  test(`remediation for ${what} from Graph`, async (t) => {
    const { register, tenant } = await start(t)
    tenant.faults.add({ target: 'graph', ...rule })
    const { code, out, err } = await register()
    assert.deepEqual([code, out], [1, ''])
    const [first, second] = err.trim().split('\n').slice(-2)
    assert.match(first ?? '', message)
    assert.match(second ?? '', next)
    assert.doesNotMatch(err, /eyJ|\n\s+at /)
  })
}

test('the next run completes a failed one', async (t) => {
  const { register, tenant, app } = await start(t)
  tenant.faults.add({ target: 'graph', kind: 'graph-error', status: 409, code: 'x', method: 'PATCH', times: 1 })
  assert.equal((await register('--secret')).code, 1)
  assert.equal(tenant.tenant.findApp(app().appId), undefined)
  const { code, out, err } = await register('--secret')
  assert.equal(code, 0, err)
  assert.doesNotMatch(out, /displayName/)
  assert.deepEqual(app().identifierUris, [`api://${app().appId}`])
})

for (const [what, user, more, next] of [
  ['a user without a role', 'nico', ['--az'], /directory role Cloud Application Administrator/],
  [
    'a token without the permission to consent',
    'gale',
    ['--az', '--admin-consent'],
    /lacks DelegatedPermissionGrant\.ReadWrite\.All/,
  ],
] as const) {
  test(`403 names the missing permission or role: ${what}`, async (t) => {
    const tenant = await startTenant(t)
    const accessToken = await tenant.mint({
      user,
      kind: 'graph',
      claims: { scp: user === 'nico' ? 'Directory.AccessAsUser.All' : 'Application.ReadWrite.All' },
    })
    const env = fakeAz(t, tenant, user, { stdout: JSON.stringify({ accessToken, tenant: tenant.tenantId }) })
    const { code, err } = await ops(['register', 'server', ...graphArgs(tenant), ...more], { env })
    assert.equal(code, 1)
    assert.match(err, next)
  })
}
