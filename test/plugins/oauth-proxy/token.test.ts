import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../../src/errors/index.ts'
import type { Code } from '../../../src/plugins/oauth-proxy/authorization.ts'
import type { IdentifiedClient } from '../../../src/plugins/oauth-proxy/clients.ts'
import { createLedger } from '../../../src/plugins/oauth-proxy/one-time-store.ts'
import { createSeals } from '../../../src/plugins/oauth-proxy/seal.ts'
import { createTokenEndpoint, type RefreshToken } from '../../../src/plugins/oauth-proxy/token.ts'

const apiClientId = '11111111-2222-3333-4444-555555555555'
const seals = createSeals([Buffer.alloc(32, 1).toString('base64')])

const identified: IdentifiedClient = { id: 'a-client', key: 'a-client', hasSecret: false }

/** A token endpoint whose Entra is the test's own, and a refresh token of a sign-in. Used ones serve for 30 ms more. */
async function setUp() {
  const state = { refreshes: 0, trouble: undefined as Failure | undefined }
  const refreshTokens = seals<RefreshToken>('refresh-token')
  const { issue, revoke } = createTokenEndpoint({
    callbackUrl: 'http://localhost:8080/oauth/callback',
    resource: { url: 'http://localhost:8080/mcp', scopes: ['access_as_user'] } as never,
    apiScopes: { apiClientId, offered: ['access_as_user'] },
    redirects: [{ uri: 'app://callback' }],
    clients: { identify: async () => identified, mayUse: async () => true } as never,
    codes: seals<Code>('code'),
    refreshTokens,
    redeem: async () => {
      if (state.trouble !== undefined) throw state.trouble
      state.refreshes++
      const refreshToken = `entra-refresh-token-${state.refreshes}`
      return { accessToken: 'a', expiresInSeconds: 3_600, scope: undefined, refreshToken, nonce: undefined }
    },
    usedCodes: createLedger(),
    revoked: createLedger(),
    usedRefreshTokens: createLedger(),
    reuseGraceMs: 30,
  })
  const sealed = {
    ...{ grant: 'g', id: 'first', client: 'a-client', hasSecret: false, redirectUri: 'app://callback' },
    ...{ scopes: ['access_as_user'], offlineAccess: true },
  }
  const first = await refreshTokens.seal({ ...sealed, entraToken: 'entra-refresh-token-0' }, 60_000)
  const refresh = async (refresh_token: string): Promise<string> => {
    const form = { grant_type: 'refresh_token', refresh_token, client_id: 'a-client' }
    const { answer } = await issue({ form, authorization: undefined, correlationId: 'c', address: '192.0.2.1' })
    return answer.refresh_token ?? assert.fail('There is no other refresh token')
  }
  return { state, first, refresh, revoke }
}

const afterGrace = () => new Promise((resolve) => setTimeout(resolve, 60))

test('each refresh gives another refresh token, and the chain goes on', async () => {
  const { first, refresh } = await setUp()
  const seen = new Set([first])
  for (let token: string = first, times = 0; times < 5; times++) {
    token = await refresh(token)
    assert.ok(!seen.has(token))
    seen.add(token)
  }
})

test('a refresh token serves again for a moment: its answer was lost, or two windows came at once', async () => {
  const { first, refresh } = await setUp()
  const answers = await Promise.all([refresh(first), refresh(first), refresh(first)])
  const again = await refresh(first)
  for (const token of [...answers, again]) assert.ok(await refresh(token))
})

test('one that is used again later ends its sign-in: neither it nor what it brought serves any more', async () => {
  const { first, refresh, state } = await setUp()
  const second = await refresh(first)
  await afterGrace()
  await assert.rejects(refresh(first), { reason: 'refresh_token_reused' })
  await assert.rejects(refresh(second), { reason: 'refresh_token_refused' })
  await assert.rejects(refresh(first), { reason: 'refresh_token_refused' })
  assert.equal(state.refreshes, 1, 'Entra was not asked')
})

test('the moment does not begin again with each use', async () => {
  const { first, refresh } = await setUp()
  await refresh(first)
  const end = performance.now() + 60
  let last: unknown
  while (performance.now() < end && last === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    last = await refresh(first).then(
      () => undefined,
      (error: unknown) => error,
    )
  }
  assert.ok(last instanceof Failure && last.reason === 'refresh_token_reused')
})

test('a refresh that Entra did not answer uses nothing up', async () => {
  const { first, refresh, state } = await setUp()
  state.trouble = new Failure('exchange_unavailable')
  await assert.rejects(refresh(first), { reason: 'exchange_unavailable' })
  await afterGrace()
  state.trouble = undefined
  assert.ok(await refresh(await refresh(first)))
})
