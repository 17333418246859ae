import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { listen, mcpHeaders } from '../helper.ts'
import { startEmulator } from '../tenant.ts'
import {
  call,
  costOf,
  file,
  type HttpResponse,
  isRpcError,
  listTools,
  post,
  raw,
  reasonOf,
  statusOf,
} from './harness.ts'

const tenant = await startEmulator()
file.after(() => tenant.close())
const { origin } = await listen(file, {}, tenant)
const token = await tenant.mint()
const good = JSON.stringify(listTools)
const inArguments = (members: string) =>
  `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"getMessages","arguments":{${members}}}}`

afterEach(async () => {
  assert.equal((await call(`${origin}/healthz`)).status, 200, 'the server is alive')
  assert.equal((await post(origin, listTools, token)).status, 200, 'and serves')
  const untouched: Record<string, unknown> = {}
  assert.equal(untouched['polluted'], undefined, 'no prototype was polluted')
})

function send(body: string | Buffer, headers: Record<string, string> = {}): Promise<HttpResponse> {
  return call(`${origin}/mcp`, { method: 'POST', headers: { ...mcpHeaders(token), ...headers }, body })
}

interface BadBody {
  readonly attack: string
  readonly body: string | Buffer
  readonly status?: number
  readonly reason: string
}

const invalid = (attack: string, body: string | Buffer): BadBody => ({ attack, body, reason: 'invalid_json' })
const malformed = (attack: string, message: unknown): BadBody => ({
  attack,
  body: typeof message === 'string' ? message : JSON.stringify(message),
  reason: 'bad_request',
})
const batch = (attack: string, body: string): BadBody => ({ attack, body, reason: 'batch_not_supported' })

const large = (bytes: number) => inArguments(`"search":"${'x'.repeat(bytes)}"`)

