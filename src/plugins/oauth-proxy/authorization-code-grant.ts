import type { ProtectedResource } from '../../config/resource.ts'
import { Failure } from '../../errors/index.ts'
import { isRedirectAllowed, type RedirectRule } from '../../lib/redirect-policy.ts'
import type { Code } from './callback.ts'
import { checkResource } from './check-resource.ts'
import type { ClientAuthentication } from './client-authentication.ts'
import type { RedeemGrant } from './entra-token-request.ts'
import type { OneTimeStore } from './one-time-store.ts'
import { optional, required } from './parameters.ts'
import { isVerified } from './pkce.ts'
import { type ApiScopes, entraScope } from './scopes.ts'
import type { Seal } from './seal.ts'
import { type IssuedTokens, requireClient, type TokenRequest } from './token-request.ts'
import type { CreateTokenResponse } from './token-response.ts'

/** Longer than any code lives. */
const usedCodeLifetimeMs = 10 * 60_000

export interface AuthorizationCodeGrantOptions {
  readonly callbackUrl: string
  readonly resource: ProtectedResource
  readonly apiScopes: ApiScopes
  readonly redirects: readonly RedirectRule[]
  readonly authenticate: ClientAuthentication
  readonly codes: Seal<Code>
  readonly usedCodes: OneTimeStore
  readonly redeem: RedeemGrant
  readonly tokenResponse: CreateTokenResponse
}

/**
 * `POST /token` with a code (RFC 6749 section 4.1.3, RFC 7636 section 4.6). OAuth 2.1 section 10.2 removed `redirect_uri`
 * from it, since PKCE does what it was for; a client that sends it has to send the same.
 *
 * @returns a handler that throws {@link Failure}
 */
export function createAuthorizationCodeGrant(options: AuthorizationCodeGrantOptions) {
  const { callbackUrl, resource, apiScopes, redirects, authenticate, codes, usedCodes, redeem, tokenResponse } = options

  return async (tokenRequest: TokenRequest): Promise<IssuedTokens> => {
    const { form, correlationId } = tokenRequest
    const { key: client, hasSecret } = await requireClient(tokenRequest, authenticate)
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
    const response = await tokenResponse(tokens, { client, hasSecret, redirectUri, scopes, offlineAccess, grant: id })
    return { client, grant: 'authorization_code', response }
  }
}
