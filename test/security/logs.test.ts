import assert from 'node:assert/strict'
import { subscribe } from 'node:diagnostics_channel'
import { before, describe, test } from 'node:test'
import type { Dispatcher } from 'undici'
import type { LogLine } from '../audit-lines.ts'
import { listen, mcpHeaders, toolCall } from '../helper.ts'
import { startEmulator } from '../tenant.ts'
import { watch } from '../watch.ts'
import { call, file, type HttpResponse, listTools, modernToolCall, post, raw, rawPost, statusOf } from './harness.ts'

/** What nobody may find again, by what it is. Tokens are added with their parts as they are made. */
const secrets = new Map<string, string>()
/** What a body said. It may come back in the response to it, as an error that names a field does, but in no log. */
const marker = (what: string) => `marker-${what}-5c0f1e9a`

function keep(what: string, token: string): string {
  secrets.set(token, what)
  const [header = '', claims = '', signature = ''] = token.split('.')
  // The header is the same for every token of a key, and no secret; it is what a stray token is known by.
  if (header !== '' && claims.length > 20) secrets.set(claims, `${what}, its claims`)
  if (signature.length > 20) secrets.set(signature, `${what}, its signature`)
  return token
}

const tenant = await startEmulator()
file.after(() => tenant.close())
secrets.set(tenant.api.clientSecret, 'the client secret')

let lastGraphToken = ''
// Every bearer token that leaves this process for Graph, as undici itself announces it.
subscribe('undici:request:create', (message) => {
  const { request } = message as { request: Dispatcher.DispatchOptions & { headers: string[] | string } }
  if (!request.path.startsWith('/v1.0/')) return
  const bearer = /authorization,?:? ?Bearer ([\w.-]+)/i.exec([request.headers].flat().join(','))?.[1]
  if (bearer !== undefined) lastGraphToken = keep('a Graph token', bearer)
})

const localGraphToken = keep('GRAPH_ACCESS_TOKEN', await tenant.mint({ kind: 'graph', user: 'priya' }))
const watching = await watch(file)
const { origin, app, logs } = await listen(file, { LOG_LEVEL: 'trace', ...watching.env }, tenant)
const local = await listen(
  file,
  {
    LOG_LEVEL: 'trace',
    MCP_REQUIRE_AUTH: 'false',
    GRAPH_ACCESS_TOKEN: localGraphToken,
    ALLOW_GRAPH_BEARER_TOKEN: 'true',
  },
  tenant,
)

/** Everything that metrics and spans say, metrics first. */
let watched: readonly string[] = []
const responses: { readonly of: string; readonly status: number; readonly text: string }[] = []
const linesOf = (): readonly LogLine[] => [...logs, ...local.logs]

/** One request of the mixture: with a cookie and a query that are nobody's business, with its whole response. */
async function visit(of: string, work: () => Promise<HttpResponse | string>) {
  const response = await work()
  if (typeof response === 'string') responses.push({ of, status: statusOf(response), text: response })
  else responses.push({ of, status: response.status, text: `${JSON.stringify(response.headers)}\n${response.text}` })
}

const nosy = {
  cookie: `session=${marker('cookie')}`,
  'user-agent': marker('agent'),
  'x-anything': marker('header'),
  referer: `https://example.com/${marker('referer')}`,
}

/** Posts to a URL with a query; every header and body carries its marker. */
function ask(server: string, body: string | Buffer | object, token?: string, headers: Record<string, string> = {}) {
  return call(`${server}/mcp?code=${marker('query')}&access_token=${marker('query')}`, {
    method: 'POST',
    headers: { ...mcpHeaders(token), ...nosy, ...headers },
    body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
  })
}

before(async () => {
  await successes()
  await refusedTokens()
  await badBodies()
  await toolErrors()
  await upstreamTrouble()
  await rawAttacks()
  watched = await watching.seen(app)
})

