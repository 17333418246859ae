import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { listen } from '../helper.ts'
import { startEmulator } from '../tenant.ts'
import { call, file, listTools, post, raw, rawPost, reasonOf, statusOf } from './harness.ts'

const tenant = await startEmulator()
file.after(() => tenant.close())
const { origin, logs } = await listen(file, {}, tenant)
const good = await tenant.mint()
const bad = await tenant.mint({ key: 'foreign' })
const bearer = (token: string) => `Authorization: Bearer ${token}`

test('the raw client that the attacks use is served when it behaves', async () => {
  assert.equal(statusOf(await raw(origin, rawPost(origin, [bearer(good)]))), 200)
})

for (const [attack, lines, expected] of [
  ['two good Authorization headers', [bearer(good), bearer(good)], 400],
  ['a good Authorization and a bad one', [bearer(good), bearer(bad)], 400],
  ['a bad Authorization and a good one', [bearer(bad), bearer(good)], 400],
  ['an empty Authorization and a good one', ['Authorization:', bearer(good)], 400],
  ['Authorization in two spellings', [`AUTHORIZATION: Bearer ${good}`, `authorization: Bearer ${good}`], 400],
  ['two tokens in one header', [`${bearer(good)}, Bearer ${good}`], 400],
  ['two tokens by a space', [`${bearer(good)} ${good}`], 400],
  ['two schemes', [`Authorization: Basic Bearer ${good}`], 401],
  ['the Basic scheme', ['Authorization: Basic dXNlcjpwYXNzd29yZA=='], 401],
  ['the DPoP scheme', [`Authorization: DPoP ${good}`], 401],
  ['a token without a scheme', [`Authorization: ${good}`], 401],
  ['a scheme without a token', ['Authorization: Bearer'], 401],
  ['a scheme that begins like Bearer', [`Authorization: BearerX ${good}`], 401],
  ['a tab between scheme and token', [`Authorization: Bearer\t${good}`], 400],
  ['a token of a foreign key after two spaces', [`Authorization: Bearer  ${bad}`], 401],
  ['a no-break space between scheme and token', [`Authorization: Bearer\u00a0${good}`], 400],
  ['a tab within the token', [`Authorization: Bearer ${good.slice(0, 20)}\t${good.slice(20)}`], 400],
  ['a quoted token', [`Authorization: Bearer "${good}"`], 400],
  ['a token of 100 KB', [bearer('x'.repeat(100_000))], 431],
  ['a NUL in the token', [bearer(`${good}\0`)], 400],
  ['a lone carriage return', [`${bearer(good)}\rX-Injected: 1`], 400],
  ['a folded header', ['Authorization: Bearer', ` ${good}`], 400],
  ['a header folded by a tab', ['Authorization: Bearer', `\t${good}`], 400],
  ['a space before the colon', [`Authorization : Bearer ${good}`], 400],
  ['two Content-Lengths', [bearer(good), 'Content-Length: 3'], 400],
  ['Content-Length and Transfer-Encoding', [bearer(good), 'Transfer-Encoding: chunked'], 400],
  ['an unknown Transfer-Encoding', [bearer(good), 'Transfer-Encoding: xchunked'], 400],
  [
    '2,100 headers of 20 bytes',
    [bearer(good), ...Array.from({ length: 2_100 }, (_, n) => `X-${n}: ${'x'.repeat(20)}`)],
    431,
  ],
] as const) {
  test(`${attack} → ${expected}`, async () => {
    const response = await raw(origin, rawPost(origin, lines))
    assert.equal(statusOf(response), expected, response.slice(0, 300))
    assertUninjected(response)
    for (const part of good.split('.')) assert.ok(!response.includes(part), 'a part of the token was echoed')
    assert.equal((await post(origin, listTools, good)).status, 200, 'the server goes on')
  })
}

for (const scheme of ['bearer', 'BEARER', 'bEaReR', 'Bearer  ', 'bearer      ']) {
  test(`the scheme may be written ${JSON.stringify(scheme)}`, async () => {
    assert.equal((await post(origin, listTools, undefined, { authorization: `${scheme} ${good}` })).status, 200)
  })
}

