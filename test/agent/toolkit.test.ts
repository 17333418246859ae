import assert from 'node:assert/strict'
import { test } from 'node:test'
import { request } from 'undici'
import { parse } from 'yaml'
import { fill } from '../../agent/package.ts'
import { listen } from '../helper.ts'
import { file, post } from '../security/harness.ts'
import { freshCode, postForm, redeem } from '../sign-in-helper.ts'
import { startEmulator } from '../tenant.ts'
import { type Action, type Lifecycle, provisioned, readAgentFile, readAppPackage } from './app-package.ts'

/**
 * The actions that are used, with what they must and may be given and what they write.
 * Source: the Agents Toolkit's schema of `m365agents.yml`, v1.13; no package but the toolkit itself ships it.
 */
const actions: Record<string, { needs: string[]; takes?: string[]; writes?: string[] }> = {
  'teamsApp/create': { needs: ['name'], writes: ['teamsAppId'] },
  'oauth/register': {
    needs: ['name', 'flow', 'appId', 'baseUrl', 'authorizationUrl', 'tokenUrl', 'clientId'],
    takes: [
      ...['refreshUrl', 'scope', 'isPKCEEnabled', 'applicableToApps', 'targetAudience'],
      ...['identityProvider', 'tokenExchangeMethodType'],
    ],
    writes: ['configurationId'],
  },
  'teamsApp/zipAppPackage': { needs: ['manifestPath', 'outputZipPath', 'outputFolder'] },
  'teamsApp/validateAppPackage': { needs: ['appPackagePath'] },
  'teamsApp/update': { needs: ['appPackagePath'] },
  'copilotAgent/publish': { needs: ['appPackagePath'], takes: ['scope'], writes: ['titleId', 'appId'] },
}

function actionErrors({ uses, with: given, writeToEnvironmentFile = {} }: Action): string[] {
  const action = actions[uses]
  if (action === undefined) return [`there is no action ${uses}`]
  const { needs, takes = [], writes = [] } = action
  return [
    ...needs.filter((name) => given[name] === undefined).map((name) => `${uses} needs ${name}`),
    ...Object.keys(given)
      .filter((name) => ![...needs, ...takes].includes(name))
      .map((name) => `${uses} takes no ${name}`),
    ...(Object.keys(writeToEnvironmentFile).sort().join() === writes.toSorted().join()
      ? []
      : [`${uses} writes ${writes.join()}`]),
  ]
}

const { lifecycle } = readAppPackage()

test('provision and publish use the toolkit’s actions correctly', () => {
  assert.equal(lifecycle.version, 'v1.13')
  assert.deepEqual([...lifecycle.provision, ...lifecycle.publish].flatMap(actionErrors), [])
})

test('provision shows the agent to its maker alone, publish offers it to the organization', () => {
  const scopesOf = (actions: readonly Action[]) =>
    actions.filter(({ uses }) => uses === 'copilotAgent/publish').map((action) => action.with['scope'])
  assert.deepEqual([scopesOf(lifecycle.provision), scopesOf(lifecycle.publish)], [['personal'], ['tenant']])
})

test('an action that the toolkit would reject is detected', () => {
  const zip = { uses: 'teamsApp/update', with: { appPackagePath: 'a.zip' } }
  assert.deepEqual(actionErrors({ ...zip, uses: 'teamsApp/updates' }), ['there is no action teamsApp/updates'])
  assert.deepEqual(actionErrors({ ...zip, with: {} }), ['teamsApp/update needs appPackagePath'])
  assert.deepEqual(actionErrors({ ...zip, with: { ...zip.with, path: '' } }), ['teamsApp/update takes no path'])
  assert.deepEqual(actionErrors({ uses: 'teamsApp/create', with: { name: 'a' } }), [
    'teamsApp/create writes teamsAppId',
  ])
})

test('the app is created before its OAuth registration, and both before the package', () => {
  const order = lifecycle.provision.map(({ uses }) => uses)
  assert.deepEqual(order.slice(0, 3), ['teamsApp/create', 'oauth/register', 'teamsApp/zipAppPackage'])
})

