import { request } from 'undici'
import { type CookieJar, signIn } from '../emulator/sign-in.ts'

export interface BrowserOptions {
  /** Who signs in at the emulated tenant. */
  readonly user: string
  /** The decision on this server's consent page, if there is one; defaults to `true`. */
  readonly consent?: boolean
  /** Cookies of server and tenant: pass the same ones for the same browser. */
  readonly cookies?: { readonly server: CookieJar; readonly tenant: CookieJar }
}

/** The result of a sign-in in the browser. */
export interface BrowserResult {
  /** The client's redirect URI with the authorization response. */
  readonly url: URL
  /** The client's name on the consent page; undefined if none was shown. */
  readonly clientName: string | undefined
}

export interface ServerPage {
  readonly status: number
  readonly location: string | undefined
  readonly html: string
}

/** The server, or the tenant behind it, showed an error page. */
export class PageError extends Error {
  override readonly name = 'PageError'
}

/**
 * A scripted browser: follows a client's authorization URL through the pages of this server and Entra up to the client's
 * redirect URI, which it does not open.
 *
 * @throws {PageError} with the text of an error page
 */
export async function browse(authorizationUrl: string | URL, options: BrowserOptions): Promise<BrowserResult> {
  const { user, consent = true, cookies = { server: new Map(), tenant: new Map() } } = options
  const server = new URL(authorizationUrl).origin
  let page = await visit(authorizationUrl, cookies.server)
  const clientName = textOf(page, /<bdi>([^<]*)<\/bdi>/)
  const form = textOf(page, /name="request" value="([^"]*)"/)
  if (form !== undefined) {
    const decision = consent ? { decision: 'allow', confirmed: 'yes' } : { decision: 'deny' }
    page = await visit(`${server}/oauth/consent`, cookies.server, { request: form, ...decision })
  }
  const next = new URL(nextUrl(page))
  if (!next.pathname.endsWith('/oauth2/v2.0/authorize')) return { url: next, clientName }

  const { url: callback } = await signIn(next, { user, cookies: cookies.tenant })
  const last = await visit(callback, cookies.server)
  return { url: new URL(nextUrl(last)), clientName }
}

/** A browser's request to the server, with cookies; a POST from the server's own page if there is a form. */
export async function visit(
  url: string | URL,
  cookies: CookieJar,
  form?: Readonly<Record<string, string>>,
): Promise<ServerPage> {
  const { statusCode, headers, body } = await request(url, {
    method: form === undefined ? 'GET' : 'POST',
    headers: {
      cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      ...(form !== undefined && {
        'content-type': 'application/x-www-form-urlencoded',
        origin: new URL(url).origin,
        'sec-fetch-site': 'same-origin',
      }),
    },
    body: form === undefined ? null : new URLSearchParams(form).toString(),
  })
  for (const cookie of [headers['set-cookie'] ?? []].flat()) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
    if (value === '') cookies.delete(name)
    else cookies.set(name, value)
  }
  const { location } = headers
  return {
    status: statusCode,
    location: typeof location === 'string' ? location : undefined,
    html: await body.text(),
  }
}

/** The URL of a redirect, or of the refresh after a form. */
function nextUrl(page: ServerPage): string {
  const refresh = textOf(page, /http-equiv="refresh" content="0; url=([^"]*)"/)
  const target = page.location ?? refresh
  if (target !== undefined) return target
  throw new PageError(textOf(page, /role="alert">([^<]*)</) ?? `The server responded with ${page.status}.`)
}

function textOf({ html }: ServerPage, pattern: RegExp): string | undefined {
  return pattern.exec(html)?.[1]?.replaceAll(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
}
