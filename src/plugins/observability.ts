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
    const line = {
      event: 'request',
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      ...(request.caller && { user: request.caller.userKey, client: request.caller.clientId }),
      ...request.rpc,
    }
    if (error) request.log.warn({ ...line, err: error }, 'request broken off')
    else request.log.info(line, 'request')
  }
}

/** Gives every answer the id under which the log tells its story. */
export const observability = fp(
  async (app) => {
    app.addHook('onRequest', (request, reply, next) => {
      reply.header('x-request-id', request.id)
      next()
    })
  },
  { name: 'observability' },
)
