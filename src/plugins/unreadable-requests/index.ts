import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import fp from 'fastify-plugin'
import { Failure, httpError, jsonRpcError, type Reason } from '../../errors/index.ts'

/** By the code of Node's error; whatever else its parser rejects is malformed. */
const reasons: Readonly<Record<string, Reason>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
}

/**
 * Answers what Node could not read as HTTP, which no hook ever sees: as all failures are answered, with the security
 * headers, a line in the log and a place in the metrics. The connection ends with it (Node, "Event: 'clientError'").
 *
 * It is counted against no address: the socket's may be a proxy's.
 */
export const unreadableRequests = fp(
  async (app) => {
    const headers = Object.entries(app.securityHeaders())

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
