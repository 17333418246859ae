import { type Static, Type } from 'typebox'
import { isRedirectAllowed, type RedirectRule } from '../../lib/redirect-policy.ts'
import type { Client } from './client.ts'
import { displayName } from './display-name.ts'
import { type RejectedRedirect, rejectedRedirect } from './rejected-redirect.ts'

/**
 * Client metadata (RFC 7591 section 2). Its members are checked by {@link readRegistration}: what is null, of another type
 * or too long is ignored, as if the client had not sent it.
 */
export const ClientMetadata = Type.Record(Type.String(), Type.Unknown())
export type ClientMetadata = Static<typeof ClientMetadata>

/** How a client that has a secret may send it (RFC 6749 section 2.3.1). */
export const secretMethods = ['client_secret_post', 'client_secret_basic']

/** What is sealed into the client id. */
export interface Registration {
  readonly name: string
  readonly redirectUris: readonly string[]
  /** Absent if false, to keep the client id short. */
  readonly hasSecret?: true
}

/** The error (RFC 7591 section 3.2.2), a sentence that says why, and the first redirect URI if none is allowed. */
export interface RejectedRegistration {
  readonly error: 'redirect_uris_not_allowed' | 'client_metadata_invalid'
  readonly detail: string
  readonly rejected?: RejectedRedirect
}

/** A registration becomes a client id, and that travels in URLs. */
const maxRegistrationChars = 1_200

/**
 * The part of client metadata that can be registered. Redirect URIs that this server would never use, or that do not fit
 * beside those before them, are left out, as RFC 7591 section 2 allows: clients register all they have, for every
 * environment they run in.
 *
 * @returns the registration, or why there is none
 */
export function readRegistration(
  metadata: ClientMetadata,
  rules: readonly RedirectRule[],
): Registration | RejectedRegistration {
  for (const [member, needed] of [
    ['grant_types', 'authorization_code'],
    ['response_types', 'code'],
  ] as const) {
    const values = textsOf(metadata[member])
    if (values.length > 0 && !values.includes(needed)) {
      return { error: 'client_metadata_invalid', detail: `${member} must include ${needed}.` }
    }
  }
  const given = textsOf(metadata['redirect_uris'])
  const [first] = given
  if (first === undefined) return { error: 'client_metadata_invalid', detail: 'redirect_uris must not be empty.' }
  const allowed = [...new Set(given)].filter((uri) => isRedirectAllowed(uri, rules))
  if (allowed.length === 0) {
    return {
      error: 'redirect_uris_not_allowed',
      detail: 'The operator can allow one with MCP_OAUTH_REDIRECT_URI_PREFIXES.',
      rejected: rejectedRedirect(first, rules),
    }
  }
  const name = displayName(metadata['client_name'], 'Unnamed app')
  const redirectUris: string[] = []
  const registration: Registration = {
    name,
    redirectUris,
    ...(registeredMethod(metadata) !== 'none' && { hasSecret: true }),
  }
  for (const uri of allowed) {
    redirectUris.push(uri)
    if (JSON.stringify(registration).length > maxRegistrationChars) redirectUris.pop()
  }
  if (redirectUris.length === 0) {
    return { error: 'client_metadata_invalid', detail: 'Every redirect URI is too long.' }
  }
  return registration
}

/** The method that a client is registered with: the requested one if it is supported, else `none`. */
export function registeredMethod({ token_endpoint_auth_method: method }: ClientMetadata): string {
  return typeof method === 'string' && secretMethods.includes(method) ? method : 'none'
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}

/** The client behind an opened registration. */
export function registeredClient(clientId: string, registration: Registration): Client {
  return { id: clientId, kind: 'registered', ...registration }
}
