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

interface Page {
  readonly '@odata.count': number
  readonly value: { readonly id: string; readonly lastModifiedDateTime: string }[]
}

async function call<Result>(name: string, args: Record<string, unknown>): Promise<Result> {
  const headers = { ...mcpHeaders(await tenant.mint({ user: 'rowan' })), host: 'localhost' }
  const response = await app.inject({ method: 'POST', url: '/mcp', headers, payload: toolCall(name, args) })
  const { result } = response.json()
  assert.equal(result.isError, undefined, JSON.stringify(result))
  return result.structuredContent
}

const day = (offset: number) => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10)

/** What the instructions make of each conversation starter: the first call for it. */
const calls: Record<string, Record<string, unknown>> = {
  'Act soon': {
    actionRequiredAfter: day(0),
    actionRequiredBefore: day(31),
    orderby: 'actionRequiredByDateTime',
  },
  'New for Teams': { services: ['Teams'], modifiedSince: day(-7) },
  'Major changes': { isMajorChange: true, startedSince: day(-30) },
  Retirements: {
    tags: ['Retirement'],
    actionRequiredAfter: day(0),
    orderby: 'actionRequiredByDateTime',
  },
  'My unread posts': { unreadOnly: true, modifiedSince: day(-14) },
  'Tell our users': { search: 'Outlook', tags: ['User impact'], top: 1 },
}

test('each conversation starter is known by its title', () => {
  assert.deepEqual(
    agent.conversation_starters.map(({ title }) => title),
    Object.keys(calls),
  )
})

for (const [title, args] of Object.entries(calls)) {
  test(`“${title}” finds posts with one narrow call, and the first of them can be read`, async () => {
    const { value, '@odata.count': count } = await call<Page>('getMessages', { top: 10, ...args })
    assert.ok(value.length > 0)
    assert.ok(count < 200, `${count} is not narrow`)
    const message = await call<{ body: { content: string } }>('getMessage', { id: value[0]?.id })
    assert.ok(message.body.content.length > 100)
  })
}

test('the instructions name the tools, and no argument or tag that they do not have', async () => {
  const [list, read] = readAppPackage().plugin.runtimes[0]?.spec.mcp_tool_description.tools ?? []
  const schemas = JSON.stringify([list, read])
  assert.match(agent.instructions, /getMessages/)
  assert.match(agent.instructions, /getMessage\b/)
  const named = [...agent.instructions.matchAll(/\b[a-z]+[A-Z]\w+|"@odata\.count"/g)].map(([name]) => name)
  const tags = [...agent.instructions.matchAll(/"([A-Z][a-z]+ [a-z]+)"/g)].map(([, tag = '']) => tag)
  assert.ok(named.length > 15 && tags.length > 4)
  for (const name of [...named, ...tags]) assert.ok(schemas.includes(name.replaceAll('"', '')), name)
})
