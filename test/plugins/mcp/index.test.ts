import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import Fastify, { type FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Failure } from '../../../src/errors/index.ts'
import { toCaller } from '../../../src/plugins/auth/claims.ts'
import type { GraphSession } from '../../../src/plugins/graph-client/index.ts'
import type { McpCall } from '../../../src/plugins/mcp/call.ts'
import { createMcp, type McpResponse } from '../../../src/plugins/mcp/index.ts'
import type { McpMessage, ReceivedMessage } from '../../../src/plugins/mcp/message.ts'
import type { Tool, ToolContext } from '../../../src/plugins/mcp/tool.ts'
import { messageCenterOf } from '../../../src/plugins/message-center/index.ts'
import { createSnapshots } from '../../../src/plugins/message-center/snapshots.ts'
import { createRoadmap } from '../../../src/plugins/roadmap/roadmap.ts'
import { defineTool } from '../../../src/tools/define-tool.ts'
import { ample, mcpHeaders } from '../../helper.ts'

const annotations = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false }
const caller = toCaller({ tid: 't', oid: 'o', azp: 'client-1', scp: 's', exp: 0 }, 'hash-1')
const graph: GraphSession = {
  get: async (path) => ({ path }),
  post: async (path) => ({ path }),
  nextQuery: () => new URLSearchParams(),
}
const messageCenter = messageCenterOf(createSnapshots({ ttlMs: 0, maxBytes: 0, quotaLeft: () => 1 }), {
  credentialHash: 'hash-1',
  graph,
})
const roadmap = createRoadmap({ readItems: async () => new Map() })
const serviceHealth = { read: async () => ({ services: [], issues: [], isCut: false }) }
const access = { graph, messageCenter, serviceHealth, roadmap }

type Handler = (input: { text?: string }, context: ToolContext) => Promise<Record<string, unknown>>

const permission = { roles: ['Some Reader'], purpose: 'read something', consent: 'Read something' }
const toolOf = (name: string, handler: Handler, graphScopes = ['Some.Read'], readOnlyHint = true) =>
  defineTool({
    name,
    title: `The ${name}`,
    description: `Is a ${name}.`,
    input: Type.Object(
      { text: Type.Optional(Type.String({ description: 'a text' })) },
      { additionalProperties: false },
    ),
    output: Type.Object({}),
    permissions: graphScopes.map((scope) => ({ ...permission, scope })),
    annotations: { ...annotations, readOnlyHint },
    handler,
  })

const failing = (error: unknown) =>
  toolOf('failing', async () => {
    throw error
  })
const echo = toolOf('echo', async (input, { caller: seen }) => ({ input, caller: seen?.clientId ?? null }))
const reader = toolOf('reader', (_input, context) => context.graph.get('/me') as Promise<Record<string, unknown>>)
const local = toolOf('local', async (input) => ({ input }), [])
const localThatReads = toolOf('liar', async (_input, context) => ({ got: await context.graph.get('/me') }), [])

interface Options {
  readonly accessTokenAllowed?: boolean
  readonly prepared?: Partial<McpCall>
}

