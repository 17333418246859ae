import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Type } from 'typebox'
import { accessTokenArgument, advertise, withoutAccessToken } from '../../../src/plugins/mcp/access-token-argument.ts'
import type { ToolDefinition } from '../../../src/plugins/mcp/tool.ts'

const definition: ToolDefinition = {
  name: 'tool',
  title: 'A tool',
  description: 'Does something.',
  inputSchema: Type.Object({ text: Type.String() }, { additionalProperties: false }),
  outputSchema: Type.Object({}),
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
}

test('where the argument is allowed every tool shows it, and needs it no more than before', () => {
  const { inputSchema, ...rest } = advertise(definition, true)
  const { inputSchema: before, ...restBefore } = definition
  assert.deepEqual(Object.keys(inputSchema.properties), ['text', 'accessToken'])
  assert.deepEqual(inputSchema.required, ['text'])
  assert.deepEqual(rest, restBefore)
  assert.deepEqual(Object.keys(before.properties), ['text'], 'the definition itself is as it was')
})

test('where it is not allowed no tool shows it', () => {
  assert.equal(advertise(definition, false), definition)
})

for (const args of [
  undefined,
  null,
  {},
  [],
  'accessToken',
  { accessToken: undefined },
  { accessToken: null },
  { AccessToken: 'x' },
]) {
  test(`${JSON.stringify(args)} holds no token, allowed or not`, () => {
    assert.equal(accessTokenArgument(args, true), undefined)
    assert.equal(accessTokenArgument(args, false), undefined)
  })
}

test('a token is taken where it is allowed', () => {
  assert.equal(accessTokenArgument({ accessToken: 'aZ0-._~+/=' }, true), 'aZ0-._~+/=')
})

for (const accessToken of ['x', '', 7, {}]) {
  test(`${JSON.stringify(accessToken)} is refused by name where no token is allowed`, () => {
    assert.throws(() => accessTokenArgument({ accessToken }, false), { reason: 'accessToken_disabled' })
  })
}

for (const accessToken of ['', ' ', 'a b', 'a\r\nx: y', 'ü', 'x'.repeat(16_385), 7, {}, ['x']]) {
  test(`${JSON.stringify(accessToken).slice(0, 20)} is no token, and is not repeated`, () => {
    assert.throws(() => accessTokenArgument({ accessToken }, true), {
      reason: 'invalid_input',
      message: '"accessToken" takes a Microsoft Graph access token.',
    })
  })
}

test('the tool gets its own arguments and no token', () => {
  const args = { accessToken: 'x', text: 'y' }
  assert.deepEqual(withoutAccessToken(args), { text: 'y' })
  assert.deepEqual(args, { accessToken: 'x', text: 'y' }, 'the message is as it was')
  for (const none of [undefined, null, 'x', 7]) assert.equal(withoutAccessToken(none), none)
})
