import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import { getDigest } from '../../src/tools/get-digest.ts'
import { getMessages } from '../../src/tools/get-messages.ts'
import { eventually, listen, mcpHeaders } from '../helper.ts'
import { type Call, call, file, type HttpResponse, listTools, modernToolCall, post } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'

/** JSON-RPC over HTTP as each era has it: what a raw request gets, status, headers and code. */

const tenant = await startEmulator()
file.after(() => tenant.close())
const { origin } = await listen(file, {}, tenant)
const token = await tenant.mint({ user: 'rowan' })

const modernVersion = '2026-07-28'
const legacyVersions = ['2024-10-07', '2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']
const versionKey = 'io.modelcontextprotocol/protocolVersion'
const capabilitiesKey = 'io.modelcontextprotocol/clientCapabilities'
const serverInfoKey = 'io.modelcontextprotocol/serverInfo'
const _meta = { [versionKey]: modernVersion, [capabilitiesKey]: {} }

type Members = Readonly<Record<string, unknown>>

function request(method: string, params: Members = {}, id: string | number = 1) {
  return { jsonrpc: '2.0', id, method, params }
}

/** A request of revision 2026-07-28, with the headers that name it again. */
function modern(method: string, params: Members = {}) {
  return {
    message: request(method, { ...params, _meta }),
    headers: { 'mcp-protocol-version': modernVersion, 'mcp-method': method },
  }
}

function initialize(protocolVersion: string) {
  return request('initialize', { protocolVersion, capabilities: {}, clientInfo: { name: 'raw', version: '1' } })
}

function ask({ message, headers }: { message: unknown; headers: Record<string, string> }): Promise<HttpResponse> {
  return post(origin, message, token, headers)
}

/** Sends a request without a body, and with no more headers than given. */
function bare(method: Call['method'], headers: Record<string, string> = {}): Promise<HttpResponse> {
  return call(`${origin}/mcp`, { ...(method !== undefined && { method }), headers })
}

const signedIn = { authorization: `Bearer ${token}` }

test('an idle connection outlasts the 240 s that an ingress keeps it, and does not hold up a stop', async (t) => {
  const { app, origin: own } = await listen(t, {}, tenant)
  const socket = connect(Number(new URL(own).port), '127.0.0.1').setEncoding('utf8')
  t.after(() => socket.destroy())
  let received = ''
  socket.on('data', (chunk) => {
    received += chunk
  })
  socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await eventually(() => received.includes('\r\n\r\n'))
  const [, seconds] = /^keep-alive: timeout=(\d+)\r$/im.exec(received) ?? []
  assert.ok(Number(seconds) > 240, received)
  assert.deepEqual([app.server.headersTimeout, app.server.requestTimeout], [8_000, 10_000])
  const closed = once(socket, 'close')
  await app.close()
  await closed
})

describe('the 2025 revisions', () => {
  for (const version of legacyVersions) {
    test(`initialize with ${version} is answered with it, and that version is served from then on`, async () => {
      const opened = await post(origin, initialize(version), token)
      assert.equal(opened.body.result?.['protocolVersion'], version)
      assert.equal(opened.headers['mcp-session-id'], undefined, 'stateless')
      const { status, body } = await post(origin, listTools, token, { 'mcp-protocol-version': version })
      assert.equal(status, 200)
      assert.ok(body.result?.['tools'])
    })
  }

  test('initialize with a version that nobody knows is answered with the latest of the era', async () => {
    const { body } = await post(origin, initialize('1999-12-31'), token)
    assert.equal(body.result?.['protocolVersion'], '2025-11-25')
  })

  test('a version header that names no served version is a 400 that lists those that are', async () => {
    const { status, body } = await post(origin, listTools, token, { 'mcp-protocol-version': '1999-12-31' })
    assert.equal(status, 400)
    assert.equal(body.id, 1)
    for (const version of legacyVersions) assert.ok(body.error?.message.includes(version), version)
  })

  for (const message of [
    { jsonrpc: '2.0', method: 'notifications/initialized' },
    { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } },
    { jsonrpc: '2.0', method: 'notifications/unheard-of' },
    { jsonrpc: '2.0', id: 7, result: {} },
  ]) {
    test(`${message.method ?? 'a response'} wants no response: 202 and nothing more`, async () => {
      const response = await post(origin, message, token)
      assert.deepEqual([response.status, response.text], [202, ''])
    })
  }

  test('ping is answered, with the id as it came', async () => {
    for (const id of ['an-id', 0, -3, '7']) {
      const { status, body } = await post(origin, { ...request('ping'), id }, token)
      assert.deepEqual([status, body], [200, { jsonrpc: '2.0', id, result: {} }])
    }
  })

  test('results carry nothing of the later revision', async () => {
    const { result } = (await post(origin, listTools, token)).body
    assert.deepEqual(Object.keys(result ?? {}), ['tools'])
  })

  for (const [what, message, code] of [
    ['a method that nobody knows', request('no/such/method'), -32601],
    ['a feature that this server has not', request('logging/setLevel', { level: 'info' }), -32601],
    ['a subscription', request('subscriptions/listen', { notifications: { toolsListChanged: true } }), -32601],
    ['a tool that does not exist', request('tools/call', { name: 'nope', arguments: {} }), -32602],
    ['a call that names no tool', request('tools/call', { arguments: {} }), -32602],
    ['arguments that are no object', request('tools/call', { name: 'getMessages', arguments: [] }), -32602],
  ] as const) {
    test(`${what} is a JSON-RPC error under 200: ${code}`, async () => {
      const { status, body } = await post(origin, message, token)
      assert.deepEqual([status, body.id, body.error?.code], [200, 1, code])
    })
  }
})

