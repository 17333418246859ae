import { randomBytes } from 'node:crypto'
import { parseCookie } from 'cookie'
import { Failure, type Reason } from '../../errors/index.ts'
import type { AuthorizationRequest } from './authorization-request.ts'
import { type BrowserRequest, type BrowserResponse, errorRedirect, withParameters } from './browser.ts'
import type { Context } from './context.ts'
import { optional } from './parameters.ts'

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

/**
 * `GET /oauth/callback`: Entra's authorization response (RFC 6749 section 4.1.2), passed on to the client.
 *
 * @throws {Failure} `sign_in_elsewhere` or `sign_in_expired`
 */
export async function handleCallback(
  { issuer, cookies, transactions, codes }: Context,
  incoming: BrowserRequest,
): Promise<BrowserResponse> {
  const { query: parameters } = incoming
  const opened = await transactions.open(optional(parameters, 'state') ?? '')
  if (!('value' in opened)) {
    throw new Failure(opened.rejected === 'expired' ? 'sign_in_expired' : 'sign_in_elsewhere')
  }
  const { request, binding, verifier, nonce } = opened.value
  const held = parseCookie(incoming.headers.cookie ?? '')
  if (!cookies.holds(held, binding)) throw new Failure('sign_in_elsewhere')
  const setCookies = [cookies.end(binding)]
  const entraCode = optional(parameters, 'code')
  if (entraCode === undefined) {
    const failure = authorizeFailure(optional(parameters, 'error'), optional(parameters, 'error_description'))
    const { reason, details } = failure
    incoming.audit('sign_in_failure', { client: request.client, reason, aadsts: details.aadsts })
    return { redirect: errorRedirect(issuer, request, failure), setCookies }
  }
  const { state, ...rest } = request
  const id = randomBytes(12).toString('base64url')
  const code = await codes.seal({ id, request: rest, entraCode, verifier, nonce }, codeLifetimeMs)
  const redirect = withParameters(request.redirectUri, { code, state, iss: issuer })
  incoming.audit('sign_in', { client: request.client })
  return { redirect, setCookies }
}

/**
 * The failure behind an error of Entra's authorize endpoint (Microsoft, "OAuth 2.0 authorization code flow: Error
 * codes for authorization endpoint errors"): with its AADSTS code, without its text, which anybody could have written
 * into the URL.
 */
export function authorizeFailure(error: string | undefined, description: string | undefined): Failure {
  const [aadsts] = /^AADSTS\d{4,8}/.exec(description ?? '') ?? []
  const reason = reasonByError.get(error) ?? 'entra_sign_in_failed'
  return new Failure(reason, aadsts === undefined ? {} : { aadsts })
}

const reasonByError = new Map<string | undefined, Reason>([
  ['login_required', 'entra_interaction_required'],
  ['interaction_required', 'entra_interaction_required'],
  ['consent_required', 'entra_interaction_required'],
  ['access_denied', 'entra_sign_in_denied'],
  ['temporarily_unavailable', 'entra_sign_in_unavailable'],
  ['server_error', 'entra_sign_in_unavailable'],
])
