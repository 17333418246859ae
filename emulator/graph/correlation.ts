import { randomUUID } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'

export interface Correlation {
  requestId: string
  clientRequestId: string
}

/**
 * Sets the request ids in the response headers, once. Without a valid id from the client, `client-request-id` is Graph's.
 * @see https://learn.microsoft.com/graph/best-practices-concept#reliability-and-support
 */
export function correlate(request: FastifyRequest, reply: FastifyReply): Correlation {
  const existing = reply.getHeader('request-id')
  const requestId = typeof existing === 'string' ? existing : randomUUID()
  const sent = request.headers['client-request-id']
  const clientRequestId = typeof sent === 'string' && /^[\w.-]{1,128}$/.test(sent) ? sent : requestId
  reply.header('request-id', requestId).header('client-request-id', clientRequestId)
  return { requestId, clientRequestId }
}
