import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { type Failure, failureText, httpError, jsonRpcError } from '../../errors/index.ts'

/** A refusal as it goes out, but for the request's id: made once, since that would be two fifths of its cost. */
export interface Refusal {
  readonly status: number
  /** Names and values in turn, as `writeHead` takes them. */
  readonly headers: readonly string[]
  readonly body: (id: string) => string
}

/** To an MCP client. */
export function rpcRefusal(failure: Failure): Refusal {
  const mark = randomUUID()
  const [before, after] = JSON.stringify(jsonRpcError(failure, mark)).split(mark)
  return refusalOf(failure, 'application/json; charset=utf-8', (id) => `${before}${id}${after}`)
}

/** To all others, who may be people at their browser. */
export function textRefusal(failure: Failure): Refusal {
  const text = failureText(failure)
  return refusalOf(failure, 'text/plain; charset=utf-8', () => text)
}

function refusalOf(failure: Failure, contentType: string, body: Refusal['body']): Refusal {
  const headers = {
    'retry-after': String(failure.details.retryAfterSeconds),
    'cache-control': 'no-store',
    'content-type': contentType,
    // Ids are all of one length.
    'content-length': String(Buffer.byteLength(body(randomUUID()))),
  }
  return { status: httpError(failure).status, headers: Object.entries(headers).flat(), body }
}

export function refuse(
  { status, headers, body }: Refusal,
  id: string,
  response: ServerResponse,
  security: readonly string[],
) {
  response.writeHead(status, [...security, ...headers, 'x-request-id', id]).end(body(id))
}
