import { parseCookie } from 'cookie'
import { Failure } from '../../errors/index.ts'
import { placeOf } from '../../lib/redirect-policy.ts'
import { consentKey, readAuthorizationRequest, readHints, readRedirectUri } from './authorization-request.ts'
import { type BrowserRequest, type BrowserResponse, errorRedirect } from './browser.ts'
import { signInLifetimeMs } from './browser-cookies.ts'
import { type Client, clientKey, findClient } from './clients.ts'
import { consentPage } from './consent-page.ts'
import type { Context } from './context.ts'
import { entraAuthorizeUrl } from './entra-authorize-url.ts'
import { required } from './parameters.ts'

/**
 * `GET /authorize` (RFC 6749 section 4.1.1): the consent page, or a redirect to Entra for a preapproved client.
 *
 * @throws {Failure} if the client or its redirect URI is not trusted: nothing is sent there
 */
export async function authorize(context: Context, incoming: BrowserRequest): Promise<BrowserResponse> {
  const { issuer, site, permissions, cookies, forms, pendingClaims } = context
  const { query: parameters, headers } = incoming
  const client = await findClient(context, required(parameters, 'client_id'), incoming.ip)
  const redirectUri = readRedirectUri(parameters, client, context)
  try {
    const request = readAuthorizationRequest(parameters, client, redirectUri, context)
    const given = readHints(parameters)
    const hints = { ...given, claims: given.claims ?? (await pendingClaims.get(`client:${request.client}`)) }
    const isUserInitiated = isDirectNavigation(headers['sec-fetch-site'])
    const isApproved = isUserInitiated && isPreapproved(client, redirectUri)
    if (!isApproved && hints.prompt === 'none') throw new Failure('consent_needed')
    const held = parseCookie(headers.cookie ?? '')
    const { binding, setCookies } = cookies.begin(held, { isUserInitiated })
    if (isApproved) {
      const redirect = await entraAuthorizeUrl(context, { request, hints, binding })
      incoming.audit('authorize', { client: request.client })
      return { redirect, setCookies }
    }
    const isRemembered = isUserInitiated && (await cookies.hasConsented(held, consentKey(request)))
    const form = await forms.seal({ request, hints, binding, isRemembered }, signInLifetimeMs)
    const page = consentPage({ client, redirectUri, permissions, site, form, isRemembered })
    incoming.audit('consent_asked', { client: request.client })
    return { page, setCookies }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    // Returned whatever else is wrong, unless the state itself is.
    const { state } = parameters
    const validState = typeof state === 'string' && state !== '' ? state : undefined
    const { reason, details } = error
    incoming.audit('sign_in_failure', { client: clientKey(client.id), reason, aadsts: details.aadsts })
    return { redirect: errorRedirect(issuer, { redirectUri, state: validState }, error), setCookies: [] }
  }
}

/**
 * Whether the browser came from its address bar, a bookmark or a program, and no site sent it (W3C, "Fetch Metadata
 * Request Headers"; few browsers do not say so). No page of this server links to `/authorize`, so a page that does, on
 * whichever site, is somebody else's. An address that was typed or mailed and redirects here looks the same: that is why
 * a remembered consent spares its user the box, and never the page.
 */
function isDirectNavigation(fetchSite: unknown): boolean {
  return fetchSite === undefined || fetchSite === 'none'
}

/**
 * The operator approved of the configured app, but its id is no secret, and an address such as that of Teams is shared by
 * the apps of many: only a program on the user's own computer, which opened the browser itself, needs no consent page.
 */
function isPreapproved({ kind }: Client, redirectUri: string): boolean {
  return kind === 'configured' && placeOf(redirectUri) === 'loopback'
}
