/** The requests, responses and error redirects of the sign-in steps in a browser. */

import type { FastifyRequest } from 'fastify'
import { type Failure, oauthError } from '../../errors/index.ts'
import type { Page } from '../../lib/page.ts'
import type { AuthorizationRequest } from './authorization-request.ts'
import type { Parameters } from './parameters.ts'

/** What a browser opens, with a query, or posts the consent page's form to. */
export interface BrowserRoute {
  Querystring: Parameters
  Body: Parameters
}

export type BrowserRequest = FastifyRequest<BrowserRoute>

/** Where a step of a sign-in sends the browser, or what it shows. */
export type BrowserResponse = ({ readonly redirect: string } | { readonly page: Page }) & {
  readonly setCookies: readonly string[]
}

/** An error at the client's redirect URI (RFC 6749 section 4.1.2.1), with the issuer (RFC 9207 section 2). */
export function errorRedirect(
  issuer: string,
  { redirectUri, state }: Pick<AuthorizationRequest, 'redirectUri' | 'state'>,
  failure: Failure,
): string {
  return withParameters(redirectUri, { ...oauthError(failure).body, state, iss: issuer })
}

/** A URI with parameters added at its end: not a character of a redirect URI that a client registered is changed. */
export function withParameters(uri: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return `${uri}${uri.includes('?') ? '&' : '?'}${new URLSearchParams(given)}`
}
