import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeAnswer } from '../../../src/plugins/mcp/encode-answer.ts'
import { payloadOf, toBytes } from '../../../src/plugins/mcp/payload.ts'

const value = fc.jsonValue({ stringUnit: 'binary', maxDepth: 3 })
const key = fc.oneof(
  fc.constantFrom('content', 'isError', '_meta', 'result', '__proto__'),
  fc.string({ unit: 'binary' }),
)
const members = fc.dictionary(key, value, { maxKeys: 4 })
const id = fc.oneof(fc.integer(), fc.string({ unit: 'binary' }))
const age = fc.option(fc.nat(), { nil: undefined })

test('a result is written as JSON.stringify means it, whatever it holds, with its age before all else', () => {
  fc.assert(
    fc.property(id, members, members, age, fc.boolean(), (messageId, result, found, ageSeconds, isKept) => {
      const answer = {
        jsonrpc: '2.0' as const,
        id: messageId,
        result: { ...result, structuredContent: {}, content: [] },
      }
      const payload = isKept ? toBytes(payloadOf(found)) : payloadOf(found)
      const answered = { payload, ...(ageSeconds !== undefined && { ageSeconds }) }
      const written = JSON.parse(String(encodeAnswer(answer, answered)))
      // By its text: a member of the name __proto__ is one like any other.
      const told = JSON.stringify(found)
      const text =
        ageSeconds === undefined ? told : `{"ageSeconds":${ageSeconds}${told === '{}' ? '' : ','}${told.slice(1)}`
      const expected = { ...answer, result: { ...answer.result, content: [{ type: 'text', text }] } }
      assert.deepEqual(written.result.structuredContent, JSON.parse(text))
      assert.deepEqual(
        { ...written, result: { ...written.result, structuredContent: {} } },
        JSON.parse(JSON.stringify(expected)),
      )
    }),
  )
})

test('what JSON leaves out is left out', () => {
  const answer = { jsonrpc: '2.0' as const, id: 1, result: { isError: undefined, structuredContent: {} } }
  assert.equal(
    String(encodeAnswer(answer, { payload: payloadOf({ a: undefined }), ageSeconds: 3 })),
    '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"{\\"ageSeconds\\":3}"}],"structuredContent":{"ageSeconds":3}}}',
  )
})

test('an error, and a result without a payload, are JSON as ever', () => {
  const error = { jsonrpc: '2.0' as const, id: 'x', error: { code: -32602, message: 'no "such" tool' } }
  assert.equal(encodeAnswer(error, { payload: payloadOf({}) }), JSON.stringify(error))
  const result = { jsonrpc: '2.0' as const, id: 1, result: { structuredContent: { a: 1 } } }
  assert.equal(encodeAnswer(result, undefined), JSON.stringify(result))
})

test('a large result is the same as a stream, whatever its characters', async () => {
  const found = {
    value: Array.from({ length: 20_000 }, (_, i) => `${i} "Größe" – 柵 🚧 \\ \n \ud800 ${'x'.repeat(30)}`),
  }
  const answer = { jsonrpc: '2.0' as const, id: 1, result: { structuredContent: {} } }
  for (const age of [{}, { ageSeconds: 3 }]) {
    const encoded = encodeAnswer(answer, { payload: payloadOf(found), ...age })
    assert.ok(encoded instanceof Readable)
    const { result } = JSON.parse(await text(encoded))
    assert.deepEqual(result.structuredContent, { ...age, ...found })
    assert.equal(result.content[0].text, JSON.stringify({ ...age, ...found }))
  }
})
