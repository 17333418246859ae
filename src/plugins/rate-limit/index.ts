/** Limits the rate of verified callers by user, and of everything else by address. */

import fastifyRateLimit, { type RateLimitPluginOptions } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Configured } from '../../config/index.ts'
import { Failure } from '../../errors/index.ts'
import { addressKey } from '../../lib/client-address.ts'

/** Clients that one address may register in a window: a person with a few programs, an office behind one address. */
const registrationsMax = 30
/** Callers that each limit counts in memory at the same time; the least recently seen go first. */
const cache = 50_000
/** What a replica serves a user of the limit by its own count, whatever Redis says: counters there can be forged. */
const ownShare = 0.1

declare module 'fastify' {
  interface FastifyInstance {
    /** Set in a scope that verifies callers and has the hooks below; elsewhere every request counts by address. */
    readonly limitsByUser?: true
    /**
     * An onRequest hook for before `authenticate`: no token is verified for an address that has exceeded its limit. Only
     * requests without a verified caller count, by `countUnverified`.
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
 * Responses carry the limit that they count against, and of several the one of which the least is left, as
 * `RateLimit-*` (IETF draft "RateLimit header fields for HTTP"); a request that exceeds one is a 429 with that one and
 * Retry-After (RFC 6585 section 4), the seconds to the end of the window. Each replica counts in memory; users are also
 * counted in Redis, by all replicas together, where that is available.
 */
export const rateLimits = fp<Configured>(
  async (app, { config: { rateLimit } }) => {
    const { max, userMax, windowMs: timeWindow } = rateLimit
    const { sharedStore } = app
    const createLimit = await createRateLimitOf(app, { timeWindow, cache, keyGenerator: ({ ip }) => addressKey(ip) })
    const countAddress = createLimit({ max })
    const countRegistration = createLimit({ max: Math.min(max, registrationsMax) })
    const countUser = createLimit({ max: userMax, keyGenerator: userOf })
    const countSharedUser =
      sharedStore &&
      (
        await createRateLimitOf(app, {
          redis: sharedStore.client,
          nameSpace: sharedStore.key('rate:user:'),
          skipOnError: true,
          timeWindow,
          max: userMax,
          keyGenerator: userOf,
        })
      )()

    const limitAddress = limiter('address', countAddress)
    app.addHook('onRequest', async (request, reply) => {
      if (request.server.limitsByUser !== true) await limitAddress(request, reply)
    })
    app.decorate('limitUnverified', async (request, reply) => {
      if (request.caller !== null) return
      const result = await countAddress(request, { increment: false })
      if (!result.isAllowed && result.remaining === 0) reject('address', result, request, reply)
    })
    app.decorate('countUnverified', async (request, reply) => {
      // A response that carries a limit was counted, or rejected, where that was set.
      const isCounted = reply.hasHeader('ratelimit-limit')
      if (request.caller !== null || isCounted) return
      const result = await countAddress(request)
      if (!result.isAllowed) setTighter(result, reply)
    })
    app.decorate('limitUser', async (request, reply) => {
      if (request.caller === null) await limitAddress(request, reply)
      const here = await countUser(request)
      apply('user', here, request, reply)
      if (request.caller === null || countSharedUser === undefined) return
      const everywhere = await countSharedUser(request)
      const isOwn = !here.isAllowed && here.max - here.remaining <= Math.ceil(here.max * ownShare)
      if (isOwn && !everywhere.isAllowed && everywhere.isExceeded) return
      apply('user', everywhere, request, reply)
    })
    app.decorate('limitRegistrations', limiter('registration', countRegistration))

    function limiter(by: By, count: typeof countAddress) {
      return async (request: FastifyRequest, reply: FastifyReply) => apply(by, await count(request), request, reply)
    }

    /** @throws {Failure} `rate_limited` */
    function apply(by: By, result: Counted, request: FastifyRequest, reply: FastifyReply) {
      if (result.isAllowed) return
      if (result.isExceeded) reject(by, result, request, reply)
      setTighter(result, reply)
    }

    /** @throws {Failure} `rate_limited` */
    function reject(by: By, result: Result, request: FastifyRequest, reply: FastifyReply): never {
      setHeaders(result, reply)
      request.audit('rate_limit', { by, user: request.caller?.userKey })
      throw new Failure('rate_limited', { retryAfterSeconds: result.ttlInSeconds })
    }
  },
  { name: 'rate-limit', dependencies: ['observability'] },
)

type By = 'address' | 'user' | 'registration'

type Counted = Awaited<ReturnType<ReturnType<FastifyInstance['createRateLimit']>>>
/** Of a caller who is on no list of those that are always allowed. */
type Result = Extract<Counted, { isAllowed: false }>

/** A registration of @fastify/rate-limit has one store: each of ours is in a scope of its own. */
async function createRateLimitOf(app: FastifyInstance, options: RateLimitPluginOptions) {
  let { createRateLimit } = app
  await app.register(async (scope) => {
    await scope.register(fastifyRateLimit, { global: false, ...options })
    createRateLimit = scope.createRateLimit
  })
  return createRateLimit
}

/** Sets the headers of a limit, unless those of another one are there of which no more is left. */
function setTighter(result: Result, reply: FastifyReply) {
  const current = reply.getHeader('ratelimit-remaining')
  if (current === undefined || result.remaining < Number(current)) setHeaders(result, reply)
}

function setHeaders({ max, remaining, ttlInSeconds }: Result, reply: FastifyReply) {
  reply.header('ratelimit-limit', max)
  reply.header('ratelimit-remaining', remaining)
  reply.header('ratelimit-reset', ttlInSeconds)
}

function userOf(request: FastifyRequest): string {
  return request.caller?.userKey ?? addressKey(request.ip)
}
