import { type Static, Type } from 'typebox'
import { type Client, shownName } from './client.ts'
import { isRedirectAllowed, type RedirectRule } from './redirect-policy.ts'

/** A client's description of itself (RFC 7591 section 2); what is not named here is not looked at. */
export const ClientMetadata = Type.Object({
  redirect_uris: Type.Array(Type.String({ maxLength: 500 }), { minItems: 1, maxItems: 20 }),
  client_name: Type.Optional(Type.String({ maxLength: 200 })),
  grant_types: Type.Optional(Type.Array(Type.String({ maxLength: 100 }), { maxItems: 10 })),
  response_types: Type.Optional(Type.Array(Type.String({ maxLength: 100 }), { maxItems: 10 })),
  token_endpoint_auth_method: Type.Optional(Type.String({ maxLength: 100 })),
})
export type ClientMetadata = Static<typeof ClientMetadata>

/** What a client was registered with (RFC 7591 section 3.2.1): never with a secret. */
export const RegisteredClient = Type.Object({
  client_id: Type.String(),
  client_id_issued_at: Type.Integer(),
  client_name: Type.String(),
  redirect_uris: Type.Array(Type.String()),
  grant_types: Type.Array(Type.String()),
  response_types: Type.Array(Type.String()),
  token_endpoint_auth_method: Type.Literal('none'),
})
export type RegisteredClient = Static<typeof RegisteredClient>

/** What a registration remembers, sealed into the client id. */
export interface Registration {
  readonly name: string
  readonly redirectUris: readonly string[]
}

/** A registration becomes a client id, and that travels in URLs. */
const maxRegistrationChars = 1_200

/**
 * What may be registered of a client's description. Redirect URIs that this server would never use are left out, as
 * RFC 7591 section 2 allows: clients register all they have, for every place they run in.
 *
 * @returns the registration, or the error (RFC 7591 section 3.2.2) and a sentence that says why there is none
 */
export function readRegistration(
  metadata: ClientMetadata,
  rules: readonly RedirectRule[],
): Registration | { readonly error: 'redirect_uris_refused' | 'client_metadata_refused'; readonly detail: string } {
  const { grant_types = ['authorization_code'], response_types = ['code'] } = metadata
  if (!grant_types.includes('authorization_code')) {
    return { error: 'client_metadata_refused', detail: 'grant_types must include authorization_code.' }
  }
  if (!response_types.includes('code')) {
    return { error: 'client_metadata_refused', detail: 'response_types must include code.' }
  }
  const redirectUris = [...new Set(metadata.redirect_uris)].filter((uri) => isRedirectAllowed(uri, rules))
  if (redirectUris.length === 0) {
    return {
      error: 'redirect_uris_refused',
      detail: 'The operator can allow one with MCP_OAUTH_REDIRECT_URI_PREFIXES.',
    }
  }
  const registration = { name: shownName(metadata.client_name, 'An application without a name'), redirectUris }
  if (JSON.stringify(registration).length > maxRegistrationChars) {
    return { error: 'client_metadata_refused', detail: 'The name and the redirect URIs are too long together.' }
  }
  return registration
}

/** The client behind an opened registration. */
export function registeredClient(clientId: string, { name, redirectUris }: Registration): Client {
  return { id: clientId, kind: 'registered', name, redirectUris }
}
