import type { GraphToken } from './on-behalf-of.ts'

/** Graph may be slow, and its clock may differ: a token is not used in its last five minutes. */
const expiryMarginMs = 5 * 60_000

/** A Graph token as it is kept. */
export interface KeptToken {
  readonly accessToken: string
  /** When it is no longer used, in milliseconds since the epoch. */
  readonly expiresAtMs: number
}

/** And as one replica keeps it. */
export interface Entry extends KeptToken {
  readonly refreshAtMs: number
}

/** A Graph token is used until five minutes before its end, and never longer than the proof that earned it. */
export function usable(token: GraphToken, assertionExpiresAtMs: number): KeptToken {
  const expiresAtMs = Math.min(token.expiresAtMs - expiryMarginMs, assertionExpiresAtMs)
  return { accessToken: token.accessToken, expiresAtMs }
}

/**
 * Past three quarters of its time, a little earlier or later for each, a token is due for replacement; one that lasts
 * as long as its assertion is not, since no other would last longer.
 */
export function withRefreshTime(token: KeptToken, assertionExpiresAtMs: number, nowMs: number): Entry {
  const { expiresAtMs } = token
  const dueAtMs = nowMs + (expiresAtMs - nowMs) * (0.7 + Math.random() * 0.1)
  return { ...token, refreshAtMs: expiresAtMs < assertionExpiresAtMs ? dueAtMs : Number.POSITIVE_INFINITY }
}
