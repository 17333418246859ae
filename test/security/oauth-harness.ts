import assert from 'node:assert/strict'
import { subscribe } from 'node:diagnostics_channel'
import type { Dispatcher } from 'undici'
import { type CookieJar, signIn } from '../../emulator/sign-in.ts'
import { createSeals, type Purpose } from '../../src/plugins/oauth-proxy/seal.ts'
import type { JsonResponse } from '../sign-in-helper.ts'
import { call, type HttpResponse } from './harness.ts'

/** A browser without a window that goes one step at a time and follows nothing, so that an attack can come in between. */
export interface Browser {
  /** What it holds for the server, by name. */
  readonly cookies: CookieJar
  /** Opens a URL; of an absolute one its path and query count, since there is one server to go to. */
  go(url: string | URL, headers?: Readonly<Record<string, string>>): Promise<HttpResponse>
  /** Posts the consent page's form, as the page itself would. */
  submit(
    form: Readonly<Record<string, string>> | string,
    headers?: Readonly<Record<string, string | undefined>>,
  ): Promise<HttpResponse>
}

/**
 * Opens a browser at a server.
 *
 * @param server where it listens
 * @param publicUrl the origin that the browser knows it by, where that is another
 */
export function openBrowser(server: string, publicUrl = server, cookies: CookieJar = new Map()): Browser {
  const own = () => ({
    host: new URL(publicUrl).host,
    ...(cookies.size > 0 && { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') }),
  })
  const keep = (response: HttpResponse) => {
    for (const cookie of setCookiesOf(response)) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      if (value === '') cookies.delete(name)
      else cookies.set(name, value)
    }
    return response
  }
  return {
    cookies,
    go: async (url, headers = {}) => {
      const { pathname, search } = new URL(url, publicUrl)
      return keep(await call(`${server}${pathname}${search}`, { headers: { ...own(), ...headers } }))
    },
    submit: async (form, headers = {}) => {
      const all: Record<string, string | undefined> = {
        ...own(),
        'content-type': 'application/x-www-form-urlencoded',
        origin: publicUrl,
        'sec-fetch-site': 'same-origin',
        ...headers,
      }
      const sent = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined)
      const body = typeof form === 'string' ? form : new URLSearchParams(form).toString()
      return keep(await call(`${server}/oauth/consent`, { method: 'POST', headers: Object.fromEntries(sent), body }))
    },
  }
}

export function setCookiesOf({ headers }: HttpResponse): string[] {
  return [headers['set-cookie'] ?? []].flat()
}

/** Where a response sends its browser: by redirect, or by a page's refresh. */
export function leadsTo({ headers, text }: HttpResponse): URL {
  const { location } = headers
  const target = typeof location === 'string' ? location : markupText(text, refreshPattern)
  if (target === undefined) throw new Error(`It leads nowhere: ${alertOf(text) ?? text.slice(0, 200)}`)
  return new URL(target)
}

const refreshPattern = /http-equiv="refresh" content="0; url=([^"]*)"/

/** The sealed request on a consent page. */
export function formOf({ text }: HttpResponse): string {
  const form = markupText(text, /name="request" value="([^"]*)"/)
  if (form === undefined) throw new Error(`It is no consent page: ${alertOf(text) ?? text.slice(0, 200)}`)
  return form
}

/** What a failure page says. */
export function alertOf(text: string): string | undefined {
  return markupText(text, /role="alert">([^<]*)</)
}

