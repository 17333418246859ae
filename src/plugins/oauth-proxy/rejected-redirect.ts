import type { Failure } from '../../errors/index.ts'
import { clipped } from '../../lib/clipped.ts'
import { isPrivateUseUri } from '../../lib/private-use-uri.ts'
import {
  isRedirectAllowed,
  parseRedirectRule,
  placeOf,
  type RedirectRule,
  withoutLoopbackPort,
} from '../../lib/redirect-policy.ts'

const maxDisplayChars = 300

/**
 * A rejected redirect URI, reduced to what a page and the log may show, with the entry and the line of the environment that
 * would allow it beside everything allowed already; without them if none would.
 *
 * @param rules the operator's list
 */
export function rejectedRedirect(
  uri: string,
  rules: readonly RedirectRule[],
): Pick<Failure['details'], 'allowEntry' | 'allowLine'> & { readonly redirectUri: string } {
  if (!URL.canParse(uri)) return { redirectUri: 'no URL' }
  const redirectUri = displayRedirect(uri)
  // What is cut off, or of which the scheme alone is shown, can be no entry.
  const isWhole = URL.canParse(redirectUri) && !redirectUri.endsWith('…')
  const rule = isWhole ? parseRedirectRule(withoutLoopbackPort(redirectUri)) : undefined
  if (rule === undefined || !isRedirectAllowed(uri, [rule]) || isRedirectAllowed(uri, rules)) return { redirectUri }
  const allowLine = `MCP_OAUTH_REDIRECT_URI_PREFIXES=${[...rules, rule].map(entryOf).join(',')}`
  return { redirectUri, allowEntry: entryOf(rule), allowLine }
}

/** Origin and path as safe text for a page and a log line: a query or fragment may hold a secret. What is cut off is an ellipsis. */
function displayRedirect(uri: string): string {
  const { protocol, origin, pathname } = new URL(uri)
  if (placeOf(uri) === 'app') {
    const [address = ''] = uri.split(/[?#]/)
    // Of a scheme that no app can have, the scheme alone: what follows it may be a script.
    return isPrivateUseUri(address) ? clipped(address, maxDisplayChars) : protocol
  }
  // Plain characters only: markup or a line break in a path must not reach a log.
  const [path = ''] = (/^[!-~]+$/.test(uri) && /^[\w.~/-]*/.exec(pathname)) || []
  const shown = path === pathname ? path : `${path}…`
  return clipped(origin + shown, maxDisplayChars)
}

function entryOf(rule: RedirectRule): string {
  if ('uri' in rule) return rule.uri
  return rule.path === '*' ? rule.origin : rule.origin + rule.path
}
