import type { Config } from '../config.ts'

/** What clients sign in for: the protected resource and its scopes (RFC 9728). */
export interface ProtectedResource {
  /** The MCP endpoint's URL: the resource's identifier. */
  readonly resource: string
  readonly resourceMetadataUrl: string
  /** Fully qualified, as Entra wants them: a bare scope would be taken for one of Graph's. */
  readonly scopes: readonly string[]
}

/** Names the resource from configuration alone, so that no request can have it name another host. */
export function resourceOf(config: Pick<Config, 'publicBaseUrl' | 'entra' | 'callers'>): ProtectedResource {
  return {
    resource: `${config.publicBaseUrl}/mcp`,
    resourceMetadataUrl: `${config.publicBaseUrl}/.well-known/oauth-protected-resource/mcp`,
    scopes: config.callers.requiredScopes.map((scope) => `api://${config.entra.clientId}/${scope}`),
  }
}
