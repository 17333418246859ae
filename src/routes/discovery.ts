import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Configured } from '../config/index.ts'
import { resourceOf } from '../config/resource.ts'

/** RFC 9728 section 2. */
const ProtectedResourceMetadata = Type.Object({
  resource: Type.String(),
  resource_name: Type.String(),
  authorization_servers: Type.Array(Type.String()),
  scopes_supported: Type.Array(Type.String()),
  bearer_methods_supported: Type.Array(Type.String()),
})

const Discovery = Type.Object({
  issuer: Type.String(),
  tenantId: Type.String(),
  clientId: Type.String(),
  authorizationEndpoint: Type.String(),
  tokenEndpoint: Type.String(),
  scopes: Type.Array(Type.String()),
  pkceRequired: Type.Boolean(),
  grantTypes: Type.Array(Type.String()),
})

/** Where and how to sign in. Public, and the same for every request: nothing in it is taken from one. */
export async function discoveryRoutes(app: FastifyInstance, { config }: Configured) {
  const { resource, authorizationServer, authorizeUrl, tokenUrl, scopes } = resourceOf(config)

  const metadata = {
    resource,
    resource_name: 'Microsoft 365 Message Center',
    authorization_servers: [authorizationServer],
    scopes_supported: scopes,
    bearer_methods_supported: ['header'],
  }
  // The path-inserted form of RFC 9728 section 3.1, and the root form that clients fall back to.
  for (const path of ['/.well-known/oauth-protected-resource/mcp', '/.well-known/oauth-protected-resource']) {
    app.get(
      path,
      { config: { anyOrigin: true }, schema: { response: { 200: ProtectedResourceMetadata } } },
      () => metadata,
    )
  }

  const discovery = {
    issuer: authorizationServer,
    tenantId: config.entra.tenantId,
    clientId: config.oauthProxy?.clientId ?? config.entra.clientId,
    authorizationEndpoint: authorizeUrl,
    tokenEndpoint: tokenUrl,
    scopes,
    pkceRequired: true,
    grantTypes: ['authorization_code', 'refresh_token'],
  }
  app.get('/discover', { schema: { response: { 200: Discovery } } }, () => discovery)
}
