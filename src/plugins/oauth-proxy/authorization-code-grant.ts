import { Failure } from '../../errors/index.ts'
import { isRedirectAllowed } from '../../lib/redirect-policy.ts'
import type { IdentifiedClient, TokenRequest } from './client-authentication.ts'
import type { Context } from './context.ts'
import { checkResource, optional, required } from './parameters.ts'
import { isVerified } from './pkce.ts'
import { entraScope } from './scopes.ts'
import { type TokenResponse, tokenResponse } from './token-response.ts'

/** Longer than any code lives. */
const usedCodeLifetimeMs = 10 * 60_000

/**
 * `POST /token` with a code (RFC 6749 section 4.1.3, RFC 7636 section 4.6). OAuth 2.1 section 10.2 removed `redirect_uri`
 * from it, since PKCE does what it was for; a client that sends it has to send the same.
 *
 * @throws {Failure}
 */
export async function authorizationCodeGrant(
  context: Context,
  { form, correlationId }: TokenRequest,
  { key: client, hasSecret }: IdentifiedClient,
): Promise<TokenResponse> {
  const { callbackUrl, resource, apiScopes, redirects, codes, usedCodes, redeem } = context
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
  const tokens = await redeem(
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
