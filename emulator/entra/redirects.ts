import type { AppRegistration, Platform } from '../tenant.ts'

const PLATFORMS: readonly Platform[] = ['web', 'spa', 'publicClient']
const LOOPBACK = new Set(['localhost', '127.0.0.1'])

/**
 * The platform a redirect URI is registered under, or `undefined` where it is not registered.
 * Matching is exact, case included, but for the port of a loopback URI: Entra ignores it on every platform, and takes
 * the platform of whichever registration it meets first.
 * https://learn.microsoft.com/entra/identity-platform/reply-url#localhost-exceptions
 */
export function platformOf(app: AppRegistration, redirectUri: string): Platform | undefined {
  const asked = withoutLoopbackPort(redirectUri)
  return PLATFORMS.find((platform) =>
    app.redirectUris[platform].some((registered) => withoutLoopbackPort(registered) === asked),
  )
}

/** The URI a browser is sent back to: one without a path gets its slash, as Entra has it. */
export function returnAddress(redirectUri: string): string {
  const url = URL.parse(redirectUri)
  return url === null ? redirectUri : url.href
}

function withoutLoopbackPort(uri: string): string {
  // Read from the text and not from a parsed URL, which would make unequal URIs equal (`..`, `%2e`, case).
  const match = /^http:\/\/([^/:?#@\\]+)(?::\d{1,5})?(\/[^\\]*)?$/.exec(uri)
  const [, host = '', path = ''] = match ?? []
  return LOOPBACK.has(host) ? `http://${host}${path}` : uri
}
