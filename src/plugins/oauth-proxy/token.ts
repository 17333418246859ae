import { randomBytes } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import { isRedirectAllowed } from '../../lib/redirect-policy.ts'
import type { AuthorizationRequest } from './authorization-request.ts'
import { authenticateClient, type IdentifiedClient, type TokenRequest } from './client-authentication.ts'
import { mayUse } from './clients.ts'
import type { Context } from './context.ts'
import { redeemGrant, type SignInTokens } from './entra-token-request.ts'
import { checkResource, optional, required } from './parameters.ts'
import { isVerified } from './pkce.ts'
import { rejectedRedirect } from './rejected-redirect.ts'
import { entraScope, grantedNames, readScope } from './scopes.ts'

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
/** Longer than any code lives. */
const usedCodeLifetimeMs = 10 * 60_000
/** A used refresh token is accepted for this long after: the response was lost, or two windows of one client refreshed at once. */
const reuseGraceMs = 60_000

/**
 * `POST /token` (RFC 6749 section 3.2). Everything is checked before anything is redeemed, so that whoever holds somebody
 * else's code cannot even use it up.
 *
 * @throws {Failure}
 */
export async function issueTokens(context: Context, request: TokenRequest): Promise<TokenResponse> {
  const grant = required(request.body, 'grant_type')
  if (grant !== 'authorization_code' && grant !== 'refresh_token') throw new Failure('grant_type_not_supported')
  const client = await authenticateClient(context, request)
  if (client === undefined) throw new Failure('parameter_missing', { parameter: 'client_id' })
  const issue = grant === 'refresh_token' ? refreshTokenGrant : authorizationCodeGrant
  const response = await issue(context, request, client)
  request.audit('token_issued', { client: client.key, grant })
  return response
}

/**
 * A code (RFC 6749 section 4.1.3, RFC 7636 section 4.6). OAuth 2.1 section 10.2 removed `redirect_uri` from its request,
 * since PKCE does what it was for; a client that sends it has to send the same.
 *
 * @throws {Failure}
 */
async function authorizationCodeGrant(
  context: Context,
  { body: form, id: correlationId }: TokenRequest,
  { key: client, hasSecret }: IdentifiedClient,
): Promise<TokenResponse> {
  const { callbackUrl, resource, apiScopes, redirects, codes, usedCodes } = context
  const opened = await codes.open(required(form, 'code'))
  if (!('value' in opened)) throw new Failure(opened.rejected === 'expired' ? 'code_expired' : 'code_invalid')
  const { id, request, entraCode, verifier, nonce } = opened.value
  const redirectUri = optional(form, 'redirect_uri') ?? request.redirectUri
  const isSame = request.client === client && request.redirectUri === redirectUri
  // The list may have changed since the code was issued.
  if (!isSame || !isRedirectAllowed(redirectUri, redirects)) throw new Failure('code_invalid')
  if (!isVerified(required(form, 'code_verifier'), request.challenge)) throw new Failure('verifier_mismatch')
  checkResource(form, resource)
  if (!(await usedCodes.add(`code:${id}`, usedCodeLifetimeMs))) throw new Failure('code_used')

  const scope = entraScope(request.scopes, apiScopes.apiClientId)
  const tokens = await redeemGrant(
    context,
    { grant_type: 'authorization_code', code: entraCode, redirect_uri: callbackUrl, code_verifier: verifier, scope },
    correlationId,
  ).catch(async (error: unknown) => {
    // Not used after all: the client may send it again.
    if (!(error instanceof Failure && error.reason === 'grant_rejected')) await usedCodes.delete(`code:${id}`)
    throw error
  })
  // PKCE already ties the code to this sign-in. If Entra says which one the ID token is of, it has to be this one.
  if (tokens.nonce !== undefined && tokens.nonce !== nonce) throw new Failure('code_invalid')
  await settleClaims(context, tokens, client)
  const { scopes, offlineAccess } = request
  return tokenResponse(context, tokens, { client, hasSecret, redirectUri, scopes, offlineAccess, grant: id })
}

/**
 * A refresh token (RFC 6749 section 6). Each refresh gives another one. One that is used again after its grace period is
 * in two hands, and the sign-in's tokens are revoked (RFC 9700 section 4.14.2), as far as is known: here, and in the store
 * that replicas share. A refresh that failed uses nothing up. They are rejected as well once the sign-in's redirect URI is
 * no longer on the operator's list or among the client's own.
 *
 * @throws {Failure}
 */
async function refreshTokenGrant(
  context: Context,
  { body: form, id: correlationId, ip }: TokenRequest,
  { id: clientId, key: client, hasSecret }: IdentifiedClient,
): Promise<TokenResponse> {
  const { resource, apiScopes, redirects, refreshTokens, revokedSignIns, usedRefreshTokens, pendingClaims } = context
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
  if (!isListed || !(await mayUse(context, clientId, redirectUri, ip))) {
    throw new Failure('redirect_withdrawn', rejectedRedirect(redirectUri, redirects))
  }

  const scope = entraScope(narrowed, apiScopes.apiClientId)
  const tokens = await redeemGrant(
    context,
    { grant_type: 'refresh_token', refresh_token: entraToken, scope },
    correlationId,
  )
  const claims = await pendingClaims.get(`user:${tokens.user}`)
  if (claims !== undefined) {
    await pendingClaims.set(`client:${client}`, claims)
    throw new Failure('step_up_required')
  }
  const isFirstUse = !(await usedRefreshTokens.has(`used:${id}`))
  if (isFirstUse) await usedRefreshTokens.add(`grace:${id}`, reuseGraceMs)
  await usedRefreshTokens.add(`used:${id}`, refreshTokenLifetimeMs)
  return tokenResponse(
    context,
    { ...tokens, refreshToken: tokens.refreshToken ?? entraToken },
    { grant, client, hasSecret, redirectUri, scopes, offlineAccess },
    narrowed,
  )
}

/** After a sign-in that asked for the claims of its user, none are pending; else the client's next one asks for them. */
async function settleClaims({ pendingClaims }: Context, { user }: SignInTokens, client: string): Promise<void> {
  const claims = await pendingClaims.get(`user:${user}`)
  if (claims === undefined) return
  const wasAsked = (await pendingClaims.get(`client:${client}`)) === claims
  if (!wasAsked) return pendingClaims.set(`client:${client}`, claims)
  await Promise.all([pendingClaims.delete(`user:${user}`), pendingClaims.delete(`client:${client}`)])
}

/** Turns Entra's tokens into a client's: scopes without prefix, the refresh token sealed for this client. */
async function tokenResponse(
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
