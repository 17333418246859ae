import { randomBytes } from 'node:crypto'
import { type Cookies, stringifySetCookie } from 'cookie'
import { isSameText } from './same-text.ts'
import type { Seal } from './seal.ts'

/** Time for a password, MFA and a phone that has to be fetched. */
export const signInLifetimeMs = 10 * 60_000
/** Sign-ins in progress in one browser, of either kind; a user has a few tabs. */
const maxSignIns = 8
/** Suffix of the secret of a sign-in that a site led to and the user has not allowed yet. */
const linkedSuffix = '.linked'
/** Consents that a browser remembers; the oldest are dropped first, so that the cookie stays at about a kilobyte. */
const maxConsents = 20
export const consentLifetimeDays = 30
const consentLifetimeMs = consentLifetimeDays * 24 * 3_600_000

/** What binds a sign-in to the browser that began it: the name of a cookie, and the secret in it. */
export interface Binding {
  readonly id: string
  readonly secret: string
}

/** A consent that was given: a hash of what was consented to, and when it ends, in seconds since the epoch. */
export type RememberedConsent = readonly [key: string, untilSeconds: number]

/**
 * The cookies that this server sets in a browser: one for each sign-in in progress, and one for remembered consents.
 * Functions that change them return `Set-Cookie` values.
 *
 * @param issuer the public origin
 * @param now milliseconds since the epoch
 */
export function createBrowserCookies(
  issuer: string,
  consents: Seal<readonly RememberedConsent[]>,
  now: () => number = Date.now,
) {
  // An https origin can bind its cookies to the host (`__Host-`, RFC 6265bis 4.1.3.2).
  const secure = issuer.startsWith('https:')
  const prefix = secure ? '__Host-' : ''
  const signInPrefix = `${prefix}mcp-sign-in-`
  const consentsName = `${prefix}mcp-consents`

  const attributes = { httpOnly: true, secure, path: '/' }

  // Entra sends the browser back here from another site: only a lax cookie comes along.
  const signInCookie = (id: string, value: string, maxAge: number) =>
    stringifySetCookie(`${signInPrefix}${id}`, value, { ...attributes, sameSite: 'lax', maxAge })

  async function remembered(cookies: Cookies): Promise<RememberedConsent[]> {
    const opened = await consents.open(cookies[consentsName] ?? '')
    return 'value' in opened ? opened.value.filter(([, untilSeconds]) => untilSeconds * 1000 > now()) : []
  }

  return {
    /**
     * Begins a sign-in in this browser. Ids begin with the time, so that the oldest sort first. A site that starts sign-ins
     * in a loop evicts only such sign-ins: neither those that the user began, nor those that they have allowed.
     */
    begin(cookies: Cookies, { isUserInitiated }: { isUserInitiated: boolean }) {
      const begun = Object.entries(cookies)
        .filter(
          ([name, value]) => name.startsWith(signInPrefix) && (value ?? '').endsWith(linkedSuffix) !== isUserInitiated,
        )
        .map(([name]) => name.slice(signInPrefix.length))
        .filter((id) => /^[\w-]+$/.test(id))
        .sort()
      const dropped = begun.slice(0, Math.max(0, begun.length - maxSignIns + 1))
      const id = now().toString(36).padStart(9, '0') + randomBytes(6).toString('base64url')
      const binding = { id, secret: randomBytes(24).toString('base64url') }
      return {
        binding,
        setCookies: [
          ...dropped.map((old) => signInCookie(old, '', 0)),
          signInCookie(id, isUserInitiated ? binding.secret : binding.secret + linkedSuffix, signInLifetimeMs / 1000),
        ],
      }
    },

    /** Whether this is the browser in which the sign-in began, and it has not ended. */
    holds(cookies: Cookies, { id, secret }: Binding): boolean {
      const held = cookies[`${signInPrefix}${id}`] ?? ''
      return isSameText(held, secret) || isSameText(held, secret + linkedSuffix)
    },

    /** Marks a sign-in as allowed, and renews its cookie for the way to Entra and back. */
    renew({ id, secret }: Binding): string {
      return signInCookie(id, secret, signInLifetimeMs / 1000)
    },

    /** Ends a sign-in: deletes its cookie. */
    end({ id }: Binding): string {
      return signInCookie(id, '', 0)
    },

    /** Whether the user of this browser has consented to the very same before. */
    async hasConsented(cookies: Cookies, key: string): Promise<boolean> {
      return (await remembered(cookies)).some(([one]) => one === key)
    },

    /** Remembers a consent. The cookie is strict: a browser does not send it on a navigation from another site. */
    async remember(cookies: Cookies, key: string): Promise<string> {
      const others = (await remembered(cookies)).filter(([one]) => one !== key)
      const added = [key, Math.floor((now() + consentLifetimeMs) / 1000)] as const
      const sealed = await consents.seal([...others.slice(1 - maxConsents), added], consentLifetimeMs)
      const maxAge = consentLifetimeMs / 1000
      return stringifySetCookie(consentsName, sealed, { ...attributes, sameSite: 'strict', maxAge })
    },
  }
}
