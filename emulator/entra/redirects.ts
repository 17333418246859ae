import type { AppRegistration, Platform } from '../tenant.ts'

const PLATFORMS: readonly Platform[] = ['web', 'spa', 'publicClient']
const LOOPBACK = new Set(['localhost', '127.0.0.1'])

/**
 * The platform of a registered redirect URI, or `undefined`.
 * Matching is exact and case-sensitive, except for the port of a loopback URI, which Entra ignores on every platform; the
 * first match decides.
 * https://learn.microsoft.com/entra/identity-platform/reply-url#localhost-exceptions
 */
export function platformOf(app: AppRegistration, redirectUri: string): Platform | undefined {
  const requested = withoutLoopbackPort(redirectUri)
  return PLATFORMS.find((platform) =>
    app.redirectUris[platform].some((registered) => withoutLoopbackPort(registered) === requested),
  )
}

/** Adds the slash to a redirect URI without a path, as Entra does. */
export function normalizeRedirectUri(redirectUri: string): string {
  const url = URL.parse(redirectUri)
  return url === null ? redirectUri : url.href
}

function withoutLoopbackPort(uri: string): string {
  // Not parsed as a URL, whose normalization (`..`, `%2e`, case) would make different URIs equal.
  const match = /^http:\/\/([^/:?#@\\]+)(?::\d{1,5})?(\/[^\\]*)?$/.exec(uri)
  const [, host = '', path = ''] = match ?? []
  return LOOPBACK.has(host) ? `http://${host}${path}` : uri
}
