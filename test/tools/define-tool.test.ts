import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Type } from 'typebox'
import type { Failure } from '../../src/errors/index.ts'
import { invalidArgument } from '../../src/lib/invalid-argument.ts'
import type { ToolContext } from '../../src/plugins/mcp/tool.ts'
import { defineTool } from '../../src/tools/define-tool.ts'

const unread = () => assert.fail('nothing calls Graph here')
const context: ToolContext = {
  caller: null,
  graph: { get: unread, post: unread, nextQuery: unread },
  messageCenter: { read: unread, find: unread, setViewPoint: unread },
  serviceHealth: { read: unread },
  roadmap: { read: unread },
  signal: new AbortController().signal,
  now: () => 0,
}
const tool = defineTool({
  name: 'order',
  title: 'Order',
  description: 'Orders something.',
  input: Type.Object(
    {
      dish: Type.String({ minLength: 2, description: 'the name of a dish' }),
      size: Type.Optional(Type.Enum(['small', 'large'], { description: 'small or large' })),
      count: Type.Optional(Type.Integer({ minimum: 1, maximum: 9, description: 'how many, 1 to 9' })),
      extras: Type.Optional(Type.Array(Type.String(), { description: 'what comes with it' })),
      plain: Type.Optional(Type.Boolean()),
    },
    { additionalProperties: false },
  ),
  output: Type.Object({ given: Type.Unknown() }),
  permissions: [],
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  handler: async (input, { caller }) => ({ given: input, caller }),
  links: ({ given }) => [{ type: 'resource_link', uri: 'x://1', name: JSON.stringify(given) }],
})

async function refusal(args: unknown): Promise<string> {
  try {
    await tool.call(args, context)
  } catch (error) {
    const { reason, details } = error as Failure
    assert.equal(reason, 'invalid_input')
    return details.detail ?? ''
  }
  assert.fail('The arguments were taken')
}

test('arguments that fit reach the handler as they are', async () => {
  const args = { dish: 'soup', size: 'large', count: 2, extras: ['bread'], plain: false }
  assert.deepEqual(await tool.call(args, context), { given: args, caller: null })
})

const refused: readonly [args: unknown, ...said: RegExp[]][] = [
  [{}, /^"dish" is missing\. It takes: the name of a dish$/],
  [undefined, /^"dish" is missing\./],
  [{ dish: 7 }, /^"dish" must be string\. It takes: the name of a dish$/],
  [{ dish: 'x' }, /^"dish" must not have fewer than 2 characters\. It takes: the name of a dish$/],
  [{ dish: null }, /^"dish" must be string/],
  [{ dish: 'soup', size: 'huge' }, /^"size" .*It takes: small, large\.$/],
  [{ dish: 'soup', count: 0 }, /^"count" must be >= 1\. It takes: how many, 1 to 9$/],
  [{ dish: 'soup', count: '2' }, /^"count" must be integer\. It takes: how many, 1 to 9$/],
  [{ dish: 'soup', count: 1.5 }, /^"count" must be integer/],
  [{ dish: 'soup', extras: 'bread' }, /^"extras" must be array\. It takes: what comes with it$/],
  [{ dish: 'soup', extras: ['bread', 7] }, /^"extras\.1" must be string\. It takes: what comes with it$/],
  [{ dish: 'soup', plain: 'no' }, /^"plain" must be boolean\.$/],
  [{ dish: 'soup', desert: 'x' }, /^There is no argument "desert"; there are: dish, size, count, extras, plain\.$/],
  [
    { desert: 'x', size: 1, count: 99 },
    /"dish" is missing/,
    /There is no argument "desert"/,
    /"size"/,
    /"count" must be <= 9/,
  ],
  ['soup', /^The arguments must be an object\.$/],
  [7, /^The arguments must be an object\.$/],
  [['soup'], /^The arguments must be an object\.$/],
  [JSON.parse('{"dish":"soup","__proto__":{"x":1}}'), /^There is no argument "__proto__"/],
  [{ dish: 'soup', constructor: 1 }, /^There is no argument "constructor"/],
]
for (const [args, ...said] of refused) {
  test(`${JSON.stringify(args)} is refused by name, with what is taken`, async () => {
    const detail = await refusal(args)
    for (const each of said) assert.match(detail, each)
  })
}

test('a value that is refused is not repeated', async () => {
  assert.doesNotMatch(
    await refusal({ dish: 'soup', size: 'zq7mark', count: 'zq7mark', extras: ['x', { zq7mark: 1 }] }),
    /zq7mark/,
  )
})

test('unknown arguments are named however many there are, and hide nothing else', async () => {
  const unknown = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`unknown${i}`, 1]))
  assert.match(await refusal({ dish: 'soup', ...unknown }), /^There is no argument "unknown0"; there are: dish, /)
  const three = Object.fromEntries(Object.entries(unknown).slice(0, 3))
  assert.match(await refusal({ count: 0, ...three }), /"dish" is missing\..*"count" must be >= 1\./)
})

test('a thousand faults are not a thousand sentences, nor a long name a long one', async () => {
  const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`${'x'.repeat(500)}${i}`, 1]))
  assert.ok((await refusal({ dish: 'soup', ...many })).length < 1_000)
})

test('the links of a result are those that the tool finds in it; without any there are none', () => {
  assert.deepEqual(tool.links({ given: 1 }), [{ type: 'resource_link', uri: 'x://1', name: '1' }])
  const { definition, permissions } = tool
  const { inputSchema: input, outputSchema: output, ...named } = definition
  const bare = defineTool({ ...named, input, output, permissions: [], handler: async () => ({}) })
  assert.deepEqual([permissions, bare.links({ given: 1 })], [[], []])
})

test('a definition says all that a list shows, and the tool what it needs', () => {
  assert.deepEqual(Object.keys(tool.definition).sort(), [
    'annotations',
    'description',
    'inputSchema',
    'name',
    'outputSchema',
    'title',
  ])
  assert.deepEqual(tool.permissions, [])
})

test('what a schema cannot judge is told in the same words', () => {
  assert.deepEqual(invalidArgument('day', 'a date that exists').details, { detail: '"day" takes a date that exists.' })
})
