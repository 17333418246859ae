/** One tenant's Entra endpoints and issuers. */
export interface TenantEndpoints {
  /** `iss` of v2 access tokens. */
  readonly issuer: string
  /** `iss` of v1 access tokens, trailing slash included. */
  readonly issuerV1: string
  readonly keysUrl: string
  readonly authorizeUrl: string
  readonly tokenUrl: string
  readonly adminConsentUrl: string
  /** The audience of a managed identity's token that serves as an app's assertion. */
  readonly tokenExchangeAudience: string
}

/**
 * A tenant's endpoints, from configuration only; nothing is ever taken from a token or a request.
 *
 * Source: Microsoft identity platform, "OpenID Connect on the Microsoft identity platform" and, for the other hosts,
 * "National clouds".
 */
export function tenantEndpoints(entra: {
  readonly authorityHost: string
  readonly tenantId: string
  readonly clientId: string
}): TenantEndpoints {
  const tenant = `${entra.authorityHost}/${entra.tenantId}`
  const inChina = entra.authorityHost.endsWith('.cn')
  return {
    issuer: `${tenant}/v2.0`,
    issuerV1: `https://${inChina ? 'sts.chinacloudapi.cn' : 'sts.windows.net'}/${entra.tenantId}/`,
    keysUrl: `${tenant}/discovery/v2.0/keys`,
    authorizeUrl: `${tenant}/oauth2/v2.0/authorize`,
    tokenUrl: `${tenant}/oauth2/v2.0/token`,
    adminConsentUrl: `${tenant}/adminconsent?client_id=${entra.clientId}`,
    tokenExchangeAudience: `api://AzureADTokenExchange${cloudSuffix(entra.authorityHost)}`,
  }
}

/** Microsoft, "Workload identity federation: federated identity credentials considerations and limitations". */
function cloudSuffix(authorityHost: string): string {
  if (authorityHost.endsWith('.cn')) return 'China'
  return authorityHost.endsWith('.us') ? 'USGov' : ''
}
