import fastifyRateLimit, { type CreateRateLimitOptions, type FastifyRateLimitStore } from '@fastify/rate-limit'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Configured } from '../../config/index.ts'
import { Failure } from '../../errors/index.ts'
import { addressKey } from '../../lib/client-address.ts'
import { type Counts, createCounts } from './counts.ts'
import { shareCounts } from './shared-counts.ts'

/** Clients that one address may register in a window: a person with a few programs, an office behind one address. */
const registrationsMax = 30

declare module 'fastify' {
  interface FastifyInstance {
    /** Set in a scope that verifies callers and has the hooks below; elsewhere every request counts by address. */
    readonly limitsByUser?: true
    /**
     * An onRequest hook for before `authenticate`: no token is verified for an address that is beyond its limit. Only
     * what turns out not to be a verified caller's counts, by `countUnverified`.
     */
    limitUnverified(request: FastifyRequest, reply: FastifyReply): Promise<void>
    /** An onError hook: counts a request without a verified caller against its address. */
    countUnverified(request: FastifyRequest, reply: FastifyReply): Promise<void>
    /** An onRequest hook for after `authenticate`: counts the user, wherever they call from. */
    limitUser(request: FastifyRequest, reply: FastifyReply): Promise<void>
    /** An onRequest hook for registrations, by address. */
    limitRegistrations(request: FastifyRequest, reply: FastifyReply): Promise<void>
  }
}

/**
 * Two limits: verified callers by user, everything else by address. Claude, ChatGPT and Copilot call for all of their
 * users from a few addresses, so that a verified caller counts against none.
 *
 * Answers carry the limit that they count against, and of several the one of which the least is left, as `RateLimit-*`
 * (IETF draft "RateLimit header fields for HTTP"); a request beyond one is a 429 with that one and Retry-After (RFC 6585
 * section 4), the seconds to the end of the window. Counts are kept in memory, and told to the other replicas where
 * there is a shared store: no request waits for it.
 */
export const rateLimits = fp<Configured>(
  async (app, { config: { entra, rateLimit } }) => {
    const { max, userMax, windowMs } = rateLimit
    const { sharedStore } = app
    await app.register(fastifyRateLimit, {
      global: false,
      store: CountsAsStore,
      keyGenerator: ({ ip }) => addressKey(ip),
    })

    const byAddress = countsOf('address', max)
    const countAddress = counter(max, byAddress)
    const lookAtAddress = counter(max, { ...byAddress, take: byAddress.peek })
    const countUser = counter(userMax, countsOf('user', userMax), { keyGenerator: userOf })
    const registrations = Math.min(max, registrationsMax)
    const countRegistration = counter(registrations, countsOf('registration', registrations))

    const limitAddress = limiter('address', countAddress)
    app.addHook('onRequest', async (request, reply) => {
      if (request.server.limitsByUser !== true) await limitAddress(request, reply)
    })
    app.decorate('limitUnverified', async (request, reply) => {
      if (request.caller !== null) return
      const result = await lookAtAddress(request)
      if (!result.isAllowed && result.isExceeded) refuse('address', result, request, reply)
    })
    app.decorate('countUnverified', async (request, reply) => {
      // A response that carries a limit was counted, or rejected, where that was set.
      const isCounted = reply.hasHeader('ratelimit-limit')
      if (request.caller !== null || isCounted) return
      const result = await countAddress(request)
      if (!result.isAllowed) tell(result, reply)
    })
    const limitUser = limiter('user', countUser)
    app.decorate('limitUser', async (request, reply) => {
      if (request.caller === null) await limitAddress(request, reply)
      await limitUser(request, reply)
    })
    app.decorate('limitRegistrations', limiter('registration', countRegistration))

    function counter(most: number, counts: Pick<Counts, 'take'>, options: CreateRateLimitOptions = {}) {
      const limit: LimitOptions = { ...options, max: most, counts }
      return app.createRateLimit(limit)
    }

    function limiter(by: By, count: ReturnType<typeof counter>) {
      return async (request: FastifyRequest, reply: FastifyReply) => {
        const result = await count(request)
        if (result.isAllowed) return
        if (result.isExceeded) refuse(by, result, request, reply)
        tell(result, reply)
      }
    }

    /** @throws {Failure} `rate_limited` */
    function refuse(by: By, result: Result, request: FastifyRequest, reply: FastifyReply): never {
      setHeaders(result, reply)
      request.audit('rate_limit', { by, user: request.caller?.userKey })
      throw new Failure('rate_limited', { retryAfterSeconds: result.ttlInSeconds })
    }

    /** Apart for each limit, so that a flood of addresses does not hold up what is told of users. */
    function countsOf(by: string, most: number): Counts {
      const scope = [entra.tenantId, entra.clientId, by, windowMs].join(' ')
      if (sharedStore === undefined) return createCounts({ scope, max: most, windowMs })
      const shared = shareCounts(sharedStore, { by, windowMs, max: most })
      app.addHook('onClose', async () => shared.close())
      return createCounts({ scope, max: most, windowMs, onTaken: shared.changed })
    }
  },
  { name: 'rate-limit', dependencies: ['observability'] },
)

type By = 'address' | 'user' | 'registration'

interface Result {
  readonly max: number
  readonly remaining: number
  readonly ttlInSeconds: number
}

interface LimitOptions extends CreateRateLimitOptions {
  readonly counts: Pick<Counts, 'take'>
}

/** Counts as @fastify/rate-limit wants them: one for the plugin, which nobody asks, and a child for each limit. */
class CountsAsStore implements FastifyRateLimitStore {
  readonly #counts: LimitOptions['counts'] | undefined

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

/** Unless the answer carries a limit already of which no more is left. */
function tell(result: Result, reply: FastifyReply) {
  const carried = reply.getHeader('ratelimit-remaining')
  if (carried === undefined || result.remaining < Number(carried)) setHeaders(result, reply)
}

function setHeaders({ max, remaining, ttlInSeconds }: Result, reply: FastifyReply) {
  reply.header('ratelimit-limit', max)
  reply.header('ratelimit-remaining', remaining)
  reply.header('ratelimit-reset', ttlInSeconds)
}

function userOf(request: FastifyRequest): string {
  return request.caller?.userKey ?? addressKey(request.ip)
}
