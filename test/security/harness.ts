import { randomBytes } from 'node:crypto'
import { channel } from 'node:diagnostics_channel'
import { createServer, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { after, type TestContext } from 'node:test'
import type { FastifyInstance, RouteOptions } from 'fastify'
import { request } from 'undici'
import type { Emulator } from '../../emulator/app.ts'
import { buildApp } from '../../src/app.ts'
import { type Config, readConfig } from '../../src/config/index.ts'
import { type Env, envFor, mcpHeaders, toolCall } from '../helper.ts'

/** A test file's own lifetime, for helpers that ask for a test's. */
export const file = { after: (end: () => unknown) => after(async () => void (await end())) } as unknown as TestContext

/** What tests read out of a JSON-RPC response, be it a result, a tool error or an error. */
export interface RpcBody {
  readonly jsonrpc?: string
  readonly id?: unknown
  readonly result?: {
    readonly isError?: boolean
    readonly content?: readonly { readonly text: string }[]
    readonly structuredContent?: Readonly<Record<string, unknown>>
    readonly _meta?: Readonly<Record<string, { readonly reason?: string }>>
    readonly [member: string]: unknown
  }
  readonly error?: { readonly code: number; readonly message: string; readonly data?: { readonly reason?: string } }
}

export interface HttpResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  /** The JSON of the response; empty where it is none. */
  readonly body: RpcBody
}

export interface Call {
  readonly method?: 'GET' | 'POST' | 'DELETE' | 'OPTIONS' | 'HEAD' | 'PUT' | 'PATCH' | 'TRACE' | 'QUERY'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  readonly signal?: AbortSignal
}

/** One HTTP request by a real client. */
export async function call(url: string, { method = 'GET', ...options }: Call = {}): Promise<HttpResponse> {
  const { statusCode, headers, body } = await request(url, { method, ...options })
  const text = await body.text()
  return { status: statusCode, headers, text, body: parsed(text) }
}

/** One JSON-RPC message of a 2025 revision. */
export function post(
  origin: string,
  message: unknown,
  token?: string,
  headers: Record<string, string> = {},
): Promise<HttpResponse> {
  return call(`${origin}/mcp`, {
    method: 'POST',
    headers: { ...mcpHeaders(token), ...headers },
    body: JSON.stringify(message),
  })
}

/** The same call as revision 2026-07-28 has it: version and capabilities in every message, named again by headers. */
export function modernToolCall(name: string, args: Record<string, unknown> = {}, id: string | number = 1) {
  const message = toolCall(name, args, id)
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  return {
    message: { ...message, params: { ...message.params, _meta } },
    headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name },
  }
}

export const listTools = { jsonrpc: '2.0', id: 1, method: 'tools/list' }

/** Why a call was rejected, whether HTTP or a tool's result says so. */
export function reasonOf({ body }: HttpResponse): string | undefined {
  return body.error?.data?.reason ?? body.result?._meta?.['mcp-message-center-server/error']?.reason
}

/** Whether an error response is a JSON-RPC error and nothing else. */
export function isRpcError({ body, headers }: HttpResponse): boolean {
  return (
    String(headers['content-type']).startsWith('application/json') &&
    body.jsonrpc === '2.0' &&
    typeof body.error?.code === 'number' &&
    typeof body.error.message === 'string' &&
    'id' in body
  )
}

/** Writes bytes to a socket as they are and gives back everything that came until the server closed it. */
export function raw(origin: string, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(Number(new URL(origin).port), '127.0.0.1', () => socket.write(bytes))
    const whole = () => resolve(Buffer.concat(chunks).toString('latin1'))
    socket.setTimeout(10_000, () => socket.destroy(new Error('The server neither responded nor closed the connection')))
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('end', whole)
    // A server that rejects early may reset the connection while bytes are still on their way; what it said counts.
    socket.on('error', (error) => (chunks.length > 0 ? whole() : reject(error)))
  })
}

/** An HTTP/1.1 request as text, for `raw`; the connection ends with the response. */
export function rawPost(origin: string, headerLines: readonly string[], body = JSON.stringify(listTools)): string {
  const { host } = new URL(origin)
  return [
    'POST /mcp HTTP/1.1',
    `Host: ${host}`,
    'Connection: close',
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...headerLines,
    '',
    body,
  ].join('\r\n')
}

export function statusOf(rawResponse: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(rawResponse)?.[1])
}

/**
 * The service as production runs it, save that its Entra and Graph are the emulator's: production takes only https
 * addresses, so these two are put in after the configuration has been judged.
 */
export function productionConfig(tenant: Emulator, env: Env = {}): Config {
  const { ENTRA_AUTHORITY_HOST: _, GRAPH_BASE_URL: __, ROADMAP_URL: ___, ...own } = envFor(tenant)
  const config = readConfig({
    ...own,
    NODE_ENV: 'production',
    PUBLIC_BASE_URL: 'https://mcp.example.com',
    MCP_OAUTH_SEAL_KEY: randomBytes(32).toString('base64'),
    ...env,
  })
  return {
    ...config,
    entra: { ...config.entra, authorityHost: tenant.origin },
    graph: readConfig(envFor(tenant)).graph,
  }
}

/** Lets an app listen on a free loopback port until the test or file ends. */
export async function serve(t: TestContext, app: FastifyInstance): Promise<string> {
  t.after(() => app.close())
  await app.listen({ host: '127.0.0.1', port: 0 })
  await app.entraKeys.start()
  return originOf(app)
}

/** Where a listening app is. */
export function originOf(app: FastifyInstance): string {
  const address = app.server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
}

export interface Route {
  readonly method: string
  readonly url: string
}

/** The app together with every route that it registers, one entry a method, as Fastify announces them. */
export async function buildWithRoutes(config: Config): Promise<{ app: FastifyInstance; routes: Route[] }> {
  const routes = new Map<unknown, Route[]>()
  const onInitialization = (message: unknown) => {
    const { fastify } = message as { fastify: FastifyInstance }
    const own: Route[] = []
    routes.set(fastify, own)
    fastify.addHook('onRoute', ({ method, url }: RouteOptions) => {
      for (const one of [method].flat()) own.push({ method: one, url })
    })
  }
  const initialization = channel('fastify.initialization')
  initialization.subscribe(onInitialization)
  try {
    const app = await buildApp(config)
    await app.ready()
    // The first instance that came up is the service; what it makes for its own use comes after.
    return { app, routes: [...routes.values()][0] ?? [] }
  } finally {
    initialization.unsubscribe(onInitialization)
  }
}

/** A server that no bearer token has any business at, and everything that came to it. */
export async function startBystander(t: TestContext): Promise<{ origin: string; received: IncomingMessage[] }> {
  const received: IncomingMessage[] = []
  const server = createServer((incoming, outgoing) => {
    received.push(incoming)
    outgoing.end('{"value":[]}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => new Promise((resolve) => server.close(resolve)))
  const address = server.address()
  return { origin: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`, received }
}

/** How far memory rose above where it stood while `work` went on, in megabytes, and how long that took. */
export async function costOf<T>(work: () => Promise<T>): Promise<{ result: T; megabytes: number; ms: number }> {
  const before = process.memoryUsage().rss
  let peak = before
  const sample = () => {
    peak = Math.max(peak, process.memoryUsage().rss)
  }
  const sampler = setInterval(sample, 5)
  const started = performance.now()
  try {
    const result = await work()
    sample()
    return { result, megabytes: (peak - before) / 2 ** 20, ms: performance.now() - started }
  } finally {
    clearInterval(sampler)
  }
}

function parsed(text: string): RpcBody {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}
