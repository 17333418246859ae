import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { listen } from '../helper.ts'

test('the v1 SDK client lists the tools and reads messages', async (t) => {
  const { origin, tenant } = await listen(t)
  const token = await tenant.mint({ user: 'rowan' })
  const client = new ClientV1({ name: 'test', version: '1' })
  await client.connect(
    new TransportV1(new URL(`${origin}/mcp`), {
      requestInit: { headers: { authorization: `Bearer ${token}` } },
    }) as never,
  )
  t.after(() => client.close())
  const { tools } = await client.listTools()
  assert.deepEqual(
    tools.map(({ name }) => name),
    ['getMessages', 'getMessage'],
  )
  const result = await client.callTool({ name: 'getMessages', arguments: { top: 3 } })
  const { value } = result.structuredContent as { value: { id: string }[] }
  assert.equal(value.length, 3)
})

for (const mode of ['auto', 'legacy', { pin: '2026-07-28' }] as const) {
  test(`the v2 client reads messages (${JSON.stringify(mode)})`, async (t) => {
    const { origin, tenant } = await listen(t)
    const token = await tenant.mint({ user: 'rowan' })
    const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } } as never)
    await client.connect(
      new StreamableHTTPClientTransport(new URL(`${origin}/mcp`), {
        requestInit: { headers: { authorization: `Bearer ${token}` } },
      }),
    )
    t.after(() => client.close())
    const result = await client.callTool({ name: 'getMessages', arguments: { top: 3 } })
    const { value } = result.structuredContent as { value: { id: string }[] }
    assert.equal(value.length, 3)
  })
}
