import type { FastifyInstance } from 'fastify'
import type { Configured } from '../config/index.ts'
import { resourceOf } from '../config/resource.ts'

/** Where and how to sign in. Public, and the same for every request: nothing in it is taken from one. */
export async function discoveryRoutes(app: FastifyInstance, { config }: Configured) {
  const { resource, authorizationServer, authorizeUrl, tokenUrl, scopes } = resourceOf(config)

  // RFC 9728 section 2.
  const metadata = {
    resource,
    resource_name: 'Microsoft 365 Message Center',
    authorization_servers: [authorizationServer],
    scopes_supported: scopes,
    bearer_methods_supported: ['header'],
  }
  // The path-inserted form of RFC 9728 section 3.1, and the root form that clients fall back to.
  for (const path of ['/.well-known/oauth-protected-resource/mcp', '/.well-known/oauth-protected-resource']) {
    app.get(path, { config: { anyOrigin: true } }, () => metadata)
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
  app.get('/discover', () => discovery)
}
