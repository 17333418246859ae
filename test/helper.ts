import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { Writable } from 'node:stream'
import type { TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import type { Emulator } from '../emulator/app.ts'
import { roadmapPath } from '../emulator/roadmap.ts'
import { buildApp, type Ways } from '../src/app.ts'
import { EnvironmentSchema } from '../src/config/environment.ts'
import { type Config, readConfig } from '../src/config/index.ts'
import { timeouts } from '../src/config/timeouts.ts'
import { type Deadline, deadlineIn } from '../src/lib/deadline.ts'
import { type Audit, events } from '../src/plugins/observability/audit.ts'
import { type LogLine, lineError } from './audit-lines.ts'
import { startEmulator } from './tenant.ts'

/** Starts a tenant for this test; closed when the test ends. */
export async function startTenant(t: TestContext): Promise<Emulator> {
  const tenant = await startEmulator()
  t.after(() => tenant.close())
  return tenant
}

export type Env = Record<string, string>

/** A rate-limit window that does not end during a test: windows follow the clock, not the first request. */
export const endless = '1000 days'

/** Variables of a server for this tenant, without rate limits and response cache unless a test sets them. */
export function envFor(tenant: Emulator): Env {
  return {
    GRAPH_TENANT_ID: tenant.tenantId,
    GRAPH_CLIENT_ID: tenant.api.clientId,
    GRAPH_CLIENT_SECRET: tenant.api.clientSecret,
    ENTRA_AUTHORITY_HOST: tenant.origin,
    GRAPH_BASE_URL: `${tenant.origin}/v1.0`,
    ROADMAP_URL: `${tenant.origin}${roadmapPath}`,
    RATE_LIMIT_MAX: '1000000',
    RATE_LIMIT_USER_MAX: '1000000',
    GRAPH_CACHE_TTL: '0',
    RATE_LIMIT_WINDOW: endless,
    LOG_LEVEL: 'trace',
  }
}

/** Switches on every tool that is off by default. */
export const allToolsOn: Env = Object.fromEntries(
  Object.keys(EnvironmentSchema.properties)
    .filter((name) => name.startsWith('MCP_ENABLE_'))
    .map((name) => [name, 'true']),
)

/** @param own members of the configuration that no variable sets */
export function configFor(tenant: Emulator, env: Env = {}, own: Partial<Config> = {}): Config {
  return { ...readConfig({ ...envFor(tenant), ...env }), ...own }
}

/** A deadline that no test reaches. */
export const ample = (): Deadline => deadlineIn(10_000)

/** The same short timeout for every upstream, for tests in which one hangs. */
export function shortTimeouts(deadlineMs: number): Pick<Config, 'timeouts'> {
  const short = { connectTimeoutMs: deadlineMs, deadlineMs }
  const peers = { keys: short, entra: short, graph: short, azure: short, roadmap: short, documents: short }
  return { timeouts: { ...peers, tokenMs: 4 * deadlineMs, callMs: timeouts.callMs, stalledMs: timeouts.stalledMs } }
}

export interface RunningApp {
  readonly app: FastifyInstance
  readonly tenant: Emulator
  /** `http://localhost:PORT`, which is also its PUBLIC_BASE_URL. */
  readonly origin: string
  /** Parsed log lines so far. */
  readonly logs: LogLine[]
}

export interface BuildOptions extends Ways {
  /** Members of the configuration that no variable sets. */
  readonly config?: Partial<Config>
}

/** Builds the app for a tenant, for `inject`: signing keys are loaded, it does not listen. */
export async function build(
  t: TestContext,
  env: Env = {},
  tenant?: Emulator,
  own: BuildOptions = {},
): Promise<RunningApp> {
  const { config: members, ...ways } = own
  const of = tenant ?? (await startTenant(t))
  const logs: LogLine[] = []
  const config = configFor(of, env, members)
  const app = await buildApp(config, { logTo: collect(logs), ...ways })
  t.after(async () => {
    await app.close()
    // In every test, log lines must match their documented schema.
    for (const line of logs) assert.equal(lineError(line), undefined)
  })
  await app.ready()
  await app.entraKeys.start()
  return { app, tenant: of, origin: config.publicBaseUrl, logs }
}

/** The app on a real socket, for real clients. */
export async function listen(
  t: TestContext,
  env: Env = {},
  tenant?: Emulator,
  own?: BuildOptions,
): Promise<RunningApp> {
  const port = String(await freePort())
  const running = await build(t, { PORT: port, ...env }, tenant, own)
  await running.app.listen({ host: '127.0.0.1', port: Number(port) })
  return running
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Headers of an MCP request of a 2025 revision. */
export function mcpHeaders(token?: string): Record<string, string> {
  return {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  }
}

/** A `tools/call` as JSON-RPC. */
export function toolCall(name: string, args: Record<string, unknown> = {}, id: string | number = 1) {
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } }
}

/** An audit that collects lines as pino writes them, without undefined fields. */
export function auditInto(lines: Record<string, unknown>[]): Audit {
  return (name, fields, { level = events[name].level } = {}) => {
    const given = Object.entries(fields).filter(([, value]) => value !== undefined)
    lines.push({ level, event: name, ...Object.fromEntries(given) })
  }
}

/** Polls until the condition holds. @throws {Error} after the deadline */
export async function eventually(condition: () => boolean | Promise<boolean>, deadlineMs = 5_000): Promise<void> {
  const end = performance.now() + deadlineMs
  while (!(await condition())) {
    if (performance.now() > end) throw new Error('The condition did not become true in time')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

function collect(logs: LogLine[]): Writable {
  return new Writable({
    write(chunk, _encoding, done) {
      for (const line of String(chunk).split('\n')) if (line !== '') logs.push(JSON.parse(line))
      done()
    },
  })
}
