import { hash, randomBytes } from 'node:crypto'
import type { ProtectedResource } from '../../config/resource.ts'
import type { TenantEndpoints } from '../../config/tenant.ts'
import { Failure, oauthError, type Reason } from '../../errors/index.ts'
import type { GraphPermission } from '../../lib/graph-permissions.ts'
import type { Page } from '../../lib/page.ts'
import { placeOf, type RedirectRule } from '../../lib/redirect-policy.ts'
import {
  type AuthorizationRequest,
  readAuthorizationRequest,
  readHints,
  readRedirectUri,
  type SignInHints,
} from './authorization-request.ts'
import { authorizeFailure } from './authorize-response.ts'
import type { Binding, Cookies, createBrowserCookies } from './browser.ts'
import { type Client, clientKey } from './client.ts'
import type { createClients } from './clients.ts'
import { consentPage, onwardPage } from './consent-page.ts'
import { optional, type Parameters, required } from './parameters.ts'
import { challengeOf, createVerifier } from './pkce.ts'
import { type ApiScopes, entraScope } from './scopes.ts'
import type { Seal } from './seal.ts'

/** Time enough for a password, MFA and a phone that has to be fetched. */
export const signInLifetimeMs = 10 * 60_000
/** Clients redeem a code at once; RFC 6749 section 4.1.2 would allow ten minutes. */
const codeLifetimeMs = 2 * 60_000

/** A request that waits for the user's consent, on the page's own form. */
export interface ConsentForm {
  readonly asked: AuthorizationRequest
  readonly hints: SignInHints
  readonly binding: Binding
  /** Whether the user has consented to the very same before, and came by themselves: one click is enough. */
  readonly isRemembered: boolean
}

/** A sign-in that waits for Entra, in the `state` that goes there. */
export interface Transaction {
  readonly asked: AuthorizationRequest
  readonly binding: Binding
  readonly verifier: string
  readonly nonce: string
}

/** What a client gets for a sign-in and redeems at the token endpoint. */
export interface Code {
  readonly id: string
  readonly asked: Omit<AuthorizationRequest, 'state'>
  readonly entraCode: string
  readonly verifier: string
  readonly nonce: string
}

/** Where a browser stands: what it asks, the cookies it brings, from where it comes (`Sec-Fetch-Site`) and its address. */
export interface Visit {
  readonly parameters: Parameters
  readonly cookies: Cookies
  readonly fetchSite: string | undefined
  readonly address: string
}

/** What a browser is answered. */
export type Step = ({ readonly redirect: string } | { readonly page: Page }) & {
  readonly setCookies: readonly string[]
  readonly event: SignInEvent
}

/** What happened, for the log. */
export type SignInEvent =
  | { readonly event: SignInStep; readonly client: string }
  | {
      readonly event: 'sign_in_failure'
      readonly client: string
      readonly reason: Reason
      /** What Entra said, by its number. */
      readonly aadsts: string | undefined
    }
type SignInStep = 'authorize' | 'consent_asked' | 'consent_given' | 'consent_denied' | 'sign_in'

export interface AuthorizationOptions {
  readonly issuer: string
  readonly callbackUrl: string
  /** The app that users sign in to. */
  readonly entraClientId: string
  readonly endpoints: TenantEndpoints
  readonly resource: ProtectedResource
  readonly apiScopes: ApiScopes
  /** What users consent to. */
  readonly permissions: readonly GraphPermission[]
  readonly redirects: readonly RedirectRule[]
  readonly clients: ReturnType<typeof createClients>
  readonly cookies: ReturnType<typeof createBrowserCookies>
  readonly forms: Seal<ConsentForm>
  readonly transactions: Seal<Transaction>
  readonly codes: Seal<Code>
}

/**
 * The part of a sign-in that happens in the browser: from the client here, to the user's consent, to Entra, back here,
 * and back to the client. Nothing is kept in between: what is needed later travels sealed, and counts only together
 * with a cookie of the browser in which it began.
 */
