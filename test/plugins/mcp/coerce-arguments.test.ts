import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Type } from 'typebox'
import { coerceArguments } from '../../../src/plugins/mcp/coerce-arguments.ts'
import { getMessages } from '../../../src/tools/get-messages.ts'

const schema = Type.Object(
  {
    dish: Type.String(),
    size: Type.Optional(Type.Enum(['small', 'large'], { type: 'string' })),
    count: Type.Optional(Type.Integer()),
    price: Type.Optional(Type.Number()),
    extras: Type.Optional(Type.Array(Type.String())),
    tables: Type.Optional(Type.Array(Type.Integer())),
    isPlain: Type.Optional(Type.Boolean()),
    deliveredBefore: Type.Optional(Type.String()),
    order: Type.Optional(Type.String({ pattern: '^[0-9]{1,4}$' })),
    orders: Type.Optional(Type.Array(Type.String({ pattern: '^[0-9]{1,4}$' }))),
  },
  { additionalProperties: false },
)

const coerced: readonly [args: unknown, result: unknown][] = [
  // null is absent
  [{ dish: 'soup', size: null, count: null, extras: null, isPlain: null }, { dish: 'soup' }],
  [{ dish: null }, {}],
  [{ nothing: null, dishes: null }, {}],
  // so are blanks, and null as text, of what is optional
  ...['', ' \n', 'null', ' NULL '].map(
    (blank) =>
      [{ size: blank, count: blank, extras: blank, isPlain: blank, deliveredBefore: blank, order: blank }, {}] as [
        unknown,
        unknown,
      ],
  ),
  [{ extras: [], orders: [''], tables: [null] }, {}],
  [{ extras: ['null', 'bread', ' ', null] }, { extras: ['bread'] }],
  [{ dish: '' }, { dish: '' }],
  [{ dish: 'null' }, { dish: 'null' }],
  [{ deliveredBefore: 'nullity' }, { deliveredBefore: 'nullity' }],
  [{ token: '' }, { token: '' }],
  // lists
  [{ extras: '["bread", "salt"]' }, { extras: ['bread', 'salt'] }],
  [{ extras: ' ["bread"]\n' }, { extras: ['bread'] }],
  [{ extras: '[]' }, {}],
  [{ extras: 'bread' }, { extras: ['bread'] }],
  [{ extras: 'bread, salt' }, { extras: ['bread', 'salt'] }],
  [{ extras: 'bread,,salt ,' }, { extras: ['bread', 'salt'] }],
  [{ extras: ' , ' }, { extras: [' , '] }],
  [{ orders: '12, 13' }, { orders: ['12', '13'] }],
  [{ orders: 12 }, { orders: ['12'] }],
  [{ extras: "['bread', 'salt']" }, { extras: ['bread', 'salt'] }],
  [{ extras: "[ 'rye bread' ]" }, { extras: ['rye bread'] }],
  [{ extras: '[new] bread' }, { extras: ['[new] bread'] }],
  [{ extras: '{"a":1}' }, { extras: ['{"a":1}'] }],
  [{ extras: '["bread", 7]' }, { extras: '["bread", 7]' }],
  [{ extras: '[["bread"]]' }, { extras: '[["bread"]]' }],
  [{ extras: ['bread'] }, { extras: ['bread'] }],
  [{ extras: 7 }, { extras: 7 }],
  [{ tables: '7' }, { tables: '7' }],
  // numbers and booleans
  [{ count: '10' }, { count: 10 }],
  [{ count: ' -3 ' }, { count: -3 }],
  [{ count: '10.0' }, { count: 10 }],
  [{ count: '1.5' }, { count: 1.5 }],
  [{ price: '1.5' }, { price: 1.5 }],
  [{ count: 10 }, { count: 10 }],
  ...['ten', '1e3', '0x10', '+1', '1.', '.5', 'NaN', 'Infinity', '9'.repeat(16), '10 soups', '1,000'].map(
    (count) => [{ count }, { count }] as [unknown, unknown],
  ),
  [{ isPlain: 'true' }, { isPlain: true }],
  [{ isPlain: 'False' }, { isPlain: false }],
  [{ isPlain: ' TRUE ' }, { isPlain: true }],
  ...['yes', '1', 'truer'].map((isPlain) => [{ isPlain }, { isPlain }] as [unknown, unknown]),
  [{ isPlain: 1 }, { isPlain: 1 }],
  // text stays text
  [
    { dish: '10', size: 'true' },
    { dish: '10', size: 'true' },
  ],
  [{ dish: '["soup"]' }, { dish: '["soup"]' }],
  [{ dish: 10 }, { dish: 10 }],
  // ids of digits as numbers
  [{ order: 12 }, { order: '12' }],
  [{ orders: [12, '13'] }, { orders: ['12', '13'] }],
  [{ orders: '[12, "13"]' }, { orders: ['12', '13'] }],
  [
    { order: 12_345, orders: [1.5, -1] },
    { order: 12_345, orders: [1.5, -1] },
  ],
  [{ extras: ['bread', 7] }, { extras: ['bread', 7] }],
  // all arguments as JSON text
  ['{"dish":"soup","count":"2","size":null}', { dish: 'soup', count: 2 }],
  ['{}', {}],
  ['soup', 'soup'],
  ['', ''],
  ['["soup"]', '["soup"]'],
  ['{"dish":', '{"dish":'],
  ['{"dish":"soup","dish":"bread"}', '{"dish":"soup","dish":"bread"}'],
  // no object at all
  [undefined, undefined],
  [null, null],
  [7, 7],
  [['soup'], ['soup']],
  // unknown arguments
  [
    { dish: 'soup', sessionId: '1', action: 'sendMessage', chatInput: 'x', toolCallId: 'y', tool: {} },
    { dish: 'soup' },
  ],
  // known to others
  [{ token: 'x' }, { token: 'x' }],
  [{ token: '7' }, { token: '7' }],
]
for (const [args, result] of coerced) {
  test(`${JSON.stringify(args)} is taken as ${JSON.stringify(result)}`, () => {
    assert.deepEqual(coerceArguments(args, schema, { alsoKnown: ['token'] }).args, result)
  })
}

