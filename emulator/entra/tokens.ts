import { createHash, randomBytes } from 'node:crypto'
import type { User } from '../directory.ts'
import { guidFrom } from '../guid.ts'
import { type AppRegistration, GRAPH, type Resource } from '../tenant.ts'
import { type Authority, issuerOf } from './authority.ts'
import { type JwtClaims, signJwt } from './jwt.ts'
import type { SigningKey } from './keys.ts'

/** Entra picks a lifetime between 60 and 90 minutes; this is the middle. */
export const ACCESS_TOKEN_LIFETIME_SECONDS = 4500

/** How a client authenticated: `azpacr` in v2 tokens, `appidacr` in v1. 0 public, 1 secret, 2 certificate. */
export type ClientAuthMethod = '0' | '1' | '2'

/** A user's delegation to a client to call a resource. */
export interface Delegation {
  user: User
  client: AppRegistration
  authMethod: ClientAuthMethod
  resource: Resource
  /** The resource as the client wrote it: the audience of v1 tokens. */
  audience: string
  scopes: readonly string[]
  acrs: readonly string[]
  clientCapabilities: readonly string[]
  sessionId: string
}

/** An access token's claims, in the version of the resource's manifest, not of the endpoint. */
export function accessTokenClaims(authority: Authority, delegation: Delegation): JwtClaims {
  return delegation.resource.requestedAccessTokenVersion === 2
    ? version2Claims(authority, delegation)
    : version1Claims(authority, delegation)
}

function version2Claims(authority: Authority, delegation: Delegation): JwtClaims {
  const { user, client, resource } = delegation
  return {
    aud: resource.clientId,
    iss: issuerOf(authority, 2),
    ...lifetime(authority, user),
    ...contexts(delegation),
    aio: opaque(40),
    azp: client.clientId,
    azpacr: delegation.authMethod,
    name: user.displayName,
    oid: user.id,
    preferred_username: user.userPrincipalName,
    rh: reuseHint(authority),
    scp: delegation.scopes.join(' '),
    sid: delegation.sessionId,
    sub: pairwiseSubject(user, resource),
    tid: authority.tenant.tenantId,
    uti: opaque(16),
    ver: '2.0',
  }
}

function version1Claims(authority: Authority, delegation: Delegation): JwtClaims {
  const { user, client, resource } = delegation
  const [givenName, familyName] = user.displayName.split(' ')
  return {
    aud: delegation.audience,
    iss: issuerOf(authority, 1),
    ...lifetime(authority, user),
    acct: 0,
    acr: '1',
    ...contexts(delegation),
    aio: opaque(40),
    amr: delegation.acrs.length > 0 ? ['pwd', 'mfa'] : ['pwd'],
    ...(resource === GRAPH && { app_displayname: client.displayName, idtyp: 'user' }),
    appid: client.clientId,
    appidacr: delegation.authMethod,
    family_name: familyName ?? '',
    given_name: givenName ?? '',
    ipaddr: '127.0.0.1',
    name: user.displayName,
    oid: user.id,
    rh: reuseHint(authority),
    scp: delegation.scopes.join(' '),
    sid: delegation.sessionId,
    sub: pairwiseSubject(user, resource),
    tid: authority.tenant.tenantId,
    unique_name: user.userPrincipalName,
    upn: user.userPrincipalName,
    uti: opaque(16),
    ver: '1.0',
  }
}

/** An ID token's claims: always version 2 from the v2 endpoint, for the client itself. */
export function idTokenClaims(
  authority: Authority,
  user: User,
  client: AppRegistration,
  { nonce, sessionId }: { nonce?: string | undefined; sessionId: string },
): JwtClaims {
  return {
    aud: client.clientId,
    iss: issuerOf(authority, 2),
    ...lifetime(authority, user),
    aio: opaque(40),
    name: user.displayName,
    ...(nonce !== undefined && { nonce }),
    oid: user.id,
    preferred_username: user.userPrincipalName,
    rh: reuseHint(authority),
    sid: sessionId,
    sub: pairwiseSubject(user, client),
    tid: authority.tenant.tenantId,
    uti: opaque(16),
    ver: '2.0',
  }
}

/** The claims of an app-only token: roles instead of a user and `scp`. */
export function appOnlyClaims(
  authority: Authority,
  client: AppRegistration,
  resource: Resource,
  { audience, authMethod, roles }: { audience: string; authMethod: ClientAuthMethod; roles: readonly string[] },
): JwtClaims {
  const isVersion2 = resource.requestedAccessTokenVersion === 2
  const servicePrincipalId = guidFrom(`service principal:${authority.tenant.tenantId}:${client.clientId}`)
  return {
    aud: isVersion2 ? resource.clientId : audience,
    iss: issuerOf(authority, resource.requestedAccessTokenVersion),
    ...lifetime(authority),
    aio: opaque(40),
    ...(isVersion2
      ? { azp: client.clientId, azpacr: authMethod }
      : { appid: client.clientId, appidacr: authMethod, app_displayname: client.displayName }),
    idtyp: 'app',
    oid: servicePrincipalId,
    rh: reuseHint(authority),
    roles: [...roles],
    sub: servicePrincipalId,
    tid: authority.tenant.tenantId,
    uti: opaque(16),
    ver: isVersion2 ? '2.0' : '1.0',
  }
}

/** Signs with the current key. v1 headers have `x5t` too. */
export function issueToken(claims: JwtClaims, key: SigningKey): Promise<string> {
  return signJwt(tokenHeader(claims, key), claims, key.privateKey)
}

export function tokenHeader(claims: JwtClaims, key: SigningKey): Record<string, string> {
  return { typ: 'JWT', alg: 'RS256', ...(claims['ver'] === '1.0' && { x5t: key.kid }), kid: key.kid }
}

function lifetime(authority: Authority, user?: User) {
  // A token issued after a revocation is newer, even within the same second.
  const issuedAt = Math.max(authority.now(), user?.sessionsValidFrom ?? 0)
  return { iat: issuedAt, nbf: issuedAt, exp: issuedAt + ACCESS_TOKEN_LIFETIME_SECONDS }
}

function contexts({ acrs, clientCapabilities }: Delegation) {
  return {
    ...(acrs.length > 0 && { acrs: [...acrs] }),
    ...(clientCapabilities.length > 0 && { xms_cc: [...clientCapabilities] }),
  }
}

/** `sub` differs from one application to the next for the same user. */
function pairwiseSubject(user: User, resource: Resource): string {
  return createHash('sha256').update(`${user.id} ${resource.clientId}`).digest('base64url')
}

function reuseHint(authority: Authority): string {
  return `1.${Buffer.from(authority.tenant.tenantId.replaceAll('-', ''), 'hex').toString('base64url')}.`
}

function opaque(bytes: number): string {
  return randomBytes(bytes).toString('base64url')
}
