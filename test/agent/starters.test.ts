import assert from 'node:assert/strict'
import { test } from 'node:test'
import { build, mcpHeaders, toolCall } from '../helper.ts'
import { file } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'
import { readAppPackage } from './app-package.ts'

const { agent } = readAppPackage()
const tenant = await startEmulator()
file.after(() => tenant.close())
const { app } = await build(file, { LOG_LEVEL: 'silent' }, tenant)

async function call<Result>(name: string, args: Record<string, unknown>): Promise<Result> {
  const headers = { ...mcpHeaders(await tenant.mint({ user: 'rowan' })), host: 'localhost' }
  const response = await app.inject({ method: 'POST', url: '/mcp', headers, payload: toolCall(name, args) })
  const { result } = response.json()
  assert.equal(result.isError, undefined, JSON.stringify(result))
  return result.structuredContent
}

/** What the instructions make of each conversation starter: the first call for it, and where its posts are. */
const calls: Record<string, readonly [tool: string, args: Record<string, unknown>, list: string]> = {
  'This week': ['getDigest', {}, 'top'],
  'Act soon': ['getDigest', { horizon: '30d' }, 'due'],
  Retirements: ['getDigest', { horizon: '6 months' }, 'retires'],
  'New for Teams': ['getMessages', { services: ['Teams'], modifiedSince: '7d', view: 'compact', top: 10 }, 'value'],
  'My unread posts': ['getMessages', { unreadOnly: true, modifiedSince: '14d', view: 'compact', top: 10 }, 'value'],
  'Tell our users': ['getMessages', { services: ['Outlook'], tags: ['User impact'], top: 1 }, 'value'],
}

test('each conversation starter is known by its title', () => {
  assert.deepEqual(
    agent.conversation_starters.map(({ title }) => title),
    Object.keys(calls),
  )
})

for (const [title, [tool, args, list]] of Object.entries(calls)) {
  test(`“${title}” finds posts with one narrow call, and the first of them can be read`, async () => {
    const result = await call<Record<string, readonly { readonly id: string }[]>>(tool, args)
    const [first] = result[list] ?? []
    assert.ok(first)
    assert.ok(JSON.stringify(result).length < 10_000)
    const message = await call<{ body: { content: string } }>('getMessage', { id: first.id })
    assert.ok(message.body.content.length > 100)
  })
}

test('the instructions name the tools, and no argument or tag that they do not have', async () => {
  const tools = readAppPackage().plugin.runtimes[0]?.spec.mcp_tool_description.tools ?? []
  const schemas = JSON.stringify(tools)
  for (const { name } of tools) assert.match(agent.instructions, new RegExp(`\\b${name}\\b`))
  const named = [...agent.instructions.matchAll(/\b[a-z]+[A-Z]\w+|"@odata\.count"/g)].map(([name]) => name)
  const tags = [...agent.instructions.matchAll(/"([A-Z][a-z]+ [a-z]+)"/g)].map(([, tag = '']) => tag)
  assert.ok(named.length > 15 && tags.length > 4)
  for (const name of [...named, ...tags]) assert.ok(schemas.includes(name.replaceAll('"', '')), name)
})
