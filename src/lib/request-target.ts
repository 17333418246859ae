import type { IncomingMessage } from 'node:http'

/** Where malformed requests are routed. Nothing is there, so that they pass all hooks before they are rejected. */
export const malformedPath = '/malformed-request'

/**
 * A host, with brackets around an IPv6 address, and perhaps a port (RFC 9112 section 3.2, RFC 3986 section 3.2.2): of
 * the characters that names and addresses have. URL parsers would read "user@host" and "%6cocalhost" as hosts too.
 */
const hostPattern = /^(\[[\da-f:.]+\]|[\w.-]*)(:\d{0,5})?$/i

/**
 * The path and query to route a request by. {@link malformedPath} where it names its host more than once or other than
 * its Host header does, or has a path that cannot be decoded, which Fastify would reject before any hook.
 */
export function routedPath({ url = '', headers: { host = '' }, rawHeaders }: IncomingMessage): string {
  const hosts = rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host')
  if (hosts.length > 1 || !hostPattern.test(host)) return malformedPath
  const path = url.startsWith('/') ? url : pathOfAbsolute(url, host)
  return path !== undefined && isDecodable(path) ? path : malformedPath
}

/** The path of a route that a request target leads to: without its query, and without a slash at its end. */
export function pathOf(target: string): string {
  const [path = ''] = target.split('?', 1)
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}

/** Clients send the absolute form to proxies, with the host that Host names (RFC 9112 section 3.2.2). */
function pathOfAbsolute(target: string, host: string): string | undefined {
  if (!/^https?:\/\//i.test(target) || !URL.canParse(target)) return undefined
  const { protocol, origin, username, password, pathname, search } = new URL(target)
  const named = `${protocol}//${host}`
  if (username !== '' || password !== '' || !URL.canParse(named) || new URL(named).origin !== origin) return undefined
  return pathname + search
}

function isDecodable(path: string): boolean {
  try {
    decodeURI(path.split(/[?#]/, 1)[0] ?? '')
    return true
  } catch {
    return false
  }
}
