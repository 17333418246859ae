import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Configured } from '../config.ts'
import { bearerChallenge, type SignIn } from '../entra/challenge.ts'
import { resourceOf } from '../entra/resource.ts'
import { tenantEndpoints } from '../entra/tenant.ts'
import { Failure, httpAnswer, jsonRpcError, toFailure } from '../errors.ts'

/** Turns whatever is thrown, and every unknown path, into an answer in one shape. Nothing else writes an error. */
export const failures = fp<Configured>(
  async (app, { config }) => {
    const signIn: SignIn = { ...resourceOf(config), authorizeUrl: tenantEndpoints(config.entra).authorizeUrl }

    app.setErrorHandler((error, request, reply) => sendFailure(toFailure(error), request, reply, signIn))
    app.setNotFoundHandler((request, reply) => sendFailure(new Failure('not_found'), request, reply, signIn))
  },
  { name: 'failures' },
)

/** For a path that cannot be decoded: it reaches no scope and no hook, and Fastify's own answer would repeat it. */
export function refusePath(_error: unknown, request: FastifyRequest, reply: FastifyReply) {
  reply.code(400).send(jsonRpcError(new Failure('bad_request'), request.id))
}

function sendFailure(failure: Failure, request: FastifyRequest, reply: FastifyReply, signIn: SignIn) {
  const { status } = httpAnswer(failure)
  const { retryAfterSeconds, cause } = failure.details
  if (status >= 500)
    request.log.error({ event: 'failure', reason: failure.reason, err: cause ?? failure }, 'call failed')
  if (status === 401 || status === 403) reply.header('www-authenticate', bearerChallenge(failure, signIn))
  if (status === 405) reply.header('allow', 'POST')
  if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds)
  return reply
    .code(status)
    .header('cache-control', 'no-store')
    .send(jsonRpcError(failure, request.id, rpcId(request.body)))
}

/** The id of the JSON-RPC request that failed, where there is one to answer; one that is malformed is none. */
function rpcId(body: unknown): string | number | null {
  const id = (body as { id?: unknown } | null | undefined)?.id
  if (typeof id === 'string') return id.length <= 200 ? id : null
  return typeof id === 'number' && Number.isInteger(id) ? id : null
}
