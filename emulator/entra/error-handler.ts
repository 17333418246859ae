import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { AadstsError, errorBody, reportOf } from './aadsts.ts'
import type { Authority } from './authority.ts'

/** Sends an `AadstsError` as Entra does; other errors go to Fastify. */
export function aadstsErrorHandler({ now }: Pick<Authority, 'now'>) {
  return (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
    if (!(error instanceof AadstsError)) throw error
    const body = errorBody(error, reportOf(error, now(), correlationId(request)))
    return reply.code(error.status).send(body)
  }
}

/** The client's request id, which Entra returns: from a header, or MSAL's query parameter. */
export function correlationId({ headers, url }: FastifyRequest): string | undefined {
  const header = headers['client-request-id']
  if (typeof header === 'string') return header
  return new URLSearchParams(url.split('?')[1]).get('client-request-id') ?? undefined
}
