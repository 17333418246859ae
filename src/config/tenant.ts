import type { Config } from './index.ts'

export type TenantEndpoints = ReturnType<typeof tenantEndpoints>

/**
 * A tenant's Entra endpoints and issuers, from configuration only; nothing is ever taken from a token or a request.
 *
 * Source: Microsoft identity platform, "OpenID Connect on the Microsoft identity platform" and, for the other hosts,
 * "National clouds".
 */
export function tenantEndpoints(entra: Pick<Config['entra'], 'authorityHost' | 'tenantId' | 'clientId'>) {
  const tenant = `${entra.authorityHost}/${entra.tenantId}`
  const inChina = entra.authorityHost.endsWith('.cn')
  const inUsGov = entra.authorityHost.endsWith('.us')
  return {
    /** `iss` of v2 access tokens. */
    issuer: `${tenant}/v2.0`,
    /** `iss` of v1 access tokens, trailing slash included. */
    issuerV1: `https://${inChina ? 'sts.chinacloudapi.cn' : 'sts.windows.net'}/${entra.tenantId}/`,
    keysUrl: `${tenant}/discovery/v2.0/keys`,
    authorizeUrl: `${tenant}/oauth2/v2.0/authorize`,
    tokenUrl: `${tenant}/oauth2/v2.0/token`,
    adminConsentUrl: `${tenant}/adminconsent?client_id=${entra.clientId}`,
    /**
     * The audience of a managed identity's token that serves as an app's assertion. Source: Microsoft, "Workload identity
     * federation: federated identity credentials considerations and limitations".
     */
    tokenExchangeAudience: `api://AzureADTokenExchange${inChina ? 'China' : ''}${inUsGov ? 'USGov' : ''}`,
  }
}