export function createAuthorization(options: AuthorizationOptions) {
  const { issuer, callbackUrl, entraClientId, endpoints, apiScopes, clients, cookies } = options

  /**
   * `GET /authorize` (RFC 6749 section 4.1.1).
   *
   * @throws {Failure} where the client or its redirect URI is not to be trusted: nothing goes there
   */
  async function authorize({ parameters, cookies: held, fetchSite, address }: Visit): Promise<Step> {
    const client = await clients.find(required(parameters, 'client_id'), address)
    const redirectUri = readRedirectUri(parameters, client, options)
    try {
      const asked = readAuthorizationRequest(parameters, client, redirectUri, options)
      const hints = readHints(parameters)
      const isApproved = cameByItself(fetchSite) && isPreapproved(client, redirectUri)
      if (!isApproved && hints.prompt === 'none') throw new Failure('consent_needed')
      const { binding, setCookies } = cookies.begin(held, { isLedHere: !cameByItself(fetchSite) })
      if (isApproved) {
        return { redirect: await toEntra(asked, hints, binding), setCookies, event: eventOf('authorize', asked) }
      }
      const isRemembered = cameByItself(fetchSite) && (await cookies.hasConsented(held, consentKey(asked)))
      const form = await options.forms.seal({ asked, hints, binding, isRemembered }, signInLifetimeMs)
      const permits = options.permissions.map(({ consent }) => consent)
      const page = consentPage({ client, redirectUri, permits, server: issuer, form, isRemembered })
      return { page, setCookies, event: eventOf('consent_asked', asked) }
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      // Given back whatever else is wrong, unless the state itself is the fault.
      const { state } = parameters
      const destination = {
        client: clientKey(client.id),
        redirectUri,
        state: typeof state === 'string' && state !== '' ? state : undefined,
      }
      return toClient(destination, error)
    }
  }

  /** Sends the browser to Entra, with a redirect URI, a verifier and a nonce of this server's own. */
  async function toEntra(asked: AuthorizationRequest, hints: SignInHints, binding: Binding): Promise<string> {
    const transaction = { asked, binding, verifier: createVerifier(), nonce: randomBytes(16).toString('base64url') }
    const query = new URLSearchParams({
      client_id: entraClientId,
      response_type: 'code',
      response_mode: 'query',
      redirect_uri: callbackUrl,
      scope: entraScope(asked.scopes, apiScopes.apiClientId),
      state: await options.transactions.seal(transaction, signInLifetimeMs),
      nonce: transaction.nonce,
      code_challenge: challengeOf(transaction.verifier),
      code_challenge_method: 'S256',
      ...hints,
    })
    return `${endpoints.authorizeUrl}?${query}`
  }

  /**
   * `POST /oauth/consent`: the user's answer. It counts only from the page that asked, in the browser that was asked.
   *
   * @throws {Failure} `consent_form_refused`, `consent_unconfirmed` or `sign_in_expired`
   */
  async function decide({ parameters, cookies: held, fetchSite }: Visit): Promise<Step> {
    if (fetchSite !== undefined && fetchSite !== 'same-origin') throw new Failure('consent_form_refused')
    const opened = await options.forms.open(optional(parameters, 'request') ?? '')
    if (!('value' in opened)) {
      throw new Failure(opened.rejected === 'expired' ? 'sign_in_expired' : 'consent_form_refused')
    }
    const { asked, hints, binding, isRemembered } = opened.value
    if (!cookies.holds(held, binding)) throw new Failure('consent_form_refused')
    if (optional(parameters, 'decision') !== 'allow') {
      const { redirect } = toClient(asked, new Failure('consent_denied'))
      const page = onwardPage(redirect, 'the application')
      return { page, setCookies: [cookies.end(binding)], event: eventOf('consent_denied', asked) }
    }
    if (!isRemembered && optional(parameters, 'confirmed') !== 'yes') throw new Failure('consent_unconfirmed')
    return {
      page: onwardPage(await toEntra(asked, hints, binding), 'the Microsoft sign-in'),
      setCookies: [await cookies.remember(held, consentKey(asked)), cookies.keep(binding)],
      event: eventOf('consent_given', asked),
    }
  }

  /**
   * `GET /oauth/callback`: Entra's answer (RFC 6749 section 4.1.2), for the client.
   *
   * @throws {Failure} `sign_in_elsewhere` or `sign_in_expired`
   */
  async function finish({ parameters, cookies: held }: Visit): Promise<Step> {
    const opened = await options.transactions.open(optional(parameters, 'state') ?? '')
    if (!('value' in opened)) {
      throw new Failure(opened.rejected === 'expired' ? 'sign_in_expired' : 'sign_in_elsewhere')
    }
    const { asked, binding, verifier, nonce } = opened.value
    if (!cookies.holds(held, binding)) throw new Failure('sign_in_elsewhere')
    const setCookies = [cookies.end(binding)]
    const entraCode = optional(parameters, 'code')
    if (entraCode === undefined) {
      const failure = authorizeFailure(optional(parameters, 'error'), optional(parameters, 'error_description'))
      return { ...toClient(asked, failure), setCookies }
    }
    const { state, ...rest } = asked
    const id = randomBytes(12).toString('base64url')
    const code = await options.codes.seal({ id, asked: rest, entraCode, verifier, nonce }, codeLifetimeMs)
    const redirect = withParameters(asked.redirectUri, { code, state, iss: issuer })
    return { redirect, setCookies, event: eventOf('sign_in', asked) }
  }

  /** An error at the client's redirect URI (RFC 6749 section 4.1.2.1), with the issuer (RFC 9207 section 2). */
  function toClient(
    { client, redirectUri, state }: Pick<AuthorizationRequest, 'client' | 'redirectUri' | 'state'>,
    failure: Failure,
  ) {
    const { body } = oauthError(failure)
    return {
      redirect: withParameters(redirectUri, { ...body, state, iss: issuer }),
      setCookies: [],
      event: { event: 'sign_in_failure' as const, client, reason: failure.reason, aadsts: failure.details.aadsts },
    }
  }

  return { authorize, decide, finish }
}

/**
 * Whether the browser came from its address bar, a bookmark or a program, and no site sent it (W3C, "Fetch Metadata
 * Request Headers"; browsers that do not say so are few). No page of this server leads to where this is asked, so one
 * that does, on whichever site, is somebody else's. An address that was typed or mailed and redirects here looks the
 * same: that is why a consent that is remembered spares its user the box, and never the page.
 */
function cameByItself(fetchSite: string | undefined): boolean {
  return fetchSite === undefined || fetchSite === 'none'
}

/**
 * The operator approved of the configured app, but its id is no secret, and an address such as that of Teams is shared by
 * the apps of many: only a program on the user's own computer, which opened the browser itself, is not asked about.
 */
function isPreapproved({ kind }: Client, redirectUri: string): boolean {
  return kind === 'configured' && placeOf(redirectUri) === 'loopback'
}

function consentKey({ client, redirectUri, scopes }: AuthorizationRequest): string {
  return hash('sha256', JSON.stringify([client, redirectUri, scopes]), 'base64url').slice(0, 22)
}

function eventOf(event: SignInStep, { client }: AuthorizationRequest): SignInEvent {
  return { event, client }
}

/** As the client registered it, with the answer at its end: not a character of it is written anew. */
function withParameters(uri: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return `${uri}${uri.includes('?') ? '&' : '?'}${new URLSearchParams(given)}`
}
