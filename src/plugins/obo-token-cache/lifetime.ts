import type { GraphToken } from './on-behalf-of.ts'

/** Graph may be slow, and its clock may differ: a token is not used in its last five minutes. */
const expiryMarginMs = 5 * 60_000

/** A Graph token in the memory of one replica. */
export interface CacheEntry extends GraphToken {
  readonly refreshAtMs: number
}

/** A Graph token is used until five minutes before it expires, and never longer than the assertion it was issued for. */
export function toCachedToken({ accessToken, expiresAtMs }: GraphToken, assertionExpiresAtMs: number): GraphToken {
  return { accessToken, expiresAtMs: Math.min(expiresAtMs - expiryMarginMs, assertionExpiresAtMs) }
}

/**
 * A token is refreshed after three quarters of its lifetime, with some jitter. One that expires with its assertion is
 * not: no other would last longer.
 */
export function toCacheEntry(token: GraphToken, assertionExpiresAtMs: number, nowMs: number): CacheEntry {
  const { expiresAtMs } = token
  const dueAtMs = nowMs + (expiresAtMs - nowMs) * (0.7 + Math.random() * 0.1)
  return { ...token, refreshAtMs: expiresAtMs < assertionExpiresAtMs ? dueAtMs : Number.POSITIVE_INFINITY }
}
