import { randomBytes } from 'node:crypto'
import { timeouts } from '../../config/timeouts.ts'
import type { SharedStore } from '../redis/index.ts'
import type { KeptToken } from './lifetime.ts'
import { maxSealedBytes, type TokenSeal } from './token-seal.ts'

/** How long a lock outlives its replica. Entra ordinarily answers in a fifth of that. */
const defaultLockMs = 2_500
/** While it exchanges, a replica renews its lock so often: Entra may be slow, or asked for many tokens at once. */
const defaultRenewEveryMs = 800
/** How long the others wait, all in all: half of what a token may take, so that there is time to ask Entra themselves. */
const defaultPatienceMs = timeouts.tokenMs / 2
/** From one look to the next, at first and at last; each wait is a quarter longer than the one before. */
const waits = { firstMs: 25, lastMs: 250, growth: 1.25 }
/** More than a replacement may seem to last longer for the clocks of two replicas, less than it does. */
const noiseMs = 60_000
/** So long lasts no token. */
const foreverMs = Number.MAX_SAFE_INTEGER

const ours = 1
const theirs = 0
/**
 * A token that lasts longer than asked, else whose the lock is, which is this replica's where it was nobody's.
 * GETRANGE, since whoever can write to Redis can leave something of any size.
 */
const lookScript = `
if redis.call('PTTL', KEYS[1]) > tonumber(ARGV[1]) then return redis.call('GETRANGE', KEYS[1], 0, ARGV[2]) end
if redis.call('SET', KEYS[2], ARGV[3], 'NX', 'PX', ARGV[4]) then return ${ours} end
return ${theirs}`

/** Keeps the lock, where it is this replica's. */
const renewScript = `
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('PEXPIRE', KEYS[2], ARGV[2]) end`

/**
 * Leaves the token, if there is one, and gives up the lock; nothing where the lock is another's or is gone, as after an
 * eviction. A Redis that is full takes no token, but the lock goes all the same.
 */
const settleScript = `
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
local kept = ARGV[2] and redis.pcall('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('DEL', KEYS[2])
return kept`

export interface SharedTokensOptions {
  readonly store: Pick<SharedStore, 'ask' | 'key'>
  readonly seal: TokenSeal
  readonly patienceMs?: number
  readonly lockMs?: number
  readonly renewEveryMs?: number
  readonly now?: () => number
}

export interface Obtained {
  readonly token: KeptToken
  /** Whether it was there, from another replica or from this one before it started anew. */
  readonly isShared: boolean
}

export type SharedTokens = ReturnType<typeof createSharedTokens>

/**
 * Graph tokens in the store that replicas share, sealed, and one exchange at a time for each among all of them.
 *
 * Whoever finds no token takes a lock and exchanges; the others wait for what it leaves. Without the store, or with one
 * that is slow, full or frozen at any step, each replica exchanges for itself.
 */
export function createSharedTokens({
  store,
  seal,
  patienceMs = defaultPatienceMs,
  lockMs = defaultLockMs,
  renewEveryMs = defaultRenewEveryMs,
  now = Date.now,
}: SharedTokensOptions) {
  const read = { opened: 0, unreadable: 0 }

  /** Both in one slot of a cluster, by the braces. */
  const placesOf = (key: string) => [store.key(`obo:{${key}}`), store.key(`obo:{${key}}:lock`)] as const

  function evaluate(script: string, key: string, args: readonly (string | number | Buffer)[]): Promise<unknown> {
    return store.ask((redis) => redis.callBuffer('EVAL', [script, 2, ...placesOf(key), ...args]))
  }

  /**
   * Waits for a token that outlives what this replica has.
   *
   * @returns undefined where this replica is to exchange: it holds the lock, has waited long enough, or nobody answers
   */
  async function find(key: string, holder: string, outlivingMs: number): Promise<KeptToken | undefined> {
    const look = (lastingMs: number) => evaluate(lookScript, key, [lastingMs, maxSealedBytes, holder, lockMs])
    const patientUntilMs = performance.now() + patienceMs
    for (let waitMs = waits.firstMs; ; waitMs = Math.min(waitMs * waits.growth, waits.lastMs)) {
      let answer = await look(outlivingMs)
      if (Buffer.isBuffer(answer)) {
        const token = seal.open(answer, placesOf(key)[0])
        read[token === undefined ? 'unreadable' : 'opened']++
        if (token !== undefined) return token
        answer = await look(foreverMs)
      }
      if (answer !== theirs || performance.now() > patientUntilMs) return undefined
      await new Promise((resolve) => setTimeout(resolve, waitMs))
    }
  }

  function settle(key: string, holder: string, token?: KeptToken) {
    const lifetimeMs = token === undefined ? 0 : Math.floor(token.expiresAtMs - now())
    const sealed = token && lifetimeMs > 0 ? seal.seal(token, placesOf(key)[0]) : undefined
    return evaluate(settleScript, key, sealed === undefined ? [holder] : [holder, sealed, lifetimeMs])
  }

  return {
    /**
     * The token of this key that is there, or what the exchange gives.
     *
     * @param replacing one that is to be replaced, and is therefore not the answer
     * @throws what the exchange throws
     */
    async obtain(key: string, exchange: () => Promise<KeptToken>, replacing?: KeptToken): Promise<Obtained> {
      const holder = randomBytes(12).toString('base64url')
      const outlivingMs = replacing === undefined ? 0 : Math.ceil(replacing.expiresAtMs - now() + noiseMs)
      const found = await find(key, holder, outlivingMs)
      if (found !== undefined) return { token: found, isShared: true }
      const renewal = setInterval(() => void evaluate(renewScript, key, [holder, lockMs]), renewEveryMs)
      try {
        const token = await exchange()
        void settle(key, holder, token)
        return { token, isShared: false }
      } catch (error) {
        void settle(key, holder)
        throw error
      } finally {
        clearInterval(renewal)
      }
    },

    /** Takes the token away, and the lock, so that an exchange that has begun leaves nothing. */
    async remove(key: string): Promise<void> {
      await store.ask((redis) => redis.del(...placesOf(key)))
    },

    /** What became of tokens that were found so far; unreadable: of another key, damaged, or over. */
    get stats(): Readonly<Record<'opened' | 'unreadable', number>> {
      return { ...read }
    },
  }
}
