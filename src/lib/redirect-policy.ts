/** Reads the list of redirect URIs that clients may use, and tells whether a URI is on it. */

import { isLoopback } from './loopback.ts'
import { isPrivateUseUri } from './private-use-uri.ts'

/** A name or address without a final dot, and nothing that somebody might take for a pattern. */
const hostname = /^([a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:]+\])$/
const maxUriChars = 2_000
/** Parameters of an authorization response: a redirect URI with one of its own would give a client two. */
const responseParameters = ['code', 'state', 'iss', 'error', 'error_description', 'error_uri']

/** One entry of the list of redirect URIs that may be used at all: of the web and loopback, or one URI of an app. */
export type RedirectRule = WebRule | { readonly uri: string }

interface WebRule {
  /** Scheme and host, and the port unless any will do. */
  readonly origin: string
  /** A loopback client listens where it finds a port (RFC 8252 section 7.3). */
  readonly anyPort: boolean
  /** `*`: any path of the origin; ending in `/`: that path and all below it; anything else: that path alone. */
  readonly path: string
}

/**
 * Reads an entry: an origin (`https://app.example`), a path (`https://app.example/callback`), everything below one
 * (`https://app.example/oauth/`), or a whole URI of an app's own scheme (`com.example.app:/callback`).
 *
 * @returns undefined for what is none of these
 */
export function parseRedirectRule(entry: string): RedirectRule | undefined {
  if (isPrivateUseUri(entry) && hasNoResponseParameter(new URL(entry))) return { uri: entry }
  const url = parseRedirectUri(entry)
  // Whoever writes a star means a pattern, and there are none.
  if (url === undefined || url.search !== '' || entry.includes('*')) return undefined
  const anyPort = isLoopback(url.hostname) && url.port === ''
  const path = entry === url.origin ? '*' : url.pathname
  return { origin: url.origin, anyPort, path }
}

/**
 * Whether a redirect URI is on the list. It is parsed and compared part by part, never as the beginning of a text.
 *
 * @param uri as the client wrote it
 */
export function isRedirectAllowed(uri: string, rules: readonly RedirectRule[]): boolean {
  const url = parseRedirectUri(uri)
  return rules.some((rule) => ('uri' in rule ? rule.uri === uri : url !== undefined && matches(url, rule)))
}

/**
 * What an allowed redirect URI opens: a web site, a program that listens on the user's computer, or an app of
 * the user's device.
 */
export function placeOf(uri: string): 'web' | 'loopback' | 'app' {
  const { protocol, hostname } = new URL(uri)
  if (protocol !== 'https:' && protocol !== 'http:') return 'app'
  return isLoopback(hostname) ? 'loopback' : 'web'
}

/**
 * Whether a client registered this very redirect URI; of a loopback one the port may differ (RFC 8252 section 7.3).
 * Both have passed {@link isRedirectAllowed}, so that equal texts are equal URIs.
 *
 * @param registered undefined for the client that may use every allowed one
 */
export function isRegistered(uri: string, registered: readonly string[] | undefined): boolean {
  if (registered === undefined) return true
  return registered.some((one) => one === uri || withoutLoopbackPort(one) === withoutLoopbackPort(uri))
}

/**
 * A redirect URI that every reader takes for the same: it is already written the way the URL standard writes it, so
 * there is no userinfo, backslash, dot segment, tab, unusual IP address, default port or upper-case host to disagree
 * about, however often it is decoded; and it is https, or http on loopback (OAuth 2.1 section 2.3.1).
 */
function parseRedirectUri(uri: string): URL | undefined {
  if (uri.length > maxUriChars || !/^[\x21-\x7e]+$/.test(uri)) return undefined
  if (/[\\#@]|\?$|%(25|2e|2f|5c|00)|\.\.;/i.test(uri) || !URL.canParse(uri)) return undefined
  const url = new URL(uri)
  if (uri !== url.href && uri !== url.origin) return undefined
  if (!hostname.test(url.hostname)) return undefined
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) return undefined
  return hasNoResponseParameter(url) ? url : undefined
}

function hasNoResponseParameter(url: URL): boolean {
  return !responseParameters.some((name) => url.searchParams.has(name))
}

function matches(url: URL, { origin, anyPort, path }: WebRule): boolean {
  if ((anyPort ? `${url.protocol}//${url.hostname}` : url.origin) !== origin) return false
  if (path === '*') return true
  return path.endsWith('/') ? url.pathname.startsWith(path) : url.pathname === path && url.search === ''
}

/** A URI as it is compared and listed: a program on loopback listens on any free port (RFC 8252 section 7.3). */
export function withoutLoopbackPort(uri: string): string {
  const url = new URL(uri)
  return placeOf(uri) === 'loopback' ? `${url.protocol}//${url.hostname}${url.pathname}${url.search}` : uri
}
