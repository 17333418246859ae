import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { pluginManifest } from '../../agent/plugin.ts'
import { Failure, failureText } from '../../src/errors/index.ts'
import { exchangeScopes, graphResource, permissionsOf, scopesOf } from '../../src/lib/graph-permissions.ts'
import { withPermissionNamed } from '../../src/plugins/mcp/permission-errors.ts'
import { getMessages } from '../../src/tools/get-messages.ts'
import { getServiceHealth } from '../../src/tools/get-service-health.ts'
import { defaultTools, tools, toolsFor } from '../../src/tools/index.ts'
import { setMessageState } from '../../src/tools/set-message-state.ts'
import { allToolsOn, build, type Env, envFor, mcpHeaders, startTenant, toolCall } from '../helper.ts'
import { diagnose } from '../ops/doctor-helper.ts'
import { fakeAz, graphArgs, ops } from '../ops/helper.ts'
import { authorizationUrl } from '../sign-in-helper.ts'

/** Whatever depends on permissions follows from the tools that are switched on, and a call from its own tool alone. */

const [read, write, health] = ['ServiceMessage.Read.All', 'ServiceMessageViewpoint.Write', 'ServiceHealth.Read.All']
const every = [read, write, health]
/** A tool for each of them. */
const oneOfEach = [getMessages, setMessageState, getServiceHealth]
const off = { roadmap: false, writes: false, serviceHealth: false }

test('a switch decides on its tool alone', () => {
  const namesFor = (switches: typeof off) => toolsFor(switches).map(({ definition }) => definition.name)
  const always = namesFor(off)
  const addedBy = (on: Partial<typeof off>) => namesFor({ ...off, ...on }).filter((name) => !always.includes(name))
  assert.deepEqual(addedBy({ roadmap: true }), ['getRoadmapItems'])
  assert.deepEqual(addedBy({ writes: true }), ['setMessageState'])
  assert.deepEqual(addedBy({ serviceHealth: true }), ['getServiceHealth'])
  assert.deepEqual(toolsFor({ roadmap: true, writes: true, serviceHealth: true }), tools)
})

test('each permission counts once, in the order of the tools', () => {
  assert.deepEqual(scopesOf([...oneOfEach, getMessages]), every)
})

for (const [graph, resource] of [
  ['https://graph.microsoft.com/v1.0', 'https://graph.microsoft.com'],
  ['https://graph.microsoft.us/v1.0', 'https://graph.microsoft.us'],
  ['http://127.0.0.1:9600/v1.0', 'https://graph.microsoft.com'],
] as const) {
  test(`an exchange for ${graph} asks ${resource} for what its tool needs`, () => {
    assert.deepEqual(exchangeScopes(getServiceHealth, graphResource(graph)), [`${resource}/${health}`])
  })
}

/** A user of a server with all tools, and a tenant with consent to these permissions. */
async function callerOf(t: TestContext, user: string, consented: readonly string[] = every, env: Env = {}) {
  const { app, tenant } = await build(t, { ...allToolsOn, ...env })
  tenant.api.graphPermissions = consented
  const token = await tenant.mint({ user })
  const call = async (tool: string, args: Record<string, unknown> = {}) => {
    const headers = { ...mcpHeaders(token), host: 'localhost' }
    const response = await app.inject({ method: 'POST', url: '/mcp', headers, payload: toolCall(tool, args) })
    const { isError, content, _meta } = response.json().result
    const error = _meta?.['mcp-message-center-server/error']
    return { isError: isError === true, text: String(content[0].text), link: error?.link as string | undefined }
  }
  return { call, tenant }
}

/** A call of each tool that would succeed. */
const calls: readonly [tool: string, needs: string, args: Record<string, unknown>][] = [
  ['getMessages', read, { top: 1 }],
  ['getDigest', read, {}],
  ['getRoadmapItems', read, { ids: ['478611'] }],
  ['setMessageState', write, { ids: ['MC1226631'], action: 'markRead' }],
  ['getServiceHealth', health, {}],
]

