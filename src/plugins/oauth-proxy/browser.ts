import { type Failure, oauthError, type Reason } from '../../errors/index.ts'
import type { Page } from '../../lib/page.ts'
import type { AuthorizationRequest } from './authorization-request.ts'
import type { Cookies } from './browser-cookies.ts'
import type { Parameters } from './parameters.ts'

/** What a step of a sign-in reads of a browser's request. */
export interface BrowserRequest {
  readonly parameters: Parameters
  readonly cookies: Cookies
  /** `Sec-Fetch-Site` (W3C, "Fetch Metadata Request Headers"). */
  readonly fetchSite: string | undefined
  /** The client's IP address. */
  readonly address: string
}

/** Where a step sends the browser, or what it shows. */
export type BrowserResponse = ({ readonly redirect: string } | { readonly page: Page }) & {
  readonly setCookies: readonly string[]
  readonly event: SignInEvent
}

/** What happened, for the log. */
export type SignInEvent =
  | {
      readonly event: 'authorize' | 'consent_asked' | 'consent_given' | 'consent_denied' | 'sign_in'
      readonly client: string
    }
  | {
      readonly event: 'sign_in_failure'
      readonly client: string
      readonly reason: Reason
      /** Entra's error code. */
      readonly aadsts: string | undefined
    }

/** An error at the client's redirect URI (RFC 6749 section 4.1.2.1), with the issuer (RFC 9207 section 2). */
export function errorRedirect(
  issuer: string,
  { client, redirectUri, state }: Pick<AuthorizationRequest, 'client' | 'redirectUri' | 'state'>,
  failure: Failure,
) {
  const { reason, details } = failure
  const event: SignInEvent = { event: 'sign_in_failure', client, reason, aadsts: details.aadsts }
  const redirect = withParameters(redirectUri, { ...oauthError(failure).body, state, iss: issuer })
  return { redirect, setCookies: [], event }
}

/** A redirect URI with parameters added at its end: not a character of what the client registered is changed. */
export function withParameters(uri: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return `${uri}${uri.includes('?') ? '&' : '?'}${new URLSearchParams(given)}`
}
