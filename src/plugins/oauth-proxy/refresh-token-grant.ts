import { Failure } from '../../errors/index.ts'
import { isRedirectAllowed } from '../../lib/redirect-policy.ts'
import type { IdentifiedClient, TokenRequest } from './client-authentication.ts'
import type { Context } from './context.ts'
import { checkResource, optional, required } from './parameters.ts'
import { rejectedRedirect } from './rejected-redirect.ts'
import { entraScope, readScope } from './scopes.ts'
import { refreshTokenLifetimeMs, type TokenResponse, tokenResponse } from './token-response.ts'

/** A used refresh token is accepted for this long after: the response was lost, or two windows of one client refreshed at once. */
const reuseGraceMs = 60_000

/**
 * `POST /token` with a refresh token (RFC 6749 section 6). Each refresh gives another one. One that is used again after its
 * grace period is in two hands, and the sign-in's tokens are revoked (RFC 9700 section 4.14.2), as far as is known: here,
 * and in the store that replicas share. A refresh that failed uses nothing up. They are rejected as well once the
 * sign-in's redirect URI is no longer on the operator's list or among the client's own.
 *
 * @throws {Failure}
 */
export async function refreshTokenGrant(
  context: Context,
  { form, correlationId, address }: TokenRequest,
  { id: clientId, key: client, hasSecret }: IdentifiedClient,
): Promise<TokenResponse> {
  const { resource, apiScopes, redirects, clients, refreshTokens, redeem } = context
  const { revokedSignIns, usedRefreshTokens } = context
  const opened = await refreshTokens.open(required(form, 'refresh_token'))
  if (!('value' in opened) || opened.value.client !== client) throw new Failure('refresh_token_invalid')
  const { grant, id, redirectUri, scopes, offlineAccess, entraToken } = opened.value
  checkResource(form, resource)
  const requested = optional(form, 'scope')
  const narrowed = requested === undefined ? scopes : readScope(requested, { ...apiScopes, offered: scopes })?.names
  if (narrowed === undefined) throw new Failure('scope_not_supported', { detail: `Supported: ${scopes.join(' ')}.` })
  if (await revokedSignIns.has(`revoked:${grant}`)) throw new Failure('refresh_token_invalid')
  const isReused = (await usedRefreshTokens.has(`used:${id}`)) && !(await usedRefreshTokens.has(`grace:${id}`))
  if (isReused) {
    await revokedSignIns.add(`revoked:${grant}`, refreshTokenLifetimeMs)
    throw new Failure('refresh_token_reused')
  }
  const isListed = isRedirectAllowed(redirectUri, redirects)
  if (!isListed || !(await clients.mayUse(clientId, redirectUri, address))) {
    throw new Failure('redirect_withdrawn', rejectedRedirect(redirectUri, redirects))
  }

  const scope = entraScope(narrowed, apiScopes.apiClientId)
  const tokens = await redeem({ grant_type: 'refresh_token', refresh_token: entraToken, scope }, correlationId)
  await usedRefreshTokens.add(`grace:${id}`, reuseGraceMs)
  await usedRefreshTokens.add(`used:${id}`, refreshTokenLifetimeMs)
  return tokenResponse(
    context,
    { ...tokens, refreshToken: tokens.refreshToken ?? entraToken },
    { grant, client, hasSecret, redirectUri, scopes, offlineAccess },
    narrowed,
  )
}
