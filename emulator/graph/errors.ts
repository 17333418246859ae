import { randomUUID } from 'node:crypto'

/**
 * A refusal in Graph's words. `message` is what the caller reads.
 * @see https://learn.microsoft.com/graph/errors
 */
export class GraphError extends Error {
  override readonly name = 'GraphError'
  readonly statusCode: number
  readonly code: string

  constructor(statusCode: number, code: string, message: string) {
    super(message)
    this.statusCode = statusCode
    this.code = code
  }
}

export const badRequest = (message: string) => new GraphError(400, 'BadRequest', message)

export const forbidden = (message: string) => new GraphError(403, 'Forbidden', message)

/**
 * Of an id that has expired or never was: no 404, and JSON in JSON in the message, as the service behind Graph writes it
 * and Graph passes it on. Seen in public captures; no Microsoft page has it.
 */
export function noSuchMessage(): GraphError {
  const inner = JSON.stringify({
    error: `Resource doesn't exist for the tenant. ActivityId: ${randomUUID()}. Learn more: https://docs.microsoft.com/en-us/graph/api/resources/service-communications-api-overview.`,
  })
  return new GraphError(403, 'UnknownError', JSON.stringify({ code: 'forbidden', message: inner }))
}

export interface GraphErrorBody {
  error: {
    code: string
    message: string
    innerError: { date: string; 'request-id': string; 'client-request-id': string }
  }
}

/** @param now Graph writes the date in UTC, to the second and without a zone */
export function graphErrorBody(
  code: string,
  message: string,
  ids: { requestId: string; clientRequestId: string },
  now = new Date(),
): GraphErrorBody {
  return {
    error: {
      code,
      message,
      innerError: {
        date: now.toISOString().slice(0, 19),
        'request-id': ids.requestId,
        'client-request-id': ids.clientRequestId,
      },
    },
  }
}
