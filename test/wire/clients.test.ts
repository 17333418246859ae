import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { defaultTools } from '../../src/tools/index.ts'
import { listen } from '../helper.ts'
import { file, listTools, post } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'

/** The official clients of both generations, each as it comes, against the service: what they learn, read and reject. */

const tenant = await startEmulator()
file.after(() => tenant.close())
const { origin, logs } = await listen(file, {}, tenant)
const token = await tenant.mint({ user: 'rowan' })

interface ListedTool {
  readonly name: string
  readonly [member: string]: unknown
}

interface ToolResult {
  readonly isError?: boolean
  readonly content: readonly { readonly type: string; readonly text?: string; readonly uri?: string }[]
  readonly structuredContent?: { readonly id?: string; readonly value?: readonly { readonly id: string }[] }
}

/** What both generations of clients have in common. */
interface Connected {
  readonly version: string | undefined
  readonly serverInfo: { readonly name: string; readonly title?: string | undefined } | undefined
  readonly instructions: string | undefined
  readonly capabilities: unknown
  listTools(): Promise<readonly ListedTool[]>
  /** Checks the result against the advertised output schema, once the tools have been listed. */
  callTool(name: string, args: Record<string, unknown>): Promise<ToolResult>
}

type Connect = (t: TestContext, bearer?: string) => Promise<Connected>

const us = { name: 'wire-test', version: '1.0.0' }
const endpoint = new URL(`${origin}/mcp`)

function requestInit(bearer: string | undefined) {
  return { requestInit: { headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` } } }
}

const v1: Connect = async (t, bearer) => {
  const client = new ClientV1(us)
  const transport = new TransportV1(endpoint, requestInit(bearer))
  t.after(() => client.close())
  await client.connect(transport as Transport)
  return {
    version: transport.protocolVersion,
    serverInfo: client.getServerVersion(),
    instructions: client.getInstructions(),
    capabilities: client.getServerCapabilities(),
    listTools: async () => (await client.listTools()).tools,
    callTool: async (name, args) => (await client.callTool({ name, arguments: args })) as ToolResult,
  }
}

function v2(mode: 'legacy' | 'auto' | { pin: string }): Connect {
  return async (t, bearer) => {
    const client = new Client(us, { versionNegotiation: { mode } })
    t.after(() => client.close())
    await client.connect(new StreamableHTTPClientTransport(endpoint, requestInit(bearer)))
    return {
      version: client.getNegotiatedProtocolVersion(),
      serverInfo: client.getServerVersion(),
      instructions: client.getInstructions(),
      capabilities: client.getServerCapabilities(),
      listTools: async () => (await client.listTools()).tools,
      callTool: async (name, args) => (await client.callTool({ name, arguments: args })) as ToolResult,
    }
  }
}

const clients: Readonly<Record<string, { connect: Connect; version: string }>> = {
  'the v1 client': { connect: v1, version: '2025-11-25' },
  'the v2 client, as it comes': { connect: v2('legacy'), version: '2025-11-25' },
  'the v2 client, choosing for itself': { connect: v2('auto'), version: '2026-07-28' },
  'the v2 client, held to 2026-07-28': { connect: v2({ pin: '2026-07-28' }), version: '2026-07-28' },
}

/** The listing as a 2025 client reads it off the wire. */
const listed = (await post(origin, listTools, token)).body.result?.['tools'] as readonly ListedTool[]

function idsOf({ structuredContent }: ToolResult): readonly string[] {
  return (structuredContent?.value ?? []).map(({ id }) => id)
}

for (const [name, { connect, version }] of Object.entries(clients)) {
  test(`${name} learns which server it is, what it is for, and that its tools stay as they are`, async (t) => {
    const client = await connect(t, token)
    assert.equal(client.version, version)
    assert.equal(client.serverInfo?.name, 'mcp-message-center-server')
    assert.equal(client.serverInfo?.title, 'Microsoft 365 Message Center')
    assert.match(client.instructions ?? '', /Message Center.*getDigest.*getMessages.*nextSkip.*getMessage/s)
    assert.deepEqual(client.capabilities, {
      tools: { listChanged: false },
      prompts: {},
      resources: {},
      completions: {},
    })
  })

  test(`${name} sees the same tools as every other client, each described in full`, async (t) => {
    const tools = await (await connect(t, token)).listTools()
    assert.deepEqual(tools, listed)
    const described = ({ name, title, description, annotations }: ListedTool) => [name, title, description, annotations]
    assert.deepEqual(
      tools.map(described),
      defaultTools.map(({ definition }) => described({ ...definition })),
    )
    for (const { inputSchema, outputSchema } of tools) {
      assert.equal((inputSchema as ListedTool)['type'], 'object')
      assert.equal((outputSchema as ListedTool)['type'], 'object')
    }
  })

  test(`${name} reads a page and a message of it, valid by the schemas it was told, as data and as text`, async (t) => {
    const client = await connect(t, token)
    await client.listTools()
    const page = await client.callTool('getMessages', { services: ['Teams'], top: 3 })
    const ids = idsOf(page)
    assert.equal(ids.length, 3)
    const message = await client.callTool('getMessage', { id: ids[0] })
    assert.equal(message.structuredContent?.id, ids[0])
    const digest = await client.callTool('getDigest', {})
    for (const { content, structuredContent } of [page, message, digest]) {
      assert.equal(content[0]?.type, 'text')
      assert.deepEqual(JSON.parse(content[0]?.text ?? ''), structuredContent)
    }
    const linksOf = ({ content: [, ...links] }: ToolResult) => links.map(({ type, uri }) => [type, uri])
    assert.deepEqual(
      linksOf(page),
      ids.map((id) => ['resource_link', `message-center://messages/${id}`]),
    )
    assert.deepEqual([linksOf(message), linksOf(digest)], [[], []])
  })

  test(`${name} takes a tool's error for a result to act on, and needs no structured content with it`, async (t) => {
    const client = await connect(t, await tenant.mint({ user: 'nico' }))
    await client.listTools()
    const { isError, content, structuredContent } = await client.callTool('getMessages', {})
    assert.equal(isError, true)
    assert.equal(structuredContent, undefined)
    assert.match(content[0]?.text ?? '', /^graph_forbidden: .*Message Center Reader.* sign in again\./)
  })

  test(`${name} is told of a tool that does not exist`, async (t) => {
    const client = await connect(t, token)
    await assert.rejects(client.callTool('deleteTenant', {}), { code: -32602, message: /Unknown tool: deleteTenant/ })
  })

  test(`${name} cannot connect without a token, and hears why`, async (t) => {
    await assert.rejects(connect(t), /Authentication required|401|Unauthorized/i)
  })

  test(`${name} gets each of fifty results for the call it belongs to`, async (t) => {
    const client = await connect(t, token)
    const ids = idsOf(await client.callTool('getMessages', { top: 50 }))
    assert.equal(ids.length, 50)
    const messages = await Promise.all(ids.map((id) => client.callTool('getMessage', { id, body: 'none' })))
    assert.deepEqual(
      messages.map(({ structuredContent }) => structuredContent?.id),
      ids,
    )
  })
}

test('clients that choose for themselves open with server/discover, the others with initialize', async (t) => {
  const openings = []
  for (const { connect } of Object.values(clients)) {
    const before = logs.length
    await connect(t, token)
    const asked = logs.slice(before).flatMap(({ event, rpcMethod }) => (event === 'request' ? [rpcMethod] : []))
    openings.push(asked.find((method) => method === 'initialize' || method === 'server/discover'))
  }
  assert.deepEqual(openings, ['initialize', 'initialize', 'server/discover', 'server/discover'])
})
