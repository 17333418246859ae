import { isPrivateUseUri } from '../../lib/private-use-uri.ts'
import { isRedirectAllowed, parseRedirectRule, placeOf, type RedirectRule } from '../../lib/redirect-policy.ts'

/** A rejected redirect URI, reduced to what a page and the log may show. */
export interface RejectedRedirect {
  /** Origin and path: a query or fragment may hold a secret. */
  readonly redirectUri: string
  /** The entry that would allow it; absent if none would. */
  readonly allowEntry?: string
  /** The line of the environment that would allow it beside everything allowed already. */
  readonly allowLine?: string
}

const maxDisplayChars = 300

/** @param rules the operator's list */
export function rejectedRedirect(uri: string, rules: readonly RedirectRule[]): RejectedRedirect {
  if (!URL.canParse(uri)) return { redirectUri: 'no URL' }
  const { text, isComplete } = displayRedirect(uri)
  if (!isComplete) return { redirectUri: text }
  const rule = parseRedirectRule(placeOf(uri) === 'loopback' ? withoutPort(text) : text)
  if (rule === undefined || !isRedirectAllowed(uri, [rule]) || isRedirectAllowed(uri, rules)) {
    return { redirectUri: text }
  }
  const allowLine = `MCP_OAUTH_REDIRECT_URI_PREFIXES=${[...rules, rule].map(entryOf).join(',')}`
  return { redirectUri: text, allowEntry: entryOf(rule), allowLine }
}

/** Safe text for a page and a log line, and whether it is the whole origin and path. */
function displayRedirect(uri: string): { text: string; isComplete: boolean } {
  const { protocol, origin, pathname } = new URL(uri)
  const [address = ''] = uri.split(/[?#]/)
  if (placeOf(uri) === 'app') {
    // Of a scheme that no app can have, the scheme alone: what follows it may be a script.
    return isPrivateUseUri(address) ? truncate(address) : { text: protocol, isComplete: false }
  }
  // Plain characters only: markup or a line break in a path must not reach a log.
  const [path = ''] = (/^[!-~]+$/.test(uri) && /^[\w.~/-]*/.exec(pathname)) || []
  return truncate(origin + path, path === pathname)
}

function truncate(text: string, isComplete = true): { text: string; isComplete: boolean } {
  if (isComplete && text.length <= maxDisplayChars) return { text, isComplete }
  return { text: `${text.slice(0, maxDisplayChars - 1)}…`, isComplete: false }
}

/** A program on loopback listens on any free port. */
function withoutPort(uri: string): string {
  const { protocol, hostname, pathname } = new URL(uri)
  return `${protocol}//${hostname}${pathname}`
}

function entryOf(rule: RedirectRule): string {
  if ('uri' in rule) return rule.uri
  return rule.path === '*' ? rule.origin : rule.origin + rule.path
}
