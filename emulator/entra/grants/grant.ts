import type { User } from '../../directory.ts'
import type { Platform } from '../../tenant.ts'
import { AadstsError } from '../aadsts.ts'
import type { Authority } from '../authority.ts'
import type { Client } from '../client-authentication.ts'
import type { Parameters } from '../parameters.ts'
import { consentedScopes, onlyResource, type ResourceScopes, type ScopeRequest } from '../scopes.ts'

/** A token request whose client is known. */
export interface TokenRequest {
  authority: Authority
  client: Client
  form: Parameters
  /** The `Origin` header: what tells a single-page app from any other client. */
  origin: string | undefined
}

/** What a grant entitles its client to: tokens for a user … */
export interface UserEntitlement {
  user: User
  asked: ResourceScopes
  granted: readonly string[]
  openid: ReadonlySet<string>
  acrs: readonly string[]
  clientCapabilities: readonly string[]
  sessionId: string
  platform: Platform
  nonce?: string | undefined
  /** The whole scope parameter: what a refresh without one asks for again. */
  scope: string
  /** When a chain of refresh tokens ends, in epoch seconds, where that was settled by an earlier one. */
  refreshUntil?: number | undefined
}

/** … or tokens for the client itself. */
export interface AppEntitlement {
  user: undefined
  asked: ResourceScopes
  roles: readonly string[]
}

/** Proves a grant, or throws an `AadstsError`. Nothing is issued yet. */
export type Grant = (request: TokenRequest) => UserEntitlement | AppEntitlement

/**
 * The user of a grant, if the account may still be used.
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
 * The scopes that may be granted out of a request for one resource.
 * @throws {AadstsError} 28000 or 65001
 */
export function requireConsent(
  { authority, client }: TokenRequest,
  request: ScopeRequest,
  scope: string,
  user: User,
): { asked: ResourceScopes; granted: readonly string[] } {
  const asked = onlyResource(request, scope)
  const granted = consentedScopes(asked, client.app, user, authority.tenant)
  if (granted === undefined) {
    throw new AadstsError(65001, { app: client.app.clientId, name: client.app.displayName })
  }
  return { asked, granted }
}
