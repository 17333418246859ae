import type { FastifyInstance } from 'fastify'

/** Why the server is not ready. */
export type ReadinessCode = 'stopping' | 'signing_keys_unavailable' | 'credential_unavailable'

/**
 * Liveness and readiness probes. They come by address, not by name, so they are outside the Host check; they reveal
 * nothing of the tenant.
 */
export async function healthRoutes(app: FastifyInstance) {
  app.get('/healthz', () => ({ status: 'ok' }))

  app.get('/readyz', (_request, reply) => {
    const problems = problemsOf(app)
    return problems.length === 0 ? { status: 'ready' } : reply.code(503).send({ status: 'not_ready', problems })
  })
}

/** Why the server is not ready; empty where it is. */
export function problemsOf({ stopping, entraKeys, clientAuthentication: { missing } }: FastifyInstance) {
  const problems: ({ readonly code: ReadinessCode; readonly message: string } | false)[] = [
    stopping && { code: 'stopping', message: 'The server is stopping.' },
    !entraKeys.loaded && {
      code: 'signing_keys_unavailable',
      message: 'Signing keys of the tenant not loaded yet. The log event keys_unavailable has the cause.',
    },
    missing !== undefined && {
      code: 'credential_unavailable',
      message: `Credential of the server not available from ${missing} yet. The log event credential_unavailable has the cause.`,
    },
  ]
  return problems.filter((problem) => problem !== false)
}
