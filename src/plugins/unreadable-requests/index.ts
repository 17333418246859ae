import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Failure, httpError, jsonRpcError, type Reason } from '../../errors/index.ts'

/** By the code of Node's error; everything else that its parser rejects is `bad_request`. */
const reasons: Readonly<Record<string, Reason>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
}

/**
 * Responds to requests that Node cannot parse as HTTP, which no hook sees: with a JSON-RPC error, the security headers, a
 * log line and a count in the metrics. Closes the connection (Node, "Event: 'clientError'").
 *
 * No rate limit counts them: the socket's address may be a proxy's.
 */
export const unreadableRequests = fp(
  async (app) => {
    const headers = Object.entries(app.securityHeaders)

    app.server.removeAllListeners('clientError')
    app.server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
      if (error.code === 'ECONNRESET' || socket.destroyed) return
      const failure = new Failure(reasons[String(error.code)] ?? 'bad_request')
      const { status } = httpError(failure)
      const requestId = randomUUID()
      app.audit('request', { requestId, method: 'none', route: 'none', status, ms: 0 })
      if (socket.writable) socket.write(responseText(failure, status, requestId))
      socket.destroy(error)
    })

    function responseText(failure: Failure, status: number, requestId: string): string {
      const body = JSON.stringify(jsonRpcError(failure, requestId))
      const lines = [
        ...headers,
        ['content-type', 'application/json; charset=utf-8'],
        ['content-length', Buffer.byteLength(body)],
        ['cache-control', 'no-store'],
        ['connection', 'close'],
        ['x-request-id', requestId],
      ].map(([name, value]) => `${name}: ${value}\r\n`)
      return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`
    }
  },
  { name: 'unreadable-requests', dependencies: ['observability', 'security'] },
)

/**
 * A preParsing hook: rejects a compressed body before it is read (RFC 9110 section 15.5.16). Bodies here are small; a
 * compressed one may be small only on the wire.
 *
 * @throws {Failure} `content_encoding_unsupported`
 */
export async function rejectCompressedBody({ headers }: FastifyRequest): Promise<void> {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? ''
  if (encoding !== '' && encoding !== 'identity') throw new Failure('content_encoding_unsupported')
}