describe('after a broad mixture of good, bad and hostile calls', () => {
  test('the mixture met what it was made to meet', () => {
    const events = new Set(linesOf().map(({ event }) => event))
    for (const event of [
      'request',
      'auth_success',
      'auth_failure',
      'obo_success',
      'obo_failure',
      'failure',
      'graph_call',
    ]) {
      assert.ok(events.has(event), `no ${event} was logged`)
    }
    assert.ok([...secrets.values()].includes('a Graph token'))
    assert.ok(responses.length > 60)
    assert.ok(
      linesOf().some(({ err }) => err !== undefined),
      'errors were logged with their stacks',
    )
  })

  test('no log line holds a token, a part of one, or the client secret', () => {
    for (const line of linesOf()) assertSecretless(JSON.stringify(line), `log line ${line.event}`)
  })

  test('no log line holds anything that looks like a token', () => {
    for (const line of linesOf())
      assert.doesNotMatch(JSON.stringify(line), /eyJ[\w-]{10}|Bearer [\w-]{10}/i, line.event)
  })

  test('no log line holds a cookie, another header, a query string or what a body said', () => {
    for (const line of linesOf()) {
      const [found] = /marker-\w+-5c0f1e9a/i.exec(JSON.stringify(line)) ?? []
      assert.equal(found, undefined, JSON.stringify(line))
    }
  })

  test('metrics and spans were there, and hold no token, nothing like one, and nothing that a request said', () => {
    const [metrics = '', ...spans] = watched
    assert.match(metrics, /message_center_mcp_calls_total\{[^}]*outcome="graph_forbidden"\} [1-9]/)
    assert.ok(spans.length > 100, String(spans.length))
    for (const text of watched) {
      assertSecretless(text, 'a metric or span')
      assert.doesNotMatch(text, /eyJ[\w-]{10}|Bearer [\w-]{10}|marker-\w+-5c0f1e9a/i)
    }
  })

  test('no response holds a token, a part of one, or the client secret', () => {
    for (const { of, text } of responses) assertSecretless(text, `the response to ${of}`)
  })

  test('no response holds the beginning of a token', () => {
    for (const { of, text } of responses) assert.doesNotMatch(text, /eyJ[\w-]{10,}\.eyJ/, of)
  })

  test('no response holds a cookie, another header or a query string', () => {
    for (const { of, text } of responses) {
      for (const what of ['cookie', 'agent', 'header', 'referer', 'query']) {
        assert.ok(!text.includes(marker(what)), `the response to ${of} holds a ${what}`)
      }
    }
  })

  test('no response holds a stack trace, a path of this machine or an inner error', () => {
    for (const { of, text } of responses) {
      assert.doesNotMatch(text, /\bat [\w.<>[\] ]+ \(|node:internal|node_modules|\.(ts|js|mjs):\d+/, of)
      assert.ok(!text.includes(process.cwd()), of)
      assert.doesNotMatch(text, /ECONNRE|UND_ERR|SyntaxError|TypeError|FST_ERR|FAST_JWT/, of)
    }
  })

  test('a server error says nothing of its cause', () => {
    const errors = responses.filter(({ status }) => status >= 500)
    assert.ok(errors.length > 5)
    for (const { of, text } of errors) assert.doesNotMatch(text, /"reason"|AADSTS|invalid_|You sent/, of)
  })
})

async function successes() {
  for (const user of ['rowan', 'gale', 'priya']) {
    for (const version of [1, 2] as const) {
      const token = keep('a caller’s token', await tenant.mint({ user, version }))
      await visit('tools/list', () => ask(origin, listTools, token))
      const { message, headers } = modernToolCall('getMessages', { search: marker('body'), services: [marker('body')] })
      await visit('a modern call', () => ask(origin, message, token, headers))
      await visit('a legacy call', () => ask(origin, toolCall('getMessages', { top: 3, body: 'text' }), token))
      await visit('a warm call', () => ask(origin, toolCall('getMessages', { top: 3 }), token))
    }
  }
  const argument = keep('an accessToken argument', await tenant.mint({ kind: 'graph', user: 'gale' }))
  await visit('a call with accessToken', () =>
    ask(local.origin, toolCall('getMessages', { accessToken: argument, top: 1 })),
  )
  await visit('a call with GRAPH_ACCESS_TOKEN', () => ask(local.origin, toolCall('getMessages', { top: 1 })))
  const bearer = keep('a Graph bearer token', await tenant.mint({ kind: 'graph', user: 'rowan' }))
  await visit('a call with a Graph token', () => ask(local.origin, toolCall('getMessages', { top: 1 }), bearer))
  for (const path of ['/healthz', '/readyz', '/discover', '/.well-known/oauth-protected-resource/mcp', '/nothing']) {
    await visit(path, () => call(`${origin}${path}?state=${marker('query')}`, { headers: nosy }))
  }
}

