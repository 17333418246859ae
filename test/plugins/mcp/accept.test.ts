import assert from 'node:assert/strict'
import { test } from 'node:test'
import { acceptsJson } from '../../../src/plugins/mcp/accept.ts'

const headers: readonly [accept: string | undefined, isAccepted: boolean][] = [
  [undefined, true],
  ['', true],
  [' , ', true],
  ['*/*', true],
  ['application/*', true],
  ['application/json', true],
  ['Application/JSON', true],
  ['APPLICATION/*', true],
  ['application/json, text/event-stream', true],
  ['text/event-stream, application/json', true],
  ['text/event-stream,application/json', true],
  ['text/event-stream;q=0.9, application/json;q=0.1', true],
  ['text/event-stream;q=1.0, */*;q=0.001', true],
  ['text/event-stream, application/json;Q=0.5', true],
  ['text/event-stream;q=0, application/json', true],
  ['application/json ; q=0.5', true],
  ['application/json;charset=utf-8', true],
  ['application/json; charset="utf-8"; q=0.3', true],
  ['application/json;q=high', true],
  ['application/json;q=', true],
  ['application/json;version=1;q=0, application/json', true],
  ['*/*;q=0, application/*;q=0, application/json', true],
  ['text/html, image/gif, */*; q=.2', true],
  ['text/event-stream', false],
  ['text/event-stream;q=0.5', false],
  ['text/html', false],
  ['text/*', false],
  ['application/xml', false],
  ['application/jsonp', false],
  ['application/json-seq', false],
  ['text/application/json', false],
  ['application/json;q=0', false],
  ['application/json;q=0.000', false],
  ['application/json;q=0, */*', false],
  ['*/*, application/json;q=0', false],
  ['application/*, application/json;Q=0.0', false],
  ['application/*;q=0, */*', false],
  ['application/json; charset=utf-8; q=0, text/event-stream', false],
  ['*/*;q=0', false],
]

for (const [accept, isAccepted] of headers) {
  test(`Accept ${accept ?? 'missing'} ${isAccepted ? 'accepts' : 'excludes'} JSON`, () => {
    assert.equal(acceptsJson(accept), isAccepted)
  })
}

test('a long header is judged in linear time', () => {
  const started = performance.now()
  assert.equal(acceptsJson(`${'application/json;q=0'.repeat(10_000)}, ${'a;'.repeat(100_000)}`), false)
  assert.ok(performance.now() - started < 500)
})
