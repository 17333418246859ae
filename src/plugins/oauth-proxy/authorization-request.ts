import { hash } from 'node:crypto'
import { Failure } from '../../errors/index.ts'
import { isRedirectAllowed, isRegistered } from '../../lib/redirect-policy.ts'
import { type Client, clientKey } from './clients.ts'
import type { Context } from './context.ts'
import { checkResource, optional, type Parameters, required } from './parameters.ts'
import { isS256Challenge } from './pkce.ts'
import { rejectedRedirect } from './rejected-redirect.ts'
import { readScope } from './scopes.ts'

/**
 * The redirect URI of an authorization request, once the client may use it. An error found here must not be sent to that
 * URI (RFC 6749 section 4.1.2.1). None leads back to this server: a page here that sends the browser on would turn what a
 * client wrote into an address into an action of the user.
 *
 * @throws {Failure} `redirect_not_listed`, `redirect_not_registered`, or the parameter is missing or repeated
 */
export function readRedirectUri(
  parameters: Parameters,
  client: Client,
  { issuer, redirects }: Pick<Context, 'issuer' | 'redirects'>,
): string {
  const redirectUri = required(parameters, 'redirect_uri')
  const reject = (reason: 'redirect_not_listed' | 'redirect_not_registered') => {
    const rejected = rejectedRedirect(redirectUri, redirects)
    return new Failure(reason, { detail: `Received: ${rejected.redirectUri}`, ...rejected })
  }
  if (!isRedirectAllowed(redirectUri, redirects) || new URL(redirectUri).origin === issuer) {
    throw reject('redirect_not_listed')
  }
  if (!isRegistered(redirectUri, client.redirectUris)) throw reject('redirect_not_registered')
  return redirectUri
}

export type AuthorizationRequest = ReturnType<typeof readAuthorizationRequest>

/**
 * What of a client's authorization request is needed after the browser has left. An error may be sent to the client.
 *
 * @throws {Failure}
 */
export function readAuthorizationRequest(
  parameters: Parameters,
  client: Client,
  redirectUri: string,
  { resource, apiScopes }: Pick<Context, 'resource' | 'apiScopes'>,
) {
  if (optional(parameters, 'request') !== undefined) throw new Failure('request_object_not_supported')
  if (optional(parameters, 'request_uri') !== undefined) throw new Failure('request_uri_not_supported')
  if (required(parameters, 'response_type') !== 'code') throw new Failure('response_type_not_supported')
  if ((optional(parameters, 'response_mode') ?? 'query') !== 'query') throw new Failure('response_mode_not_supported')
  checkResource(parameters, resource)
  const scope = readScope(optional(parameters, 'scope'), apiScopes)
  if (scope === undefined)
    throw new Failure('scope_not_supported', { detail: `Supported: ${apiScopes.offered.join(' ')}.` })
  return {
    /** {@link clientKey} of the client's id. */
    client: clientKey(client.id),
    redirectUri,
    state: optional(parameters, 'state'),
    /** S256. */
    challenge: readChallenge(parameters),
    /** Names of this API's scopes. */
    scopes: scope.names,
    offlineAccess: scope.offlineAccess,
  }
}

function readChallenge(parameters: Parameters): string {
  const challenge = optional(parameters, 'code_challenge')
  if (challenge === undefined || optional(parameters, 'code_challenge_method') !== 'S256') {
    throw new Failure('pkce_required')
  }
  if (!isS256Challenge(challenge))
    throw new Failure('pkce_required', { detail: 'code_challenge must be 43 characters of base64url.' })
  return challenge
}

/** Prompts that are passed on; `consent` would lock out tenants whose administrator consented. */
const prompts = ['none', 'login', 'select_account']

export type SignInHints = ReturnType<typeof readHints>

/**
 * What is passed to Entra unchanged (OpenID Connect Core 3.1.2.1; `claims` as in a claims challenge).
 *
 * @throws {Failure} `parameter_repeated`
 */
export function readHints(parameters: Parameters) {
  return {
    login_hint: optional(parameters, 'login_hint'),
    domain_hint: optional(parameters, 'domain_hint'),
    claims: optional(parameters, 'claims'),
    // Entra takes one value only.
    prompt: optional(parameters, 'prompt')
      ?.split(' ')
      .find((one) => prompts.includes(one)),
  }
}

/** What a consent is for: this client, this redirect URI, these scopes. */
export function consentKey({ client, redirectUri, scopes }: AuthorizationRequest): string {
  return hash('sha256', JSON.stringify([client, redirectUri, scopes]), 'base64url').slice(0, 22)
}