/** The tools behind one route, as the real route has them, with what it would have prepared. */
async function serve(t: TestContext, tools: readonly Tool[], options: Options = {}) {
  const { accessTokenAllowed = false } = options
  const prepared: Partial<McpCall> = { ...options.prepared }
  const errors: Error[] = []
  const mcp = createMcp(
    { tools, prompts: [], resources: [], views: [] },
    { accessTokenAllowed, onError: (error) => errors.push(error) },
  )
  const app = Fastify()
  t.after(async () => {
    await app.close()
    await mcp.close()
  })
  app.post('/mcp', async (request: FastifyRequest<{ Body: ReceivedMessage }>) => {
    const { message, ignored } = mcp.normalize(request.body)
    const waiting = { signal: new AbortController().signal, deadline: ample() }
    const call: McpCall = { caller, access, ignored, ...waiting, ...prepared }
    outcomes.set(String(request.headers['x-call']), await mcp.dispatch(request, message, call).catch(asFailure))
    return ''
  })
  /** What was dispatched, by a number that each call carries in a header. */
  const outcomes = new Map<string, McpResponse | Failure>()
  let calls = 0
  async function send(payload: object, headers: Record<string, string>) {
    const number = String(++calls)
    await app.inject({ method: 'POST', url: '/mcp', headers: { ...headers, 'x-call': number }, payload })
    const outcome = outcomes.get(number) ?? assert.fail('nothing was dispatched')
    if (outcome instanceof Failure) throw outcome
    const { body, ...rest } = outcome
    const text = body === null ? null : String(body)
    return { ...rest, text, message: text === null ? null : JSON.parse(text) }
  }
  return { mcp, errors, send, prepared }
}

function asFailure(error: unknown): Failure {
  assert.ok(error instanceof Failure, `${error} is no Failure`)
  return error
}

const version = '2026-07-28'
const _meta = {
  'io.modelcontextprotocol/protocolVersion': version,
  'io.modelcontextprotocol/clientCapabilities': {},
}

type Params = Readonly<Record<string, unknown>>
/** A request as an era has it: message and headers. */
type Request = (method: string, params?: Params) => readonly [message: McpMessage, headers: Record<string, string>]
const legacy: Request = (method, params = {}) => [
  { jsonrpc: '2.0', id: 1, method, params },
  { ...mcpHeaders(), 'mcp-protocol-version': '2025-11-25' },
]
const modern: Request = (method, params = {}) => [
  { jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } },
  {
    ...mcpHeaders(),
    'mcp-protocol-version': version,
    'mcp-method': method,
    ...(typeof params['name'] === 'string' && { 'mcp-name': params['name'] }),
  },
]
const marks = 'mcp-message-center-server/error'