describe(`revision ${modernVersion}`, () => {
  test('server/discover says what is served, what for, and how long that may be cached', async () => {
    const { status, headers, body } = await ask(modern('server/discover'))
    assert.equal(status, 200)
    assert.match(String(headers['content-type']), /^application\/json/)
    assert.deepEqual(body.result?.['supportedVersions'], [modernVersion])
    assert.deepEqual(body.result?.['capabilities'], {
      tools: { listChanged: false },
      prompts: {},
      resources: {},
      completions: {},
    })
    assert.match(String(body.result?.['instructions']), /getMessages/)
    assert.equal(body.result?.['resultType'], 'complete')
    assert.deepEqual([body.result?.['ttlMs'], body.result?.['cacheScope']], [3_600_000, 'public'])
  })

  test('tools/list may be cached by anybody, and holds what the 2025 revisions list', async () => {
    const { body } = await ask(modern('tools/list'))
    assert.deepEqual([body.result?.['ttlMs'], body.result?.['cacheScope']], [3_600_000, 'public'])
    const legacy = await post(origin, listTools, token)
    assert.deepEqual(body.result?.['tools'], legacy.body.result?.['tools'])
  })

  for (const [method, member] of [
    ['prompts/list', 'prompts'],
    ['resources/list', 'resources'],
    ['resources/templates/list', 'resourceTemplates'],
  ] as const) {
    test(`${method} may be cached by anybody, and holds what the 2025 revisions list`, async () => {
      const { body } = await ask(modern(method))
      assert.deepEqual([body.result?.['ttlMs'], body.result?.['cacheScope']], [3_600_000, 'public'])
      const legacy = await post(origin, request(method), token)
      assert.ok(Array.isArray(body.result?.[member]))
      assert.deepEqual(body.result[member], legacy.body.result?.[member])
    })
  }

  test('a message as a resource may be cached for a minute, by its reader alone', async () => {
    const { body: page } = await ask(modernToolCall('getMessages', { top: 1 }))
    const { value = [] } = (page.result?.structuredContent ?? {}) as { value?: { id: string }[] }
    const uri = `message-center://messages/${value[0]?.id}`
    const { message, headers } = modern('resources/read', { uri })
    const { body } = await ask({ message, headers: { ...headers, 'mcp-name': uri } })
    assert.deepEqual([body.result?.['ttlMs'], body.result?.['cacheScope']], [60_000, 'private'])
  })

  test('a result is complete, names the server, and may be cached by nobody unless it says so', async () => {
    const { status, headers, body } = await ask(modernToolCall('getMessages', { top: 1 }))
    assert.equal(status, 200)
    assert.equal(body.result?.['resultType'], 'complete')
    assert.match(JSON.stringify(body.result?._meta?.[serverInfoKey]), /"name":"mcp-message-center-server"/)
    assert.deepEqual([body.result?.['ttlMs'], body.result?.['cacheScope']], [undefined, undefined])
    assert.equal(headers['cache-control'], 'no-store')
  })

  test('a notification wants no response: 202 and nothing more', async () => {
    const { message, headers } = modern('notifications/cancelled', { requestId: 1 })
    const { id: _, ...notification } = message
    const response = await ask({ message: notification, headers })
    assert.deepEqual([response.status, response.text], [202, ''])
  })

  const list = modern('tools/list')
  const get = modernToolCall('getMessages')
  const without = (headers: Record<string, string>, name: string) =>
    Object.fromEntries(Object.entries(headers).filter(([header]) => header !== name))
  const withMeta = (meta: Members) => request('tools/list', { _meta: meta })

  for (const [what, message, headers, code] of [
    ['Mcp-Method names another method', list.message, { ...list.headers, 'mcp-method': 'tools/call' }, -32020],
    ['Mcp-Method is missing', list.message, without(list.headers, 'mcp-method'), -32020],
    ['Mcp-Name names another tool', get.message, { ...get.headers, 'mcp-name': 'getMessage' }, -32020],
    ['Mcp-Name differs in case', get.message, { ...get.headers, 'mcp-name': 'getmessages' }, -32020],
    ['Mcp-Name is missing', get.message, without(get.headers, 'mcp-name'), -32020],
    ['MCP-Protocol-Version is missing', list.message, without(list.headers, 'mcp-protocol-version'), -32020],
    [
      'header and body name different versions',
      withMeta({ ..._meta, [versionKey]: '2027-01-01' }),
      list.headers,
      -32020,
    ],
    ['_meta is missing', request('tools/list'), list.headers, -32602],
    ['the client capabilities are missing', withMeta({ [versionKey]: modernVersion }), list.headers, -32602],
    ['the client capabilities are no object', withMeta({ ..._meta, [capabilitiesKey]: 'all' }), list.headers, -32602],
    [
      'the version is not served',
      withMeta({ ..._meta, [versionKey]: '2027-01-01' }),
      { ...list.headers, 'mcp-protocol-version': '2027-01-01' },
      -32022,
    ],
  ] as const) {
    test(`${what}: 400 and ${code}`, async () => {
      const { status, body } = await ask({ message, headers })
      assert.deepEqual([status, body.id, body.error?.code], [400, 1, code])
    })
  }

  test('a version that is not served is rejected with those that are', async () => {
    const message = withMeta({ ..._meta, [versionKey]: '2027-01-01' })
    const { body } = await ask({ message, headers: { ...list.headers, 'mcp-protocol-version': '2027-01-01' } })
    assert.deepEqual(body.error?.data, { supported: [modernVersion], requested: '2027-01-01' })
  })

  for (const method of [
    'no/such/method',
    'resources/subscribe',
    'ping',
    'initialize',
    'logging/setLevel',
    'subscriptions/listen',
  ]) {
    test(`${method} is not there: 404 and -32601`, async () => {
      const { status, body } = await ask(modern(method))
      assert.deepEqual([status, body.id, body.error?.code], [404, 1, -32601])
    })
  }

  for (const [what, name, args] of [
    ['a tool that does not exist', 'nope', {}],
    ['arguments that are no object', 'getMessages', []],
  ] as const) {
    test(`${what}: -32602`, async () => {
      const { message, headers } = modernToolCall(name, args as unknown as Record<string, unknown>)
      const { body } = await ask({ message, headers })
      assert.equal(body.error?.code, -32602)
    })
  }

  test('a call whose headers contradict it never reaches Graph', async () => {
    const before = tenant.stats.snapshot().endpoints.graph
    await ask({ message: get.message, headers: { ...get.headers, 'mcp-name': 'getMessage' } })
    assert.equal(tenant.stats.snapshot().endpoints.graph, before)
  })
})

