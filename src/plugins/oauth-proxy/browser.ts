import type { Reason } from '../../errors/index.ts'
import type { Page } from '../../lib/page.ts'
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

/** Time for a password, MFA and a phone that has to be fetched. */
export const signInLifetimeMs = 10 * 60_000
