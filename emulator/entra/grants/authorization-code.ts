import { createHash } from 'node:crypto'
import { AadstsError } from '../aadsts.ts'
import type { AuthorizationGrant } from '../authorization-codes.ts'
import { requireClientAuthentication, requireOrigin } from '../client-authentication.ts'
import { required } from '../parameters.ts'
import { checkResourceParameter, parseScopes } from '../scopes.ts'
import { type Grant, requireConsent, requireUsableAccount, type TokenRequest } from './grant.ts'

/**
 * Redeems an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.6).
 * A code is used up only by a valid request, so that an attacker's attempt does not invalidate it.
 */
export const authorizationCode: Grant = (request) => {
  const { authority, client, form } = request
  const grant = findGrant(request)
  requireClientAuthentication(client, grant.platform)
  requireOrigin(request.origin, grant.platform)
  if (grant.platform === 'spa' && grant.challenge === undefined) throw new AadstsError(9002325)
  requireVerifier(grant, form['code_verifier'])
  const scope = requestedScope(request, grant)
  const scopes = parseScopes(scope, client.app, authority.tenant)
  checkResourceParameter(form['resource'], scopes, authority.tenant)
  const user = requireUsableAccount(authority, grant.userId, Number.POSITIVE_INFINITY, client)
  const { requested, granted } = requireConsent(request, scopes, scope, user)
  grant.redeemed = true
  const { acrs, clientCapabilities, sessionId, platform, nonce } = grant
  return {
    user,
    requested,
    granted,
    openid: scopes.openid,
    acrs,
    clientCapabilities,
    sessionId,
    platform,
    nonce,
    scope,
  }
}

function findGrant({ authority, client, form }: TokenRequest): AuthorizationGrant {
  const grant = authority.codes.find(required(form, 'code'))
  if (grant === undefined || grant.clientId !== client.app.clientId) throw new AadstsError(70000)
  if (grant.redeemed) throw new AadstsError(54005)
  if (grant.expiresAt <= authority.now()) throw new AadstsError(70008)
  const redirect = required(form, 'redirect_uri')
  if (grant.redirectUri !== redirect) throw new AadstsError(500112, { redirect })
  return grant
}

function requireVerifier({ challenge }: AuthorizationGrant, verifier: string | undefined): void {
  if (challenge === undefined && verifier === undefined) return
  // A verifier without a challenge is rejected too: the challenge may have been stripped (RFC 9700 §4.8.2).
  if (challenge === undefined || verifier === undefined) throw new AadstsError(501481)
  const derived = challenge.method === 'S256' ? createHash('sha256').update(verifier).digest('base64url') : verifier
  if (derived !== challenge.value) throw new AadstsError(501481)
}

/** The scope of the token request, or that of the authorize request if it has at most one resource. */
function requestedScope({ authority, client, form }: TokenRequest, grant: AuthorizationGrant): string {
  if (form['scope'] !== undefined) return form['scope']
  if (parseScopes(grant.scope, client.app, authority.tenant).resources.length > 1) throw new AadstsError(28003)
  return grant.scope
}