describe('a tool’s name that is no text, in both eras', () => {
  for (const name of [undefined, null, 7, true, ['getMessages'], {}, { toString: 1 }, { toString: { valueOf: 1 } }]) {
    test(`${JSON.stringify(name)}: -32602, and neither Entra nor Graph is called`, async () => {
      const { grants, endpoints } = tenant.stats.snapshot()
      const legacy = await post(origin, request('tools/call', { name, arguments: {} }), token)
      const current = await ask(modern('tools/call', { name, arguments: {} }))
      for (const { status, body } of [legacy, current]) {
        assert.deepEqual([status, body.id, body.error?.code], [200, 1, -32602])
      }
      const after = tenant.stats.snapshot()
      assert.deepEqual([after.grants, after.endpoints.graph], [grants, endpoints.graph])
    })
  }
})

describe('arguments as frameworks send them, in both eras', () => {
  for (const args of [
    { top: '1', count: 'true', services: '["Teams"]', severity: null, accessToken: null, sessionId: 'x' },
    { top: 1, count: 'True', services: 'Teams', chatInput: { a: 1 }, tags: null },
    '{"top":1,"services":["Teams"]}',
  ]) {
    test(`${JSON.stringify(args)} are what they mean`, async () => {
      const meant = { name: 'getMessages', arguments: { top: 1, services: ['Teams'] } }
      const { result } = (await post(origin, request('tools/call', meant), token)).body
      assert.ok(Number(result?.structuredContent?.['@odata.count']) > 0)
      const given = { name: 'getMessages', arguments: args }
      const legacy = await post(origin, request('tools/call', given), token)
      const { message, headers } = modern('tools/call', given)
      const current = await ask({ message, headers: { ...headers, 'mcp-name': 'getMessages' } })
      for (const { body } of [legacy, current]) {
        assert.deepEqual(body.result?.structuredContent, result?.structuredContent)
      }
    })
  }

  test('an argument that nobody knows is ignored, and the result says so', async () => {
    const given = { name: 'getMessages', arguments: { top: 1, changedUntil: '7d', sessionId: 'x' } }
    const { message, headers } = modern('tools/call', given)
    const current = await ask({ message, headers: { ...headers, 'mcp-name': 'getMessages' } })
    for (const { body } of [await post(origin, request('tools/call', given), token), current]) {
      const texts = body.result?.content?.flatMap(({ text }: { text?: string }) => text ?? [])
      assert.match(
        texts?.at(-1) ?? '',
        /^Ignored, since there is no such argument: "changedUntil"\. There are: services, /,
      )
      assert.ok(body.result?.structuredContent)
    }
  })

  test('arguments and params that are null are absent', async () => {
    const call = await post(origin, request('tools/call', { name: 'getMessages', arguments: null }), token)
    assert.ok(call.body.result?.structuredContent)
    const list = await post(origin, { ...listTools, params: null }, token)
    assert.ok(list.body.result?.['tools'])
    const cursor = await ask(modern('tools/list', { cursor: null }))
    assert.ok(cursor.body.result?.['tools'])
  })

  for (const { definition } of [getMessages, getDigest]) {
    for (const blank of ['', ' ', 'null', [], ['']]) {
      test(`optional arguments of ${definition.name} that are all ${JSON.stringify(blank)} are absent`, async () => {
        const blanks = Object.keys(definition.inputSchema.properties).map((name) => [name, blank])
        const answerTo = async (args: object) => {
          const { body } = await post(origin, request('tools/call', { name: definition.name, arguments: args }), token)
          // These say when it was asked.
          const { ageSeconds, more, ...answer } = body.result?.structuredContent ?? {}
          return answer
        }
        const answer = await answerTo(Object.fromEntries(blanks))
        assert.ok(Object.keys(answer).length > 0)
        assert.deepEqual(answer, await answerTo({}))
      })
    }
  }

  test('a misspelled argument is named', async () => {
    const { body } = await post(
      origin,
      request('tools/call', { name: 'getMessages', arguments: { service: 'x' } }),
      token,
    )
    assert.match(body.result?.content?.[0]?.text ?? '', /There is no argument "service"; there are: services, /)
  })
})

