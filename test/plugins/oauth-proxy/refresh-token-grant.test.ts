import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../../src/errors/index.ts'
import type { IdentifiedClient } from '../../../src/plugins/oauth-proxy/client-authentication.ts'
import { createOneTimeStore } from '../../../src/plugins/oauth-proxy/one-time-store.ts'
import { createRefreshTokenGrant } from '../../../src/plugins/oauth-proxy/refresh-token-grant.ts'
import { createSeals } from '../../../src/plugins/oauth-proxy/seal.ts'
import { createTokenResponse, type RefreshToken } from '../../../src/plugins/oauth-proxy/token-response.ts'

const apiScopes = { apiClientId: '11111111-2222-3333-4444-555555555555', offered: ['access_as_user'] }
const identified: IdentifiedClient = { id: 'a-client', key: 'a-client', hasSecret: false }
const graceMs = 60_000

/** A grant whose clock and Entra are the test's own, and a refresh token of a sign-in. */
async function setUp() {
  const state = { nowMs: 1_764_000_000_000, refreshes: 0, trouble: undefined as Failure | undefined }
  const now = () => state.nowMs
  const refreshTokens = createSeals([Buffer.alloc(32, 1).toString('base64')], now)<RefreshToken>('refresh-token')
  const grant = createRefreshTokenGrant({
    resource: { url: 'http://localhost:8080/mcp', scopes: ['access_as_user'] } as never,
    apiScopes,
    redirects: [{ uri: 'app://callback' }],
    clients: { mayUse: async () => true },
    authenticate: async () => identified,
    refreshTokens,
    redeem: async () => {
      if (state.trouble !== undefined) throw state.trouble
      state.refreshes++
      const refreshToken = `entra-refresh-token-${state.refreshes}`
      return { accessToken: 'a', expiresInSeconds: 3_600, scope: undefined, refreshToken, nonce: undefined }
    },
    revokedSignIns: createOneTimeStore(undefined, now),
    usedRefreshTokens: createOneTimeStore(undefined, now),
    tokenResponse: createTokenResponse({ apiScopes, refreshTokens }),
  })
  const sealed = {
    ...{ grant: 'g', id: 'first', client: 'a-client', hasSecret: false, redirectUri: 'app://callback' },
    ...{ scopes: ['access_as_user'], offlineAccess: true },
  }
  const first = await refreshTokens.seal({ ...sealed, entraToken: 'entra-refresh-token-0' }, 24 * 3_600_000)
  const refresh = async (refresh_token: string): Promise<string> => {
    const form = { grant_type: 'refresh_token', refresh_token, client_id: 'a-client' }
    const { response } = await grant({ form, authorization: undefined, correlationId: 'c', address: '192.0.2.1' })
    return response.refresh_token ?? assert.fail('There is no other refresh token')
  }
  return { state, first, refresh }
}

test('each refresh gives another refresh token, and the chain goes on', async () => {
  const { first, refresh } = await setUp()
  const seen = new Set([first])
  for (let token = first, times = 0; times < 5; times++) {
    token = await refresh(token)
    assert.ok(!seen.has(token))
    seen.add(token)
  }
})

test('a used refresh token is accepted for a minute: its response was lost, or two windows refreshed at once', async () => {
  const { first, refresh, state } = await setUp()
  const tokens = await Promise.all([refresh(first), refresh(first), refresh(first)])
  state.nowMs += graceMs - 1
  const again = await refresh(first)
  for (const token of [...tokens, again]) assert.ok(await refresh(token))
})

test('one that is used again later ends its sign-in: neither it nor what it brought is accepted any more', async () => {
  const { first, refresh, state } = await setUp()
  const second = await refresh(first)
  state.nowMs += graceMs
  await assert.rejects(refresh(first), { reason: 'refresh_token_reused' })
  await assert.rejects(refresh(second), { reason: 'refresh_token_invalid' })
  await assert.rejects(refresh(first), { reason: 'refresh_token_invalid' })
  assert.equal(state.refreshes, 1, 'Entra was not asked')
})

test('the minute does not begin again with each use', async () => {
  const { first, refresh, state } = await setUp()
  await refresh(first)
  state.nowMs += graceMs - 1
  await refresh(first)
  state.nowMs += 1
  await assert.rejects(refresh(first), { reason: 'refresh_token_reused' })
})

test('a refresh that failed at Entra uses nothing up', async () => {
  const { first, refresh, state } = await setUp()
  state.trouble = new Failure('exchange_unavailable')
  await assert.rejects(refresh(first), { reason: 'exchange_unavailable' })
  state.nowMs += graceMs
  state.trouble = undefined
  assert.ok(await refresh(await refresh(first)))
})
