import type { JSONRPCMessage, JSONRPCRequest, Server, Transport } from '@modelcontextprotocol/server'
import { untilAborted } from '../../lib/until-aborted.ts'

/**
 * Serves one request of a 2025 revision: one message in, one response out, as JSON.
 *
 * Server and transport are this request's alone, so that no response can reach another caller; they hold nothing open,
 * and are dropped with it. The SDK's own transport would make a call of 1.6 times the floor one of 2
 * (docs/decisions/0019-transport-of-one-message.md).
 *
 * @throws {Failure} `call_cancelled` when the client goes away first
 */
export function exchangeOnce(server: Server, request: JSONRPCRequest, signal: AbortSignal): Promise<JSONRPCMessage> {
  const response = new Promise<JSONRPCMessage>((resolve, reject) => {
    const transport: Transport = {
      async start() {},
      // Notifications of a server on the way to its response have nowhere to go in a JSON response.
      async send(message) {
        if ('result' in message || 'error' in message) resolve(message)
      },
      async close() {},
    }
    server
      .connect(transport)
      .then(() => transport.onmessage?.(request))
      .catch(reject)
  })
  return untilAborted(response, signal)
}
