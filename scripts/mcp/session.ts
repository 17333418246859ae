import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { OperatorError } from '../shared/operator-error.ts'
import { httpRefusal, type ToolResult, toolRefusal } from './refusal.ts'

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

/** A connected client of the official SDK. Every method throws {@link OperatorError} for what the server refuses. */
export interface Session {
  /** The protocol revision that both sides took. */
  readonly version: string
  readonly serverName: string
  listTools(): Promise<readonly ListedTool[]>
  /** A result; a tool's own error is thrown. */
  callTool(name: string, args: Readonly<Record<string, unknown>>): Promise<ToolResult>
  close(): Promise<void>
}

/** `v1`: the SDK of the 2025 revisions; `v2`: its successor, held to 2026-07-28; `any`: whichever revision both know. */
export type Generation = 'v1' | 'v2' | 'any'

export interface SessionOptions {
  readonly endpoint: string
  readonly accessToken: string
  readonly fetch: typeof globalThis.fetch
}

const us = { name: 'message-center-ops', version: '1.0.0' }

/** Connects with a bearer token. @throws {OperatorError} */
export async function openSession(generation: Generation, options: SessionOptions): Promise<Session> {
  const refusals = noticing(options.fetch)
  const transportOptions = {
    fetch: refusals.fetch,
    requestInit: { headers: { authorization: `Bearer ${options.accessToken}` } },
  }
  const url = new URL(options.endpoint)
  const told = <T>(work: Promise<T>) => work.catch((error: unknown) => Promise.reject(refusals.explain(error)))
  const shared = (
    client: Pick<Client, 'close' | 'listTools' | 'callTool'>,
    version = 'unknown',
    serverName = 'a server',
  ) => ({
    version,
    serverName,
    listTools: async () => (await told(client.listTools())).tools as readonly ListedTool[],
    async callTool(name: string, args: Readonly<Record<string, unknown>>) {
      const result = (await told(client.callTool({ name, arguments: { ...args } }))) as ToolResult
      const refusal = toolRefusal(name, result)
      if (refusal !== undefined) throw refusal
      return result
    },
    close: () => client.close(),
  })

  if (generation === 'v1') {
    const client = new ClientV1(us)
    const transport = new TransportV1(url, transportOptions)
    await told(client.connect(transport as Transport))
    return shared(client as unknown as Client, transport.protocolVersion, client.getServerVersion()?.name)
  }
  const mode = generation === 'v2' ? { pin: '2026-07-28' } : ('auto' as const)
  const client = new Client(us, { versionNegotiation: { mode } })
  await told(client.connect(new StreamableHTTPClientTransport(url, transportOptions)))
  return shared(client, client.getNegotiatedProtocolVersion(), client.getServerVersion()?.name)
}

/** The SDKs' errors do not say what the answer said: this keeps the last refusal, for whoever has to explain one. */
function noticing(fetch: typeof globalThis.fetch) {
  let last: unknown
  return {
    fetch: async (input: string | URL | Request, init?: RequestInit) => {
      // The v1 client also asks for a stream, which a server without sessions refuses, and takes that for an answer.
      if (init?.method !== 'POST') return fetch(input, init)
      last = undefined
      try {
        const response = await fetch(input, init)
        if (!response.ok) last = await httpRefusal(response.clone())
        return response
      } catch (error) {
        last = error
        throw error
      }
    },
    explain(error: unknown): unknown {
      if (last instanceof OperatorError) return last
      const said = error instanceof Error ? error.message : String(error)
      return new OperatorError(
        `The server did not answer as MCP has it: ${said.slice(0, 500)}`,
        'Check that this is the address of the server, and that both are of the same version.',
        { cause: error },
      )
    },
  }
}
