import { isPrivateUseUri } from '../../lib/private-use-uri.ts'
import { isRedirectAllowed, parseRedirectRule, placeOf, type RedirectRule } from '../../lib/redirect-policy.ts'

/** A redirect URI that was rejected, as far as a page and the log may have it. */
export interface RejectedRedirect {
  /** Origin and path: a query or fragment may hold what is secret. */
  readonly redirectUri: string
  /** The line of the environment that would allow it, with all that is allowed already; absent where none would. */
  readonly allowLine?: string
}

const maxShownChars = 300

/** @param rules the operator's list */
export function rejectedRedirect(uri: string, rules: readonly RedirectRule[]): RejectedRedirect {
  if (!URL.canParse(uri)) return { redirectUri: 'no URL' }
  const redirectUri = shownRedirect(uri)
  if (redirectUri.endsWith('…')) return { redirectUri }
  const entry = placeOf(uri) === 'loopback' ? withoutPort(redirectUri) : redirectUri
  const rule = parseRedirectRule(entry)
  if (rule === undefined || !isRedirectAllowed(uri, [rule]) || isRedirectAllowed(uri, rules)) return { redirectUri }
  return { redirectUri, allowLine: `MCP_OAUTH_REDIRECT_URI_PREFIXES=${[...rules, rule].map(entryOf).join(',')}` }
}

/** Of a scheme that no app can have there is the scheme alone: what follows it may be a script. */
function shownRedirect(uri: string): string {
  const { protocol, origin, pathname } = new URL(uri)
  const [address = ''] = uri.split(/[?#]/)
  if (placeOf(uri) === 'app' && !isPrivateUseUri(address)) return protocol
  // As far as it is plain: whoever writes markup or a line break into a path shall not find it in a log.
  const [path = ''] = (/^[!-~]+$/.test(uri) && /^[\w.~/-]*/.exec(pathname)) || []
  const web = path === pathname ? origin + path : `${origin}${path}…`
  const shown = placeOf(uri) === 'app' ? address : web
  return shown.length > maxShownChars ? `${shown.slice(0, maxShownChars - 1)}…` : shown
}

/** A program on loopback listens where it finds a port. */
function withoutPort(uri: string): string {
  const { protocol, hostname, pathname } = new URL(uri)
  return `${protocol}//${hostname}${pathname}`
}

function entryOf(rule: RedirectRule): string {
  if ('uri' in rule) return rule.uri
  return rule.path === '*' ? rule.origin : rule.origin + rule.path
}