for (const [era, request] of [
  ['a 2025 revision', legacy],
  [`revision ${version}`, modern],
] as const) {
  const calling = (name: string, args: Params = {}) => request('tools/call', { name, arguments: args })

  test(`${era}: a tool's data comes as structured content and as text`, async (t) => {
    const { send } = await serve(t, [echo])
    const { status, contentType, message, failure } = await send(...calling('echo', { text: 'ä "1"' }))
    assert.deepEqual([status, failure], [200, undefined])
    assert.match(contentType ?? '', /^application\/json/)
    const { structuredContent, content, isError } = message.result
    assert.deepEqual(structuredContent, { input: { text: 'ä "1"' }, caller: 'client-1' })
    assert.deepEqual(content, [{ type: 'text', text: JSON.stringify(structuredContent) }])
    assert.equal(isError, undefined)
    assert.equal(message.id, 1)
  })

  test(`${era}: tools are listed as plain JSON, with all that was said of them`, async (t) => {
    const { send } = await serve(t, [local])
    const { message } = await send(...request('tools/list'))
    assert.deepEqual(message.result.tools, [
      {
        name: 'local',
        title: 'The local',
        description: 'Is a local.',
        annotations,
        inputSchema: {
          type: 'object',
          properties: { text: { type: 'string', description: 'a text' } },
          additionalProperties: false,
        },
        outputSchema: { type: 'object', properties: {} },
      },
    ])
  })

  test(`${era}: the age of a result is noted for the log`, async (t) => {
    const aged = toolOf('aged', async () => ({ ageSeconds: 7 }))
    const { send } = await serve(t, [aged, echo])
    assert.equal((await send(...calling('aged'))).ageSeconds, 7)
    assert.equal((await send(...calling('echo'))).ageSeconds, undefined)
  })

  test(`${era}: arguments are coerced before the tool sees them`, async (t) => {
    const { send } = await serve(t, [echo])
    for (const same of [{ text: 'x' }, { sessionId: 'y', text: 'x' }, '{"text":"x"}']) {
      const { message } = await send(...request('tools/call', { name: 'echo', arguments: same }))
      assert.deepEqual(message.result.structuredContent.input, { text: 'x' }, JSON.stringify(same))
    }
    for (const none of [null, undefined, { text: null }]) {
      const { message } = await send(...request('tools/call', { name: 'echo', arguments: none }))
      assert.deepEqual(message.result.structuredContent.input, {}, JSON.stringify(none))
    }
  })

  test(`${era}: a misspelled argument is named, and others that are unknown are ignored`, async (t) => {
    const { send } = await serve(t, [echo])
    const { message } = await send(...calling('echo', { texts: 'x', sessionId: 'y' }))
    assert.match(message.result.content[0].text, /There is no argument "texts"; there are: text\.$/)
    const { message: taken } = await send(...calling('echo', { text: 'x', sessionId: 'y', constructor: 1 }))
    assert.deepEqual(taken.result.structuredContent.input, { text: 'x' })
  })

  test(`${era}: the argument accessToken is listed where it is allowed, and no tool sees it`, async (t) => {
    const { send } = await serve(t, [echo], { accessTokenAllowed: true })
    const { message: list } = await send(...request('tools/list'))
    assert.deepEqual(Object.keys(list.result.tools[0].inputSchema.properties), ['text', 'accessToken'])
    const { message } = await send(...calling('echo', { text: 'x', accessToken: 'y' }))
    assert.deepEqual(message.result.structuredContent.input, { text: 'x' })
  })

  test(`${era}: where it is not allowed the tool rejects it as any unknown argument`, async (t) => {
    const { send } = await serve(t, [echo])
    const { message } = await send(...calling('echo', { accessToken: 'y' }))
    assert.equal(message.result.isError, true)
    assert.match(message.result.content[0].text, /^invalid_input: .*"accessToken"/)
  })

  test(`${era}: a failure is a result that says what to do, and is handed to the route`, async (t) => {
    const thrown = new Failure('graph_throttled', {
      retryAfterSeconds: 9,
      graphRequestId: 'g-1',
      link: 'https://l.example',
    })
    const { send } = await serve(t, [failing(thrown)])
    const { status, message, failure } = await send(...calling('failing'))
    assert.equal(status, 200)
    assert.equal(failure, thrown)
    const { isError, content, structuredContent, _meta: meta } = message.result
    assert.deepEqual([isError, structuredContent], [true, undefined])
    assert.match(content[0].text, /^graph_throttled: .* Try again in 9 s\./)
    assert.deepEqual(meta[marks], {
      reason: 'graph_throttled',
      retryable: true,
      retryAfterSeconds: 9,
      graphRequestId: 'g-1',
      link: 'https://l.example',
    })
  })

  test(`${era}: what HTTP has to say is handed to the route as well`, async (t) => {
    const thrown = new Failure('graph_claims_required', { claims: '{}' })
    const { send } = await serve(t, [failing(thrown)])
    assert.equal((await send(...calling('failing'))).failure, thrown)
  })

  for (const [name, error] of [
    ['an error', new TypeError('inner zq7mark')],
    ['null', null],
    ['a text', 'zq7mark'],
  ] as const) {
    test(`${era}: ${name} that a tool throws is internal and says nothing of itself`, async (t) => {
      const { send } = await serve(t, [failing(error)])
      const { text, message, failure } = await send(...calling('failing'))
      assert.equal(failure?.reason, 'internal')
      assert.equal(failure?.cause, error)
      assert.doesNotMatch(text ?? '', /zq7mark|TypeError/)
      assert.deepEqual(message.result._meta[marks], { reason: 'internal', retryable: false })
    })
  }

  test(`${era}: bad input is a result that names the argument`, async (t) => {
    const { send } = await serve(t, [echo])
    const { message, failure } = await send(...calling('echo', { text: 7 }))
    assert.equal(failure?.reason, 'invalid_input')
    assert.match(message.result.content[0].text, /"text" must be string\. It takes: a text/)
  })

  test(`${era}: why there is no Graph is told to whom a tool needs it for`, async (t) => {
    const { send } = await serve(t, [reader], {
      prepared: { access: new Failure('admin_consent_required', { link: 'https://c.example' }) },
    })
    const { message } = await send(...calling('reader'))
    assert.match(message.result.content[0].text, /^admin_consent_required: .* https:\/\/c\.example$/)
  })

  test(`${era}: a tool that needs no Graph serves without one`, async (t) => {
    const { send } = await serve(t, [local, localThatReads], {
      prepared: { caller: null, access: new Failure('sign_in_required') },
    })
    const { message } = await send(...calling('local', { text: 'x' }))
    assert.deepEqual(message.result.structuredContent, { input: { text: 'x' } })
    assert.equal((await send(...calling('liar'))).failure?.reason, 'sign_in_required')
  })

  test(`${era}: where Graph is closed to the caller, a tool with a permission is not run, whatever it reads`, async (t) => {
    const { send } = await serve(t, [echo], { prepared: { access: new Failure('user_consent_required') } })
    assert.equal((await send(...calling('echo'))).failure?.reason, 'user_consent_required')
  })

  test(`${era}: a tool that is not there is a JSON-RPC error`, async (t) => {
    const { send } = await serve(t, [echo])
    const { message, failure } = await send(...calling('constructor'))
    assert.equal(message.error.code, -32602)
    assert.equal(failure, undefined)
  })

  test(`${era}: a method that is not there is a JSON-RPC error`, async (t) => {
    const { send } = await serve(t, [echo])
    assert.equal((await send(...request('tasks/list'))).message.error.code, -32601)
  })

  test(`${era}: two hundred calls at once under one id each get their own answer`, async (t) => {
    const turns = toolOf('turns', async ({ text }) => {
      for (let turn = Number(text) % 5; turn > 0; turn--) await new Promise((resolve) => setImmediate(resolve))
      return { text }
    })
    const { send } = await serve(t, [turns])
    await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const { message } = await send(...calling('turns', { text: String(i) }))
        assert.deepEqual(message.result.structuredContent, { text: String(i) })
      }),
    )
  })
}

