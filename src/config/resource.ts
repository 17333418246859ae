import type { Config } from './index.ts'
import { tenantEndpoints } from './tenant.ts'

/** What clients sign in for, and where: the protected resource (RFC 9728), its scopes and its authorization server. */
export interface ProtectedResource {
  /** The MCP endpoint's URL: the resource's identifier. */
  readonly resource: string
  readonly resourceMetadataUrl: string
  /** The issuer that signs clients in: this server's proxy, or Entra itself. */
  readonly authorizationServer: string
  readonly authorizeUrl: string
  readonly tokenUrl: string
  /** Names where the proxy gives them; fully qualified for Entra, which would take a bare one for one of Graph's. */
  readonly scopes: readonly string[]
}

/** Names the resource from configuration alone, so that no request can have it name another host. */
export function resourceOf({ publicBaseUrl, entra, callers, oauthProxy }: Config): ProtectedResource {
  const resource = {
    resource: `${publicBaseUrl}/mcp`,
    resourceMetadataUrl: `${publicBaseUrl}/.well-known/oauth-protected-resource/mcp`,
  }
  if (oauthProxy !== undefined) {
    return {
      ...resource,
      authorizationServer: publicBaseUrl,
      authorizeUrl: `${publicBaseUrl}/authorize`,
      tokenUrl: `${publicBaseUrl}/token`,
      scopes: oauthProxy.scopes,
    }
  }
  const { issuer, authorizeUrl, tokenUrl } = tenantEndpoints(entra)
  const scopes = callers.requiredScopes.map((scope) => `api://${entra.clientId}/${scope}`)
  return { ...resource, authorizationServer: issuer, authorizeUrl, tokenUrl, scopes }
}

/**
 * Whether a client's `resource` (RFC 8707) is this one: clients differ over a trailing slash, and some leave a query of
 * the address that they were given. A fragment is not allowed (section 2).
 */
export function isResource(asked: string, { resource }: Pick<ProtectedResource, 'resource'>): boolean {
  const [address = ''] = asked.split('?')
  if (!URL.canParse(address) || asked.includes('#') || address.includes('@')) return false
  return new URL(address).href.replace(/\/$/, '') === resource
}
