import type { FastifyPluginAsync } from 'fastify'
import { type Authority, issuerOf, requireTenant } from './authority.ts'

interface TenantParams {
  Params: { tenant: string }
}

/** The OpenID Connect metadata documents of the v2 and v1 endpoints. */
export const discoveryRoutes: FastifyPluginAsync<{ authority: Authority }> = async (app, { authority }) => {
  app.get<TenantParams>('/:tenant/v2.0/.well-known/openid-configuration', async ({ params }) => {
    requireTenant(authority, params.tenant)
    const base = `${authority.origin}/${authority.tenant.tenantId}`
    return {
      ...common(authority),
      issuer: issuerOf(authority, 2),
      authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
      token_endpoint: `${base}/oauth2/v2.0/token`,
      jwks_uri: `${base}/discovery/v2.0/keys`,
      end_session_endpoint: `${base}/oauth2/v2.0/logout`,
      device_authorization_endpoint: `${base}/oauth2/v2.0/devicecode`,
      userinfo_endpoint: 'https://graph.microsoft.com/oidc/userinfo',
      scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
      request_uri_parameter_supported: false,
    }
  })

  app.get<TenantParams>('/:tenant/.well-known/openid-configuration', async ({ params }) => {
    requireTenant(authority, params.tenant)
    const base = `${authority.origin}/${authority.tenant.tenantId}`
    return {
      ...common(authority),
      issuer: issuerOf(authority, 1),
      authorization_endpoint: `${base}/oauth2/authorize`,
      token_endpoint: `${base}/oauth2/token`,
      jwks_uri: `${base}/discovery/keys`,
      end_session_endpoint: `${base}/oauth2/logout`,
      device_authorization_endpoint: `${base}/oauth2/devicecode`,
      userinfo_endpoint: `${base}/openid/userinfo`,
      check_session_iframe: `${base}/oauth2/checksession`,
      scopes_supported: ['openid'],
      microsoft_multi_refresh_token: true,
    }
  })
}

/** The JSON Web Key Set, the same at both URLs. */
export const keysRoutes: FastifyPluginAsync<{ authority: Authority }> = async (app, { authority }) => {
  for (const path of ['/:tenant/discovery/v2.0/keys', '/:tenant/discovery/keys']) {
    app.get<TenantParams>(path, async ({ params }) => {
      requireTenant(authority, params.tenant)
      return authority.keys.jwks(issuerOf(authority, 2))
    })
  }
}

/** Members of both documents. No `code_challenge_methods_supported`: Entra supports PKCE without listing it. */
function common({ origin, tenant }: Authority) {
  return {
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
    http_logout_supported: true,
    frontchannel_logout_supported: true,
    claims_supported: [
      ...['sub', 'iss', 'cloud_instance_name', 'cloud_instance_host_name', 'cloud_graph_host_name', 'msgraph_host'],
      ...['aud', 'exp', 'iat', 'auth_time', 'acr', 'nonce', 'preferred_username', 'name', 'tid', 'ver', 'at_hash'],
      ...['c_hash', 'email'],
    ],
    kerberos_endpoint: `${origin}/${tenant.tenantId}/kerberos`,
    tenant_region_scope: 'EU',
    cloud_instance_name: 'microsoftonline.com',
    cloud_graph_host_name: 'graph.windows.net',
    msgraph_host: 'graph.microsoft.com',
    rbac_url: 'https://pas.windows.net',
  }
}
