import fastifyRateLimit, { type CreateRateLimitOptions, type FastifyRateLimitStore } from '@fastify/rate-limit'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Configured } from '../../config.ts'
import { Failure } from '../../errors.ts'
import { type Counts, createCounts } from './counts.ts'
import { shareCounts } from './shared-counts.ts'

/** Clients that one address may register in a window: a person with a few programs, an office behind one address. */
const registrationsMax = 30

declare module 'fastify' {
  interface FastifyInstance {
    /** An onRequest hook for after `authenticate`: counts the user, wherever they call from. */
    limitUser(request: FastifyRequest, reply: FastifyReply): Promise<void>
    /** An onRequest hook for registrations, by address. */
    limitRegistrations(request: FastifyRequest, reply: FastifyReply): Promise<void>
  }
}

/**
 * Two limits: every request by its address, before a caller is known; then every proven caller by user.
 *
 * Answers carry the limit of which the least is left as `RateLimit-*` (IETF draft "RateLimit header fields for HTTP"); a
 * request beyond one is a 429 with that one and Retry-After (RFC 6585 section 4), the seconds to the end of the window.
 * Counts are kept in memory, and told to the other replicas where there is a shared store: no request waits for it.
 */
export const rateLimits = fp<Configured>(
  async (app, { config: { entra, rateLimit } }) => {
    const { max, userMax, windowMs } = rateLimit
    const { sharedStore } = app
    await app.register(fastifyRateLimit, { global: false, store: CountsAsStore })

    app.addHook('onRequest', limiter('address', max))
    app.decorate('limitUser', limiter('user', userMax, { keyGenerator: userOf }))
    app.decorate('limitRegistrations', limiter('registration', Math.min(max, registrationsMax)))

    function limiter(by: 'address' | 'user' | 'registration', most: number, options: CreateRateLimitOptions = {}) {
      const limit: LimitOptions = { ...options, max: most, counts: countsOf(by, most) }
      const count = app.createRateLimit(limit)
      return async (request: FastifyRequest, reply: FastifyReply) => {
        const result = await count(request)
        if (result.isAllowed) return
        if (result.isExceeded || isTighter(result, reply)) {
          reply.header('ratelimit-limit', result.max)
          reply.header('ratelimit-remaining', result.remaining)
          reply.header('ratelimit-reset', result.ttlInSeconds)
        }
        if (!result.isExceeded) return
        request.audit('rate_limit', { by, user: request.caller?.userKey })
        throw new Failure('rate_limited', { retryAfterSeconds: result.ttlInSeconds })
      }
    }

    /** Apart for each limit, so that a flood of addresses does not hold up what is told of users. */
    function countsOf(by: string, most: number): Counts {
      const scope = [entra.tenantId, entra.clientId, by, windowMs].join(' ')
      if (sharedStore === undefined) return createCounts({ scope, max: most, windowMs })
      const shared = shareCounts(sharedStore, { by, windowMs })
      app.addHook('onClose', async () => shared.close())
      return createCounts({ scope, max: most, windowMs, onTaken: shared.changed })
    }
  },
  { name: 'rate-limit', dependencies: ['observability'] },
)

interface LimitOptions extends CreateRateLimitOptions {
  readonly counts: Counts
}

/** Counts as @fastify/rate-limit wants them: one for the plugin, which nobody asks, and a child for each limit. */
class CountsAsStore implements FastifyRateLimitStore {
  readonly #counts: Counts | undefined

  constructor({ counts }: Partial<LimitOptions>) {
    this.#counts = counts
  }

  incr(caller: string, answer: (error: Error | null, result?: { current: number; ttl: number }) => void) {
    answer(null, this.#counts?.take(caller))
  }

  child(options: object) {
    return new CountsAsStore(options)
  }
}

/** Whether fewer requests are left than by the limit that the answer carries already, if any. */
function isTighter({ remaining }: { remaining: number }, reply: FastifyReply): boolean {
  const carried = reply.getHeader('ratelimit-remaining')
  return carried === undefined || remaining < Number(carried)
}

function userOf(request: FastifyRequest): string {
  return request.caller?.userKey ?? request.ip
}