function markupText(text: string, pattern: RegExp): string | undefined {
  return pattern.exec(text)?.[1]?.replaceAll(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
}

/** Signs a user in at the tenant's own page, and gives back the callback URL that the browser is sent to. */
export async function callbackOf(onward: URL, user = 'rowan', consent = true): Promise<URL> {
  return (await signIn(onward, { user, consent })).url
}

/** An error response that a person sees: a page of this server, from which nothing leads anywhere. */
export function assertPage(response: HttpResponse, status = 400) {
  assert.equal(response.status, status, response.text.slice(0, 300))
  assert.match(String(response.headers['content-type']), /^text\/html/)
  assert.equal(response.headers['location'], undefined)
  assert.doesNotMatch(response.text, /http-equiv|<a |<form/)
  assert.ok(alertOf(response.text), 'the page says what is wrong')
  assert.deepEqual(setCookiesOf(response), [])
}

/** An error response that a client reads (RFC 6749 section 5.2). */
export function assertRejected({ status, headers, body }: JsonResponse, error: string, expected = 400) {
  assert.deepEqual([status, body['error']], [expected, error], JSON.stringify(body))
  assert.deepEqual(Object.keys(body).sort(), ['error', 'error_description'])
  assert.match(String(headers['content-type']), /^application\/json/)
  assert.equal(headers['cache-control'], 'no-store')
}

/** An error response at the client's redirect URI (RFC 6749 section 4.1.2.1, RFC 9207). */
export function assertRejectedAtClient(url: URL, error: string, { state, iss }: { state: string | null; iss: string }) {
  const { searchParams: response } = url
  assert.deepEqual([response.get('error'), response.get('state'), response.get('iss')], [error, state, iss])
  assert.match(response.get('error_description') ?? '', /^[\x20-\x7e]+$/)
  assert.equal(response.get('code'), null)
}

/** Tokens came, and they are whole. */
export function assertTokens({ status, body }: JsonResponse) {
  assert.equal(status, 200, JSON.stringify(body))
  assert.match(String(body['access_token']), /^eyJ/)
}

export const formType = { 'content-type': 'application/x-www-form-urlencoded' }

/** Posts a body as it is written, for what no honest client would write. */
export async function postBody(
  url: string,
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = formType,
): Promise<JsonResponse> {
  const response = await call(url, { method: 'POST', headers, body })
  return { ...response, body: response.body as unknown as JsonResponse['body'] }
}

/** Opens what was sealed, for tests that forge what no server would seal. */
export async function unseal<T>(key: string, purpose: Purpose, text: string): Promise<T> {
  const opened = await createSeals([key])<T>(purpose).open(text)
  if (!('value' in opened)) throw new Error(`It does not open: ${opened.rejected}`)
  return opened.value
}

/** Seals a value as a server with this key would. */
export function reseal<T>(key: string, purpose: Purpose, value: T, lifetimeMs = 3_600_000): Promise<string> {
  return createSeals([key])<T>(purpose).seal(value, lifetimeMs)
}

/** The parts of a sealed token that are not empty (RFC 7516 section 7.1). */
export const tokenParts = { header: 0, iv: 2, ciphertext: 3, tag: 4 } as const

/** A sealed token with a part of it changed. */
export function withPart(
  token: string,
  part: keyof typeof tokenParts,
  change: (bytes: Buffer) => Uint8Array | string,
): string {
  const index = tokenParts[part]
  const parts = token.split('.')
  const changed = change(Buffer.from(parts[index] ?? '', 'base64url'))
  return parts.with(index, typeof changed === 'string' ? changed : Buffer.from(changed).toString('base64url')).join('.')
}

/** A sealed token with one bit of a part turned. */
export function withFlippedBit(token: string, part: keyof typeof tokenParts = 'ciphertext', at = 0): string {
  return withPart(token, part, (bytes) => {
    const index = at < 0 ? bytes.length + at : at
    return bytes.fill((bytes[index] ?? 0) ^ 1, index, index + 1)
  })
}

/** A request that left this process, as undici itself announces it. */
export interface Outbound {
  readonly origin: string
  readonly method: string
  readonly path: string
  readonly body: string
}

/** Everything that leaves this process for some origins from now on, the test's own requests to them included. */
export function watchOutbound(...origins: readonly string[]): Outbound[] {
  const seen: Outbound[] = []
  subscribe('undici:request:create', (message) => {
    const { request } = message as { request: Dispatcher.DispatchOptions }
    const { method, path, body } = request
    const origin = String(request.origin)
    if (origins.includes(origin)) seen.push({ origin, method, path, body: String(body ?? '') })
  })
  return seen
}

/** Form-encoded pairs as they stand, for parameters that are given twice. */
export function formBody(...pairs: readonly (readonly [string, string])[]): string {
  return new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, value])).toString()
}
