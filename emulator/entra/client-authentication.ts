import { createHash, timingSafeEqual } from 'node:crypto'
import type { AppRegistration, Platform } from '../tenant.ts'
import { AadstsError } from './aadsts.ts'
import type { Authority } from './authority.ts'
import { requireClientAssertion } from './client-assertion.ts'
import { type Parameters, required } from './parameters.ts'
import type { ClientAuthMethod } from './tokens.ts'

const jwtBearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** A registered client, and how it authenticated. */
export interface Client {
  app: AppRegistration
  authMethod: ClientAuthMethod
}

/**
 * The client of a token request: `client_secret_post`, `client_secret_basic` (RFC 6749 §2.3.1), an assertion
 * (RFC 7523), or no authentication. Grants that require it call `requireClientAuthentication`.
 *
 * @throws {AadstsError} 900144, 700038, 7000215, or the error of an assertion
 */
export function authenticateClient(form: Parameters, authorization: string | undefined, authority: Authority): Client {
  const basic = readBasic(authorization)
  const clientId = basic?.clientId ?? required(form, 'client_id')
  const app = authority.tenant.findApp(clientId)
  if (app === undefined) throw new AadstsError(700038, { app: clientId })
  const assertion = form['client_assertion']
  if (assertion !== undefined) {
    if (required(form, 'client_assertion_type') !== jwtBearer) throw new AadstsError(9002313)
    requireClientAssertion(authority, app, assertion)
    return { app, authMethod: '2' }
  }
  const secret = basic?.secret ?? form['client_secret']
  if (secret === undefined) return { app, authMethod: '0' }
  if (!sameSecret(secret, app.clientSecret)) throw new AadstsError(7000215, { app: clientId })
  return { app, authMethod: '1' }
}

/**
 * Web apps must authenticate; native and single-page apps must not.
 * @throws {AadstsError} 7000218 or 700025
 */
export function requireClientAuthentication(client: Client, platform: Platform): void {
  if (platform === 'web' && client.authMethod === '0') throw new AadstsError(7000218)
  if (platform !== 'web' && client.authMethod !== '0') throw new AadstsError(700025)
}

/**
 * Only single-page apps redeem across origins, from a browser.
 * @throws {AadstsError} 9002326 or 9002327
 */
export function requireOrigin(origin: string | undefined, platform: Platform): void {
  if (platform !== 'spa' && origin !== undefined) throw new AadstsError(9002326)
  if (platform === 'spa' && origin === undefined) throw new AadstsError(9002327)
}

function readBasic(authorization: string | undefined): { clientId: string; secret: string } | undefined {
  const [, encoded] = /^Basic +([\w+/=-]+)$/i.exec(authorization ?? '') ?? []
  if (encoded === undefined) return undefined
  const [clientId = '', ...rest] = Buffer.from(encoded, 'base64').toString().split(':')
  return { clientId: formDecoded(clientId), secret: formDecoded(rest.join(':')) }
}

function formDecoded(text: string): string {
  return new URLSearchParams(`value=${text}`).get('value') ?? ''
}

function sameSecret(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}
