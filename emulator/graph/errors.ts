import { randomUUID } from 'node:crypto'

/**
 * An error in Graph's words. `message` is sent to the caller.
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
 * For an unknown or expired id: not a 404, and JSON within JSON in the message, which Graph forwards from the service
 * behind it. Seen in public captures; not documented by Microsoft.
 */
export function unknownMessage(): GraphError {
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