describe('params that do not fit, in both eras', () => {
  const named = { name: 'getMessages', arguments: {} }
  for (const [what, method, params, member] of [
    ['a tool’s name that is an object', 'tools/call', { ...named, name: {} }, 'params.name'],
    ['arguments that are a list', 'tools/call', { ...named, arguments: [] }, 'params.arguments'],
    ['a cursor that is a number', 'tools/list', { cursor: 7 }, 'params.cursor'],
    ['an initialize without params', 'initialize', {}, 'params.protocolVersion'],
    ['an initialize without a client', 'initialize', { protocolVersion: '2025-06-18', capabilities: {} }, 'clientInfo'],
  ] as const) {
    test(`${what}: -32602 and one sentence`, async () => {
      const legacy = await post(origin, request(method, params), token)
      const { message, headers } = modern(method, params)
      const current = await ask({
        message,
        headers: { ...headers, ...(method === 'tools/call' && { 'mcp-name': named.name }) },
      })
      // There is no initialize in the later revision.
      for (const { body } of method === 'initialize' ? [legacy] : [legacy, current]) {
        assert.equal(body.error?.code, -32602)
        assert.match(body.error.message, /^Invalid params: "[\w.]+" must be of type \w+\.$/)
        assert.ok(body.error.message.includes(member), body.error.message)
      }
    })
  }
})

