import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Emulator } from '../../emulator/app.ts'
import { buildApp } from '../../src/app.ts'
import { readConfig } from '../../src/config/index.ts'
import { freePort, startTenant } from '../helper.ts'
import { freshCode, redeem, register } from '../sign-in-helper.ts'
import { fakeAz, graphArgs, ops, tenantArgs } from './helper.ts'

/** Starts the server with the variables that a command printed. */
async function serve(t: TestContext, env: Readonly<Record<string, string>>, origin: string): Promise<void> {
  const port = new URL(origin).port
  const config = readConfig({ ...env, HOST: '127.0.0.1', PORT: port, PUBLIC_BASE_URL: origin, LOG_LEVEL: 'silent' })
  const app = await buildApp(config)
  t.after(() => app.close())
  await app.listen({ ...config.listen })
}

async function newestMessage(t: TestContext, origin: string, token: string): Promise<string> {
  const client = new Client({ name: 'a test', version: '1.0.0' })
  const headers = { authorization: `Bearer ${token}` }
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${origin}/mcp`), { requestInit: { headers } }) as never,
  )
  t.after(() => client.close())
  const { structuredContent } = await client.callTool({ name: 'getMessages', arguments: { top: 1 } })
  return String((structuredContent as { value: { id: string }[] }).value[0]?.id)
}

/** Runs a register command. @returns the variables for `.env.local` */
async function registered(t: TestContext, tenant: Emulator, args: readonly string[]) {
  const { code, out, err } = await ops([...args, ...graphArgs(tenant), '--az', '--secret', '--json'], {
    env: fakeAz(t, tenant, 'gale'),
  })
  assert.equal(code, 0, err)
  return JSON.parse(out) as { clientId: string; env: Record<string, string> }
}

async function signedIn(origin: string): Promise<string> {
  const { body: client } = await register(origin)
  const { body: tokens } = await redeem(origin, await freshCode(origin, String(client['client_id'])))
  assert.ok(tokens['access_token'], JSON.stringify(tokens))
  return String(tokens['access_token'])
}

test('register server, start it with the printed variables, sign in and read messages', async (t) => {
  const tenant = await startTenant(t)
  const origin = `http://localhost:${await freePort()}`
  const args = ['register', 'server', '--display-name', 'Circle', '--public-base-url', origin, '--admin-consent']
  const { env } = await registered(t, tenant, args)
  await serve(t, env, origin)
  assert.match(await newestMessage(t, origin, await signedIn(origin)), /^MC\d+$/)
})

test('without admin consent the tool error has the consent link', async (t) => {
  const tenant = await startTenant(t)
  const origin = `http://localhost:${await freePort()}`
  const { env, clientId } = await registered(t, tenant, [
    'register',
    'server',
    '--display-name',
    'Circle',
    '--public-base-url',
    origin,
  ])
  await serve(t, env, origin)
  const client = new Client({ name: 'a test', version: '1.0.0' })
  const headers = { authorization: `Bearer ${await signedIn(origin)}` }
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${origin}/mcp`), { requestInit: { headers } }) as never,
  )
  t.after(() => client.close())
  const { isError, content } = await client.callTool({ name: 'getMessages', arguments: {} })
  assert.equal(isError, true)
  assert.match(JSON.stringify(content), new RegExp(`adminconsent\\?client_id=${clientId}`))
})

test('the two-app model: register server, then register client', async (t) => {
  const tenant = await startTenant(t)
  const origin = `http://localhost:${await freePort()}`
  const server = await registered(t, tenant, ['register', 'server', '--display-name', 'Circle API', '--admin-consent'])
  const client = await registered(t, tenant, [
    ...['register', 'client', '--display-name', 'Circle client', '--server', server.clientId],
    ...['--public-base-url', origin, '--admin-consent'],
  ])
  await serve(t, { ...server.env, ...client.env }, origin)
  assert.match(await newestMessage(t, origin, await signedIn(origin)), /^MC\d+$/)
})

test('a token from the Azure CLI reads messages', async (t) => {
  const tenant = await startTenant(t)
  const origin = `http://localhost:${await freePort()}`
  const { env, clientId } = await registered(t, tenant, [
    'register',
    'server',
    '--display-name',
    'C',
    '--admin-consent',
  ])
  await serve(t, env, origin)
  const { out } = await ops(['token', ...tenantArgs(tenant), '--api', clientId], { env: fakeAz(t, tenant, 'rowan') })
  assert.match(await newestMessage(t, origin, out.trim()), /^MC\d+$/)
})
