import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Value } from 'typebox/value'
import { isWrite } from '../../src/lib/graph-permissions.ts'
import { tools } from '../../src/tools/index.ts'

test('every name occurs once', () => {
  const names = tools.map(({ definition }) => definition.name)
  assert.deepEqual([...new Set(names)], names)
  assert.ok(names.length >= 2)
})

/** Whatever is below a schema, with its path. */
function* walk(value: unknown, path: string): Generator<[path: string, value: unknown]> {
  yield [path, value]
  if (typeof value !== 'object' || value === null) return
  for (const [name, inner] of Object.entries(value)) yield* walk(inner, `${path}/${name}`)
}

/** Gemini, Vertex AI and Kimi refuse the whole request for one property of another kind. */
const plainTypes: ReadonlySet<unknown> = new Set(['string', 'number', 'integer', 'boolean', 'array', 'object'])
const combining = ['anyOf', 'oneOf', 'allOf', 'not', 'const', '$ref', 'nullable']

type Schema = Readonly<Record<string, unknown>>

/** A schema and every one in it, with its path. */
function* schemasIn(schema: Schema, path: string): Generator<[path: string, schema: Schema]> {
  yield [path, schema]
  const { properties = {}, items } = schema as { properties?: Record<string, Schema>; items?: Schema }
  for (const [property, inner] of Object.entries(properties)) yield* schemasIn(inner, `${path}.${property}`)
  if (items !== undefined) yield* schemasIn(items, `${path}[]`)
}

for (const { definition, permissions } of tools) {
  const { name, title, description, annotations, inputSchema, outputSchema } = definition

  test(`${name} has a name, a title and a description that an agent can choose by`, () => {
    assert.match(name, /^[a-z][A-Za-z]{2,40}$/)
    assert.ok(title.length > 4 && title.length < 60)
    assert.ok(description.length > 60 && description.length < 1_000)
  })

  test(`${name} says of itself all four that MCP asks, and says them rightly`, () => {
    assert.deepEqual(annotations, {
      readOnlyHint: !permissions.some(isWrite),
      destructiveHint: false,
      idempotentHint: true,
      openWorldHint: true,
    })
  })

  test(`${name} takes an object of described arguments and nothing else`, () => {
    assert.equal(inputSchema.type, 'object')
    assert.equal(Object.getOwnPropertyDescriptor(inputSchema, 'additionalProperties')?.value, false)
    for (const [argument, schema] of Object.entries(inputSchema.properties)) {
      assert.ok('description' in schema && String(schema.description).length > 8, argument)
      assert.ok(!('default' in schema), `${argument} has a default, and would be advertised as required`)
    }
    assert.ok(!('accessToken' in inputSchema.properties))
  })

  test(`${name}'s schemas are plain JSON Schema`, () => {
    for (const schema of [inputSchema, outputSchema]) {
      const plain: unknown = JSON.parse(JSON.stringify(schema))
      assert.equal((plain as { type?: unknown }).type, 'object')
      for (const [path, one] of schemasIn(plain as Schema, name)) {
        for (const keyword of Object.keys(one)) assert.doesNotMatch(keyword, /^~|^\$|^[Kk]ind$/, path)
      }
      // It means the same without TypeBox's own marks.
      assert.equal(Value.Check(plain as typeof schema, 7), false)
    }
  })

  test(`${name}'s schemas are of those that model APIs take: one plain type each, and nothing to resolve`, () => {
    for (const schema of [inputSchema, outputSchema]) {
      for (const [path, one] of schemasIn(JSON.parse(JSON.stringify(schema)), name)) {
        assert.ok(plainTypes.has(one['type']), `${path} has the type ${JSON.stringify(one['type'])}`)
        for (const keyword of combining) assert.ok(!(keyword in one), `${path} has ${keyword}`)
        if (one['type'] === 'array') assert.ok('items' in one, `${path} does not say what it holds`)
      }
    }
  })

  test(`${name}'s texts are lengths and patterns that end`, () => {
    for (const [path, value] of walk(JSON.parse(JSON.stringify(inputSchema)), name)) {
      const schema = value as { type?: unknown; pattern?: string; maxLength?: number; enum?: unknown } | null
      if (schema?.type !== 'string' || schema.enum !== undefined) continue
      assert.ok(schema.maxLength !== undefined || /^\^.*\$$/.test(schema.pattern ?? ''), path)
    }
  })

  test(`${name} names the Graph permissions it needs, with a role and a line for the consent page`, () => {
    assert.ok(permissions.length > 0)
    for (const { scope, roles, purpose, consent } of permissions) {
      assert.match(scope, /^[A-Z][A-Za-z]+(\.[A-Z][A-Za-z]+)+$/)
      assert.ok(roles.length > 0)
      assert.match(purpose, /^[a-z].*[^.]$/)
      assert.match(consent, /^[A-Z].*[^.]$/)
    }
  })
}