const badBodies: readonly BadBody[] = [
  { attack: '10 MB', body: large(10_000_000), status: 413, reason: 'body_too_large' },
  { attack: 'one byte over the limit', body: good.padEnd(256 * 1024 + 1), status: 413, reason: 'body_too_large' },
  invalid('arrays, 100,000 deep', '['.repeat(100_000)),
  invalid('arrays, 100,000 deep and closed', '['.repeat(100_000) + ']'.repeat(100_000)),
  invalid('objects, 20,000 deep', `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`),
  invalid('arguments, 65 deep', inArguments(`"a":${'['.repeat(65)}${']'.repeat(65)}`)),
  invalid('__proto__', `{"__proto__":{"polluted":1},${good.slice(1)}`),
  invalid('__proto__ in the arguments', inArguments('"__proto__":{"polluted":1}')),
  invalid('__proto__ with escapes', inArguments('"\\u005f\\u005fproto\\u005f\\u005f":{"polluted":1}')),
  invalid('__proto__ with one escape', inArguments('"__pr\\u006fto__":{"polluted":1}')),
  invalid('constructor.prototype', inArguments('"constructor":{"prototype":{"polluted":1}}')),
  invalid('constructor.prototype with escapes', inArguments('"c\\u006fnstructor":{"pr\\u006ftotype":{"polluted":1}}')),
  invalid('method twice', '{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}'),
  invalid(
    'method twice, once with an escape',
    '{"jsonrpc":"2.0","id":1,"method":"tools/list","\\u006dethod":"tools/call"}',
  ),
  invalid('id twice', '{"jsonrpc":"2.0","id":1,"method":"tools/list","id":2}'),
  invalid('an argument twice', inArguments('"top":1,"top":2')),
  invalid('an argument twice, once with an escape', inArguments('"top":1,"t\\u006Fp":2')),
  invalid('an argument twice, with blanks before the colon', inArguments('"top" \n\t:1,"top"\r :2')),
  invalid('a quote twice as a key', inArguments('"\\"":1,"\\u0022":2')),
  invalid('a key twice after a string that ends in a backslash', inArguments('"search":"\\\\","top":1,"top":2')),
  invalid('a key twice deep within', inArguments('"a":[{"b":{"c":1,"c":2}}]')),
  invalid('UTF-8 broken in the middle', Buffer.from(inArguments('"search":"\xff\xfe"'), 'latin1')),
  invalid('UTF-8 of an overlong slash', Buffer.from(inArguments('"search":"\xc0\xaf"'), 'latin1')),
  invalid('UTF-8 of a lone surrogate', Buffer.from(inArguments('"search":"\xed\xa0\x80"'), 'latin1')),
  invalid('UTF-8 that breaks off', Buffer.from(`${good.slice(0, -1)}\xe2\x82`, 'latin1')),
  invalid('UTF-16', Buffer.from(`\ufeff${good}`, 'utf16le')),
  invalid('UTF-16 without a BOM', Buffer.from(good, 'utf16le')),
  invalid('a BOM', `\ufeff${good}`),
  invalid('a BOM before a batch', `\ufeff[${good}]`),
  invalid('gzip', gzipSync(good)),
  invalid('nothing', ''),
  invalid('blanks', '  \n '),
  invalid('half a message', good.slice(0, -5)),
  invalid('a message and a half', good + good.slice(0, 5)),
  invalid('two messages', `${good}\n${good}`),
  invalid('a comment', `/* */${good}`),
  invalid('a comma too many', `${good.slice(0, -1)},}`),
  invalid('single quotes', good.replaceAll('"', "'")),
  invalid('NaN', '{"jsonrpc":"2.0","id":NaN,"method":"tools/list"}'),
  invalid('a raw newline in a string', '{"jsonrpc":"2.0","id":1,"method":"tools/\nlist"}'),
  invalid('a string that does not end', '{"jsonrpc":"2.0","id":1,"method":"tools/list'),
  invalid('a string that ends in a backslash', '{"jsonrpc":"2.0","id":1,"method":"tools/list\\'),
  invalid('brackets that do not match', '{"jsonrpc":"2.0","id":1,"method":"tools/list"]'),
  invalid('closing brackets alone', ']}]}'),
  batch('a batch', `[${good}]`),
  batch('a batch of two', `[${good},${good}]`),
  batch('an empty batch', '[]'),
  batch('a batch after blanks', ` \r\n\t[${good}]`),
  malformed('a text', '"tools/list"'),
  malformed('a number', '42'),
  malformed('null', 'null'),
  malformed('true', 'true'),
  malformed('an empty object', {}),
  malformed('jsonrpc missing', { id: 1, method: 'tools/list' }),
  malformed('jsonrpc 1.0', { ...listTools, jsonrpc: '1.0' }),
  malformed('jsonrpc a number', { ...listTools, jsonrpc: 2.0 }),
  malformed('id null', { ...listTools, id: null }),
  malformed('id an object', { ...listTools, id: { a: 1 } }),
  malformed('id an array', { ...listTools, id: [1] }),
  malformed('id true', { ...listTools, id: true }),
  malformed('id a fraction', { ...listTools, id: 1.5 }),
  malformed('id infinite', '{"jsonrpc":"2.0","id":1e400,"method":"tools/list"}'),
  malformed('id of 10,000 characters', { ...listTools, id: 'x'.repeat(10_000) }),
  malformed('method a number', { ...listTools, method: 1 }),
  malformed('method null', { ...listTools, method: null }),
  malformed('method an array', { ...listTools, method: ['tools/list'] }),
  malformed('method of 10,000 characters', { ...listTools, method: 'x'.repeat(10_000) }),
  malformed('params an array', { ...listTools, params: [1] }),
  malformed('params a text', { ...listTools, params: 'x' }),
]

for (const { attack, body, status = 400, reason } of badBodies) {
  test(`${attack} → ${status} ${reason}`, async () => {
    const response = await send(body)
    assert.deepEqual([response.status, reasonOf(response)], [status, reason])
    assert.ok(isRpcError(response), response.text)
    assert.ok(response.text.length < 2_000, 'the response is short')
  })
}

test('a message without method or id → 400', async () => {
  const response = await send('{"jsonrpc":"2.0"}')
  assert.equal(response.status, 400)
  assert.ok(isRpcError(response), response.text)
})

const octets = (type: string) => ({ 'content-type': type })
for (const type of [
  'text/plain',
  'text/json',
  'text/plain;application/json',
  'application/jsonp',
  'application/json-patch+json',
  'application/vnd.api+json',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/octet-stream',
  'application/json, text/plain',
  'json',
  '*/*',
]) {
  test(`content type ${type} → 415`, async () => {
    const response = await send(good, octets(type))
    assert.deepEqual([response.status, reasonOf(response)], [415, 'media_type_unsupported'])
    assert.ok(isRpcError(response), response.text)
  })
}