test('the tool that a message calls is known before it is called', async (t) => {
  const { mcp } = await serve(t, [echo])
  const message = (method: string, params?: Params) => ({
    jsonrpc: '2.0' as const,
    id: 1,
    method,
    ...(params && { params }),
  })
  assert.equal(mcp.calledTool(message('tools/call', { name: 'echo' })), echo)
  for (const other of [
    message('tools/call', { name: 'constructor' }),
    message('tools/call', { name: ['echo'] }),
    message('tools/call', { name: { toString: 1 } }),
    message('tools/call', { name: 7 }),
    message('tools/call', { name: null }),
    message('tools/call'),
    message('tools/list', { name: 'echo' }),
    { jsonrpc: '2.0' as const },
  ]) {
    assert.equal(mcp.calledTool(other), undefined, JSON.stringify(other))
  }
})

test('null members of params are absent, and so are params that are null', async (t) => {
  const { mcp } = await serve(t, [echo])
  const message = { jsonrpc: '2.0' as const, id: 1, method: 'tools/list' }
  assert.deepEqual(mcp.normalize({ ...message, params: null }).message, message)
  assert.deepEqual(mcp.normalize(message).message, message)
  const params = { cursor: null, _meta: null, other: { inner: null } }
  assert.deepEqual(mcp.normalize({ ...message, params }).message, { ...message, params: { other: { inner: null } } })
  const call = { ...message, method: 'tools/call', params: { name: 'echo', arguments: { accessToken: null } } }
  assert.deepEqual(mcp.normalize(call).message.params, { name: 'echo', arguments: {} })
  assert.equal(mcp.accessTokenOf(mcp.normalize(call).message), undefined)
  const unknown = { ...call, params: { name: 'nope', arguments: { text: null } } }
  assert.deepEqual(mcp.normalize(unknown).message.params, { name: 'nope', arguments: {} })
  const initialize = { capabilities: { roots: null, sampling: {} }, clientInfo: { name: 'x', title: null } }
  assert.deepEqual(mcp.normalize({ ...message, params: initialize }).message.params, {
    capabilities: { sampling: {} },
    clientInfo: { name: 'x' },
  })
})

