import { AadstsError } from '../aadsts.ts'
import type { RefreshTokenContent } from '../authority.ts'
import { requireClientAuthentication, requireOrigin } from '../client-authentication.ts'
import { required } from '../parameters.ts'
import { checkResourceParameter, parseScopes, type ScopeRequest } from '../scopes.ts'
import { type Grant, requireConsent, requireUsableAccount, type TokenRequest } from './grant.ts'

/**
 * Redeems a refresh token (RFC 6749 §6). Entra's are reusable: the old one stays valid beside the new one.
 * The scope may be for another resource, given consent.
 */
export const refreshToken: Grant = (request) => {
  const { authority, client, form } = request
  const content = openRefreshToken(request)
  requireClientAuthentication(client, content.platform)
  requireOrigin(request.origin, content.platform)
  const scope = form['scope'] ?? content.scope
  const scopes = parseScopes(scope, client.app, authority.tenant)
  checkResourceParameter(form['resource'], scopes, authority.tenant)
  rejectOwnIdentifierUri(request, scopes)
  const user = requireUsableAccount(authority, content.userId, content.issuedAt, client)
  const { requested, granted } = requireConsent(request, scopes, scope, user)
  const { acrs, clientCapabilities, sessionId, platform } = content
  // A single-page app's refresh tokens expire with the first one; others are valid for 90 days each.
  const refreshUntil = platform === 'spa' ? content.expiresAt : undefined
  const openid = scopes.openid
  return { user, requested, granted, openid, acrs, clientCapabilities, sessionId, platform, scope, refreshUntil }
}

function openRefreshToken({ authority, client, form }: TokenRequest): RefreshTokenContent {
  const content = authority.refreshTokens.open(required(form, 'refresh_token'))
  if (content === undefined || content.clientId !== client.app.clientId) throw new AadstsError(70000)
  if (content.expiresAt <= authority.now()) throw new AadstsError(content.platform === 'spa' ? 700084 : 700082)
  return content
}

/** An app that is its own API can refresh for itself only by client id, not by `api://…`. */
function rejectOwnIdentifierUri({ client: { app } }: TokenRequest, { resources }: ScopeRequest): void {
  if (resources.some(({ resource, prefix }) => resource === app && prefix === app.identifierUri)) {
    throw new AadstsError(90009, { app: app.clientId, name: app.displayName })
  }
}
