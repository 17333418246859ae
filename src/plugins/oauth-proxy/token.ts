import { Failure } from '../../errors/index.ts'
import { isRedirectAllowed } from '../../lib/redirect-policy.ts'
import { authenticateClient, type IdentifiedClient, type TokenRequest } from './client-authentication.ts'
import { mayUse } from './clients.ts'
import type { Context } from './context.ts'
import { redeemGrant } from './entra-token-request.ts'
import { checkResource, optional, required } from './parameters.ts'
import { isVerified } from './pkce.ts'
import { rejectedRedirect } from './rejected-redirect.ts'
import { entraScope, readScope } from './scopes.ts'
import { refreshTokenLifetimeMs, type TokenResponse, tokenResponse } from './token-response.ts'

/** Longer than any code lives. */
const usedCodeLifetimeMs = 10 * 60_000
/** A used refresh token is accepted for this long after: the response was lost, or two windows of one client refreshed at once. */
const reuseGraceMs = 60_000

/**
 * `POST /token` (RFC 6749 section 3.2). Everything is checked before anything is redeemed, so that whoever holds somebody
 * else's code cannot even use it up.
 *
 * @returns the response, and for the log the client's key and the grant type
 * @throws {Failure}
 */
export async function issueTokens(context: Context, request: TokenRequest) {
  const grant = required(request.body, 'grant_type')
  if (!isSupported(grant)) throw new Failure('grant_type_not_supported')
  const client = await authenticateClient(context, request)
  if (client === undefined) throw new Failure('parameter_missing', { parameter: 'client_id' })
  return { client: client.key, grant, response: await grants[grant](context, request, client) }
}

const grants = { authorization_code: authorizationCodeGrant, refresh_token: refreshTokenGrant }

function isSupported(grant: string): grant is keyof typeof grants {
  return Object.hasOwn(grants, grant)
}

/**
 * A code (RFC 6749 section 4.1.3, RFC 7636 section 4.6). OAuth 2.1 section 10.2 removed `redirect_uri`
 * from it, since PKCE does what it was for; a client that sends it has to send the same.
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
  const { scopes, offlineAccess } = request
  return tokenResponse(context, tokens, { client, hasSecret, redirectUri, scopes, offlineAccess, grant: id })
}

/**
 * A refresh token (RFC 6749 section 6). Each refresh gives another one. One that is used again after its
 * grace period is in two hands, and the sign-in's tokens are revoked (RFC 9700 section 4.14.2), as far as is known: here,
 * and in the store that replicas share. A refresh that failed uses nothing up. They are rejected as well once the
 * sign-in's redirect URI is no longer on the operator's list or among the client's own.
 *
 * @throws {Failure}
 */
export async function refreshTokenGrant(
  context: Context,
  { body: form, id: correlationId, ip }: TokenRequest,
  { id: clientId, key: client, hasSecret }: IdentifiedClient,
): Promise<TokenResponse> {
  const { resource, apiScopes, redirects, refreshTokens, revokedSignIns, usedRefreshTokens } = context
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
  await usedRefreshTokens.add(`grace:${id}`, reuseGraceMs)
  await usedRefreshTokens.add(`used:${id}`, refreshTokenLifetimeMs)
  return tokenResponse(
    context,
    { ...tokens, refreshToken: tokens.refreshToken ?? entraToken },
    { grant, client, hasSecret, redirectUri, scopes, offlineAccess },
    narrowed,
  )
}
