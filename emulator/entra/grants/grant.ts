import type { User } from '../../directory.ts'
import type { Platform } from '../../tenant.ts'
import { AadstsError } from '../aadsts.ts'
import type { Authority } from '../authority.ts'
import type { Client } from '../client-authentication.ts'
import type { Parameters } from '../parameters.ts'
import { consentedScopes, onlyResource, type ResourceScopes, type ScopeRequest } from '../scopes.ts'

/** A token request of a known client. */
export interface TokenRequest {
  authority: Authority
  client: Client
  form: Parameters
  /** The `Origin` header, which identifies a single-page app. */
  origin: string | undefined
}

/** What a grant entitles its client to: tokens for a user. */
export interface UserEntitlement {
  user: User
  requested: ResourceScopes
  granted: readonly string[]
  openid: ReadonlySet<string>
  acrs: readonly string[]
  clientCapabilities: readonly string[]
  sessionId: string
  platform: Platform
  nonce?: string | undefined
  /** The scope parameter, repeated by a refresh without one. */
  scope: string
  /** When the chain of refresh tokens ends, in epoch seconds, if an earlier one has set it. */
  refreshUntil?: number | undefined
}

/** What a grant entitles its client to: tokens for itself. */
export interface AppEntitlement {
  user: undefined
  requested: ResourceScopes
  roles: readonly string[]
}

/** Validates and redeems a grant; issues nothing. @throws {AadstsError} */
export type Grant = (request: TokenRequest) => UserEntitlement | AppEntitlement

/**
 * The user of a grant, if the account is usable.
 * @throws {AadstsError} 50034, 50057, 50173 or 50105
 */
export function requireUsableAccount(authority: Authority, userId: string, issuedAt: number, client: Client): User {
  const { tenant } = authority
  const user = tenant.directory.find(userId)
  if (user === undefined) throw new AadstsError(50034, { user: userId, tenant: tenant.displayName })
  if (user.disabled) throw new AadstsError(50057)
  if (issuedAt < user.sessionsValidFrom) throw new AadstsError(50173)
  if (user.unassigned) {
    const { displayName, clientId } = client.app
    throw new AadstsError(50105, { name: displayName, app: clientId, user: user.userPrincipalName })
  }
  return user
}

/**
 * The scopes to grant for a request of one resource.
 * @throws {AadstsError} 28000 or 65001
 */
export function requireConsent(
  { authority, client }: TokenRequest,
  request: ScopeRequest,
  scope: string,
  user: User,
): { requested: ResourceScopes; granted: readonly string[] } {
  const requested = onlyResource(request, scope)
  const granted = consentedScopes(requested, client.app, user, authority.tenant)
  if (granted === undefined) {
    throw new AadstsError(65001, { app: client.app.clientId, name: client.app.displayName })
  }
  return { requested, granted }
}
