import { type Static, Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import { isRedirectAllowed, type RedirectRule } from '../../lib/redirect-policy.ts'
import type { Context } from './context.ts'
import { displayName } from './display-name.ts'
import { rejectedRedirect } from './rejected-redirect.ts'

/** Permanent as far as a client can tell; an app unused for a year registers again. */
const registrationLifetimeMs = 365 * 24 * 3_600_000
/** A registration becomes a client id, and that travels in URLs. */
const maxRegistrationChars = 1_200

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
  /** Absent if false, so that the client id stays short. */
  readonly hasSecret?: true
}

/** What a client was registered with (RFC 7591 section 3.2.1). */
export const RegisteredClient = Type.Object({
  client_id: Type.String(),
  client_id_issued_at: Type.Integer(),
  client_name: Type.String(),
  redirect_uris: Type.Array(Type.String()),
  grant_types: Type.Array(Type.String()),
  response_types: Type.Array(Type.String()),
  token_endpoint_auth_method: Type.String(),
  client_secret: Type.Optional(Type.String()),
  client_secret_expires_at: Type.Optional(Type.Integer()),
})

/**
 * `POST /register` (RFC 7591). The client id is the sealed registration, and a secret is computed from it, so nothing is
 * stored. Both expire with the registration.
 *
 * @throws {Failure} `redirect_uris_not_allowed` or `client_metadata_invalid`
 */
export async function register(
  { redirects, registrations, secrets }: Context,
  metadata: ClientMetadata,
): Promise<Static<typeof RegisteredClient>> {
  const registration = readRegistration(metadata, redirects)
  const clientId = await registrations.seal(registration, registrationLifetimeMs)
  const issuedAt = Math.floor(Date.now() / 1000)
  return {
    client_id: clientId,
    client_id_issued_at: issuedAt,
    client_name: registration.name,
    redirect_uris: [...registration.redirectUris],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: registeredMethod(metadata),
    ...(registration.hasSecret && {
      client_secret: secrets.secretOf(clientId),
      client_secret_expires_at: issuedAt + registrationLifetimeMs / 1000,
    }),
  }
}

/** For one that no entry of the operator's list would allow. */
const howToWriteIt =
  'A redirect URI is https, http on loopback or of an app’s own scheme, as browsers write it: without a fragment, user ' +
  'name, default port, capitals in its host, escaped slash or parameter of a response.'

/**
 * The part of client metadata that can be registered. Redirect URIs that this server would never use, or that do not fit
 * beside those before them, are left out, as RFC 7591 section 2 allows: clients register all they have, for every
 * environment they run in.
 *
 * @throws {Failure} `redirect_uris_not_allowed`, with the first redirect URI, or `client_metadata_invalid`
 */
export function readRegistration(metadata: ClientMetadata, rules: readonly RedirectRule[]): Registration {
  for (const [member, needed] of [
    ['grant_types', 'authorization_code'],
    ['response_types', 'code'],
  ] as const) {
    const values = textsOf(metadata[member])
    if (values.length > 0 && !values.includes(needed)) throw invalidMetadata(`${member} must include ${needed}.`)
  }
  const given = textsOf(metadata['redirect_uris'])
  const [first] = given
  if (first === undefined) throw invalidMetadata('redirect_uris must not be empty.')
  const allowed = [...new Set(given)].filter((uri) => isRedirectAllowed(uri, rules))
  if (allowed.length === 0) {
    const rejected = rejectedRedirect(first, rules)
    const detail =
      rejected.allowEntry === undefined
        ? howToWriteIt
        : 'The operator can allow one with MCP_OAUTH_REDIRECT_URI_PREFIXES.'
    throw new Failure('redirect_uris_not_allowed', { detail, ...rejected })
  }
  const redirectUris: string[] = []
  const registration: Registration = {
    name: displayName(metadata['client_name'], 'Unnamed app'),
    redirectUris,
    ...(registeredMethod(metadata) !== 'none' && { hasSecret: true }),
  }
  for (const uri of allowed) {
    redirectUris.push(uri)
    if (JSON.stringify(registration).length > maxRegistrationChars) redirectUris.pop()
  }
  if (redirectUris.length === 0) throw invalidMetadata('Every redirect URI is too long.')
  return registration
}

function invalidMetadata(detail: string): Failure {
  return new Failure('client_metadata_invalid', { detail })
}

/** The method that a client is registered with: the requested one if it is supported, else `none`. */
export function registeredMethod({ token_endpoint_auth_method: method }: ClientMetadata): string {
  return typeof method === 'string' && secretMethods.includes(method) ? method : 'none'
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}
