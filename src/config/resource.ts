import type { Config } from './index.ts'
import { tenantEndpoints } from './tenant.ts'

export type ProtectedResource = ReturnType<typeof resourceOf>

/**
 * The protected resource (RFC 9728) with its scopes and its authorization server, from configuration only: no request can
 * make it name another host.
 */
export function resourceOf({ publicBaseUrl, entra, callers, oauthProxy }: Config) {
  const own = { issuer: publicBaseUrl, authorizeUrl: `${publicBaseUrl}/authorize`, tokenUrl: `${publicBaseUrl}/token` }
  const { issuer, authorizeUrl, tokenUrl } = oauthProxy === undefined ? tenantEndpoints(entra) : own
  return {
    /** The MCP endpoint's URL: the resource's identifier. */
    resource: `${publicBaseUrl}/mcp`,
    resourceMetadataUrl: `${publicBaseUrl}/.well-known/oauth-protected-resource/mcp`,
    /** The issuer: this server's OAuth proxy, or Entra. */
    authorizationServer: issuer,
    authorizeUrl,
    tokenUrl,
    /** Bare names for the proxy; fully qualified for Entra, which would take a bare name for one of Graph's. */
    scopes: oauthProxy?.scopes ?? callers.requiredScopes.map((scope) => `api://${entra.clientId}/${scope}`),
  }
}

/**
 * Whether a client's `resource` (RFC 8707) is this one. Clients differ in a trailing slash, and some send the query of the
 * address that they were given. A fragment is not allowed (section 2).
 */
export function isResource(asked: string, { resource }: Pick<ProtectedResource, 'resource'>): boolean {
  const [address = ''] = asked.split('?')
  if (!URL.canParse(address) || asked.includes('#') || address.includes('@')) return false
  return new URL(address).href.replace(/\/$/, '') === resource
}
