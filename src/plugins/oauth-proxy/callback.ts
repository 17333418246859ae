import { randomBytes } from 'node:crypto'
import { Failure } from '../../errors/index.ts'
import type { AuthorizationRequest } from './authorization-request.ts'
import type { BrowserRequest, BrowserResponse } from './browser.ts'
import type { BrowserCookies } from './browser-cookies.ts'
import { errorRedirect, withParameters } from './client-redirect.ts'
import { authorizeFailure } from './entra-authorize-error.ts'
import type { Transaction } from './entra-authorize-url.ts'
import { optional } from './parameters.ts'
import type { Seal } from './seal.ts'

/** Clients redeem a code at once; RFC 6749 section 4.1.2 would allow ten minutes. */
const codeLifetimeMs = 2 * 60_000

/** What a client gets for a sign-in and redeems at the token endpoint. */
export interface Code {
  readonly id: string
  readonly request: Omit<AuthorizationRequest, 'state'>
  readonly entraCode: string
  readonly verifier: string
  readonly nonce: string
}

export interface CallbackOptions {
  readonly issuer: string
  readonly cookies: Pick<BrowserCookies, 'holds' | 'end'>
  readonly transactions: Seal<Transaction>
  readonly codes: Seal<Code>
}

/**
 * `GET /oauth/callback`: Entra's authorization response (RFC 6749 section 4.1.2), passed on to the client.
 *
 * @returns a handler that throws {@link Failure} `sign_in_elsewhere` or `sign_in_expired`
 */
export function createHandleCallback({ issuer, cookies, transactions, codes }: CallbackOptions) {
  return async ({ parameters, cookies: held }: BrowserRequest): Promise<BrowserResponse> => {
    const opened = await transactions.open(optional(parameters, 'state') ?? '')
    if (!('value' in opened)) {
      throw new Failure(opened.rejected === 'expired' ? 'sign_in_expired' : 'sign_in_elsewhere')
    }
    const { request, binding, verifier, nonce } = opened.value
    if (!cookies.holds(held, binding)) throw new Failure('sign_in_elsewhere')
    const setCookies = [cookies.end(binding)]
    const entraCode = optional(parameters, 'code')
    if (entraCode === undefined) {
      const failure = authorizeFailure(optional(parameters, 'error'), optional(parameters, 'error_description'))
      return { ...errorRedirect(issuer, request, failure), setCookies }
    }
    const { state, ...rest } = request
    const id = randomBytes(12).toString('base64url')
    const code = await codes.seal({ id, request: rest, entraCode, verifier, nonce }, codeLifetimeMs)
    const redirect = withParameters(request.redirectUri, { code, state, iss: issuer })
    return { redirect, setCookies, event: { event: 'sign_in', client: request.client } }
  }
}
