import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { readConfig } from '../../../src/config/index.ts'
import { Failure } from '../../../src/errors/index.ts'
import { withClientSecret } from '../../../src/plugins/client-credential/client-authentication.ts'
import { clientKey } from '../../../src/plugins/oauth-proxy/clients.ts'
import { createContext } from '../../../src/plugins/oauth-proxy/context.ts'
import { issueTokens } from '../../../src/plugins/oauth-proxy/token.ts'
import { createGate } from '../../gate.ts'

const { oauthProxy, ...config } = readConfig({
  GRAPH_TENANT_ID: '11111111-2222-3333-4444-555555555555',
  GRAPH_CLIENT_ID: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
  GRAPH_CLIENT_SECRET: 'x',
  MCP_OAUTH_REDIRECT_URI_PREFIXES: 'https://app.example/callback',
})
const clientId = oauthProxy?.clientId ?? assert.fail()
const graceMs = 60_000

/** A grant whose clock and Entra are the test's own, and a refresh token of a sign-in. */
async function setUp(t: TestContext) {
  t.mock.timers.enable({ apis: ['Date'], now: 1_764_000_000_000 })
  const state = { refreshes: 0, failure: undefined as Failure | undefined }
  const gate = createGate()
  const context = createContext({
    config: { ...config, oauthProxy: oauthProxy ?? assert.fail() },
    permissions: [],
    withClientAuth: withClientSecret('x'),
    entra: {
      request: async () => {
        if (state.failure !== undefined) throw state.failure
        state.refreshes++
        await gate.passed()
        const refresh_token = `entra-refresh-token-${state.refreshes}`
        const body = { access_token: 'a', token_type: 'Bearer', expires_in: 3_600, refresh_token }
        return { status: 200, headers: {}, body: JSON.stringify(body) }
      },
    },
    untrustedHosts: { request: async () => assert.fail('Nothing is requested here') },
    store: undefined,
  })
  const sealed = {
    ...{ grant: 'g', id: 'first', client: clientKey(clientId), hasSecret: false },
    ...{ redirectUri: 'https://app.example/callback', scopes: ['access_as_user'], offlineAccess: true },
  }
  const first = await context.refreshTokens.seal({ ...sealed, entraToken: 'entra-refresh-token-0' }, 24 * 3_600_000)
  const refresh = async (refresh_token: string): Promise<string> => {
    const body = { grant_type: 'refresh_token', refresh_token, client_id: clientId }
    const response = await issueTokens(context, { body, headers: {}, id: 'c', ip: '192.0.2.1', audit: () => {} })
    return response.refresh_token ?? assert.fail('There is no other refresh token')
  }
  return { state, first, refresh, hold: gate.hold }
}

test('each refresh gives another refresh token, and the chain goes on', async (t) => {
  const { first, refresh } = await setUp(t)
  const seen = new Set([first])
  for (let token = first, times = 0; times < 5; times++) {
    token = await refresh(token)
    assert.ok(!seen.has(token))
    seen.add(token)
  }
})

test('a used refresh token is accepted for a minute: its response was lost, or two windows refreshed at once', async (t) => {
  const { first, refresh } = await setUp(t)
  const tokens = await Promise.all([refresh(first), refresh(first), refresh(first)])
  t.mock.timers.tick(graceMs - 1)
  const again = await refresh(first)
  for (const token of [...tokens, again]) assert.ok(await refresh(token))
})

test('one that is used again later ends its sign-in: neither it nor what it brought is accepted any more', async (t) => {
  const { first, refresh, state } = await setUp(t)
  const second = await refresh(first)
  t.mock.timers.tick(graceMs)
  await assert.rejects(refresh(first), { reason: 'refresh_token_reused' })
  await assert.rejects(refresh(second), { reason: 'refresh_token_invalid' })
  await assert.rejects(refresh(first), { reason: 'refresh_token_invalid' })
  assert.equal(state.refreshes, 1, 'Entra was not asked')
})

test('the minute does not begin again with each use', async (t) => {
  const { first, refresh } = await setUp(t)
  await refresh(first)
  t.mock.timers.tick(graceMs - 1)
  await refresh(first)
  t.mock.timers.tick(1)
  await assert.rejects(refresh(first), { reason: 'refresh_token_reused' })
})

test('nor with a use that Entra answers after it', async (t) => {
  const { first, refresh, state, hold } = await setUp(t)
  await refresh(first)
  t.mock.timers.tick(graceMs - 1)
  const open = hold()
  const late = refresh(first)
  while (state.refreshes < 2) await setImmediate()
  t.mock.timers.tick(2)
  open()
  await late
  await assert.rejects(refresh(first), { reason: 'refresh_token_reused' })
})

test('a refresh that failed at Entra uses nothing up', async (t) => {
  const { first, refresh, state } = await setUp(t)
  state.failure = new Failure('exchange_unavailable')
  await assert.rejects(refresh(first), { reason: 'exchange_unavailable' })
  t.mock.timers.tick(graceMs)
  state.failure = undefined
  assert.ok(await refresh(await refresh(first)))
})