// The registration as the toolkit would make it for a server that runs here.
const tenant = await startEmulator()
file.after(() => tenant.close())
const { origin } = await listen(file, {}, tenant)
const teams = 'https://teams.microsoft.com/api/platform/v1.0/oAuthRedirect'
const environment = { ...provisioned, PUBLIC_BASE_URL: origin, MCP_OAUTH_CLIENT_ID: tenant.api.clientId }
const here = parse(
  fill(readAgentFile('m365agents.yml'), { ...environment, TEAMSFX_ENV: 'dev' }, readAgentFile),
) as Lifecycle
const registration = here.provision.find(({ uses }) => uses === 'oauth/register')?.with ?? {}

async function getJson(path: string): Promise<Record<string, unknown>> {
  const { body } = await request(origin + path)
  return (await body.json()) as Record<string, unknown>
}

test('the OAuth registration has the addresses and the scope of the server’s own metadata', async () => {
  const server = await getJson('/.well-known/oauth-authorization-server')
  assert.equal(registration['authorizationUrl'], server['authorization_endpoint'])
  assert.equal(registration['tokenUrl'], server['token_endpoint'])
  assert.equal(registration['refreshUrl'], server['token_endpoint'])
  const resource = await getJson('/.well-known/oauth-protected-resource')
  assert.deepEqual([registration['scope']], resource['scopes_supported'])
  assert.equal(registration['baseUrl'], resource['resource'])
})

test('tokens go to the address that the plugin calls, and the plugin names the registration', () => {
  const [runtime] = readAppPackage().plugin.runtimes
  const packed = lifecycle.provision.find(({ uses }) => uses === 'oauth/register')
  const baseUrl = fill(String(packed?.with['baseUrl']), provisioned, readAgentFile)
  assert.equal(runtime?.spec.url, baseUrl)
  assert.equal(packed?.writeToEnvironmentFile?.['configurationId'], 'OAUTH_REGISTRATION_ID')
  assert.equal(runtime?.auth.reference_id, provisioned['OAUTH_REGISTRATION_ID'])
})

test('Copilot may use the registration, in this organization alone, with PKCE and without a secret', () => {
  const { applicableToApps, targetAudience, isPKCEEnabled, clientSecret, flow } = registration
  assert.deepEqual(
    { applicableToApps, targetAudience, isPKCEEnabled, clientSecret, flow },
    {
      applicableToApps: 'AnyApp',
      targetAudience: 'HomeTenant',
      isPKCEEnabled: true,
      clientSecret: undefined,
      flow: 'authorizationCode',
    },
  )
})

/** How a client with an empty secret identifies itself. */
const identifications = {
  'in the form': (clientId: string) => ({ form: { client_id: clientId, client_secret: '' }, headers: {} }),
  'by HTTP Basic': (clientId: string) => ({
    form: { client_id: undefined },
    headers: { authorization: `Basic ${Buffer.from(`${clientId}:`).toString('base64')}` },
  }),
}

for (const [how, identify] of Object.entries(identifications)) {
  test(`a user signs in through Teams as registered, with an empty secret ${how}, and again without a window`, async () => {
    const clientId = String(registration['clientId'])
    const { form, headers } = identify(clientId)
    const fresh = await freshCode(origin, clientId, {
      redirect_uri: teams,
      scope: String(registration['scope']),
      resource: undefined,
    })
    const first = await postForm(
      String(registration['tokenUrl']),
      {
        grant_type: 'authorization_code',
        code: fresh.code,
        code_verifier: fresh.verifier,
        redirect_uri: teams,
        ...form,
      },
      headers,
    )
    assert.equal(first.status, 200, JSON.stringify(first.body))
    const later = await postForm(
      String(registration['refreshUrl']),
      { grant_type: 'refresh_token', refresh_token: String(first.body['refresh_token']), ...form },
      headers,
    )
    assert.equal(later.status, 200, JSON.stringify(later.body))
    for (const { body } of [first, later]) {
      const listing = { jsonrpc: '2.0', id: 1, method: 'tools/list' }
      const { status } = await post(origin, listing, String(body['access_token']))
      assert.equal(status, 200)
    }
  })
}

test('a code sent to Teams cannot be redeemed without the verifier', async () => {
  const fresh = await freshCode(origin, tenant.api.clientId, { redirect_uri: teams })
  const { status } = await redeem(origin, fresh, { redirect_uri: teams, code_verifier: 'x'.repeat(43) })
  assert.equal(status, 400)
})
