import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listen } from '../helper.ts'
import { file, post } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'

/** Prompts, resources and completion, as a client of a 2025 revision sends them. */

const tenant = await startEmulator()
file.after(() => tenant.close())
const { origin } = await listen(file, { LOG_LEVEL: 'silent', GRAPH_CACHE_TTL: '5m' }, tenant)
const token = await tenant.mint({ user: 'rowan' })

// biome-ignore lint/suspicious/noExplicitAny: results of as many shapes as there are methods
type Result = any
async function ask(method: string, params: Record<string, unknown> = {}, as: string | undefined = token) {
  const { body, ...rest } = await post(origin, { jsonrpc: '2.0', id: 1, method, params }, as)
  return { ...rest, body: body as { result?: Result; error?: { code: number; message: string } } }
}
const resultOf = async (method: string, params?: Record<string, unknown>): Promise<Result> => {
  const { body } = await ask(method, params)
  assert.equal(body.error, undefined, JSON.stringify(body.error))
  return body.result
}
const graphCalls = () => tenant.stats.snapshot().endpoints.graph

test('the prompts are listed with their arguments', async () => {
  const { prompts } = await resultOf('prompts/list')
  assert.deepEqual(
    prompts.map(({ name, arguments: args }: Result) => [
      name,
      ...args.map(({ name, required }: Result) => name + (required ? '!' : '')),
    ]),
    [
      ['weekly-triage', 'period', 'service'],
      ['announce-change', 'id!', 'audience'],
      ['prepare-for', 'service!', 'period'],
      ['whats-due', 'period', 'service'],
    ],
  )
})

test('a prompt has the given arguments in its text, and defaults for the others', async () => {
  const textOf = async (name: string, args?: Record<string, string>) => {
    const { messages } = await resultOf('prompts/get', { name, ...(args && { arguments: args }) })
    assert.equal(messages.length, 1)
    assert.equal(messages[0].role, 'user')
    return messages[0].content.text as string
  }
  assert.match(await textOf('weekly-triage'), /for the last 7d\. Call getDigest with since "7d"\./)
  assert.match(
    await textOf('weekly-triage', { period: '14d', service: 'Teams' }),
    /since "14d" and services \["Teams"\]/,
  )
  assert.match(await textOf('announce-change', { id: 'MC1' }), /post MC1 for all employees/)
  assert.match(await textOf('prepare-for', { service: 'Planner', period: ' ' }), /Planner in the next 90d/)
  assert.match(await textOf('prepare-for', { service: 'a "b"' }), /services \["a \\"b\\""\]/)
})

for (const [why, params, expected] of [
  ['an unknown prompt', { name: 'nothing' }, /Unknown prompt: nothing/],
  ['a prompt of Object’s', { name: 'constructor' }, /Unknown prompt: constructor/],
  ['a missing argument', { name: 'announce-change' }, /Missing required argument: id/],
  ['an empty argument', { name: 'announce-change', arguments: { id: ' ' } }, /Missing required argument: id/],
] as const) {
  test(`${why} is named`, async () => {
    const { error } = (await ask('prompts/get', params)).body
    assert.equal(error?.code, -32602)
    assert.match(error?.message ?? '', expected)
  })
}

for (const method of ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list']) {
  test(`a cursor for ${method} is none that it gave`, async () => {
    const { error } = (await ask(method, { cursor: 'x' })).body
    assert.deepEqual(error, { code: -32602, message: 'Invalid cursor: the list has one page.' })
    assert.ok(await resultOf(method, { cursor: '' }))
  })
}

test('a message is a resource: its facts, then its text', async () => {
  const { resourceTemplates } = await resultOf('resources/templates/list')
  assert.deepEqual(
    resourceTemplates.map(({ uriTemplate }: Result) => uriTemplate),
    ['message-center://messages/{id}'],
  )
  const { completion } = await resultOf('completion/complete', {
    ref: { type: 'ref/resource', uri: 'message-center://messages/{id}' },
    argument: { name: 'id', value: 'mc' },
  })
  assert.ok(completion.total > 0)
  const uri = `message-center://messages/${completion.values[0]}`
  const { contents } = await resultOf('resources/read', { uri })
  assert.deepEqual([contents.length, contents[0].uri, contents[0].mimeType], [1, uri, 'text/plain'])
  assert.match(contents[0].text, new RegExp(`^${completion.values[0]}: .+\n\nLink: https://admin\\.microsoft\\.com/`))
  assert.doesNotMatch(contents[0].text, /<p>|undefined/)
})

for (const uri of [
  'message-center://messages/MC1',
  'message-center://messages/1',
  'message-center://messages/MC1/../MC2',
  'file:///etc/passwd',
  'MC1',
  '',
]) {
  test(`a resource that is not there is an error that says so: ${uri}`, async () => {
    const { body, status } = await ask('resources/read', { uri })
    assert.deepEqual([status, body.error?.code], [200, -32602])
  })
}

test('links of a list lead to resources that can be read', async () => {
  const { content } = await resultOf('tools/call', { name: 'getMessages', arguments: { top: 2 } })
  const links = content.filter(({ type }: Result) => type === 'resource_link')
  assert.equal(links.length, 2)
  for (const { uri, name } of links) {
    const { contents } = await resultOf('resources/read', { uri })
    assert.ok(contents[0].text.startsWith(name))
  }
})

test('arguments are completed from the user’s own messages, without another call to Graph', async () => {
  const complete = async (ref: Record<string, unknown>, name: string, value: string) =>
    (await resultOf('completion/complete', { ref, argument: { name, value } })).completion.values as string[]
  const prompt = (name: string) => ({ type: 'ref/prompt', name })
  await resultOf('tools/call', { name: 'getMessages', arguments: { top: 1 } })
  const before = graphCalls()
  assert.ok((await complete(prompt('weekly-triage'), 'service', 'TEAMS')).includes('Microsoft Teams'))
  assert.deepEqual(await complete(prompt('whats-due'), 'period', '6'), ['60d', '6 months'])
  const [id = ''] = await complete(prompt('announce-change'), 'id', '')
  for (const typed of ['M', 'mc', id, ` ${id}`, id.slice(2)]) {
    assert.ok((await complete(prompt('announce-change'), 'id', typed)).includes(id), typed)
  }
  assert.deepEqual(await complete(prompt('announce-change'), 'audience', ''), [])
  assert.equal(graphCalls(), before)
  const unknown = await ask('completion/complete', { ref: prompt('nothing'), argument: { name: 'id', value: '' } })
  assert.deepEqual(unknown.body.error, { code: -32602, message: 'Unknown prompt: nothing' })
})

test('a resource needs a token as a tool does', async () => {
  assert.equal((await ask('resources/read', { uri: 'message-center://messages/MC1' }, '')).status, 401)
})

test('a user without a role is told why a resource cannot be read', async () => {
  const { body } = await ask(
    'resources/read',
    { uri: 'message-center://messages/MC1' },
    await tenant.mint({ user: 'nico' }),
  )
  assert.match(body.error?.message ?? '', /^graph_forbidden: .*"Message Center Reader".* sign in again\./)
})
