import { request } from 'undici'
import { type CookieJar, signIn } from '../emulator/sign-in.ts'

export interface BrowserOptions {
  /** Who signs in at the emulated tenant. */
  readonly user: string
  /** The answer on this server's consent page, where there is one; `true` unless said. */
  readonly consent?: boolean
  /** Cookies of the server and of the tenant: pass the same ones for the same browser. */
  readonly cookies?: { readonly server: CookieJar; readonly tenant: CookieJar }
}

/** Where the browser ended, and what it met on its way. */
export interface Journey {
  /** The client's redirect URI, with the answer in it. */
  readonly url: URL
  /** The client's name on the consent page; undefined where none was shown. */
  readonly askedFor: string | undefined
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
 * A browser without a window: it goes from a client's authorization URL over this server's pages and Entra's to the
 * client's redirect URI, which it does not open.
 *
 * @throws {PageError} with the text of an error page
 */
export async function browse(authorizationUrl: string | URL, options: BrowserOptions): Promise<Journey> {
  const { user, consent = true, cookies = { server: new Map(), tenant: new Map() } } = options
  const server = new URL(authorizationUrl).origin
  let page = await visit(authorizationUrl, cookies.server)
  const askedFor = textOf(page, /<bdi>([^<]*)<\/bdi>/)
  const form = textOf(page, /name="request" value="([^"]*)"/)
  if (form !== undefined) {
    const decision = consent ? { decision: 'allow', confirmed: 'yes' } : { decision: 'deny' }
    page = await visit(`${server}/oauth/consent`, cookies.server, { request: form, ...decision })
  }
  const onward = new URL(leadsTo(page))
  if (!onward.pathname.endsWith('/oauth2/v2.0/authorize')) return { url: onward, askedFor }

  const { url: callback } = await signIn(onward, { user, cookies: cookies.tenant })
  const answer = await visit(callback, cookies.server)
  return { url: new URL(leadsTo(answer)), askedFor }
}

/** One request of a browser to the server, with its cookies; a form makes it a POST from the server's own page. */
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

/** Where a page sends its browser: by redirect, or by the refresh after a form. */
function leadsTo(page: ServerPage): string {
  const refresh = textOf(page, /http-equiv="refresh" content="0; url=([^"]*)"/)
  const target = page.location ?? refresh
  if (target !== undefined) return target
  throw new PageError(textOf(page, /role="alert">([^<]*)</) ?? `The server answered ${page.status}.`)
}

function textOf({ html }: ServerPage, pattern: RegExp): string | undefined {
  return pattern.exec(html)?.[1]?.replaceAll(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
}
