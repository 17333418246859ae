import { randomBytes } from 'node:crypto'
import type { TenantEndpoints } from '../../config/tenant.ts'
import type { AuthorizationRequest, SignInHints } from './authorization-request.ts'
import { signInLifetimeMs } from './browser.ts'
import type { Binding } from './browser-cookies.ts'
import { challengeOf, createVerifier } from './pkce.ts'
import { type ApiScopes, entraScope } from './scopes.ts'
import type { Seal } from './seal.ts'

/** A sign-in that waits for Entra, in the `state` that is sent there. */
export interface Transaction {
  readonly request: AuthorizationRequest
  readonly binding: Binding
  /** For the code that Entra will issue to this server. */
  readonly verifier: string
  readonly nonce: string
}

export interface EntraAuthorizeUrlOptions {
  /** The app that users sign in to. */
  readonly entraClientId: string
  readonly callbackUrl: string
  readonly endpoints: TenantEndpoints
  readonly apiScopes: ApiScopes
  readonly transactions: Seal<Transaction>
}

/** Where the browser is sent to sign in. */
export type EntraAuthorizeUrl = ReturnType<typeof createEntraAuthorizeUrl>

/** Entra's authorize endpoint, with a redirect URI, a verifier and a nonce of this server's own. */
export function createEntraAuthorizeUrl(options: EntraAuthorizeUrlOptions) {
  const { entraClientId, callbackUrl, endpoints, apiScopes, transactions } = options

  return async (signIn: { request: AuthorizationRequest; hints: SignInHints; binding: Binding }): Promise<string> => {
    const { request, hints, binding } = signIn
    const transaction = { request, binding, verifier: createVerifier(), nonce: randomBytes(16).toString('base64url') }
    const query = new URLSearchParams({
      client_id: entraClientId,
      response_type: 'code',
      response_mode: 'query',
      redirect_uri: callbackUrl,
      scope: entraScope(request.scopes, apiScopes.apiClientId),
      state: await transactions.seal(transaction, signInLifetimeMs),
      nonce: transaction.nonce,
      code_challenge: challengeOf(transaction.verifier),
      code_challenge_method: 'S256',
      ...hints,
    })
    return `${endpoints.authorizeUrl}?${query}`
  }
}
