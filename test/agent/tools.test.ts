import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { pluginManifest } from '../../agent/plugin.ts'
import { defaultTools as tools } from '../../src/tools/index.ts'
import { listen } from '../helper.ts'
import { readAgentFile, readAppPackage } from './app-package.ts'

test('ai-plugin.json is what `npm run agent` writes from the tools', () => {
  const written = `${JSON.stringify(pluginManifest(tools), null, 2)}\n`
  assert.ok(readAgentFile('appPackage/ai-plugin.json') === written, 'It is not: run npm run agent')
})

test('Copilot knows the tools that a server in production lists, member by member', async (t) => {
  const { origin, tenant } = await listen(t, { ALLOW_MCP_ACCESS_TOKEN_ARG: 'false' })
  const headers = { authorization: `Bearer ${await tenant.mint({ user: 'rowan' })}` }
  const client = new Client({ name: 'agent-test', version: '1.0.0' })
  t.after(() => client.close())
  await client.connect(new StreamableHTTPClientTransport(new URL(`${origin}/mcp`), { requestInit: { headers } }))
  const listed = await client.listTools()
  const [runtime] = readAppPackage().plugin.runtimes
  assert.deepEqual(runtime?.spec.mcp_tool_description.tools, listed.tools)
})

test('a tool that writes needs confirmation and is declared as an update', () => {
  const [tool] = tools
  assert.ok(tool)
  const annotations = { ...tool.definition.annotations, readOnlyHint: false }
  const writing = { ...tool, definition: { ...tool.definition, name: 'archiveMessage', annotations } }
  assert.deepEqual(pluginManifest([writing]).functions[0]?.capabilities, {
    security_info: { data_handling: ['ResourceStateUpdate'] },
  })
})
