import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Type } from 'typebox'
import { pluginManifest } from '../../agent/plugin.ts'
import { Failure, failureText } from '../../src/errors/index.ts'
import type { GraphPermission } from '../../src/lib/graph-permissions.ts'
import { exchangeScopes, permissionsOf } from '../../src/lib/graph-permissions.ts'
import { withPermissionNamed } from '../../src/plugins/mcp/permission-errors.ts'
import type { Tool } from '../../src/plugins/mcp/tool.ts'
import { defineTool } from '../../src/tools/define-tool.ts'
import { tools } from '../../src/tools/index.ts'
import { build, envFor, mcpHeaders, startTenant, toolCall } from '../helper.ts'
import { diagnose } from '../ops/doctor-helper.ts'
import { fakeAz, graphArgs, ops } from '../ops/helper.ts'
import { authorizationUrl } from '../sign-in-helper.ts'

/** A tool on another permission is in the list of this process: whatever depends on permissions has to know both. */

const readServiceHealth: GraphPermission = {
  scope: 'ServiceHealth.Read.All',
  roles: ['Service Support Administrator', 'Global Reader'],
  purpose: 'read service health',
  consent: 'Read the health of your <services>',
}
const getServiceIssues = defineTool({
  name: 'getServiceIssues',
  title: 'List issues',
  description: 'Lists the issues of the services of the tenant.',
  input: Type.Object({}, { additionalProperties: false }),
  output: Type.Object({ value: Type.Array(Type.Unknown()) }),
  permissions: [readServiceHealth],
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true },
  async handler(_input, { graph }) {
    const { value } = (await graph.get('/admin/serviceAnnouncement/issues')) as { value: unknown[] }
    return { value }
  },
})
;(tools as Tool[]).push(getServiceIssues)

const both = ['ServiceMessage.Read.All', 'ServiceHealth.Read.All']

test('each permission counts once, in the order of the tools', () => {
  assert.deepEqual(
    permissionsOf(tools).map(({ scope }) => scope),
    both,
  )
})

for (const [graph, resource] of [
  ['https://graph.microsoft.com/v1.0', 'https://graph.microsoft.com'],
  ['https://graph.microsoft.us/v1.0', 'https://graph.microsoft.us'],
  ['http://127.0.0.1:9600/v1.0', 'https://graph.microsoft.com'],
] as const) {
  test(`an exchange for ${graph} asks ${resource} for both`, () => {
    assert.deepEqual(
      exchangeScopes(tools, graph),
      both.map((scope) => `${resource}/${scope}`),
    )
  })
}

async function caller(t: Parameters<typeof build>[0], user: string, consented: string[] = both) {
  const { app, tenant } = await build(t)
  tenant.api.graphPermissions = consented
  const token = await tenant.mint({ user })
  return async (tool: string) => {
    const headers = { ...mcpHeaders(token), host: 'localhost' }
    const response = await app.inject({ method: 'POST', url: '/mcp', headers, payload: toolCall(tool) })
    const { isError, content } = response.json().result
    return { isError: isError === true, text: String(content[0].text) }
  }
}

test('one exchange serves both tools', async (t) => {
  const call = await caller(t, 'gale')
  for (const tool of ['getMessages', 'getServiceIssues']) {
    const { isError, text } = await call(tool)
    assert.ok(!isError, text)
  }
})

test('Graph’s 403 names the permission and the roles of the tool that was called, and no other', async (t) => {
  const call = await caller(t, 'nico')
  const health = await call('getServiceIssues')
  assert.match(
    health.text,
    /^graph_forbidden: .* may not read service health\. .*"Service Support Administrator" or "Global Reader".* ServiceHealth\.Read\.All/,
  )
  assert.doesNotMatch(health.text, /Message/)
  const messages = await call('getMessages')
  assert.match(messages.text, /"Message Center Reader".* ServiceMessage\.Read\.All/)
  assert.doesNotMatch(messages.text, /Health/i)
})

