import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { correlate } from './correlation.ts'
import { GraphError, graphErrorBody } from './errors.ts'

/** A signed-in user, as Graph sees them behind an access token. */
export interface GraphCaller {
  user: { id: string; userPrincipalName: string; roles: readonly string[] }
  scopes: readonly string[]
}

/** What the routes need of the tenant: where it listens (known only after `listen`) and who a token speaks for. */
export interface GraphTenant {
  readonly origin: string
  /** Whether posts say who reads them; Graph itself never does. */
  readonly namesReader?: boolean
  /** How posts about data privacy look to readers without a role for them; redacted unless given. */
  readonly dataPrivacyPosts?: 'redacted' | 'hidden'
  /** Properties it refuses to filter on; those that are documented so unless given. */
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
    /** Set in `frameGraph`'s `onRequest`, so that a `preHandler` of an outer scope finds it. */
    graphCaller: GraphCaller | null
  }
}

export const graphJson =
  'application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8'

/** What every call to Graph has in common: the caller is proven, the request named, a failure told in Graph's words. */
export function frameGraph(app: FastifyInstance, tenant: GraphTenant): void {
  app.decorateRequest('graphCaller', null)
  app.setErrorHandler(answerError)

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

function answerError(error: FastifyError | GraphError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const ids = correlate(request, reply)
  const known = error instanceof GraphError
  const status = error.statusCode ?? 500
  if (status >= 500 && !known) request.log.error(error)
  const code = known ? error.code : status < 500 ? 'BadRequest' : 'InternalServerError'
  const message = known || status < 500 ? error.message : 'An internal server error has occurred.'
  return reply
    .code(status)
    .type(graphJson)
    .send(JSON.stringify(graphErrorBody(code, message, ids)))
}
