import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Platform } from '../tenant.ts'

/** The authorization behind a code: the request and the user. */
export interface AuthorizationGrant {
  clientId: string
  redirectUri: string
  platform: Platform
  scope: string
  userId: string
  sessionId: string
  acrs: string[]
  clientCapabilities: string[]
  nonce?: string | undefined
  challenge?: { value: string; method: 'S256' | 'plain' } | undefined
  /** Epoch seconds. */
  expiresAt: number
  redeemed: boolean
}

export type AuthorizationCodes = ReturnType<typeof createAuthorizationCodes>

// Microsoft documents "about 10 minutes"; RFC 6749 §4.1.2 allows no more.
const CODE_LIFETIME_SECONDS = 600
const MAX_CODES = 50_000

/** Codes in memory. A redeemed one stays, to distinguish a replay from an unknown code. */
export function createAuthorizationCodes(now: () => number) {
  // Counted as sizes: with `max`, lru-cache allocates room for all of them at once.
  const grants = new LRUCache<string, AuthorizationGrant>({ maxSize: MAX_CODES, sizeCalculation: () => 1 })
  return {
    issue(grant: Omit<AuthorizationGrant, 'expiresAt' | 'redeemed'>): string {
      // Entra's codes are some 1.5 KB, opaque, and begin with a version.
      const code = `1.${randomBytes(1_100).toString('base64url')}`
      grants.set(code, { ...grant, expiresAt: now() + CODE_LIFETIME_SECONDS, redeemed: false })
      return code
    },
    find: (code: string): AuthorizationGrant | undefined => grants.get(code),
  }
}