test('a missing consent names all that is asked for, and where to give it', async (t) => {
  const call = await caller(t, 'gale', ['ServiceMessage.Read.All'])
  const { text } = await call('getServiceIssues')
  assert.match(text, /^user_consent_required: .*read the Message Center and read service health/)
  for (const scope of both) assert.ok(text.includes(scope), scope)
  assert.match(text, /\/adminconsent\?/)
})

test('an administrator’s consent that is missing names the same', () => {
  const failure = withPermissionNamed(
    new Failure('admin_consent_required', { link: 'https://x.example' }),
    tools[0] as Tool,
    tools,
  )
  assert.match(failureText(failure), /ServiceMessage\.Read\.All and ServiceHealth\.Read\.All.* https:\/\/x\.example$/)
})

test('a permission that any user may use names no role; other failures are left as they are', () => {
  const open = { ...getServiceIssues, permissions: [{ ...readServiceHealth, roles: [] }] }
  const text = failureText(withPermissionNamed(new Failure('graph_forbidden'), open, tools))
  assert.match(text, /The app needs the delegated permission ServiceHealth\.Read\.All\.$/)
  assert.doesNotMatch(text, /role/)
  const other = new Failure('graph_not_found')
  assert.equal(withPermissionNamed(other, open, tools), other)
})

test('the consent page has a line for each, as text', async (t) => {
  const { app, origin, tenant } = await build(t)
  const { pathname, search } = authorizationUrl(origin, tenant.api.clientId, {
    redirect_uri: 'https://teams.microsoft.com/api/platform/v1.0/oAuthRedirect',
  })
  const page = await app.inject({ url: pathname + search, headers: { host: 'localhost' } })
  assert.equal(page.statusCode, 200, page.body)
  for (const line of ['Message Center', 'health of your &#60;services&#62;']) {
    assert.match(page.body, new RegExp(`<li>[^<]*${line}`))
  }
})

test('register server registers both and consents to both; doctor misses the one that is not there', async (t) => {
  const tenant = await startTenant(t)
  const az = fakeAz(t, tenant, 'gale')
  const register = (...more: string[]) =>
    ops(['register', 'server', ...graphArgs(tenant), '--az', '--display-name', 'Both', ...more], { env: az })
  const { out, code, err } = await register('--admin-consent', '--secret')
  assert.equal(code, 0, err)
  for (const scope of both) {
    assert.match(out, new RegExp(`^\\+ requiredResourceAccess {2}${scope} of`, 'm'))
    assert.match(out, new RegExp(`^\\+ oauth2PermissionGrants {2}${scope} of Microsoft Graph`, 'm'))
  }
  const { clientId, env } = JSON.parse((await register('--json', '--renew-secret')).out)
  const lines = { ...envFor(tenant), ...env, ...az, PORT: '8080' }
  const found = async () => {
    const { findings } = await diagnose(['--az'], lines)
    return findings.find(({ verdict, check }) => check === 'admin consent' && verdict !== 'skipped')
  }
  assert.match((await found())?.message ?? '', /ServiceMessage\.Read\.All, ServiceHealth\.Read\.All, for all users/)

  const principal = tenant.applications.servicePrincipals.find(({ appId }) => appId === clientId)
  for (const grant of tenant.applications.grants) {
    if (grant.clientId === principal?.id) grant.scope = grant.scope.replace('ServiceHealth.Read.All', '').trim()
  }
  assert.match((await found())?.message ?? '', /Missing admin consent: ServiceHealth\.Read\.All/)
  assert.match((await register('--admin-consent')).out, /\+ oauth2PermissionGrants {2}ServiceHealth.*\n1 change made/)
})

test('Copilot’s plugin says what its tools may do', () => {
  const { description_for_human, description_for_model, functions } = pluginManifest(tools)
  assert.match(description_for_human, /read the Message Center and read service health/)
  assert.ok(description_for_human.length <= 100)
  assert.match(description_for_model, /read service health/)
  assert.equal(functions.at(-1)?.name, 'getServiceIssues')
})
