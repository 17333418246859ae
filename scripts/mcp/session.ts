import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { OperatorError } from '../shared/operator-error.ts'
import { httpError, type ToolResult, toolError } from './errors.ts'

export interface ListedTool {
  readonly name: string
  readonly title?: string | undefined
  readonly description?: string | undefined
  readonly inputSchema: ToolSchema
}

/** As much of JSON Schema as a command line needs. */
export interface ToolSchema {
  readonly properties?: Readonly<Record<string, PropertySchema>> | undefined
  readonly required?: readonly string[] | undefined
}

export interface PropertySchema {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly items?: PropertySchema
  readonly description?: string
}

/** A connected client of the official SDK. Every method throws {@link OperatorError} where the call fails. */
export interface Session {
  /** The negotiated protocol revision. */
  readonly version: string
  readonly serverName: string
  listTools(): Promise<readonly ListedTool[]>
  /** @throws {OperatorError} for a tool error too */
  callTool(name: string, args: Readonly<Record<string, unknown>>): Promise<ToolResult>
  close(): Promise<void>
}

/** `v1`: the SDK of the 2025 revisions; `v2`: its successor, pinned to 2026-07-28; `any`: negotiated. */
export type Generation = 'v1' | 'v2' | 'any'

export interface SessionOptions {
  readonly endpoint: string
  readonly accessToken: string
  readonly fetch: typeof globalThis.fetch
}

const clientInfo = { name: 'message-center-ops', version: '1.0.0' }

/** Connects with a bearer token. @throws {OperatorError} */
export async function openSession(generation: Generation, options: SessionOptions): Promise<Session> {
  const responses = recordErrors(options.fetch)
  const transportOptions = {
    fetch: responses.fetch,
    requestInit: { headers: { authorization: `Bearer ${options.accessToken}` } },
  }
  const url = new URL(options.endpoint)
  const explained = <T>(work: Promise<T>) =>
    work.catch((error: unknown) => Promise.reject(responses.toOperatorError(error)))
  const shared = (
    client: Pick<Client, 'close' | 'listTools' | 'callTool'>,
    version = 'unknown',
    serverName = 'a server',
  ) => ({
    version,
    serverName,
    listTools: async () => (await explained(client.listTools())).tools as readonly ListedTool[],
    async callTool(name: string, args: Readonly<Record<string, unknown>>) {
      const result = (await explained(client.callTool({ name, arguments: { ...args } }))) as ToolResult
      const error = toolError(name, result)
      if (error !== undefined) throw error
      return result
    },
    close: () => client.close(),
  })

  if (generation === 'v1') {
    const client = new ClientV1(clientInfo)
    const transport = new TransportV1(url, transportOptions)
    await explained(client.connect(transport as Transport))
    return shared(client as unknown as Client, transport.protocolVersion, client.getServerVersion()?.name)
  }
  const mode = generation === 'v2' ? { pin: '2026-07-28' } : ('auto' as const)
  const client = new Client(clientInfo, { versionNegotiation: { mode } })
  await explained(client.connect(new StreamableHTTPClientTransport(url, transportOptions)))
  return shared(client, client.getNegotiatedProtocolVersion(), client.getServerVersion()?.name)
}

/** The SDKs' errors drop the body of the response: this remembers the last failed request to explain them by. */
function recordErrors(fetch: typeof globalThis.fetch) {
  let lastError: unknown
  return {
    fetch: async (input: string | URL | Request, init?: RequestInit) => {
      // The v1 client also requests a GET stream and accepts the 405 of a server without sessions.
      if (init?.method !== 'POST') return fetch(input, init)
      lastError = undefined
      try {
        const response = await fetch(input, init)
        if (!response.ok) lastError = await httpError(response.clone())
        return response
      } catch (error) {
        lastError = error
        throw error
      }
    },
    toOperatorError(error: unknown): OperatorError {
      if (lastError instanceof OperatorError) return lastError
      const message = error instanceof Error ? error.message : String(error)
      return new OperatorError(
        `The response does not follow MCP: ${message.slice(0, 500)}`,
        'Check the address of the server, and that this command has the same version.',
        { cause: error },
      )
    },
  }
}
