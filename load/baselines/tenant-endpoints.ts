/** Where the tenant's Entra and Graph are, from the variables that the server itself takes. */
export function tenantEndpoints(env: Readonly<Record<string, string | undefined>>) {
  const tenantId = env['GRAPH_TENANT_ID'] ?? ''
  const authority = `${env['ENTRA_AUTHORITY_HOST']}/${tenantId}`
  return {
    tenantId,
    clientId: env['GRAPH_CLIENT_ID'] ?? '',
    clientSecret: env['GRAPH_CLIENT_SECRET'] ?? '',
    issuer: `${authority}/v2.0`,
    authorizeUrl: `${authority}/oauth2/v2.0/authorize`,
    tokenUrl: `${authority}/oauth2/v2.0/token`,
    keysUrl: `${authority}/discovery/v2.0/keys`,
    messagesUrl: `${env['GRAPH_BASE_URL']}/admin/serviceAnnouncement/messages`,
    port: Number(env['PORT']),
  }
}
