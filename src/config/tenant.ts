import type { Config } from './index.ts'

export type TenantEndpoints = ReturnType<typeof tenantEndpoints>

/**
 * A tenant's Entra endpoints and issuers, from configuration only; nothing is ever taken from a token or a request.
 *
 * Source: Microsoft identity platform, "OpenID Connect on the Microsoft identity platform" and, for the other hosts,
 * "National clouds".
 */
export function tenantEndpoints({
  authorityHost,
  tenantId,
  clientId,
}: Pick<Config['entra'], 'authorityHost' | 'tenantId' | 'clientId'>) {
  const tenant = `${authorityHost}/${tenantId}`
  const inChina = authorityHost.endsWith('.cn')
  return {
    /** `iss` of v2 access tokens. */
    issuer: `${tenant}/v2.0`,
    /** `iss` of v1 access tokens, trailing slash included. */
    issuerV1: `https://${inChina ? 'sts.chinacloudapi.cn' : 'sts.windows.net'}/${tenantId}/`,
    keysUrl: `${tenant}/discovery/v2.0/keys`,
    authorizeUrl: `${tenant}/oauth2/v2.0/authorize`,
    tokenUrl: `${tenant}/oauth2/v2.0/token`,
    adminConsentUrl: `${tenant}/adminconsent?client_id=${clientId}`,
    /** The audience of a managed identity's token that serves as an app's assertion. */
    tokenExchangeAudience: `api://AzureADTokenExchange${cloudSuffix(authorityHost)}`,
  }
}

/** Microsoft, "Workload identity federation: federated identity credentials considerations and limitations". */
function cloudSuffix(authorityHost: string): string {
  if (authorityHost.endsWith('.cn')) return 'China'
  return authorityHost.endsWith('.us') ? 'USGov' : ''
}
