import type { FastifyPluginAsync } from 'fastify'
import { type Authority, issuerOf } from './entra/authority.ts'
import { issueToken } from './entra/tokens.ts'

/** A managed identity's tokens are valid for a day. */
const lifetimeSeconds = 86_400

interface TokenQuery {
  readonly resource?: string
  readonly client_id?: string
}

/**
 * Issues a managed identity's tokens: the instance metadata service of virtual machines, and the endpoint of Container
 * Apps and App Service (`IDENTITY_ENDPOINT`, `IDENTITY_HEADER`).
 * Sources: Microsoft, "How to use managed identities on an Azure VM to acquire an access token" and "Managed
 * identities in Azure Container Apps: REST endpoint reference".
 */
export const identityRoutes: FastifyPluginAsync<{ authority: Authority }> = async (app, { authority }) => {
  const { managedIdentity } = authority.tenant

  // MSAL adds a slash where it is configured with a host.
  for (const path of ['/metadata/identity/oauth2/token', '/metadata/identity/oauth2/token/']) {
    app.get<{ Querystring: TokenQuery }>(path, async ({ headers, query }, reply) => {
      if (headers['metadata'] !== 'true') {
        return reply.code(400).send({
          error: 'invalid_request',
          error_description: 'Required metadata header not specified',
        })
      }
      const { resource } = query
      if (resource === undefined || query.client_id !== managedIdentity.clientId) {
        return reply.code(400).send({ error: 'invalid_request', error_description: 'Identity not found' })
      }
      const { accessToken, expiresOn } = await tokenFor(authority, resource)
      return {
        access_token: accessToken,
        client_id: managedIdentity.clientId,
        expires_in: String(lifetimeSeconds),
        expires_on: String(expiresOn),
        resource,
        token_type: 'Bearer',
      }
    })
  }

  app.get<{ Querystring: TokenQuery }>('/msi/token', async ({ headers, query }, reply) => {
    const { resource } = query
    if (headers['x-identity-header'] !== managedIdentity.header) {
      return reply.code(401).send({ statusCode: 401, message: 'The identity header does not match.' })
    }
    if (resource === undefined || query.client_id !== managedIdentity.clientId) {
      return reply
        .code(400)
        .send({ statusCode: 400, message: 'No managed identity found for the specified client id.' })
    }
    const { accessToken, expiresOn } = await tokenFor(authority, resource)
    return { access_token: accessToken, expires_on: String(expiresOn), resource, token_type: 'Bearer' }
  })
}

async function tokenFor(authority: Authority, resource: string) {
  const { clientId, principalId } = authority.tenant.managedIdentity
  const issuedAt = authority.now()
  const expiresOn = issuedAt + lifetimeSeconds
  const accessToken = await issueToken(
    {
      aud: resource,
      iss: issuerOf(authority, resource.startsWith('api://') ? 2 : 1),
      iat: issuedAt,
      nbf: issuedAt,
      exp: expiresOn,
      appid: clientId,
      idtyp: 'app',
      oid: principalId,
      sub: principalId,
      tid: authority.tenant.tenantId,
      ver: '1.0',
    },
    authority.keys.current,
  )
  return { accessToken, expiresOn }
}
