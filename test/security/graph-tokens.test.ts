import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { buildApp } from '../../src/app.ts'
import { readConfig } from '../../src/config/index.ts'
import { type Env, listen, toolCall } from '../helper.ts'
import { startEmulator } from '../tenant.ts'
import {
  file,
  type HttpResponse,
  listTools,
  modernToolCall,
  post,
  productionConfig,
  reasonOf,
  serve,
} from './harness.ts'

const tenant = await startEmulator()
file.after(() => tenant.close())
const production = await serve(file, await buildApp(productionConfig(tenant, { LOG_LEVEL: 'silent' })))
const host = { host: 'mcp.example.com' }

const bounds: Env = {
  NODE_ENV: 'production',
  PUBLIC_BASE_URL: 'https://mcp.example.com',
  GRAPH_TENANT_ID: tenant.tenantId,
  GRAPH_CLIENT_ID: tenant.api.clientId,
  GRAPH_CLIENT_SECRET: tenant.api.clientSecret,
  MCP_OAUTH_SEAL_KEY: randomBytes(32).toString('base64'),
}
const graphCalls = () => tenant.stats.snapshot().endpoints.graph

for (const name of ['getMessages', 'getMessage']) {
  test(`production rejects the argument accessToken of ${name} by name, in both eras, and asks Graph nothing`, async () => {
    const token = await tenant.mint()
    const args = { accessToken: await tenant.mint({ kind: 'graph' }), ...(name === 'getMessage' && { id: 'MC1' }) }
    const before = graphCalls()
    const legacy = await post(production, toolCall(name, args), token, host)
    const { message, headers } = modernToolCall(name, args)
    const modern = await post(production, message, token, { ...host, ...headers })
    for (const response of [legacy, modern]) {
      assert.equal(response.status, 200)
      assert.equal(response.body.result?.isError, true)
      assert.equal(reasonOf(response), 'accessToken_disabled')
      assert.match(response.body.result?.content?.[0]?.text ?? '', /accessToken/)
      assert.ok(!response.text.includes(args.accessToken))
    }
    assert.equal(graphCalls(), before)
  })
}

for (const value of ['', 'x', 7, {}, []]) {
  test(`production rejects accessToken ${JSON.stringify(value)} as well`, async () => {
    const response = await post(production, toolCall('getMessages', { accessToken: value }), await tenant.mint(), host)
    assert.equal(reasonOf(response), 'accessToken_disabled')
  })
}

test('production does not list the argument accessToken; a local run does', async (t) => {
  const token = await tenant.mint()
  assert.doesNotMatch((await post(production, listTools, token, host)).text, /accessToken/)
  const { origin } = await listen(t, {}, tenant)
  assert.match((await post(origin, listTools, token)).text, /accessToken/)
})

test('production rejects a Graph token as the credential, by name', async () => {
  const response = await post(production, listTools, await tenant.mint({ kind: 'graph' }), host)
  assert.deepEqual([response.status, reasonOf(response)], [401, 'graph_audience'])
})

for (const [name, value] of [
  ['ALLOW_GRAPH_BEARER_TOKEN', 'true'],
  ['GRAPH_ACCESS_TOKEN', 'a-graph-token'],
  ['MCP_REQUIRE_AUTH', 'false'],
] as const) {
  test(`${name} stops the start in production and is named`, () => {
    assert.doesNotThrow(() => readConfig(bounds))
    for (const more of [{}, { ALLOW_MCP_ACCESS_TOKEN_ARG: 'true' }]) {
      assert.throws(
        () => readConfig({ ...bounds, ...more, [name]: value }),
        ({ message }: Error) => message.includes(name) && !message.includes('a-graph-token'),
      )
    }
  })
}

test('outside production ALLOW_GRAPH_BEARER_TOKEN takes a Graph token to Graph as it is', async (t) => {
  const { origin } = await listen(t, { ALLOW_GRAPH_BEARER_TOKEN: 'true' }, tenant)
  const exchangesBefore = tenant.stats.snapshot().grants.on_behalf_of
  const response = await post(origin, toolCall('getMessages', { top: 2 }), await tenant.mint({ kind: 'graph' }))
  assert.equal(countOf(response), 2)
  assert.equal(tenant.stats.snapshot().grants.on_behalf_of, exchangesBefore)
})

test('that switch lets no other token through', async (t) => {
  const { origin } = await listen(t, { ALLOW_GRAPH_BEARER_TOKEN: 'true' }, tenant)
  assert.equal((await post(origin, listTools, await tenant.mint({ key: 'foreign' }))).status, 401)
  assert.equal((await post(origin, listTools, await tenant.mint({ claims: { aud: 'another-api' } }))).status, 401)
  assert.equal((await post(origin, listTools)).status, 401)
  const forged = await tenant.mint({ kind: 'graph', key: 'foreign' })
  assert.equal(reasonOf(await post(origin, toolCall('getMessages'), forged)), 'graph_token_rejected')
})

test('outside production the argument accessToken is used instead of an exchange', async (t) => {
  const { origin } = await listen(t, { MCP_REQUIRE_AUTH: 'false' }, tenant)
  const accessToken = await tenant.mint({ kind: 'graph' })
  const response = await post(origin, toolCall('getMessages', { accessToken, top: 2 }))
  assert.equal(countOf(response), 2)
  assert.ok(!response.text.includes(accessToken))
})

for (const accessToken of ['a b', 'x\r\nx-injected: 1', 'tökén', 'x'.repeat(16_385), '', 7]) {
  test(`a malformed accessToken (${JSON.stringify(accessToken)?.slice(0, 30)}) never becomes a header`, async (t) => {
    const { origin } = await listen(t, {}, tenant)
    const before = graphCalls()
    const response = await post(origin, toolCall('getMessages', { accessToken }), await tenant.mint())
    assert.equal(reasonOf(response), 'invalid_input')
    assert.equal(graphCalls(), before)
  })
}

test('GRAPH_ACCESS_TOKEN serves a local run without sign-in, and never instead of a caller’s own', async (t) => {
  const env = { MCP_REQUIRE_AUTH: 'false', GRAPH_ACCESS_TOKEN: await tenant.mint({ kind: 'graph', user: 'gale' }) }
  const { origin } = await listen(t, env, tenant)
  const page = toolCall('getMessages', { top: 40 })
  const anonymous = await post(origin, page)
  assert.equal(anonymous.body.result?.isError, undefined)
  const rowan = await post(origin, page, await tenant.mint({ user: 'rowan' }))
  const gale = await post(origin, page, await tenant.mint({ user: 'gale' }))
  assert.equal(anonymous.text, gale.text)
  assert.notEqual(rowan.text, gale.text)
})

/** How many messages a response carries. */
function countOf({ body }: HttpResponse): number | undefined {
  const value = body.result?.structuredContent?.['value']
  return Array.isArray(value) ? value.length : undefined
}
