import { randomBytes } from 'node:crypto'
import { type Static, Type } from 'typebox'
import type { AuthorizationRequest } from './authorization-request.ts'
import type { Context } from './context.ts'
import type { SignInTokens } from './entra-token-request.ts'
import { grantedNames } from './scopes.ts'

/** What a client gets for a code or a refresh token (RFC 6749 section 5.1). */
export const TokenResponse = Type.Object({
  access_token: Type.String(),
  token_type: Type.Literal('Bearer'),
  expires_in: Type.Integer({ description: 'seconds' }),
  scope: Type.String(),
  refresh_token: Type.Optional(Type.String()),
})
export type TokenResponse = Static<typeof TokenResponse>

/** Entra's refresh token, for the one client that it was issued to, while the redirect URI of the sign-in is allowed. */
export interface RefreshToken
  extends Pick<AuthorizationRequest, 'client' | 'redirectUri' | 'scopes' | 'offlineAccess'> {
  /** The sign-in that it descends from: revoking one revokes them all. */
  readonly grant: string
  /** Its own: the next one has another. */
  readonly id: string
  /** Whether the client has to authenticate with it. */
  readonly hasSecret: boolean
  readonly entraToken: string
}

/** As long as Entra keeps a refresh token that is not used (Microsoft, "Refresh tokens: token lifetime"). */
export const refreshTokenLifetimeMs = 90 * 24 * 3_600_000

/** Turns Entra's tokens into a client's: scopes without prefix, the refresh token sealed for this client. */
export async function tokenResponse(
  { apiScopes, refreshTokens }: Context,
  { accessToken, expiresInSeconds, scope, refreshToken }: SignInTokens,
  signIn: Omit<RefreshToken, 'id' | 'entraToken'>,
  requested: readonly string[] = signIn.scopes,
): Promise<TokenResponse> {
  const granted = scope === undefined ? requested : grantedNames(scope, apiScopes.apiClientId)
  const names = signIn.offlineAccess && refreshToken !== undefined ? [...granted, 'offline_access'] : granted
  const response = {
    access_token: accessToken,
    token_type: 'Bearer' as const,
    expires_in: Math.floor(expiresInSeconds),
    scope: names.join(' '),
  }
  if (refreshToken === undefined) return response
  const id = randomBytes(12).toString('base64url')
  const sealed = await refreshTokens.seal({ ...signIn, id, entraToken: refreshToken }, refreshTokenLifetimeMs)
  return { ...response, refresh_token: sealed }
}