test('reading tools share one exchange; another permission costs one of its own', async (t) => {
  const { call, tenant } = await callerOf(t, 'gale')
  for (let round = 0; round < 2; round++) {
    for (const [tool, , args] of calls) {
      const { isError, text } = await call(tool, args)
      assert.ok(!isError, text)
    }
  }
  assert.equal(tenant.stats.snapshot().grants.on_behalf_of, 3)
})

for (const missing of every) {
  test(`without consent to ${missing}, its tools say so and the others work`, async (t) => {
    const { call } = await callerOf(
      t,
      'gale',
      every.filter((scope) => scope !== missing),
    )
    for (const [tool, needs, args] of [...calls, ...calls]) {
      const { isError, text, link } = await call(tool, args)
      assert.equal(isError, needs === missing, `${tool}: ${text}`)
      if (needs !== missing) continue
      assert.match(text, /^user_consent_required: .* an administrator consents to for all users\./)
      assert.ok(text.includes(missing), text)
      for (const other of every) if (other !== missing) assert.ok(!text.includes(other), text)
      assert.match(link ?? '', /\/adminconsent\?/)
    }
  })
}

test('GRAPH_OBO_SCOPES is what every exchange asks for, and all tools share its token', async (t) => {
  const GRAPH_OBO_SCOPES = 'https://graph.microsoft.com/.default'
  const { call, tenant } = await callerOf(t, 'gale', every, { GRAPH_OBO_SCOPES })
  for (const [tool, , args] of calls) {
    const { isError, text } = await call(tool, args)
    assert.ok(!isError, text)
  }
  assert.equal(tenant.stats.snapshot().grants.on_behalf_of, 1)
})

test('Graph’s 403 names the permission and the role of the tool that was called, and no other', async (t) => {
  const { call } = await callerOf(t, 'nico')
  const ofHealth = await call('getServiceHealth')
  assert.match(
    ofHealth.text,
    /^graph_forbidden: .* may not read service health\. .*"Service Support Administrator".* ServiceHealth\.Read\.All/,
  )
  assert.doesNotMatch(ofHealth.text, /Message/)
  const messages = await call('getMessages')
  assert.match(messages.text, /"Message Center Reader".* ServiceMessage\.Read\.All/)
  assert.doesNotMatch(messages.text, /Health/i)
})

test('a 403 of writing does not end reading, though both are about messages, nor the other way round', async (t) => {
  // With these scopes Entra gives a token, and Graph rejects what it is not for.
  const of = (scope: string) => ({ GRAPH_OBO_SCOPES: `https://graph.microsoft.com/${scope}` })
  const reader = await callerOf(t, 'gale', every, of(read))
  const write = { ids: ['MC1226631'], action: 'markRead' }
  assert.match((await reader.call('setMessageState', write)).text, /^graph_forbidden: .*ServiceMessageViewpoint\.Write/)
  assert.ok(!(await reader.call('getMessages', { top: 1 })).isError)
  const writer = await callerOf(t, 'gale', every, of('ServiceMessageViewpoint.Write'))
  assert.match((await writer.call('getMessages', { top: 1 })).text, /^graph_forbidden: /)
  assert.ok(!(await writer.call('setMessageState', write)).isError)
})

test('an administrator’s consent that is missing names what the tool needs', () => {
  const failure = new Failure('admin_consent_required', { link: 'https://x.example' })
  assert.match(
    failureText(withPermissionNamed(failure, { permissions: permissionsOf(oneOfEach) })),
    /the permissions ServiceMessage\.Read\.All, ServiceMessageViewpoint\.Write,? and ServiceHealth\.Read\.All, .* https:\/\/x\.example$/,
  )
})

test('a permission that any user may use names no role; other failures are left as they are', () => {
  const [permission] = getServiceHealth.permissions
  assert.ok(permission)
  const open = { permissions: [{ ...permission, roles: [] }] }
  const text = failureText(withPermissionNamed(new Failure('graph_forbidden'), open))
  assert.match(text, /The app needs the delegated permission ServiceHealth\.Read\.All\. If you were given it/)
  assert.doesNotMatch(text, /role/)
  const other = new Failure('graph_not_found')
  assert.equal(withPermissionNamed(other, open), other)
})