for (const [authorization, status, error] of [
  ['Bearer', 401, undefined],
  ['Basic dXNlcjpw', 401, undefined],
  ['Negotiate YII=', 401, undefined],
  ['Bearer a b', 400, 'invalid_request'],
  ['Bearer a', 401, 'invalid_token'],
] as const) {
  test(`"${authorization}" is challenged with ${status} and ${error ?? 'no'} error`, async () => {
    const { status: actual, headers } = await post(origin, listTools, undefined, { authorization })
    const challenge = String(headers['www-authenticate'])
    assert.equal(actual, status)
    assert.match(challenge, /^Bearer resource_metadata="/)
    assert.equal(/error="(\w+)"/.exec(challenge)?.[1], error)
  })
}

test('a token of a user in 200 groups is read, and a longer one has a reason of its own', async () => {
  const groups = Array.from({ length: 200 }, () => `${randomUUID()}-and-some-more16`)
  const long = await tenant.mint({ claims: { groups } })
  assert.ok(long.length > 13_500, String(long.length))
  assert.equal((await post(origin, listTools, long)).status, 200)
  const longer = await tenant.mint({ claims: { groups: [...groups, ...groups.slice(0, 60)] } })
  const response = await post(origin, listTools, longer)
  assert.deepEqual([response.status, reasonOf(response)], [431, 'token_too_long'])
  assert.equal(response.headers['www-authenticate'], undefined, 'signing in again does not make it shorter')
})

for (const [what, request, status, reason] of [
  ['headers that are too long', rawPost(origin, [bearer('x'.repeat(40_000))]), 431, 'headers_too_large'],
  ['no HTTP', 'hello\r\n\r\n', 400, 'bad_request'],
  ['a header that is none', rawPost(origin, ['a header']), 400, 'bad_request'],
  ['a path that cannot be decoded', rawGet('/%zz', 'localhost'), 400, 'bad_request'],
  ['two Hosts', rawGet('/discover', 'localhost', 'evil.example'), 400, 'bad_request'],
  ['the same Host twice', rawGet('/mcp', 'localhost', 'localhost'), 400, 'bad_request'],
  ['a Host with a user', rawGet('/discover', 'evil@localhost'), 400, 'bad_request'],
  ['a Host with a path', rawGet('/discover', 'localhost/mcp'), 400, 'bad_request'],
  ['an absolute target of another host', rawGet('http://evil.example/discover', 'localhost'), 400, 'bad_request'],
  ['a probe with two Hosts', rawGet('/healthz', 'localhost', 'localhost'), 400, 'bad_request'],
] as const) {
  test(`${what}: JSON with the headers of every response, and a line in the log`, async () => {
    const [head = '', body = ''] = (await raw(origin, request)).split('\r\n\r\n')
    assert.equal(statusOf(head), status)
    for (const name of ['content-security-policy', 'x-content-type-options', 'x-request-id', 'cache-control']) {
      assert.match(head, new RegExp(`^${name}: `, 'm'))
    }
    const { error, id } = JSON.parse(body)
    assert.deepEqual([id, error.data.reason], [null, reason])
    const { requestId } = error.data
    const line = logs.find((each) => each['requestId'] === requestId)
    assert.deepEqual([line?.event, line?.['status'], line?.['route']], ['request', status, 'none'])
  })
}

test('an absolute target of the host that Host names is served, as clients send it to a proxy', async () => {
  const { host } = new URL(origin)
  assert.equal(statusOf(await raw(origin, rawGet(`${origin}/discover`, host))), 200)
  const preflight = rawGet(`${origin}/mcp`, host)
    .replace('GET', 'OPTIONS')
    .replace('\r\n\r\n', '\r\nOrigin: http://localhost\r\nAccess-Control-Request-Method: POST\r\n\r\n')
  assert.equal(statusOf(await raw(origin, preflight)), 204)
  assert.equal(statusOf(await raw(origin, preflight.replace(`Host: ${host}`, 'Host: evil@localhost'))), 400)
})

test('an expectation that nobody knows is ignored, and passes by no check', async () => {
  const expecting = (host: string) =>
    raw(origin, rawGet('/discover', host).replace('\r\n\r\n', '\r\nExpect: x\r\n\r\n'))
  assert.equal(statusOf(await expecting(new URL(origin).host)), 200)
  assert.equal(statusOf(await expecting('evil.example')), 403)
})

test('a token anywhere but in its header is none', async () => {
  const inQuery = await call(`${origin}/mcp?access_token=${good}&token=${good}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...listTools, access_token: good }),
  })
  assert.deepEqual([inQuery.status, reasonOf(inQuery)], [401, 'missing_token'])
  for (const [name, value] of [
    ['cookie', `access_token=${good}; authorization=Bearer ${good}`],
    ['x-access-token', good],
    ['x-ms-token-aad-access-token', good],
    ['x-forwarded-access-token', good],
    ['proxy-authorization', `Bearer ${good}`],
    ['x-authorization', `Bearer ${good}`],
  ] as const) {
    const response = await post(origin, listTools, undefined, { [name]: value })
    assert.deepEqual([response.status, reasonOf(response)], [401, 'missing_token'], name)
  }
})

test('a token in a form body is none', async () => {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const response = await call(`${origin}/mcp`, { method: 'POST', headers, body: `access_token=${good}` })
  assert.equal(response.status, 401)
})

const attackIds = [
  'evil',
  '<script>alert(1)</script>',
  '../../etc/passwd',
  `${randomUUID()} `.repeat(2),
  `${randomUUID()}x`,
  randomUUID().replaceAll('-', ''),
  '%0d%0aX-Injected: 1',
  'x'.repeat(4_000),
  '{"requestId":1}',
]

for (const id of attackIds) {
  test(`x-request-id ${JSON.stringify(id.slice(0, 40))} is not echoed`, async () => {
    for (const token of [good, undefined]) {
      const { headers, text } = await post(origin, listTools, token, { 'x-request-id': id })
      assert.match(String(headers['x-request-id']), /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
      assert.ok(!text.includes(id.trim()))
      assert.ok(!JSON.stringify(headers).includes(id.trim()))
    }
  })
}

test('x-request-id twice is not echoed', async () => {
  const [first, second] = [randomUUID(), randomUUID()]
  const lines = [bearer(good), `X-Request-Id: ${first}`, `X-Request-Id: ${second}`]
  const response = await raw(origin, rawPost(origin, lines))
  assert.ok(!response.includes(first) && !response.includes(second))
})

test('x-request-id that is a GUID is echoed, so that logs meet', async () => {
  const id = randomUUID()
  assert.equal((await post(origin, listTools, good, { 'x-request-id': id.toUpperCase() })).headers['x-request-id'], id)
})

const crlf = 'x\r\nX-Injected: 1\r\nSet-Cookie: injected=1\r\n\r\n<h1>'

test('CRLF in a message’s id, method, tool or arguments stays within the JSON', async () => {
  for (const message of [
    { ...listTools, id: crlf },
    { ...listTools, method: crlf },
    { ...listTools, method: 'tools/call', params: { name: crlf, arguments: {} } },
    { ...listTools, method: 'tools/call', params: { name: 'getMessage', arguments: { id: crlf } } },
    { ...listTools, method: 'tools/call', params: { name: 'getMessage', arguments: { [crlf]: 1 } } },
    { ...listTools, [crlf]: 1 },
  ]) {
    assertUninjected(await raw(origin, rawPost(origin, [bearer(good)], JSON.stringify(message))))
  }
})

test('CRLF in the path, encoded or not, ends no header', async () => {
  for (const path of [
    '/%0d%0aX-Injected:%201',
    '/mcp?%0d%0aX-Injected:%201',
    '/%E5%98%8A%E5%98%8DX-Injected:%201',
    '/%zz',
  ]) {
    const response = await raw(origin, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    assert.ok([400, 401, 404].includes(statusOf(response)), response.slice(0, 100))
    assertUninjected(response)
  }
})

test('what a client says of protocol, name and language changes no header of the response', async () => {
  for (const name of [
    'mcp-protocol-version',
    'mcp-method',
    'mcp-name',
    'mcp-session-id',
    'last-event-id',
    'accept-language',
  ]) {
    const { headers, status } = await post(origin, listTools, good, { [name]: 'evil"value' })
    assert.ok(status < 500)
    assert.ok(!JSON.stringify(headers).includes('evil'), name)
  }
})

test('every response forbids sniffing, framing and storing', async () => {
  for (const response of [
    await post(origin, listTools, good),
    await post(origin, listTools),
    await call(`${origin}/nothing`),
  ]) {
    assert.equal(response.headers['x-content-type-options'], 'nosniff')
    assert.match(String(response.headers['content-security-policy']), /default-src 'none'/)
    assert.match(String(response.headers['content-security-policy']), /frame-ancestors 'none'/)
    assert.equal(response.headers['cache-control'], 'no-store')
    assert.equal(response.headers['set-cookie'], undefined)
    assert.equal(response.headers['x-powered-by'], undefined)
    assert.equal(response.headers['server'], undefined)
  }
})

function rawGet(target: string, ...hosts: string[]): string {
  const lines = hosts.map((host) => `Host: ${host}\r\n`).join('')
  return `GET ${target} HTTP/1.1\r\n${lines}Connection: close\r\n\r\n`
}

/** One response came, and no header that only an attacker would send. */
function assertUninjected(response: string) {
  const [head = ''] = response.split('\r\n\r\n', 1)
  assert.doesNotMatch(head, /x-injected|set-cookie/i)
  assert.equal(response.match(/HTTP\/1\.1 \d{3} /g)?.length, 1)
}
