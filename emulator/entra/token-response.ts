import type { Authority } from './authority.ts'
import type { Client } from './client-authentication.ts'
import type { AppEntitlement, UserEntitlement } from './grants/grant.ts'
import { grantedScope } from './scopes.ts'
import { ACCESS_TOKEN_LIFETIME_SECONDS, accessTokenClaims, appOnlyClaims, idTokenClaims, issueToken } from './tokens.ts'

const DAY_SECONDS = 86_400
// https://learn.microsoft.com/entra/identity-platform/refresh-tokens#token-lifetime
const REFRESH_TOKEN_LIFETIME_SECONDS = { web: 90 * DAY_SECONDS, publicClient: 90 * DAY_SECONDS, spa: DAY_SECONDS }

const LIFETIME = {
  token_type: 'Bearer',
  expires_in: ACCESS_TOKEN_LIFETIME_SECONDS - 1,
  ext_expires_in: ACCESS_TOKEN_LIFETIME_SECONDS - 1,
}

/** The body of a successful token request (RFC 6749 §5.1), with the members that Entra adds. */
export async function tokenResponse(
  authority: Authority,
  client: Client,
  entitlement: UserEntitlement | AppEntitlement,
  wantsClientInfo: boolean,
) {
  if (entitlement.user === undefined) return appResponse(authority, client, entitlement)
  const { user, requested, granted, openid } = entitlement
  const key = authority.keys.current
  const delegation = {
    ...entitlement,
    client: client.app,
    authMethod: client.authMethod,
    resource: requested.resource,
    audience: requested.prefix || requested.resource.identifierUri,
    scopes: granted,
  }
  const [accessToken, idToken] = await Promise.all([
    issueToken(accessTokenClaims(authority, delegation), key),
    openid.has('openid') ? issueToken(idTokenClaims(authority, user, client.app, entitlement), key) : undefined,
  ])
  return {
    ...LIFETIME,
    scope: grantedScope(requested, granted, openid),
    access_token: accessToken,
    ...(openid.has('offline_access') && { refresh_token: makeRefreshToken(authority, client, entitlement) }),
    ...(idToken !== undefined && { id_token: idToken }),
    ...(wantsClientInfo && { client_info: clientInfo(user.id, authority.tenant.tenantId) }),
  }
}

async function appResponse(authority: Authority, client: Client, { requested, roles }: AppEntitlement) {
  const { app, authMethod } = client
  const claims = appOnlyClaims(authority, app, requested.resource, { audience: requested.prefix, authMethod, roles })
  return { ...LIFETIME, access_token: await issueToken(claims, authority.keys.current) }
}

function makeRefreshToken(authority: Authority, client: Client, entitlement: UserEntitlement): string {
  const { user, platform, scope, sessionId, acrs, clientCapabilities, refreshUntil } = entitlement
  const issuedAt = Math.max(authority.now(), user.sessionsValidFrom)
  const expiresAt = refreshUntil ?? issuedAt + REFRESH_TOKEN_LIFETIME_SECONDS[platform]
  const { clientId } = client.app
  const content = {
    clientId,
    userId: user.id,
    platform,
    scope,
    sessionId,
    acrs,
    clientCapabilities,
    issuedAt,
    expiresAt,
  }
  return authority.refreshTokens.seal(content)
}

/** The account, for MSAL's cache: base64url of the user's and the tenant's id. */
function clientInfo(uid: string, utid: string): string {
  return Buffer.from(JSON.stringify({ uid, utid })).toString('base64url')
}
