import type { Context } from './context.ts'
import { secretMethods } from './registration.ts'

/**
 * How clients sign in here: RFC 8414 section 2, with what MCP clients look for beyond it and what OpenID Connect Discovery
 * 1.0 requires. The issuer is the public origin, exactly; keys are Entra's, which signs the tokens; scopes are those of the
 * protected-resource metadata.
 */
export function serverMetadata({ issuer, endpoints, resource }: Pick<Context, 'issuer' | 'endpoints' | 'resource'>) {
  const authMethods = ['none', ...secretMethods]
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    registration_endpoint: `${issuer}/register`,
    revocation_endpoint: `${issuer}/revoke`,
    jwks_uri: endpoints.keysUrl,
    scopes_supported: resource.scopes,
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
