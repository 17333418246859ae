import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { correlate } from './correlation.ts'
import { GraphError, graphErrorBody } from './errors.ts'

/** The user of an access token, as Graph sees them. */
export interface GraphCaller {
  user: { id: string; userPrincipalName: string; roles: readonly string[] }
  scopes: readonly string[]
}

/** What the routes need of the tenant: its origin (known only after `listen`) and the user of a token. */
export interface GraphTenant {
  readonly origin: string
  /** Whether posts have the reader's id; not in the real Graph. */
  readonly namesReader?: boolean
  /** How readers without a data privacy role see such posts; defaults to redacted. */
  readonly dataPrivacyPosts?: 'redacted' | 'hidden'
  /** Properties that it rejects filters on; defaults to the documented ones. */
  readonly unfilterable?: readonly string[]
  authenticate(
    authorization: string | undefined,
  ): Promise<
    | { ok: true; caller: GraphCaller }
    | { ok: false; status: 401; code: string; message: string; wwwAuthenticate: string }
  >
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set in `setUpGraph`'s `onRequest`, so that a `preHandler` of an outer scope finds it. */
    graphCaller: GraphCaller | null
  }
}

export const graphJson =
  'application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8'

/** Authentication, request ids and error responses of every Graph request. */
export function setUpGraph(app: FastifyInstance, tenant: GraphTenant): void {
  app.decorateRequest('graphCaller', null)
  app.setErrorHandler(sendError)

  app.addHook('onRequest', async (request, reply) => {
    correlate(request, reply)
    const outcome = await tenant.authenticate(request.headers.authorization)
    if (!outcome.ok) {
      reply.header('www-authenticate', outcome.wwwAuthenticate)
      throw new GraphError(outcome.status, outcome.code, outcome.message)
    }
    request.graphCaller = outcome.caller
  })
}

function sendError(error: FastifyError | GraphError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const ids = correlate(request, reply)
  const isGraphError = error instanceof GraphError
  const status = error.statusCode ?? 500
  if (status >= 500 && !isGraphError) request.log.error(error)
  const code = isGraphError ? error.code : status < 500 ? 'BadRequest' : 'InternalServerError'
  const message = isGraphError || status < 500 ? error.message : 'An internal server error has occurred.'
  return reply
    .code(status)
    .type(graphJson)
    .send(JSON.stringify(graphErrorBody(code, message, ids)))
}
