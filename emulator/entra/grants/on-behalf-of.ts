import { randomUUID } from 'node:crypto'
import type { ConditionalAccess, User } from '../../directory.ts'
import { AadstsError } from '../aadsts.ts'
import { type Authority, issuerOf } from '../authority.ts'
import { CONDITIONAL_ACCESS_CLAIMS } from '../claims-request.ts'
import { requireClientAuthentication } from '../client-authentication.ts'
import { isSignedBy, type JwtClaims, readJwt } from '../jwt.ts'
import { required } from '../parameters.ts'
import { onlyResource, parseScopes, type ResourceScopes } from '../scopes.ts'
import { type Grant, requireConsent, requireUsableAccount, type TokenRequest } from './grant.ts'

/**
 * Exchanges a user's token for this API for a token of another API.
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow
 */
export const onBehalfOf: Grant = (request) => {
  const { authority, client, form } = request
  requireClientAuthentication(client, 'web')
  if (required(form, 'requested_token_use') !== 'on_behalf_of') throw new AadstsError(9002313)
  const assertion = readAssertion(request, required(form, 'assertion'))
  authority.stats.countExchange(authority.tenant.directory.find(text(assertion['oid']))?.userPrincipalName)
  const scope = required(form, 'scope')
  const scopes = parseScopes(scope, client.app, authority.tenant)
  const user = requireUsableAccount(authority, text(assertion['oid']), Number(assertion['iat']), client)
  requireGraphConsent(request, user)
  const { requested, granted } = requireConsent(request, scopes, scope, user)
  const acrs = strings(assertion['acrs'])
  requireConditionalAccess(user, acrs, onlyResource(scopes, scope))
  return {
    user,
    requested,
    granted,
    openid: scopes.openid,
    acrs,
    clientCapabilities: strings(assertion['xms_cc']),
    sessionId: text(assertion['sid']) || randomUUID(),
    platform: 'web',
    scope,
  }
}

/** The claims of a valid assertion: signed by this tenant for this client, not expired, for a user. */
function readAssertion({ authority, client: { app } }: TokenRequest, assertion: string): JwtClaims {
  const jwt = readJwt(assertion)
  if (jwt === undefined) throw invalidAssertion('The token is malformed.')
  const key = authority.keys.find(jwt.header['kid'])
  if (key === undefined) throw invalidAssertion('The key was not found.')
  if (!isSignedBy(jwt, key.publicKey)) {
    throw invalidAssertion('The provided signature value did not match the expected signature value.')
  }
  const { claims } = jwt
  if (![1, 2].some((version) => claims['iss'] === issuerOf(authority, version === 1 ? 1 : 2))) {
    throw invalidAssertion('The token issuer does not match the api version.')
  }
  if (isIdToken(claims)) throw new AadstsError(240002)
  requireValidTime(authority, claims)
  if (claims['aud'] !== app.clientId && claims['aud'] !== app.identifierUri) {
    const words = { audience: text(claims['aud']), expected: app.clientId, app: app.clientId, name: app.displayName }
    throw new AadstsError(500131, words)
  }
  if (claims['scp'] === undefined) throw new AadstsError(7000114, { app: app.clientId })
  return claims
}

function requireValidTime(authority: Authority, { nbf, exp }: JwtClaims): void {
  // Entra allows for clocks that are five minutes apart.
  const leewaySeconds = 300
  const now = authority.now()
  if (Number(exp) + leewaySeconds > now && Number(nbf) - leewaySeconds <= now) return
  const words = { now: new Date(now * 1000).toISOString(), expiry: new Date(Number(exp) * 1000 || 0).toISOString() }
  throw new AadstsError(500133, words)
}

function requireGraphConsent({ authority, client: { app } }: TokenRequest, user: User): void {
  const words = { app: app.clientId, name: app.displayName }
  const { apiToGraph } = authority.tenant.consent
  if (apiToGraph === 'admin_required') throw new AadstsError(90094, words)
  if (apiToGraph === 'missing_without_suberror') throw new AadstsError(65001, words, { suberror: null })
  if (apiToGraph === 'missing' || user.graphConsentMissing) throw new AadstsError(65001, words)
}

const CHALLENGES: Readonly<Record<ConditionalAccess, number | undefined>> = {
  none: undefined,
  interaction_required: 50079,
  invalid_grant: 50076,
  blocked: 53003,
}

/** A challenge is satisfied by the assertion of a new sign-in with its claims. */
function requireConditionalAccess(user: User, acrs: readonly string[], { resource }: ResourceScopes): void {
  const code = CHALLENGES[user.conditionalAccess]
  if (code === undefined) return
  if (user.conditionalAccess === 'blocked') throw new AadstsError(code)
  if (acrs.length === 0) {
    throw new AadstsError(code, { resource: resource.clientId }, { claims: CONDITIONAL_ACCESS_CLAIMS })
  }
}

function isIdToken(claims: JwtClaims): boolean {
  return claims['azp'] === undefined && claims['appid'] === undefined
}

function invalidAssertion(reason: string): AadstsError {
  return new AadstsError(50013, { reason })
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}
