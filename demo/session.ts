import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { CallError } from './call-error.ts'
import type { Step } from './steps.ts'

export interface Session {
  /** Calls a tool, and returns its structured result. @throws {CallError} */
  call<T>(name: string, args: Record<string, unknown>): Promise<T>
  close(): Promise<void>
}

/** Connects the official MCP client with a bearer token; it negotiates the newest common revision. */
export async function openSession(url: string, accessToken: string, step: Step): Promise<Session> {
  let callError: CallError | undefined
  const client = new Client({ name: 'message-center-demo', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } })
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { authorization: `Bearer ${accessToken}` } },
    // The SDK's errors do not include the challenge.
    fetch: async (input, init) => {
      const response = await fetch(input, init)
      callError = response.ok ? undefined : await readCallError(response.clone())
      return response
    },
  })

  await step(async () => {
    await client.connect(transport)
    const server = client.getServerVersion()
    return {
      value: undefined,
      detail: `MCP ${client.getNegotiatedProtocolVersion()}: connected to ${server?.name} ${server?.version}`,
    }
  })
  await step(async () => {
    const { tools } = await client.listTools()
    return { value: undefined, detail: `tools/list: ${tools.map(({ name }) => name).join(', ')}` }
  })

  return {
    async call<T>(name: string, args: Record<string, unknown>) {
      const result = await client.callTool({ name, arguments: args }).catch((error) => {
        throw callError ?? error
      })
      if (result.isError !== true) return result.structuredContent as T
      const [content] = result.content
      throw new CallError(content?.type === 'text' ? content.text : 'The tool failed without an error text.')
    },
    close: () => client.close(),
  }
}

async function readCallError(response: Response): Promise<CallError> {
  const challenge = response.headers.get('www-authenticate') ?? ''
  const error = /\berror="([^"]+)"/.exec(challenge)?.[1]
  const claims = /\bclaims="([^"]+)"/.exec(challenge)?.[1]
  const body = (await response.json().catch(() => ({}))) as { error?: { message?: string } }
  return new CallError(
    [response.status, error, body.error?.message].filter((part) => part !== undefined).join(' '),
    claims === undefined ? undefined : Buffer.from(claims, 'base64').toString(),
  )
}
