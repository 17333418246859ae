import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'

const Alive = Type.Object({ status: Type.Literal('ok') })
const Ready = Type.Object({ status: Type.Literal('ready') })
const NotReady = Type.Object({ status: Type.Literal('not ready'), why: Type.String() })

/** Probes. They come by address, not by name, so they stand outside the Host check; they say nothing of the tenant. */
export async function healthRoutes(app: FastifyInstance) {
  app.get('/healthz', { schema: { response: { 200: Alive } } }, () => ({ status: 'ok' as const }))

  app.get('/readyz', { schema: { response: { 200: Ready, 503: NotReady } } }, (_request, reply) => {
    const why = obstacle(app)
    return why === undefined ? { status: 'ready' as const } : reply.code(503).send({ status: 'not ready', why })
  })
}

/** Why callers cannot be served yet, or no longer. */
function obstacle({ stopping, entraKeys, clientAuthentication: { missing } }: FastifyInstance): string | undefined {
  if (stopping) return 'stopping'
  if (!entraKeys.loaded) return 'signing keys are not loaded yet'
  if (missing === undefined) return undefined
  return `the server’s credential could not be had from ${missing} yet: the log says why (credential_unavailable)`
}
