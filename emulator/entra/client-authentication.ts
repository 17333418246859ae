import { createHash, timingSafeEqual } from 'node:crypto'
import type { AppRegistration, Platform } from '../tenant.ts'
import { AadstsError } from './aadsts.ts'
import type { Authority } from './authority.ts'
import { requireClientAssertion } from './client-assertion.ts'
import { type Parameters, required } from './parameters.ts'
import type { ClientProof } from './tokens.ts'

const jwtBearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** A registered client, and how it proved to be it. */
export interface Client {
  app: AppRegistration
  proof: ClientProof
}

/**
 * The client behind a token request: `client_secret_post`, `client_secret_basic` (RFC 6749 §2.3.1), an assertion
 * (RFC 7523), or no proof at all. Whether it had to prove itself is the grant's to say: see `requireProof`.
 *
 * @throws {AadstsError} 900144, 700038, 7000215, or what is wrong with an assertion
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
    return { app, proof: '2' }
  }
  const secret = basic?.secret ?? form['client_secret']
  if (secret === undefined) return { app, proof: '0' }
  if (!sameSecret(secret, app.clientSecret)) throw new AadstsError(7000215, { app: clientId })
  return { app, proof: '1' }
}

/**
 * Web apps prove themselves; native and single-page apps must not pretend to.
 * @throws {AadstsError} 7000218 or 700025
 */
export function requireProof(client: Client, platform: Platform): void {
  if (platform === 'web' && client.proof === '0') throw new AadstsError(7000218)
  if (platform !== 'web' && client.proof !== '0') throw new AadstsError(700025)
}

/**
 * Single-page apps redeem from a browser, across origins; nobody else does.
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
