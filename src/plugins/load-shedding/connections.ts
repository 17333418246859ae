import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import fp from 'fastify-plugin'

/** Real clients wait for a response before they send the next request; a few old proxies pipeline a handful. */
const maxUnanswered = 16
/** Each takes some 10 KB. */
const maxConnections = 10_000
/** Left for connections to Entra, Graph and Redis, and for files. */
const descriptorsKept = 256

/**
 * Bounds what connections may hold. Node reads as many pipelined requests as fit into a packet (RFC 9112 section 9.3.2)
 * before it writes a response, so a client that never reads could fill the heap with them: one with too many unanswered
 * requests is closed.
 *
 * Responses that wait for their turn are closed with their connection, as all others are. Before nodejs/node#62534 Node
 * leaves them open, and whatever waits for their end would wait forever.
 */
export const connections = fp(
  async (app) => {
    const unanswered = new WeakMap<Socket, Set<ServerResponse>>()
    // Node answers an Expect that it does not know by itself, past every hook. RFC 9110 section 10.1.1 lets it be ignored.
    app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
    app.server.maxConnections = connectionsFor(openFilesLimit())

    app.addHook('onRequest', ({ raw: { socket } }, reply, next) => {
      const responses = unanswered.get(socket) ?? watch(socket)
      if (responses.size >= maxUnanswered) {
        reply.hijack()
        socket.destroy()
        return
      }
      responses.add(reply.raw)
      reply.raw.once('close', () => responses.delete(reply.raw))
      next()
    })

    function watch(socket: Socket): Set<ServerResponse> {
      const responses = new Set<ServerResponse>()
      unanswered.set(socket, responses)
      // After Node, which closes the response that has its turn, or all of them.
      socket.once('close', () => setImmediate(closeAll, responses))
      return responses
    }
  },
  { name: 'connections' },
)

/**
 * So many that a process with few descriptors does not run out of them: it could call nobody then, nor even read how much
 * memory it uses, which ends it (@fastify/under-pressure calls process.memoryUsage() in a timer).
 */
export function connectionsFor(openFiles: number): number {
  return Math.min(maxConnections, Math.max(openFiles - descriptorsKept, Math.floor(openFiles / 2)))
}

/** The soft limit of the process; where the platform has none, there is nothing to run out of. */
function openFilesLimit(): number {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: number | string } } }
  const soft = userLimits?.open_files?.soft
  return typeof soft === 'number' ? soft : Number.POSITIVE_INFINITY
}

function closeAll(responses: ReadonlySet<ServerResponse>) {
  for (const response of responses) response.emit('close')
}
