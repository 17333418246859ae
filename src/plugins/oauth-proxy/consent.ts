import { Failure } from '../../errors/index.ts'
import { type AuthorizationRequest, consentKey, type SignInHints } from './authorization-request.ts'
import type { BrowserRequest, BrowserResponse } from './browser.ts'
import type { Binding, BrowserCookies } from './browser-cookies.ts'
import { errorRedirect } from './client-redirect.ts'
import { onwardPage } from './consent-page.ts'
import type { EntraAuthorizeUrl } from './entra-authorize-url.ts'
import { optional } from './parameters.ts'
import type { Seal } from './seal.ts'

/** A request that waits for the user's consent, in the consent page's own form. */
export interface ConsentForm {
  readonly request: AuthorizationRequest
  readonly hints: SignInHints
  readonly binding: Binding
  /** Whether the user has consented to the very same before, and no site led here: one click is enough. */
  readonly isRemembered: boolean
}

export interface ConsentOptions {
  readonly issuer: string
  readonly cookies: Pick<BrowserCookies, 'holds' | 'end' | 'keep' | 'remember'>
  readonly forms: Seal<ConsentForm>
  readonly entraAuthorizeUrl: EntraAuthorizeUrl
}

/**
 * `POST /oauth/consent`: allow or deny. It counts only from the page that asked, in the browser that was asked.
 *
 * @returns a handler that throws {@link Failure} `consent_form_rejected`, `consent_unconfirmed` or `sign_in_expired`
 */
export function createHandleConsent({ issuer, cookies, forms, entraAuthorizeUrl }: ConsentOptions) {
  return async ({ parameters, cookies: held, fetchSite }: BrowserRequest): Promise<BrowserResponse> => {
    if (fetchSite !== undefined && fetchSite !== 'same-origin') throw new Failure('consent_form_rejected')
    const opened = await forms.open(optional(parameters, 'request') ?? '')
    if (!('value' in opened)) {
      throw new Failure(opened.rejected === 'expired' ? 'sign_in_expired' : 'consent_form_rejected')
    }
    const { request, hints, binding, isRemembered } = opened.value
    const { client } = request
    if (!cookies.holds(held, binding)) throw new Failure('consent_form_rejected')
    if (optional(parameters, 'decision') !== 'allow') {
      const { redirect } = errorRedirect(issuer, request, new Failure('consent_denied'))
      const page = onwardPage(redirect, 'the app')
      return { page, setCookies: [cookies.end(binding)], event: { event: 'consent_denied', client } }
    }
    if (!isRemembered && optional(parameters, 'confirmed') !== 'yes') throw new Failure('consent_unconfirmed')
    return {
      page: onwardPage(await entraAuthorizeUrl({ request, hints, binding }), 'Microsoft sign-in'),
      setCookies: [await cookies.remember(held, consentKey(request)), cookies.keep(binding)],
      event: { event: 'consent_given', client },
    }
  }
}
