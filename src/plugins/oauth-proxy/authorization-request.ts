import { isResource, type ProtectedResource } from '../../config/resource.ts'
import { Failure } from '../../errors/index.ts'
import { isRedirectAllowed, isRegistered, type RedirectRule } from '../../lib/redirect-policy.ts'
import { type Client, clientKey } from './client.ts'
import { optional, type Parameters, required } from './parameters.ts'
import { isS256Challenge } from './pkce.ts'
import { rejectedRedirect } from './rejected-redirect.ts'
import { type ApiScopes, readScope } from './scopes.ts'

/** A client's authorization request, as far as it matters after the browser has gone on. */
export interface AuthorizationRequest {
  /** {@link clientKey} of the client's id. */
  readonly client: string
  readonly redirectUri: string
  readonly state: string | undefined
  /** S256. */
  readonly challenge: string
  /** Names of this API's scopes. */
  readonly scopes: readonly string[]
  readonly offlineAccess: boolean
}

/** What is handed to Entra's page as it came (OpenID Connect Core 3.1.2.1; `claims` as in a claims challenge). */
export interface SignInHints {
  readonly prompt?: string
  readonly login_hint?: string
  readonly domain_hint?: string
  readonly claims?: string
}

/**
 * The redirect URI of a request, once the client may use it. What fails here must not be told to that URI
 * (RFC 6749 section 4.1.2.1). None leads back to this server: a page here that sends the browser on would make the
 * user's own doing of what a client wrote into an address.
 *
 * @throws {Failure} `redirect_not_listed`, `redirect_not_registered`, or the parameter is missing or repeated
 */
export function readRedirectUri(
  parameters: Parameters,
  client: Client,
  { issuer, redirects }: { issuer: string; redirects: readonly RedirectRule[] },
): string {
  const redirectUri = required(parameters, 'redirect_uri')
  const reject = (reason: 'redirect_not_listed' | 'redirect_not_registered') => {
    const rejected = rejectedRedirect(redirectUri, redirects)
    return new Failure(reason, { detail: `It is ${rejected.redirectUri}`, ...rejected })
  }
  if (!isRedirectAllowed(redirectUri, redirects) || new URL(redirectUri).origin === issuer) {
    throw reject('redirect_not_listed')
  }
  const isClients = client.redirectUris === undefined || isRegistered(redirectUri, client.redirectUris)
  if (!isClients) throw reject('redirect_not_registered')
  return redirectUri
}

/**
 * The rest of the request; what is wrong with it may be told to the client.
 *
 * @throws {Failure}
 */
export function readAuthorizationRequest(
  parameters: Parameters,
  client: Client,
  redirectUri: string,
  { resource, apiScopes }: { resource: ProtectedResource; apiScopes: ApiScopes },
): AuthorizationRequest {
  if (optional(parameters, 'request') !== undefined) throw new Failure('request_object_not_supported')
  if (optional(parameters, 'request_uri') !== undefined) throw new Failure('request_uri_not_supported')
  if (required(parameters, 'response_type') !== 'code') throw new Failure('response_type_not_supported')
  if ((optional(parameters, 'response_mode') ?? 'query') !== 'query') throw new Failure('response_mode_not_supported')
  checkResource(parameters, resource)
  const scope = readScope(optional(parameters, 'scope'), apiScopes)
  if (scope === undefined)
    throw new Failure('scope_not_supported', { detail: `There is ${apiScopes.offered.join(' ')}.` })
  return {
    client: clientKey(client.id),
    redirectUri,
    state: optional(parameters, 'state'),
    challenge: readChallenge(parameters),
    scopes: scope.names,
    offlineAccess: scope.offlineAccess,
  }
}

/**
 * RFC 8707: where a client names a resource, it is this one, be it once or more often. Entra refuses the parameter, so it
 * goes no further.
 *
 * @throws {Failure} `resource_invalid` or `parameter_repeated`
 */
export function checkResource(parameters: Parameters, resource: ProtectedResource): void {
  const named = new Set([parameters['resource'] ?? []].flat().filter((one) => one !== ''))
  if ([...named].every((one) => isResource(one, resource))) return
  if (named.size > 1) throw new Failure('parameter_repeated', { detail: 'It is resource.' })
  throw new Failure('resource_invalid', { detail: `Its own is ${resource.resource}.` })
}

function readChallenge(parameters: Parameters): string {
  const challenge = optional(parameters, 'code_challenge')
  if (challenge === undefined || optional(parameters, 'code_challenge_method') !== 'S256') {
    throw new Failure('pkce_required')
  }
  if (!isS256Challenge(challenge)) throw new Failure('pkce_required', { detail: 'It is 43 characters of base64url.' })
  return challenge
}

/** Prompts that mean something to a user here; `consent` would lock out tenants whose administrator consented. */
const prompts = ['none', 'login', 'select_account']

/** @throws {Failure} `parameter_repeated` */
export function readHints(parameters: Parameters): SignInHints {
  const given = (name: keyof SignInHints) => {
    const value = optional(parameters, name)
    return value === undefined ? {} : { [name]: value }
  }
  // Entra takes one value only.
  const prompt = (optional(parameters, 'prompt') ?? '').split(' ').find((one) => prompts.includes(one))
  const hints = { ...given('login_hint'), ...given('domain_hint'), ...given('claims') }
  return prompt === undefined ? hints : { ...hints, prompt }
}
