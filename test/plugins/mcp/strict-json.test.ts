import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { jsonError } from '../../../src/plugins/mcp/strict-json.ts'

const errorOf = (text: string) => jsonError(Buffer.from(text))

test('whatever JSON.stringify writes is fit to be parsed, indented or not', () => {
  fc.assert(
    fc.property(
      fc.jsonValue({ stringUnit: 'binary', maxDepth: 8 }),
      fc.integer({ min: 0, max: 4 }),
      (value, indent) => {
        assert.equal(errorOf(JSON.stringify(value, undefined, indent)), undefined)
      },
    ),
  )
})

/** A key as JSON text, with some of its characters written as escapes. */
function spelled(key: string, escapes: readonly boolean[]): string {
  const hex = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  const parts = [...key].map((char, i) =>
    escapes[i % escapes.length] ? char.split('').map(hex).join('') : JSON.stringify(char).slice(1, -1),
  )
  return `"${parts.join('')}"`
}

/** JSON text around another: in a list or in an object, beside something else. */
const layer = fc.constantFrom<(inner: string) => string>(
  (inner) => `[${inner}]`,
  (inner) => `[{"b":"}]"}, ${inner} ,"\\\\"]`,
  (inner) => `{"a":${inner},"b":[{"a":1}]}`,
  (inner) => ` {"x":{"a":"\\""},\n"a" : ${inner}}`,
)
const escapes = fc.array(fc.boolean(), { minLength: 1, maxLength: 4 })

test('a key that occurs twice in one object is found at any depth and in any spelling', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      escapes,
      escapes,
      fc.array(layer, { maxLength: 50 }),
      (key, once, again, layers) => {
        const twice = `{${spelled(key, once)}:[{}] , "${key.length}-another" : {} , ${spelled(key, again)}\t\r\n:1}`
        const text = layers.reduce((inner, wrap) => wrap(inner), twice)
        assert.doesNotThrow(() => JSON.parse(text))
        assert.equal(errorOf(text), 'a key occurs twice')
      },
    ),
  )
})

for (const text of [
  '[{"a":1},{"a":1}]',
  '{"a":{"a":{"a":1}}}',
  '{"a":"a","b":"a"}',
  '{"a":["b","b"],"b":1}',
  '{"a":1,"A":2}',
  '{"a":"\\",\\"a\\":1"}',
  '{"\\\\":1,"\\"":2}',
  '{"__proto__":1,"constructor":2,"hasOwnProperty":3}',
  '{"é":1,"e\u0301":2}',
]) {
  test(`${text} has no key twice`, () => {
    assert.equal(errorOf(text), undefined)
  })
}

for (const text of [
  '{"__proto__":1,"__proto__":2}',
  '{"":1,"":2}',
  '{"/":1,"\\/":2}',
  '{"\\u00E9":1,"é":2}',
  '{"😀":1,"\\ud83D\\uDE00":2}',
  '{"a\\\\":1,"a\\\\":2}',
]) {
  test(`${text} has a key twice`, () => {
    assert.equal(errorOf(text), 'a key occurs twice')
  })
}

const nested = (depth: number, open: string, close: string) => open.repeat(depth) + close.repeat(depth)

for (const [name, open, close] of [
  ['lists', '[', ']'],
  ['objects', '{"a":', '}'],
] as const) {
  test(`64 ${name} in one another pass, and 65 do not`, () => {
    assert.equal(errorOf(nested(64, open, close)), undefined)
    assert.equal(errorOf(nested(65, open, close)), 'nested too deeply')
  })
}

test('depth counts what is open, not what was, and no bracket of a text', () => {
  assert.equal(errorOf(`[${Array(500).fill('[{}]').join(',')}]`), undefined)
  assert.equal(errorOf(JSON.stringify('[{'.repeat(500))), undefined)
})

for (const [name, bytes] of [
  ['a lone continuation byte', [0x22, 0x80, 0x22]],
  ['an overlong slash', [0x22, 0xc0, 0xaf, 0x22]],
  ['a surrogate in three bytes', [0x22, 0xed, 0xa0, 0x80, 0x22]],
  ['a character that is cut off', [0x22, 0xe2, 0x82]],
  ['UTF-16', [0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]],
] as const) {
  test(`${name} is not UTF-8`, () => {
    assert.equal(jsonError(Buffer.from(bytes)), 'not UTF-8')
  })
}

test('a byte order mark is a fault before anything else', () => {
  assert.equal(errorOf('\ufeff{}'), 'a byte order mark')
  assert.equal(errorOf('{"a":"\ufeff"}'), undefined)
})

for (const text of [
  '',
  '"',
  '{"a',
  '{"a\\',
  '}}}}',
  ']',
  '{"a":1',
  ':',
  '"a":1,"a":2',
  '["a":1,"a":2]',
  '{"\\x":1}',
  'null',
]) {
  test(`the syntax of ${JSON.stringify(text)} is left to the parser`, () => {
    assert.equal(errorOf(text), undefined)
  })
}

const size = 256 * 1024
const hostile: readonly [name: string, text: string][] = [
  ['backslashes', `"${'\\'.repeat(size)}`],
  ['escaped quotes', `"${'\\"'.repeat(size / 2)}`],
  ['ever longer runs of backslashes', `"${Array.from({ length: 700 }, (_, i) => `${'\\'.repeat(i | 1)}"`).join('')}`],
  ['empty texts', '""'.repeat(size / 2)],
  ['a text and white space', `""${' '.repeat(size)}`.repeat(2)],
  ['texts and white space', '"a"        '.repeat(size / 11)],
  ['keys', `{${Array.from({ length: size / 8 }, (_, i) => `"${i}":1`).join(',')}}`],
  ['escaped keys', `{${Array.from({ length: size / 14 }, (_, i) => `"\\u0061${i}":1`).join(',')}}`],
  ['closing brackets', ']'.repeat(size)],
]
for (const [name, text] of hostile) {
  test(`${size / 1024} KB of ${name} are judged in no time`, () => {
    const bytes = Buffer.from(text)
    const started = performance.now()
    jsonError(bytes)
    const ms = performance.now() - started
    // Some 20 ms; anything quadratic takes many seconds.
    assert.ok(ms < 1_000, `${ms} ms`)
  })
}