for (const encoding of ['gzip', 'GZIP', 'deflate', 'br', 'zstd', 'gzip, identity', 'x']) {
  test(`content encoding ${encoding} → 415 that asks for a plain body`, async () => {
    const response = await send(gzipSync(good), { 'content-encoding': encoding })
    assert.deepEqual([response.status, reasonOf(response)], [415, 'content_encoding_unsupported'])
    assert.equal(response.headers['accept-encoding'], 'identity')
    assert.match(response.body.error?.message ?? '', /uncompressed/)
  })
}

for (const encoding of ['identity', 'Identity', '']) {
  test(`content encoding "${encoding}" is a plain body`, async () => {
    assert.equal((await send(good, { 'content-encoding': encoding })).status, 200)
  })
}

test('a compressed body is a 415 where clients register and redeem as well', async () => {
  for (const [path, type] of [
    ['/register', 'application/json'],
    ['/token', 'application/x-www-form-urlencoded'],
  ] as const) {
    const headers = { 'content-type': type, 'content-encoding': 'gzip' }
    const { status, text } = await call(`${origin}${path}`, { method: 'POST', headers, body: gzipSync('{}') })
    assert.equal(status, 415, path)
    assert.equal(JSON.parse(text).error, 'invalid_request')
  }
})

test('who sends a compressed body without a token has to sign in first', async () => {
  const headers = { ...mcpHeaders(), 'content-encoding': 'gzip' }
  assert.equal((await call(`${origin}/mcp`, { method: 'POST', headers, body: gzipSync(good) })).status, 401)
})

for (const type of ['application/json; charset=utf-8', 'Application/JSON', 'application/json;charset="UTF-8"']) {
  test(`content type ${type} is JSON`, async () => {
    assert.equal((await send(good, octets(type))).status, 200)
  })
}

for (const [what, body, expected] of [
  ['a message without a content type', good, 415],
  ['a request without body and content type', '', 400],
] as const) {
  test(`${what} → ${expected}`, async () => {
    const { 'content-type': _, ...headers } = mcpHeaders(token)
    const response = await call(`${origin}/mcp`, { method: 'POST', headers, ...(body !== '' && { body }) })
    assert.equal(response.status, expected)
    assert.ok(isRpcError(response), response.text)
  })
}

test('chunked 10 MB are cut off at the limit, and memory does not notice', async () => {
  const head = [
    'POST /mcp HTTP/1.1',
    `Host: ${new URL(origin).host}`,
    `Authorization: Bearer ${token}`,
    'Content-Type: application/json',
    'Transfer-Encoding: chunked',
    'Connection: close',
  ].join('\r\n')
  const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`
  const { result, ms } = await costOf(() => raw(origin, `${head}\r\n\r\n${chunk.repeat(160)}0\r\n\r\n`))
  assert.equal(statusOf(result), 413)
  assert.ok(ms < 5_000)
})

test('a body that claims more than it brings is a 4xx and not a wait for ever', async () => {
  const { status } = await send(good, { 'content-length': String(Buffer.byteLength(good)) })
  assert.equal(status, 200)
  const announced = [
    'POST /mcp HTTP/1.1',
    `Host: ${new URL(origin).host}`,
    `Authorization: Bearer ${token}`,
    'Content-Type: application/json',
    `Content-Length: ${100 * 1024 * 1024}`,
    '',
    good,
  ].join('\r\n')
  assert.equal(statusOf(await raw(origin, announced)), 413)
})

test('without a token a large body is rejected before it is read', async () => {
  const response = await call(`${origin}/mcp`, { method: 'POST', headers: mcpHeaders(), body: large(200_000) })
  assert.equal(response.status, 401)
})

test('hundreds of bad bodies at once leave the server quick', async () => {
  const { result, ms } = await costOf(() =>
    Promise.all(
      badBodies.filter(({ body }) => body.length < 300_000).flatMap(({ body }) => [1, 2, 3, 4].map(() => send(body))),
    ),
  )
  assert.ok(result.every(({ status }) => status >= 400 && status < 500))
  assert.ok(ms < 10_000, `it took ${ms} ms`)
})

for (const [what, message] of Object.entries<Record<string, unknown>>({
  'an id that is a text': { ...listTools, id: 'a' },
  'an id that is zero': { ...listTools, id: 0 },
  'an id that is negative': { ...listTools, id: -7 },
  'a key called like a prototype’s member': { ...listTools, params: { toString: 1, hasOwnProperty: 2 } },
})) {
  test(`${what} is fine`, async () => {
    const { status, body } = await send(JSON.stringify(message))
    assert.deepEqual([status, body.id], [200, message['id']])
  })
}
