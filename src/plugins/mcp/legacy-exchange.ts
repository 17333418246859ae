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
export async function exchangeOnce(
  server: Server,
  request: JSONRPCRequest,
  signal: AbortSignal,
): Promise<JSONRPCMessage> {
  const transport = new LegacyExchange()
  await server.connect(transport)
  transport.onmessage?.(request)
  return untilAborted(transport.response, signal)
}

class LegacyExchange implements Transport {
  onmessage?: NonNullable<Transport['onmessage']>
  onclose?: () => void
  onerror?: (error: Error) => void
  readonly response: Promise<JSONRPCMessage>
  #resolve: (message: JSONRPCMessage) => void = () => {}

  constructor() {
    this.response = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  async start() {}

  /** Notifications of a server on the way to its response have nowhere to go in a JSON response. */
  async send(message: JSONRPCMessage) {
    if ('result' in message || 'error' in message) this.#resolve(message)
  }

  async close() {
    this.onclose?.()
  }
}
