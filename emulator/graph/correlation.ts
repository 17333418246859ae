import { randomUUID } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'

export interface Correlation {
  requestId: string
  clientRequestId: string
}

/**
 * Names the request in the answer's headers, once. A client that sends no id of its own, or one that is
 * no short token, is given Graph's.
 * @see https://learn.microsoft.com/graph/best-practices-concept#reliability-and-support
 */
export function correlate(request: FastifyRequest, reply: FastifyReply): Correlation {
  const given = reply.getHeader('request-id')
  const requestId = typeof given === 'string' ? given : randomUUID()
  const sent = request.headers['client-request-id']
  const clientRequestId = typeof sent === 'string' && /^[\w.-]{1,128}$/.test(sent) ? sent : requestId
  reply.header('request-id', requestId).header('client-request-id', clientRequestId)
  return { requestId, clientRequestId }
}
