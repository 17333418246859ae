import { type Static, Type } from 'typebox'
import { secretMethods } from './registration.ts'

/** RFC 8414 section 2, with what MCP clients look for beyond it and what OpenID Connect Discovery 1.0 requires. */
export const AuthorizationServerMetadata = Type.Object({
  issuer: Type.String(),
  authorization_endpoint: Type.String(),
  token_endpoint: Type.String(),
  registration_endpoint: Type.String(),
  revocation_endpoint: Type.String(),
  jwks_uri: Type.String(),
  scopes_supported: Type.Array(Type.String()),
  response_types_supported: Type.Array(Type.String()),
  response_modes_supported: Type.Array(Type.String()),
  grant_types_supported: Type.Array(Type.String()),
  token_endpoint_auth_methods_supported: Type.Array(Type.String()),
  revocation_endpoint_auth_methods_supported: Type.Array(Type.String()),
  code_challenge_methods_supported: Type.Array(Type.String()),
  subject_types_supported: Type.Array(Type.String()),
  id_token_signing_alg_values_supported: Type.Array(Type.String()),
  client_id_metadata_document_supported: Type.Boolean(),
  authorization_response_iss_parameter_supported: Type.Boolean(),
})

/**
 * How clients sign in here. The issuer is the public origin, exactly; keys are Entra's, which signs the tokens.
 *
 * @param issuer the public origin, without a trailing slash
 * @param keysUrl the tenant's JWK set
 * @param scopes what the protected-resource metadata names, and nothing else
 */
export function authorizationServerMetadata(
  issuer: string,
  keysUrl: string,
  scopes: readonly string[],
): Static<typeof AuthorizationServerMetadata> {
  const authMethods = ['none', ...secretMethods]
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    registration_endpoint: `${issuer}/register`,
    revocation_endpoint: `${issuer}/revoke`,
    jwks_uri: keysUrl,
    scopes_supported: [...scopes],
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_methods_supported: authMethods,
    revocation_endpoint_auth_methods_supported: authMethods,
    code_challenge_methods_supported: ['S256'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    client_id_metadata_document_supported: true,
    // RFC 9207: every authorization response names the issuer.
    authorization_response_iss_parameter_supported: true,
  }
}
