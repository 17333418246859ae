import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Value } from 'typebox/value'
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

for (const { definition, graphScopes } of tools) {
  const { name, title, description, annotations, inputSchema, outputSchema } = definition

  test(`${name} has a name, a title and a description that an agent can choose by`, () => {
    assert.match(name, /^[a-z][A-Za-z]{2,40}$/)
    assert.ok(title.length > 4 && title.length < 60)
    assert.ok(description.length > 60 && description.length < 1_000)
  })

  test(`${name} says of itself all four that MCP asks, and says them rightly of a read`, () => {
    assert.deepEqual(annotations, {
      readOnlyHint: true,
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
      for (const [path, value] of walk(plain, name)) {
        assert.ok(!/\/(~\w+|\$id|\$defs|[Kk]ind)$/.test(path), path)
        assert.ok(value !== undefined)
      }
      // It means the same without TypeBox's own marks.
      assert.equal(Value.Check(plain as typeof schema, 7), false)
    }
  })

  test(`${name}'s texts are lengths and patterns that end`, () => {
    for (const [path, value] of walk(JSON.parse(JSON.stringify(inputSchema)), name)) {
      const schema = value as { type?: unknown; pattern?: string; maxLength?: number; enum?: unknown } | null
      if (schema?.type !== 'string' || schema.enum !== undefined) continue
      assert.ok(schema.maxLength !== undefined || /^\^.*\$$/.test(schema.pattern ?? ''), path)
    }
  })

  test(`${name} names the Graph permissions it needs`, () => {
    assert.ok(graphScopes.length > 0)
    for (const scope of graphScopes) assert.match(scope, /^[A-Z][A-Za-z]+(\.[A-Z][A-Za-z]+)+$/)
  })
}
