import { createHash, randomBytes } from 'node:crypto'
import { after } from 'node:test'
import { request } from 'undici'
import type { Emulator, EmulatorOptions } from '../../emulator/app.ts'
import type { AppRegistration } from '../../emulator/tenant.ts'
import { startEmulator } from '../tenant.ts'

export const REDIRECT = 'http://localhost:5005/oauth/callback'

/** A tenant for one test file, closed after its last test. */
export async function startTenant(options: EmulatorOptions = {}): Promise<Emulator> {
  const emulator = await startEmulator(options)
  after(() => emulator.close())
  return emulator
}

/** The members that tests read out of JSON responses. */
export type Body = Partial<{
  error: string
  error_description: string
  error_codes: number[]
  error_uri: string
  suberror: string
  claims: string
  timestamp: string
  trace_id: string
  correlation_id: string
  access_token: string
  refresh_token: string
  id_token: string
  client_info: string
  scope: string
  token_type: string
  expires_in: number
  ext_expires_in: number
  issuer: string
  authorization_endpoint: string
  token_endpoint: string
  jwks_uri: string
  keys: Record<string, string>[]
}>

export interface JsonResponse<T = Body> {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
  /** The JSON body; empty where there is none. */
  body: T
}

/** One HTTP request. */
export async function call<T = Body>(
  url: string | URL,
  options: Parameters<typeof request>[1] = {},
): Promise<JsonResponse<T>> {
  const { statusCode, headers, body } = await request(url, options)
  const text = await body.text()
  const isJson = String(headers['content-type']).startsWith('application/json')
  return { status: statusCode, headers, text, body: JSON.parse(isJson && text !== '' ? text : '{}') as T }
}

/** Posts a form to the token endpoint; `undefined` leaves a field out. */
export function postToken(
  emulator: Emulator,
  fields: Record<string, string | undefined>,
  headers: Record<string, string> = {},
): Promise<JsonResponse> {
  const form = Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined)
  return call(`${emulator.origin}/${emulator.tenantId}/oauth2/v2.0/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(form).toString(),
  })
}

/** The form of an On-Behalf-Of exchange as the API makes it. */
export function exchangeForm({ api }: Emulator, assertion: string): Record<string, string> {
  return {
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    requested_token_use: 'on_behalf_of',
    client_id: api.clientId,
    client_secret: api.clientSecret,
    scope: 'https://graph.microsoft.com/.default',
    assertion,
  }
}

export function authorizeUrl(emulator: Emulator, changes: Record<string, string | undefined> = {}): URL {
  const url = new URL(`${emulator.origin}/${emulator.tenantId}/oauth2/v2.0/authorize`)
  const parameters = {
    client_id: emulator.client.clientId,
    response_type: 'code',
    redirect_uri: REDIRECT,
    scope: `openid profile offline_access ${apiScope(emulator.api)}`,
    state: 'the state',
    ...changes,
  }
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value)
  return url
}

export function apiScope(api: AppRegistration): string {
  return `${api.identifierUri}/access_as_user`
}

/** A PKCE pair (RFC 7636 §4). */
export function pkce(): { verifier: string; challenge: string } {
  const verifier = randomBytes(32).toString('base64url')
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') }
}
