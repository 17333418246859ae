import type { ProtectedResource } from '../../config/resource.ts'
import { Failure } from '../../errors/index.ts'
import { isRedirectAllowed, type RedirectRule } from '../../lib/redirect-policy.ts'
import { checkResource } from './check-resource.ts'
import type { ClientAuthentication } from './client-authentication.ts'
import type { Clients } from './clients.ts'
import type { RedeemGrant } from './entra-token-request.ts'
import type { OneTimeStore } from './one-time-store.ts'
import { optional, required } from './parameters.ts'
import { rejectedRedirect } from './rejected-redirect.ts'
import { type ApiScopes, entraScope, readScope } from './scopes.ts'
import type { Seal } from './seal.ts'
import { type IssuedTokens, requireClient, type TokenRequest } from './token-request.ts'
import { type CreateTokenResponse, type RefreshToken, refreshTokenLifetimeMs } from './token-response.ts'

/** A used refresh token is accepted for this long after: the response was lost, or two windows of one client refreshed at once. */
const reuseGraceMs = 60_000

export interface RefreshTokenGrantOptions {
  readonly resource: ProtectedResource
  readonly apiScopes: ApiScopes
  readonly redirects: readonly RedirectRule[]
  readonly clients: Pick<Clients, 'mayUse'>
  readonly authenticate: ClientAuthentication
  readonly refreshTokens: Seal<RefreshToken>
  /** Sign-ins whose refresh tokens are revoked. */
  readonly revokedSignIns: OneTimeStore
  /** Refresh tokens that were used, and those within their grace period. */
  readonly usedRefreshTokens: OneTimeStore
  readonly redeem: RedeemGrant
  readonly tokenResponse: CreateTokenResponse
}

/**
 * `POST /token` with a refresh token (RFC 6749 section 6). Each refresh gives another one. One that is used again after its
 * grace period is in two hands, and the sign-in's tokens are revoked (RFC 9700 section 4.14.2), as far as is known: here,
 * and in the store that replicas share. A refresh that failed uses nothing up. They are rejected as well once the
 * sign-in's redirect URI is no longer on the operator's list or among the client's own.
 *
 * @returns a handler that throws {@link Failure}
 */
export function createRefreshTokenGrant(options: RefreshTokenGrantOptions) {
  const { resource, apiScopes, redirects, clients, authenticate, refreshTokens, redeem, tokenResponse } = options
  const { revokedSignIns, usedRefreshTokens } = options

  async function isReused(id: string): Promise<boolean> {
    return (await usedRefreshTokens.has(`used:${id}`)) && !(await usedRefreshTokens.has(`grace:${id}`))
  }

  return async (tokenRequest: TokenRequest): Promise<IssuedTokens> => {
    const { form, correlationId, address } = tokenRequest
    const { id: clientId, key: client, hasSecret } = await requireClient(tokenRequest, authenticate)
    const opened = await refreshTokens.open(required(form, 'refresh_token'))
    if (!('value' in opened) || opened.value.client !== client) throw new Failure('refresh_token_invalid')
    const { grant, id, redirectUri, scopes, offlineAccess, entraToken } = opened.value
    checkResource(form, resource)
    const requested = optional(form, 'scope')
    const narrowed = requested === undefined ? scopes : readScope(requested, { ...apiScopes, offered: scopes })?.names
    if (narrowed === undefined) throw new Failure('scope_not_supported', { detail: `Supported: ${scopes.join(' ')}.` })
    if (await revokedSignIns.has(`revoked:${grant}`)) throw new Failure('refresh_token_invalid')
    if (await isReused(id)) {
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
    const response = await tokenResponse(
      { ...tokens, refreshToken: tokens.refreshToken ?? entraToken },
      { grant, client, hasSecret, redirectUri, scopes, offlineAccess },
      narrowed,
    )
    return { client, grant: 'refresh_token', response }
  }
}
