import type { Config } from './index.ts'
import { tenantEndpoints } from './tenant.ts'

/** The protected resource (RFC 9728) with its scopes and its authorization server. */
export interface ProtectedResource {
  /** The MCP endpoint's URL: the resource's identifier. */
  readonly resource: string
  readonly resourceMetadataUrl: string
  /** The issuer: this server's OAuth proxy, or Entra. */
  readonly authorizationServer: string
  readonly authorizeUrl: string
  readonly tokenUrl: string
  /** Bare names for the proxy; fully qualified for Entra, which would take a bare name for one of Graph's. */
  readonly scopes: readonly string[]
}

/** The resource, from configuration only: no request can make it name another host. */
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
 * Whether a client's `resource` (RFC 8707) is this one. Clients differ in a trailing slash, and some keep the query of the
 * address that they were given. A fragment is not allowed (section 2).
 */
export function isResource(asked: string, { resource }: Pick<ProtectedResource, 'resource'>): boolean {
  const [address = ''] = asked.split('?')
  if (!URL.canParse(address) || asked.includes('#') || address.includes('@')) return false
  return new URL(address).href.replace(/\/$/, '') === resource
}
