import underPressure from '@fastify/under-pressure'
import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import fp from 'fastify-plugin'
import type { Configured } from '../../config/index.ts'
import { Failure } from '../../errors/index.ts'
import { addressKey } from '../../lib/client-address.ts'
import { createLimit, type Release } from './limit.ts'

/** The mean delay of the event loop in a sample: so long requests wait before anything is done for them. */
const maxEventLoopDelayMs = 20
const sampleMs = 50
/**
 * Admitted in each turn of the event loop, however late it is: a pool of 64 clients that wait for their responses is no
 * overload, nor is what has come during a pause of the machine.
 */
const maxPerTurn = 64
/** Those that have a connection to Graph, and as many who wait for one, at most as long as Graph takes. */
const maxCalls = 128
/** A user's agents and programs together; an office behind one address. */
const maxPerUser = 64
const maxPerAddress = 64
/** What clients have not read yet lies outside of the heap, but in the memory of a replica of 512 MiB. */
const maxUnsentBytes = { total: 64 * 1024 * 1024, perKey: 16 * 1024 * 1024 }
/** Smaller responses are bounded by how many there can be. */
const countedFromBytes = 64 * 1024

declare module 'fastify' {
  interface FastifyInstance {
    /** An onRequest hook: rejects requests while the event loop is behind. */
    shedLoad(request: FastifyRequest, reply: FastifyReply, next: HookHandlerDoneFunction): void
    /** An onRequest hook: bounds the requests in flight of a verified user, else of an address. */
    limitConcurrency(request: FastifyRequest, reply: FastifyReply, next: HookHandlerDoneFunction): void
    /** A preHandler hook, after the body: bounds the calls of everybody that wait for others. */
    limitCalls(request: FastifyRequest, reply: FastifyReply, next: HookHandlerDoneFunction): void
  }
  interface FastifyRequest {
    /** Gives the place of a call back. */
    releaseCall: Release | null
  }
}

/**
 * Failures of one cause, made once: a stack for each would be a fifth of what a rejection costs. With waits that differ:
 * those rejected together should not come back together.
 */
function overloadsBy(pressure: string): () => Failure {
  const failures = [1, 2, 3].map(
    (retryAfterSeconds) => new Failure('overloaded', { retryAfterSeconds, cause: { pressure } }),
  )
  let rejected = 0
  return () => failures[rejected++ % failures.length] as Failure
}

const tooManyAtOnce = new Failure('rate_limited', {
  detail: 'They are too many at once: wait for responses.',
  retryAfterSeconds: 1,
})

/**
 * Rejects requests with 503 and Retry-After (RFC 9110 section 15.6.4) while the event loop is behind or too many calls
 * wait for others, so that those admitted are served in good time; and bounds what one user or address may hold of a
 * process: requests in flight, and responses that are not read.
 *
 * Probes are outside of its scope, and the CORS hook handles preflights before.
 */
export const loadShedding = fp<Configured>(
  async (app, { config: { timeouts } }) => {
    const calls = createLimit({ total: maxCalls })
    const byUser = createLimit({ perKey: maxPerUser })
    const byAddress = createLimit({ perKey: maxPerAddress })
    const unsent = createLimit(maxUnsentBytes)
    const byEventLoopDelay = overloadsBy('event loop delay')
    const byCallsInFlight = overloadsBy('calls in flight')
    const byUnsentBytes = overloadsBy('unsent bytes')

    await app.register(underPressure, { sampleInterval: sampleMs })
    let admitted = 0
    app.decorate('shedLoad', (_request, _reply, next) => {
      if (app.memoryUsage().eventLoopDelay <= maxEventLoopDelayMs) return next()
      if (admitted >= maxPerTurn) return next(byEventLoopDelay())
      if (admitted === 0) {
        setImmediate(() => {
          admitted = 0
        })
      }
      admitted++
      next()
    })

    app.decorate('limitConcurrency', (request, reply, next) => {
      const { caller } = request
      const release = caller === null ? byAddress.take(addressKey(request.ip)) : byUser.take(caller.userKey)
      if (release === undefined) {
        request.audit('rate_limit', { by: 'concurrency', user: caller?.userKey })
        return next(tooManyAtOnce)
      }
      // And not onResponse, which a client that went away never lets happen.
      reply.raw.once('close', release)
      next()
    })

    app.decorateRequest('releaseCall', null)
    app.decorate('limitCalls', (request, _reply, next) => {
      const release = calls.take('')
      if (release === undefined) return next(byCallsInFlight())
      // Given back in onSend, which is reached however the call ends, also after its client went away.
      request.releaseCall = release
      next()
    })

    app.addHook('onSend', (request, { raw }, payload, next) => {
      request.releaseCall?.()
      raw.setTimeout(timeouts.stalledMs, () => raw.destroy())
      const bytes = typeof payload === 'string' || Buffer.isBuffer(payload) ? Buffer.byteLength(payload) : 0
      if (bytes < countedFromBytes) return next()
      const release = unsent.take(request.caller?.userKey ?? addressKey(request.ip), bytes)
      if (release === undefined) return next(byUnsentBytes())
      raw.once('close', release)
      next()
    })
  },
  { name: 'load-shedding', dependencies: ['observability', 'failures', 'security'] },
)
