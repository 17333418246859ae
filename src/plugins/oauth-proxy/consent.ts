import { parseCookie } from 'cookie'
import { Failure } from '../../errors/index.ts'
import { type AuthorizationRequest, consentKey, type SignInHints } from './authorization-request.ts'
import { type BrowserRequest, type BrowserResponse, errorRedirect } from './browser.ts'
import type { Binding } from './browser-cookies.ts'
import { onwardPage } from './consent-page.ts'
import type { Context } from './context.ts'
import { entraAuthorizeUrl } from './entra-authorize-url.ts'
import { optional } from './parameters.ts'

/** A request that waits for the user's consent, in the consent page's own form. */
export interface ConsentForm {
  readonly request: AuthorizationRequest
  readonly hints: SignInHints
  readonly binding: Binding
  /** Whether the user has consented to the very same before, and no site led here: one click is enough. */
  readonly isRemembered: boolean
}

/**
 * `POST /oauth/consent`: allow or deny. It counts only from the page that asked, in the browser that was asked.
 *
 * @throws {Failure} `consent_form_rejected`, `consent_unconfirmed` or `sign_in_expired`
 */
export async function handleConsent(context: Context, incoming: BrowserRequest): Promise<BrowserResponse> {
  const { issuer, site, cookies, forms } = context
  const { body: parameters, headers } = incoming
  const fetchSite = headers['sec-fetch-site']
  if (fetchSite !== undefined && fetchSite !== 'same-origin') throw new Failure('consent_form_rejected')
  const opened = await forms.open(optional(parameters, 'request') ?? '')
  if (!('value' in opened)) {
    throw new Failure(opened.rejected === 'expired' ? 'sign_in_expired' : 'consent_form_rejected')
  }
  const { request, hints, binding, isRemembered } = opened.value
  const { client } = request
  const held = parseCookie(headers.cookie ?? '')
  if (!cookies.holds(held, binding)) throw new Failure('consent_form_rejected')
  if (optional(parameters, 'decision') !== 'allow') {
    incoming.audit('consent_denied', { client })
    const redirect = errorRedirect(issuer, request, new Failure('consent_denied'))
    const text = 'Nothing was allowed. You are being sent back to the app, and can close this window.'
    const page = onwardPage(redirect, { heading: 'Sign-in cancelled', text, site })
    return { page, setCookies: [cookies.end(binding)] }
  }
  if (!isRemembered && optional(parameters, 'confirmed') !== 'yes') throw new Failure('consent_unconfirmed')
  const url = await entraAuthorizeUrl(context, { request, hints, binding })
  const text = 'You are being sent to Microsoft to sign in.'
  const page = onwardPage(url, { heading: 'Continue at Microsoft', text, site })
  const setCookies = [await cookies.remember(held, consentKey(request)), cookies.renew(binding)]
  incoming.audit('consent_given', { client })
  return { page, setCookies }
}