describe('messages with more or less than the standard has', () => {
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
  for (const message of [
    { ...ping, foo: 1 },
    { ...ping, params: { _meta: { progressToken: null } } },
    { ...ping, params: { _meta: { progressToken: 1.5 } } },
    { ...ping, params: { _meta: { progressToken: {} } } },
  ]) {
    test(`${JSON.stringify(message)} is answered`, async () => {
      const { body } = await post(origin, message, token)
      assert.deepEqual(body, { jsonrpc: '2.0', id: 1, result: {} })
    })
  }

  for (const [message, what] of [
    [{ jsonrpc: '2.0', id: 3 }, /"method" is missing/],
    [{ ...ping, id: 1.5 }, /"id" must be a text of at most 200 characters or a safe integer\.$/],
    [{ ...ping, id: 2 ** 53 }, /"id" must be/],
    [{ ...ping, id: 'x'.repeat(201) }, /"id" must be/],
    [{ ...ping, id: {} }, /"id" must be/],
  ] as const) {
    test(`${JSON.stringify(message).slice(0, 60)} is rejected with the member that is wrong`, async () => {
      const { status, body } = await post(origin, message, token)
      assert.equal(status, 400)
      assert.match(body.error?.message ?? '', what)
    })
  }
})

describe('Accept, in both eras', () => {
  for (const [era, { message, headers }] of Object.entries({
    'a 2025 revision': { message: listTools, headers: {} },
    [`revision ${modernVersion}`]: modern('tools/list'),
  })) {
    for (const [accept, status] of [
      [undefined, 200],
      ['*/*', 200],
      ['Application/JSON', 200],
      ['text/event-stream;q=0.9, application/*;q=0.1', 200],
      ['text/event-stream', 406],
      ['application/json;q=0, */*', 406],
    ] as const) {
      test(`${era}: ${accept ?? 'missing'} → ${status}`, async () => {
        const { accept: _, ...plain } = mcpHeaders(token)
        const response = await call(`${origin}/mcp`, {
          method: 'POST',
          headers: { ...plain, ...headers, ...(accept !== undefined && { accept }) },
          body: JSON.stringify(message),
        })
        assert.equal(response.status, status)
        assert.match(String(response.headers['content-type']), /^application\/json/)
        assert.equal(response.body.error?.data?.reason, status === 406 ? 'not_acceptable' : undefined)
      })
    }
  }
})

describe('other HTTP methods on the endpoint', () => {
  for (const method of ['GET', 'DELETE', 'HEAD', 'PUT', 'PATCH', 'TRACE', 'QUERY'] as const) {
    test(`${method}: 405 that allows POST, with and without a content type`, async () => {
      for (const headers of [signedIn, { ...signedIn, 'content-type': 'application/json' }]) {
        const response = await bare(method, headers)
        assert.deepEqual([response.status, response.headers['allow']], [405, 'POST'])
        assert.equal(response.body.error?.data?.reason, method === 'HEAD' ? undefined : 'method_not_allowed')
      }
    })

    test(`${method} without a token: 401 first`, async () => {
      const response = await bare(method)
      assert.equal(response.status, 401)
      assert.match(String(response.headers['www-authenticate']), /^Bearer resource_metadata="/)
    })
  }

  test('GET for a stream, as clients of the 2025 revisions try it, is a 405 and no stream', async () => {
    const { status, headers } = await bare('GET', { ...signedIn, accept: 'text/event-stream' })
    assert.equal(status, 405)
    assert.match(String(headers['content-type']), /^application\/json/)
  })

  test('OPTIONS is answered without a token as a preflight, and is otherwise nothing', async () => {
    const preflight = await bare('OPTIONS', {
      origin: 'http://localhost:6274',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization, content-type, mcp-protocol-version',
    })
    assert.equal(preflight.status, 204)
    assert.equal(preflight.headers['access-control-allow-origin'], 'http://localhost:6274')
    assert.equal(preflight.text, '')
    assert.equal((await bare('OPTIONS')).status, 404)
  })
})