test('a progress token that is none is absent', async (t) => {
  const { mcp } = await serve(t, [echo])
  const tokenOf = (progressToken: unknown) => {
    const params = { _meta: { progressToken, other: 1 } }
    return mcp.normalize({ jsonrpc: '2.0', id: 1, method: 'ping', params }).message.params?.['_meta']
  }
  for (const none of [null, 1.5, {}, true, 2 ** 53]) assert.deepEqual(tokenOf(none), { other: 1 })
  for (const token of ['', 'a', 0, -7]) assert.deepEqual(tokenOf(token), { progressToken: token, other: 1 })
})

test('the token among a call’s arguments is found before the call', async (t) => {
  const message = { jsonrpc: '2.0' as const, params: { arguments: { accessToken: 'x' } } }
  const { mcp } = await serve(t, [echo], { accessTokenAllowed: true })
  assert.equal(mcp.accessTokenOf(message), 'x')
  assert.equal(mcp.accessTokenOf({ jsonrpc: '2.0' }), undefined)
  const { mcp: strict } = await serve(t, [echo])
  assert.throws(() => strict.accessTokenOf(message), { reason: 'accessToken_disabled' })
})

const [list, legacyHeaders] = legacy('tools/list')

for (const accept of ['text/event-stream', 'text/html', 'application/json;q=0, */*']) {
  test(`a client that accepts ${JSON.stringify(accept)} is told what to accept`, async (t) => {
    const { send } = await serve(t, [echo])
    await assert.rejects(send(list, { ...legacyHeaders, accept }), { reason: 'not_acceptable' })
  })
}

test('a version nobody knows is refused with those that are served, but initialize negotiates', async (t) => {
  const { send } = await serve(t, [echo])
  const headers = { ...legacyHeaders, 'mcp-protocol-version': '2025-01-01' }
  await assert.rejects(send(list, headers), (error: Failure) => {
    assert.equal(error.reason, 'bad_request')
    assert.match(error.message, /2025-11-25/)
    return true
  })
  const params = { protocolVersion: '2025-01-01', capabilities: {}, clientInfo: { name: 'x', version: '1' } }
  const { message } = await send({ jsonrpc: '2.0', id: 1, method: 'initialize', params }, headers)
  assert.match(message.result.protocolVersion, /^\d{4}-\d{2}-\d{2}$/)
})

for (const [name, message] of [
  ['a notification', { jsonrpc: '2.0', method: 'notifications/initialized' }],
  ['a response', { jsonrpc: '2.0', id: 1, result: {} }],
] as const) {
  test(`${name} of a 2025 client is accepted without an answer`, async (t) => {
    const { send } = await serve(t, [echo])
    const { status, contentType, message: answer } = await send(message, legacyHeaders)
    assert.deepEqual([status, contentType, answer], [202, undefined, null])
  })
}

test('a modern request whose headers say something else is refused, and the operator may hear of it', async (t) => {
  const { send, errors } = await serve(t, [echo])
  const [message, headers] = modern('tools/call', { name: 'echo' })
  const { status, message: answer } = await send(message, { ...headers, 'mcp-name': 'other' })
  assert.equal(status, 400)
  assert.equal(answer.error.code, -32020)
  assert.ok(errors.length > 0)
})
