import { type Failure, oauthError } from '../../errors/index.ts'
import type { AuthorizationRequest } from './authorization-request.ts'
import type { SignInEvent } from './browser.ts'

/** An error at the client's redirect URI (RFC 6749 section 4.1.2.1), with the issuer (RFC 9207 section 2). */
export function errorRedirect(
  issuer: string,
  { client, redirectUri, state }: Pick<AuthorizationRequest, 'client' | 'redirectUri' | 'state'>,
  failure: Failure,
) {
  const { body } = oauthError(failure)
  const { reason, details } = failure
  const event: SignInEvent = { event: 'sign_in_failure', client, reason, aadsts: details.aadsts }
  return { redirect: withParameters(redirectUri, { ...body, state, iss: issuer }), setCookies: [], event }
}

/** A redirect URI with parameters added at its end: not a character of what the client registered is changed. */
export function withParameters(uri: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return `${uri}${uri.includes('?') ? '&' : '?'}${new URLSearchParams(given)}`
}
