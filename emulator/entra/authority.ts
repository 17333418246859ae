import type { Applications } from '../applications/store.ts'
import type { Faults } from '../faults.ts'
import { isGuid } from '../guid.ts'
import type { Stats } from '../stats.ts'
import type { Platform, Tenant } from '../tenant.ts'
import { AadstsError } from './aadsts.ts'
import type { AuthorizationCodes } from './authorization-codes.ts'
import type { DeviceCodes } from './device-codes.ts'
import type { KeyRing } from './keys.ts'
import type { Seal } from './seal.ts'

/** What Entra's endpoints share. */
export interface Authority {
  readonly tenant: Tenant
  readonly applications: Applications
  readonly keys: KeyRing
  readonly codes: AuthorizationCodes
  readonly deviceCodes: DeviceCodes
  readonly refreshTokens: Seal<RefreshTokenContent>
  readonly sessions: Seal<BrowserSession>
  readonly faults: Faults
  readonly stats: Stats
  /** Known only after `listen`. */
  readonly origin: string
  /** Epoch seconds. */
  now(): number
}

/** The encrypted content of a refresh token; times are epoch seconds. */
export interface RefreshTokenContent {
  clientId: string
  userId: string
  platform: Platform
  scope: string
  sessionId: string
  acrs: readonly string[]
  clientCapabilities: readonly string[]
  issuedAt: number
  expiresAt: number
}

/** The encrypted content of the session cookie. */
export interface BrowserSession {
  userId: string
  sessionId: string
  /** Epoch seconds. */
  signedInAt: number
}

export function issuerOf(authority: Pick<Authority, 'origin' | 'tenant'>, version: 1 | 2): string {
  const { origin, tenant } = authority
  return version === 2 ? `${origin}/${tenant.tenantId}/v2.0` : `https://sts.windows.net/${tenant.tenantId}/`
}

const DOMAIN_NAME = /^[a-z0-9-]+(\.[a-z0-9-]+)+$/i
const SHARED_ENDPOINTS = ['common', 'organizations', 'consumers']

/**
 * Rejects other tenants, and the shared endpoints, since the apps are single-tenant.
 * @throws {AadstsError} 50194, 90002 or 900023
 */
export function requireTenant(authority: Authority, segment: string): void {
  const { tenant } = authority
  if (segment.toLowerCase() === tenant.tenantId) return
  if (SHARED_ENDPOINTS.includes(segment)) {
    throw new AadstsError(50194, { app: tenant.api.clientId, name: tenant.api.displayName, segment })
  }
  const couldBeTenant = isGuid(segment) || DOMAIN_NAME.test(segment)
  throw new AadstsError(couldBeTenant ? 90002 : 900023, { tenant: segment })
}
