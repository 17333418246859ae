import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { type FastifyReply, type FastifyRequest, LogController } from 'fastify'
import fp from 'fastify-plugin'
import type { DestinationStream } from 'pino'
import type { Config } from '../config.ts'

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * Log lines are JSON; none holds a header, a body or a query string, so that no token or code can get into one.
 * Requests are numbered by GUID, since the same id goes to Entra and Graph as `client-request-id`.
 */
export function loggingOptions({ logLevel }: Pick<Config, 'logLevel'>, logTo?: DestinationStream) {
  return {
    logger: {
      level: logLevel,
      serializers: { req: () => ({}), res: () => ({}) },
      ...(logTo !== undefined && { stream: logTo }),
    },
    logController: new RequestLog({ requestIdLogLabel: 'requestId' }),
    genReqId: ({ headers }: IncomingMessage) => {
      const given = headers['x-request-id']
      return typeof given === 'string' && guid.test(given) ? given.toLowerCase() : randomUUID()
    },
  }
}

/** One line a request, when it is over. */
class RequestLog extends LogController {
  override incomingRequest() {}
  override routeNotFound() {}

  override requestCompleted(error: Error | null | undefined, request: FastifyRequest, reply: FastifyReply) {
    if (error) request.log.warn({ ...lineOf(request, reply, reply.statusCode), err: error }, 'request broken off')
    else request.log.info(lineOf(request, reply, reply.statusCode), 'request')
  }
}

function lineOf(request: FastifyRequest, reply: FastifyReply, status: number) {
  return {
    event: 'request',
    method: request.method,
    route: request.routeOptions.url ?? 'none',
    status,
    ms: Math.round(reply.elapsedTime * 10) / 10,
    ...(request.caller && { user: request.caller.userKey, client: request.caller.clientId }),
    ...request.rpc,
  }
}

/**
 * Gives every answer the id under which the log tells its story, and a line to those requests whose client went away,
 * of which Fastify says nothing (status 499, as nginx has it).
 */
export const observability = fp(
  async (app) => {
    app.addHook('onRequest', (request, reply, next) => {
      reply.header('x-request-id', request.id)
      reply.raw.once('close', () => {
        if (!reply.raw.writableFinished) request.log.info(lineOf(request, reply, 499), 'client gone')
      })
      next()
    })
  },
  { name: 'observability' },
)
