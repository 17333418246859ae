import { createLru } from '../../lib/lru.ts'
import type { Caller } from './claims.ts'

/** A token is verified again after this time, so that a change of configuration or keys takes effect. */
const ttlMs = 5 * 60_000
const maxTokens = 50_000

interface VerifiedToken {
  readonly caller: Caller
  readonly kid: string
  readonly verifiedAtMs: number
}

/** Caches the callers of verified tokens by the token's hash, until the token expires or its signing key is removed. */
export function createVerifiedTokens() {
  const tokens = createLru<VerifiedToken>(maxTokens)

  return {
    get(tokenHash: string): Caller | undefined {
      const token = tokens.get(tokenHash)
      return token !== undefined && isValid(token, Date.now()) ? token.caller : undefined
    },
    /** @param kid the key id that the token was verified with */
    add(caller: Caller, kid: string) {
      tokens.set(caller.tokenHash, { caller, kid, verifiedAtMs: Date.now() })
    },
    deleteByKey(kid: string) {
      for (const [tokenHash, token] of tokens.entries()) if (token.kid === kid) tokens.delete(tokenHash)
    },
  }
}

/** A clock that was set back prolongs nothing. */
function isValid({ caller, verifiedAtMs }: VerifiedToken, nowMs: number): boolean {
  const ageMs = nowMs - verifiedAtMs
  return ageMs >= 0 && ageMs < ttlMs && nowMs < caller.expiresAtMs
}
