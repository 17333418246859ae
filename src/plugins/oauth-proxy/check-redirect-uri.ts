import { Failure } from '../../errors/index.ts'
import { isRedirectAllowed, isRegistered, type RedirectRule } from '../../lib/redirect-policy.ts'
import type { Client } from './client.ts'
import { type Parameters, required } from './parameters.ts'
import { rejectedRedirect } from './rejected-redirect.ts'

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
  { issuer, redirects }: { issuer: string; redirects: readonly RedirectRule[] },
): string {
  const redirectUri = required(parameters, 'redirect_uri')
  const reject = (reason: 'redirect_not_listed' | 'redirect_not_registered') => {
    const rejected = rejectedRedirect(redirectUri, redirects)
    return new Failure(reason, { detail: `Received: ${rejected.redirectUri}`, ...rejected })
  }
  if (!isRedirectAllowed(redirectUri, redirects) || new URL(redirectUri).origin === issuer) {
    throw reject('redirect_not_listed')
  }
  const isOwn = client.redirectUris === undefined || isRegistered(redirectUri, client.redirectUris)
  if (!isOwn) throw reject('redirect_not_registered')
  return redirectUri
}
