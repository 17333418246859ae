import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'

/** How often a closing server looks whether calls are still in flight. */
const sweepMs = 100
/** A body that has not arrived so long after the stop is not waited for: Node no longer ends its request. */
const bodyGraceMs = 500

declare module 'fastify' {
  interface FastifyInstance {
    /** Whether the process is stopping: readiness fails while calls in flight finish. */
    stopping: boolean
  }
}

/**
 * Ends a stopping server as soon as the calls in flight have their responses.
 *
 * Two kinds of idle connections would hold it up: those that are kept alive, so each response from then on closes its
 * own; and those without a first request, which Node does not count as idle, so they are closed when no call is left.
 */
export const gracefulStop = fp(
  async (app) => {
    const inFlight = new Set<FastifyRequest>()
    app.decorate('stopping', false)
    app.addHook('onRequest', (request, reply, next) => {
      inFlight.add(request)
      // And not onResponse, which a client that went away never lets happen.
      reply.raw.once('close', () => inFlight.delete(request))
      next()
    })
    app.addHook('onSend', (_request, reply, _payload, next) => {
      if (app.stopping) reply.header('connection', 'close')
      next()
    })
    app.addHook('preClose', async () => {
      app.stopping = true
      const stoppedMs = performance.now()
      const sweep = setInterval(() => {
        const isBodyDue = performance.now() - stoppedMs < bodyGraceMs
        const isAwaited = ({ raw }: FastifyRequest) => raw.complete || isBodyDue
        if (![...inFlight].some(isAwaited)) app.server.closeAllConnections()
      }, sweepMs)
      app.server.once('close', () => clearInterval(sweep))
    })
  },
  { name: 'graceful-stop' },
)
