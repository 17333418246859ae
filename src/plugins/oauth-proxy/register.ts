import { type Static, Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import type { RedirectRule } from '../../lib/redirect-policy.ts'
import type { ClientSecrets } from './client-secret.ts'
import { type ClientMetadata, type Registration, readRegistration, registeredMethod } from './registration.ts'
import type { Seal } from './seal.ts'

/** Permanent as far as a client can tell; an app unused for a year registers again. */
const registrationLifetimeMs = 365 * 24 * 3_600_000

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
export type RegisteredClient = Static<typeof RegisteredClient>

export interface RegisterOptions {
  readonly redirects: readonly RedirectRule[]
  readonly registrations: Seal<Registration>
  readonly secrets: ClientSecrets
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/**
 * `POST /register` (RFC 7591). The client id is the sealed registration, and a secret is computed from it, so nothing is
 * stored. Both expire with the registration.
 *
 * @returns a handler that throws {@link Failure} `redirect_uris_not_allowed` or `client_metadata_invalid`
 */
export function createRegister({ redirects, registrations, secrets, now }: RegisterOptions) {
  return async (metadata: ClientMetadata): Promise<RegisteredClient> => {
    const registration = readRegistration(metadata, redirects)
    if ('error' in registration) {
      const { error, detail, rejected } = registration
      throw new Failure(error, { detail, ...rejected })
    }
    const clientId = await registrations.seal(registration, registrationLifetimeMs)
    const issuedAt = Math.floor(now() / 1000)
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
}
