import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Failure } from '../../errors/index.ts'
import { probePaths } from '../../lib/probes.ts'
import { requestIdOf } from '../../lib/request-id.ts'
import { pathOf } from '../../lib/request-target.ts'
import { createAdmissionControl } from './admission-control.ts'
import { refuse, rpcRefusal, textRefusal } from './refusal.ts'

/** Between two lines in the log. */
const saidEveryMs = 1_000

declare module 'fastify' {
  interface FastifyInstance {
    /** An onRequest hook for what may wait for Graph: refuses a call while too many wait already. */
    limitCalls(request: FastifyRequest, reply: FastifyReply, next: (error?: Error) => void): void
  }
  interface FastifyRequest {
    /** It was refused for the load: of such requests the log tells all at once. */
    isShed?: boolean
  }
}

/** One after the other, so that those who were refused together do not come back together. */
const failures = [1, 2, 3].map((retryAfterSeconds) => new Failure('overloaded', { retryAfterSeconds }))

/**
 * Refuses requests with 503 and Retry-After (RFC 9110 section 15.6.4) while there are more than can be answered in good
 * time: while the event loop is behind, or too many wait for others. Those let in are answered as usual, nearly.
 *
 * Requests are judged as Node hands them over, before Fastify has seen them: to route one and have its hooks answer it
 * costs as much again as a refusal, and what refusals cost is taken from those who could be served. Probes and a
 * browser's preflights are let in always.
 */
export const loadShedding = fp(
  async (app) => {
    const { enterRequest, enterCall, say } = createAdmissionControl({ audit: app.audit })
    const refusals = failures.map((failure) => ({ rpc: rpcRefusal(failure), text: textRefusal(failure) }))
    const headers = Object.entries(app.securityHeaders()).flat()
    let timer: NodeJS.Timeout | undefined
    let refused = 0

    guard(app.server, (request, response) => {
      if (request.method === 'OPTIONS' || probePaths.has(request.url ?? '')) return true
      const leave = enterRequest()
      if (leave !== undefined) {
        response.once('close', leave)
        return true
      }
      const { rpc, text } = refusals[refused++ % refusals.length] as (typeof refusals)[number]
      const { origin } = request.headers
      const security = origin === undefined ? headers : Object.entries(app.securityHeaders(origin, request.url)).flat()
      refuse(pathOf(request.url ?? '') === '/mcp' ? rpc : text, requestIdOf(request), response, security)
      return false
    })
    app.decorateRequest('isShed', false)
    app.decorate('limitCalls', (request, reply, next) => {
      const leave = enterCall()
      if (leave === undefined) {
        request.isShed = true
        return next(failures[refused++ % failures.length])
      }
      // And not onResponse, which a client that went away never lets happen.
      reply.raw.once('close', leave)
      next()
    })
    app.addHook('onListen', async () => {
      timer = setInterval(say, saidEveryMs).unref()
    })
    app.addHook('onClose', async () => {
      clearInterval(timer)
      say()
    })
  },
  { name: 'load-shedding', dependencies: ['observability', 'failures', 'security'] },
)

/** Has each request judged before the server's own listeners hear of it; who is not let in has its answer. */
function guard(server: Server, isLetIn: (request: IncomingMessage, response: ServerResponse) => boolean) {
  const listeners = server.listeners('request')
  server.removeAllListeners('request')
  server.on('request', (request, response) => {
    if (isLetIn(request, response)) for (const listener of listeners) listener.call(server, request, response)
  })
}