test('the consent page has a line for each permission of a tool that is switched on', async (t) => {
  for (const [env, on] of [
    [allToolsOn, tools],
    [{}, defaultTools],
  ] as const) {
    const { app, origin, tenant } = await build(t, env)
    const { pathname, search } = authorizationUrl(origin, tenant.api.clientId, {
      redirect_uri: 'https://teams.microsoft.com/api/platform/v1.0/oAuthRedirect',
    })
    const page = await app.inject({ url: pathname + search, headers: { host: 'localhost' } })
    assert.equal(page.statusCode, 200, page.body)
    const shown = permissionsOf(tools).filter(({ consent }) => page.body.includes(`<li>${consent}`))
    assert.deepEqual(shown, permissionsOf(on))
  }
})

test('register server registers and consents to what is switched on; doctor misses what is not there', async (t) => {
  const tenant = await startTenant(t)
  const az = fakeAz(t, tenant, 'gale')
  const register = (args: string[], env: Env = {}) =>
    ops(['register', 'server', ...graphArgs(tenant), '--az', '--display-name', 'All', ...args], {
      env: { ...az, ...env },
    })
  const { out, code, err } = await register(['--admin-consent', '--secret'])
  assert.equal(code, 0, err)
  const [usual, all] = [scopesOf(defaultTools), scopesOf(tools)]
  for (const scope of all)
    assert.equal(out.includes(`+ requiredResourceAccess  ${scope} of`), usual.includes(scope), scope)

  const { clientId, env } = JSON.parse((await register(['--json', '--renew-secret'])).out)
  const lines = { ...envFor(tenant), ...env, ...az, PORT: '8080' }
  const found = async (switches: Env, name: string) => {
    const { findings } = await diagnose(['--az'], { ...lines, ...switches })
    const finding = findings.find(({ verdict, check }) => check === name && verdict !== 'skipped')
    return `${finding?.verdict}: ${finding?.message}`
  }
  const assertFound = async (switches: Env, check: string, message: string) => {
    const text = await found(switches, check)
    assert.ok(text.startsWith(message), text)
  }
  await assertFound({}, 'admin consent', `ok: ${usual.join(', ')}, for all users`)
  const missing = all.filter((scope) => !usual.includes(scope))
  await assertFound(allToolsOn, 'Graph permission', `failure: Missing Graph permission: ${missing.join(', ')}.`)

  // By an option, or as the configuration has it.
  const byOption = await register(['--enable-service-health', '--json'])
  assert.equal(JSON.parse(byOption.out).env.MCP_ENABLE_SERVICE_HEALTH, 'true')
  const byConfiguration = await register(['--admin-consent'], allToolsOn)
  assert.match(byConfiguration.out, /\+ requiredResourceAccess {2}ServiceMessageViewpoint\.Write of/)
  assert.doesNotMatch(byConfiguration.out, /requiredResourceAccess {2}ServiceHealth/)
  await assertFound(allToolsOn, 'admin consent', `ok: ${all.join(', ')}, for all users`)

  const principal = tenant.applications.servicePrincipals.find(({ appId }) => appId === clientId)
  for (const grant of tenant.applications.grants) {
    if (grant.clientId === principal?.id) grant.scope = grant.scope.replace(write, '').trim()
  }
  await assertFound(allToolsOn, 'admin consent', `failure: Missing admin consent: ${write}.`)
  await assertFound({}, 'admin consent', 'ok: ')
  assert.match(
    (await register(['--enable-writes', '--admin-consent'])).out,
    /\+ oauth2PermissionGrants {2}ServiceMessageViewpoint.*\n1 change made/,
  )
})

test('Copilot’s plugin says what its tools may do', () => {
  const { description_for_human, description_for_model } = pluginManifest([getServiceHealth, getMessages])
  assert.match(description_for_human, /read service health and read the Message Center/)
  assert.ok(description_for_human.length <= 100)
  assert.match(description_for_model, /read service health/)
})