async function refusedTokens() {
  for (const options of [
    { key: 'foreign' },
    { kind: 'graph' },
    { kind: 'app' },
    { kind: 'id' },
    { header: { alg: 'none' } },
    { header: { alg: 'HS256' } },
    { header: { kid: marker('body') } },
    { header: { crit: ['x'] } },
    { claims: { aud: marker('body') } },
    { claims: { iss: `https://${marker('body')}/` } },
    { claims: { tid: marker('body') } },
    { claims: { exp: 1 } },
    { claims: { exp: marker('body') } },
    { claims: { scp: marker('body') } },
    { drop: ['oid'] },
  ] as const) {
    const token = keep(
      'a rejected token',
      await tenant.mint({ ...options, drop: [...('drop' in options ? options.drop : [])] }),
    )
    await visit(`a token with ${JSON.stringify(options)}`, () => ask(origin, listTools, token))
  }
  const odd = keep('an odd token', `${marker('token')}.${marker('token')}.${marker('token')}`)
  await visit('an odd token', () => ask(origin, listTools, odd))
  await visit('Basic', () => ask(origin, listTools, undefined, { authorization: `Basic ${marker('header')}` }))
  await visit('no token', () => ask(origin, listTools))
}

async function badBodies() {
  const token = keep('a caller’s token', await tenant.mint())
  const text = marker('body')
  for (const body of [
    text,
    `{"${text}"`,
    `{"${text}":1,"${text}":2}`,
    `"${text}"`,
    `[{"jsonrpc":"2.0","method":"${text}"}]`,
    `{"__proto__":"${text}"}`,
    `{"jsonrpc":"${text}"}`,
    { ...listTools, id: { [text]: 1 } },
    { ...listTools, id: text },
    { ...listTools, method: text },
    { ...listTools, method: `tools/${text}` },
    { jsonrpc: '2.0', method: `notifications/${text}` },
    { ...listTools, params: text },
    { ...listTools, params: { [text]: text, _meta: { [text]: text, progressToken: text } } },
    {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: text, clientInfo: { name: text, version: text } },
    },
    Buffer.from(`{"a":"${text}\xff"}`, 'latin1'),
    `{"a":"${text}${'x'.repeat(300_000)}"}`,
  ]) {
    await visit('a bad body', () => ask(origin, body, token))
    await visit('a bad modern body', () =>
      ask(origin, body, token, { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'x' }),
    )
  }
  await visit('a form', () =>
    ask(origin, `token=${text}`, token, { 'content-type': 'application/x-www-form-urlencoded' }),
  )
  await visit('an odd type', () => ask(origin, text, token, { 'content-type': `text/${text}` }))
}

async function toolErrors() {
  const text = marker('body')
  const token = keep('a caller’s token', await tenant.mint())
  for (const [name, args] of [
    [text, {}],
    ['getMessage', { id: text }],
    ['getMessage', { [text]: 1 }],
    ['getMessages', { filter: `title eq '${text}` }],
    ['getMessages', { filter: `${text.replaceAll('-', '')} eq 1` }],
    ['getMessages', { filter: `title eq '${text}' and nothing eq 1` }],
    ['getMessages', { search: text, unreadOnly: true }],
    ['getMessages', { accessToken: keep('a rejected argument', `${text} x`) }],
    ['getMessages', { accessToken: keep('a forged argument', await tenant.mint({ kind: 'graph', key: 'foreign' })) }],
  ] as const) {
    await visit(`${name} with bad arguments`, () => ask(origin, toolCall(name, args), token))
    const { message, headers } = modernToolCall(name, args)
    await visit(`modern ${name} with bad arguments`, () => ask(origin, message, token, headers))
  }
  for (const user of ['nico', 'mika', 'signe', 'blake', 'dana', 'una', 'cato']) {
    const theirs = keep(`a token of ${user}`, await tenant.mint({ user }))
    await visit(`a call of ${user}`, () => ask(origin, toolCall('getMessages', { search: text }), theirs))
  }
}

