import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { listen, toolCall } from '../helper.ts'
import { file, post } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'

/** The view as an MCP App: the tools name it, and anybody who is signed in can read it. */

const root = fileURLToPath(new URL('../..', import.meta.url))
execFileSync(process.execPath, ['scripts/build-view.mjs'], { cwd: root })
const tenant = await startEmulator()
file.after(() => tenant.close())
const { origin } = await listen(file, { LOG_LEVEL: 'silent' }, tenant)
const uri = 'ui://message-center/view'
const read = { jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri } }

async function connect(user: string, mode: 'auto' | 'legacy') {
  const headers = { authorization: `Bearer ${await tenant.mint({ user })}` }
  const client = new Client({ name: 'view-test', version: '1.0.0' }, { versionNegotiation: { mode } })
  file.after(() => client.close())
  await client.connect(new StreamableHTTPClientTransport(new URL(`${origin}/mcp`), { requestInit: { headers } }))
  return client
}

for (const mode of ['auto', 'legacy'] as const) {
  test(`the tools name their view in both forms, and it is listed and read (${mode})`, async () => {
    const client = await connect('rowan', mode)
    const { tools } = await client.listTools()
    for (const name of ['getMessages', 'getMessage', 'getDigest']) {
      assert.deepEqual(tools.find((tool) => tool.name === name)?._meta, {
        ui: { resourceUri: uri },
        'ui/resourceUri': uri,
      })
    }
    const { resources } = await client.listResources()
    assert.deepEqual(
      resources.map(({ uri, mimeType }) => [uri, mimeType]),
      [[uri, 'text/html;profile=mcp-app']],
    )
    const [content] = (await client.readResource({ uri })).contents
    assert.equal(content?.mimeType, 'text/html;profile=mcp-app')
    assert.deepEqual(content?._meta, {
      ui: {
        csp: { connectDomains: [], resourceDomains: [], frameDomains: [], baseUriDomains: [] },
        prefersBorder: true,
      },
    })
    const html = content !== undefined && 'text' in content ? content.text : ''
    assert.match(html, /^<!doctype html>/)
    const offered = /<html [^>]*data-tools="([^"]*)"/.exec(html)?.[1]?.split(' ')
    assert.deepEqual(
      offered,
      tools.map(({ name }) => name),
    )
  })
}

test('the view is read without Graph, also by a user who has no role there', async () => {
  const before = tenant.stats.snapshot().endpoints
  const { status, body } = await post(origin, read, await tenant.mint({ user: 'nico' }))
  assert.deepEqual([status, body.error], [200, undefined])
  const { graph, token } = tenant.stats.snapshot().endpoints
  assert.deepEqual([graph, token], [before.graph, before.token])
})

test('the view is for those who are signed in', async () => {
  assert.equal((await post(origin, read, '')).status, 401)
})

test('a tool’s text says all that the view shows', async () => {
  const { body } = await post(origin, toolCall('getDigest'), await tenant.mint({ user: 'rowan' }))
  const { content, structuredContent } = body.result as { content: { text: string }[]; structuredContent: unknown }
  assert.deepEqual(JSON.parse(content[0]?.text ?? ''), structuredContent)
})
