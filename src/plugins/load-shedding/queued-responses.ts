import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Has responses that wait behind others of their connection (RFC 9112 section 9.3.2, "Pipelining") close when the
 * connection does, as all others do. Before nodejs/node#62534 Node lets them be: what is counted until they close, and
 * what they wait for, would stay for ever.
 */
export function closeQueuedResponses(server: Server): void {
  const queued = new WeakMap<Socket, Set<ServerResponse>>()

  server.prependListener('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    const hasTurn = response.socket !== null
    if (hasTurn) return
    const waiting = queued.get(socket) ?? watch(socket)
    waiting.add(response)
    response.once('close', () => waiting.delete(response))
  })

  function watch(socket: Socket): Set<ServerResponse> {
    const waiting = new Set<ServerResponse>()
    queued.set(socket, waiting)
    // After Node, which closes what has its turn, or all of them.
    socket.once('close', () => setImmediate(closeAll, waiting))
    return waiting
  }
}

function closeAll(responses: ReadonlySet<ServerResponse>) {
  for (const response of responses) response.emit('close')
}
