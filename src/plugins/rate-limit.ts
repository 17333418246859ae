import fastifyRateLimit, { type CreateRateLimitOptions } from '@fastify/rate-limit'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Configured } from '../config.ts'
import { Failure } from '../errors.ts'

/** Callers that are counted at the same time; beyond them the least recent are counted anew. */
const countedCallers = 50_000
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
 * Answers carry the tighter limit as `RateLimit-*` (IETF draft "RateLimit header fields for HTTP"); a request beyond it
 * is a 429 with Retry-After (RFC 6585 section 4). Counts are kept in memory, by process.
 */
export const rateLimits = fp<Configured>(
  async (app, { config: { rateLimit } }) => {
    const { max, userMax, windowMs } = rateLimit
    await app.register(fastifyRateLimit, { global: false, cache: countedCallers, timeWindow: windowMs })

    app.addHook('onRequest', limiter({ max, cache: countedCallers }, 'address'))
    app.decorate('limitUser', limiter({ max: userMax, cache: countedCallers, keyGenerator: userOf }, 'user'))
    const registrations = Math.min(max, registrationsMax)
    app.decorate('limitRegistrations', limiter({ max: registrations, cache: countedCallers }, 'registration'))

    function limiter(options: CreateRateLimitOptions & { cache: number }, by: 'address' | 'user' | 'registration') {
      const count = app.createRateLimit(options)
      return async (request: FastifyRequest, reply: FastifyReply) => {
        const result = await count(request)
        if (result.isAllowed) return
        reply.header('ratelimit-limit', result.max)
        reply.header('ratelimit-remaining', result.remaining)
        reply.header('ratelimit-reset', result.ttlInSeconds)
        if (!result.isExceeded) return
        request.audit('rate_limit', { by, user: request.caller?.userKey })
        throw new Failure('rate_limited', { retryAfterSeconds: result.ttlInSeconds })
      }
    }
  },
  { name: 'rate-limit', dependencies: ['observability'] },
)

function userOf(request: FastifyRequest): string {
  return request.caller?.userKey ?? request.ip
}
