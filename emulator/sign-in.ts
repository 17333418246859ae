import { request } from 'undici'

export interface SignInOptions {
  /** Object id, user principal name or its first part. */
  user: string
  /** The decision on the consent page, if there is one; defaults to `true`. */
  consent?: boolean
  /** Cookies of the browser, read and updated: pass the same jar for the same browser. */
  cookies?: CookieJar
}

/** Name → value of a browser's cookies for the emulator. */
export type CookieJar = Map<string, string>

/** The authorization response: its redirect URI, and its parameters from query, fragment or posted form. */
export interface SignInResult {
  url: URL
  parameters: URLSearchParams
}

/** The tenant showed an error page, or an unknown page. */
export class SignInError extends Error {
  /** The AADSTS number on the page. */
  readonly code: number | undefined
  override readonly name = 'SignInError'

  constructor(message: string, code?: number) {
    super(message)
    this.code = code
  }
}

interface Page {
  location: string | undefined
  body: string
}

/**
 * Signs a user in over plain HTTP as a browser would: opens the authorize URL, posts the sign-in form, and the consent
 * form if there is one. The redirect to the client is returned, not followed.
 *
 * @throws {SignInError}
 */
export async function signIn(authorizeUrl: string | URL, options: SignInOptions): Promise<SignInResult> {
  const { user, consent = true, cookies = new Map<string, string>() } = options
  let page = await visit(authorizeUrl, cookies)
  if (hasField(page, 'login')) page = await visit(authorizeUrl, cookies, { canary: canaryOf(page), login: user })
  if (hasField(page, 'consent')) {
    page = await visit(authorizeUrl, cookies, { canary: canaryOf(page), consent: consent ? 'accept' : 'cancel' })
  }
  return resultOf(page)
}

async function visit(url: string | URL, cookies: CookieJar, form?: Record<string, string>): Promise<Page> {
  const response = await request(url, {
    method: form === undefined ? 'GET' : 'POST',
    headers: {
      cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      ...(form !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
    },
    body: form === undefined ? null : new URLSearchParams(form).toString(),
  })
  for (const cookie of [response.headers['set-cookie'] ?? []].flat()) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
    cookies.set(name, value)
  }
  const { location } = response.headers
  return { location: typeof location === 'string' ? location : undefined, body: await response.body.text() }
}

function resultOf({ location, body }: Page): SignInResult {
  if (location !== undefined) {
    const url = new URL(location)
    return { url, parameters: url.hash === '' ? url.searchParams : new URLSearchParams(url.hash.slice(1)) }
  }
  const action = /<form method="post" action="([^"]+)"/.exec(body)?.[1]
  if (action === undefined) throw errorOn(body)
  const parameters = new URLSearchParams()
  for (const [, name = '', value = ''] of body.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)) {
    parameters.append(unescaped(name), unescaped(value))
  }
  return { url: new URL(unescaped(action)), parameters }
}

function hasField({ body }: Page, name: string): boolean {
  return body.includes(`name="${name}"`)
}

function canaryOf({ body }: Page): string {
  return /name="canary" value="([^"]+)"/.exec(body)?.[1] ?? ''
}

function errorOn(body: string): SignInError {
  const [, code, text] = /AADSTS(\d+):<\/strong> ([^<]*)/.exec(body) ?? []
  if (code === undefined) return new SignInError('The tenant returned a page that is neither a form nor an error.')
  return new SignInError(`AADSTS${code}: ${unescaped(text ?? '')}`, Number(code))
}

function unescaped(markup: string): string {
  return markup.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
}
