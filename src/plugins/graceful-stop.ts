import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    /** Set when the process was told to stop: readiness fails while calls in flight finish. */
    stopping: boolean
  }
}

/**
 * Lets a stopping server come to its end: each answer from then on closes its connection, since one that is kept alive
 * would keep the server waiting for a client that has nothing more to ask.
 */
export const gracefulStop = fp(
  async (app) => {
    app.decorate('stopping', false)
    app.addHook('onSend', (_request, reply, _payload, next) => {
      if (app.stopping) reply.header('connection', 'close')
      next()
    })
  },
  { name: 'graceful-stop' },
)