for (const name of [
  'dihs',
  'Dish',
  'cuont',
  'counts',
  'extra',
  'is_plain',
  'IsPlain',
  'delivered_before',
  'deliverdBefor',
  'Token',
]) {
  test(`${name} is a mistake, and kept for the tool to reject`, () => {
    assert.deepEqual(coerceArguments({ [name]: 'x' }, schema, { alsoKnown: ['token'] }).args, { [name]: 'x' })
  })
}

const isAddedByFrameworks = (name: string) => name === 'tool'
for (const name of [
  'd',
  'wish_list',
  'amount',
  'deliveredAfter',
  'name',
  'type',
  'tool',
  'id',
  '',
  '_',
  'x'.repeat(9_999),
]) {
  test(`${name.slice(0, 20)} is another argument, and ignored`, () => {
    const result = coerceArguments({ [name]: 'x' }, schema, { alsoKnown: ['token'] })
    assert.deepEqual(result, { args: {}, ignored: isAddedByFrameworks(name) ? [] : [name] })
  })
}

for (const name of ['tool', 'sessionId', 'action', 'chatInput', 'toolCallId', '_meta']) {
  test(`${name}, which frameworks add, is close to no argument of getMessages`, () => {
    assert.deepEqual(coerceArguments({ [name]: 'x' }, getMessages.definition.inputSchema), { args: {}, ignored: [] })
  })
}

test('an argument of another tool is a mistake, but for what frameworks add', () => {
  const args = { dish: 'soup', wine: 'x', action: 'sendMessage', spoon: 'x' }
  const ofOthers = ['dish', 'wine', 'action']
  const result = coerceArguments(args, schema, { ofOthers })
  assert.deepEqual(result, { args: { dish: 'soup', wine: 'x' }, ignored: ['spoon'] })
})

test('id is a mistake for ids of getMessages, which says so instead of finding all messages', () => {
  const args = { id: 'MC1234567' }
  assert.deepEqual(coerceArguments(args, getMessages.definition.inputSchema), { args, ignored: [] })
})

test('what is absent is not ignored', () => {
  assert.deepEqual(coerceArguments({ spoon: null, fork: 1 }, schema), { args: {}, ignored: ['fork'] })
})

test('the names of prototypes are unknown arguments like all others', () => {
  for (const text of [
    '{"__proto__":{"polluted":1},"dish":"soup"}',
    '{"constructor":{"prototype":{"polluted":1}},"dish":"soup"}',
    '{"toString":1,"hasOwnProperty":1,"valueOf":null,"dish":"soup"}',
  ]) {
    for (const args of [text, JSON.parse(text)]) {
      const { args: result } = coerceArguments(args, schema)
      assert.deepEqual(result, { dish: 'soup' }, text)
      assert.equal(Object.getPrototypeOf(result), Object.prototype)
    }
  }
  assert.equal(({} as { polluted?: unknown }).polluted, undefined)
})

test('the order of arguments makes no difference', () => {
  const [one, other] = [
    { dish: 'soup', count: 2 },
    { count: '2', dish: 'soup' },
  ]
  assert.equal(JSON.stringify(coerceArguments(one, schema).args), JSON.stringify(coerceArguments(other, schema).args))
})

test('the arguments themselves are as they were', () => {
  const args = { dish: 'soup', count: '2', extras: null }
  coerceArguments(args, schema)
  assert.deepEqual(args, { dish: 'soup', count: '2', extras: null })
})

test('text that is nested more deeply than a body may be is text', () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  assert.deepEqual(coerceArguments({ extras: deep }, schema).args, { extras: [deep] })
  const args = `{"dish":${deep}}`
  assert.equal(coerceArguments(args, schema).args, args)
})

test('of a hundred unknown arguments each is compared, and of more none', () => {
  const unknown = (length: number) => Object.fromEntries(Array.from({ length }, (_, i) => [`other${i}`, 1]))
  assert.deepEqual(coerceArguments({ ...unknown(99), Dish: 'x' }, schema).args, { Dish: 'x' })
  assert.deepEqual(coerceArguments({ ...unknown(100), Dish: 'x' }, schema).args, {})
})
