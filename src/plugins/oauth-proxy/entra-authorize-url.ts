import { randomBytes } from 'node:crypto'
import type { AuthorizationRequest, SignInHints } from './authorization-request.ts'
import { withParameters } from './browser.ts'
import { type Binding, signInLifetimeMs } from './browser-cookies.ts'
import type { Context } from './context.ts'
import { challengeOf, createVerifier } from './pkce.ts'
import { entraScope } from './scopes.ts'

/** A sign-in that waits for Entra, in the `state` that is sent there. */
export interface Transaction {
  readonly request: AuthorizationRequest
  readonly binding: Binding
  /** For the code that Entra will issue to this server. */
  readonly verifier: string
  readonly nonce: string
}

/** Where the browser signs in: Entra's authorize endpoint, with a redirect URI, a verifier and a nonce of this server's own. */
export async function entraAuthorizeUrl(
  { entraClientId, callbackUrl, endpoints, apiScopes, transactions }: Context,
  { request, hints, binding }: { request: AuthorizationRequest; hints: SignInHints; binding: Binding },
): Promise<string> {
  const transaction = { request, binding, verifier: createVerifier(), nonce: randomBytes(16).toString('base64url') }
  return withParameters(endpoints.authorizeUrl, {
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
}