async function upstreamTrouble() {
  const kinds = ['html', 'truncated', 'reset', 'redirect', 'wrong-types', 'empty-object', 'huge', 'gzip-bomb'] as const
  const call = toolCall('getMessages', { search: marker('body') })
  for (const target of ['graph', 'token'] as const) {
    for (const kind of kinds) {
      const token = keep('a caller’s token', await tenant.mint({ user: 'gale' }))
      tenant.faults.add({ target, kind })
      await visit(`${target === 'token' ? 'Entra' : 'Graph'} trouble: ${kind}`, () => ask(origin, call, token))
      tenant.faults.clear()
    }
  }
  // A peer that repeats what it was sent, as a diagnostic page of a proxy does.
  for (const status of [400, 401, 403, 500, 200]) {
    const token = keep('a caller’s token', await tenant.mint({ user: 'gale' }))
    await visit('a healthy call', () => ask(origin, call, token))
    repeat('graph', status, `You sent ${lastGraphToken}`)
    await visit(`Graph trouble: it repeats (${status})`, () => ask(origin, call, token))
    tenant.faults.clear()
  }
  for (const status of [400, 401, 403, 500, 200]) {
    const token = keep('a caller’s token', await tenant.mint({ user: 'gale' }))
    repeat('token', status, `You sent ${token} and ${tenant.api.clientSecret}`)
    await visit(`Entra trouble: it repeats (${status})`, () => ask(origin, call, token))
    tenant.faults.clear()
  }
  for (const kind of kinds) {
    tenant.faults.add({ target: 'keys', kind })
    await app.entraKeys.start()
    tenant.faults.clear()
  }
  await app.entraKeys.start()
}

function repeat(target: 'graph' | 'token', status: number, said: string) {
  const body = { error: target === 'graph' ? { code: 'x', message: said } : 'invalid_grant', error_description: said }
  tenant.faults.add({ target, kind: 'status', status, body })
}

async function rawAttacks() {
  const token = keep('a caller’s token', await tenant.mint())
  const lines = (...more: string[]) => rawPost(origin, [`Cookie: a=${marker('cookie')}`, ...more])
  await visit('two tokens', () =>
    raw(origin, lines(`Authorization: Bearer ${token}`, `Authorization: Bearer ${token}`)),
  )
  await visit('a huge header', () => raw(origin, lines(`Authorization: Bearer ${token.repeat(80)}`)))
  await visit('a folded header', () => raw(origin, lines('Authorization: Bearer', ` ${token}`)))
  await visit('a broken header', () => raw(origin, lines(`Authorization: Bearer ${token}\0`)))
  await visit('a token as the request', () => raw(origin, `${token}\r\n\r\n`))
  await visit('a token in the path', () =>
    raw(origin, `GET /${token}/%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`),
  )
  await visit('a token as the Host', () => raw(origin, `GET / HTTP/1.1\r\nHost: ${token}\r\nConnection: close\r\n\r\n`))
  await visit('a token as the Origin', () => post(origin, listTools, token, { origin: `https://${token}` }))
  await visit('a token as the request id', () => post(origin, listTools, token, { 'x-request-id': token }))
  await visit('a token as the method', () => post(origin, { ...listTools, method: token.slice(0, 150) }, token))
  await visit('a token as the tool', () => post(origin, toolCall(token.slice(0, 150)), token))
}

function assertSecretless(text: string, where: string) {
  for (const [secret, what] of secrets) assert.ok(!text.includes(secret), `${where} holds ${what}`)
}
