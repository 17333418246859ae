import { existsSync, mkdirSync, statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { request } from 'undici'
import { OperatorError } from '../scripts/shared/operator-error.ts'
import { findFreePort, isOk, type RunningProcess, start, waitUntil } from './processes.ts'

/** A server to call. */
export interface Target {
  /** Its MCP endpoint. */
  readonly url: string
  /** Where this run started it. */
  readonly process?: RunningProcess
  readonly metricsUrl?: string
}
/** A target that this run started. */
export type OwnTarget = Target & { readonly process: RunningProcess }

export interface ServerOptions {
  readonly folder: string
  readonly bundle: string
  readonly env: Readonly<Record<string, string>>
  readonly name?: string
  readonly port?: number
  readonly nodeArgs?: readonly string[]
}

const root = fileURLToPath(new URL('..', import.meta.url))
const ownBundle = join(root, 'dist/server.js')
const tsx = import.meta.resolve('tsx')

/**
 * What a server under load is configured with besides its tenant: rate limits that are never reached, all else as it
 * ships. Production takes https addresses only, so that it cannot have an emulated tenant.
 */
export const serverEnv: Readonly<Record<string, string>> = {
  HOST: '127.0.0.1',
  LOG_LEVEL: 'info',
  RATE_LIMIT_MAX: '999999999',
  RATE_LIMIT_USER_MAX: '999999999',
}
/** Has every user's Message Center read again all the time, while others are answered from memory. */
export const briefSnapshots = { GRAPH_CACHE_TTL: '1s' } as const

/**
 * Finds the bundled server to run.
 *
 * @param given another one than that of npm run build
 * @throws {OperatorError} where there is none, or the sources are newer than npm run build's
 */
export async function findBundle(given?: string): Promise<string> {
  const next = 'Run npm run build.'
  if (given !== undefined) {
    if (existsSync(given)) return resolve(given)
    throw new OperatorError(`${given} does not exist.`, 'node scripts/build.mjs <folder> writes one.')
  }
  if (!existsSync(ownBundle)) throw new OperatorError('dist/server.js does not exist.', next)
  const builtMs = statSync(ownBundle).mtimeMs
  const files = await readdir(join(root, 'src'), { recursive: true })
  const newer = files.find((file) => file.endsWith('.ts') && statSync(join(root, 'src', file)).mtimeMs > builtMs)
  if (newer !== undefined) throw new OperatorError(`dist/server.js is older than src/${newer}.`, next)
  return ownBundle
}

/** Starts the bundled server in a process of its own, and waits until it is ready. */
export async function startServer({ bundle, nodeArgs = [], env, ...rest }: ServerOptions): Promise<OwnTarget> {
  const target = await startTarget({ name: 'The server', ...rest, env }, [...nodeArgs, bundle])
  const metricsPort = env['METRICS_PORT']
  return { ...target, ...(metricsPort !== undefined && { metricsUrl: `http://127.0.0.1:${metricsPort}/metrics` }) }
}

/** Starts one of the servers in `baselines/`, which costs are compared with. */
export function startBaseline(
  name: 'floor' | 'reference',
  options: Pick<ServerOptions, 'folder' | 'env'>,
): Promise<OwnTarget> {
  const file = fileURLToPath(new URL(`baselines/${name}.ts`, import.meta.url))
  return startTarget({ name: `The ${name} baseline`, ...options }, ['--import', tsx, file])
}

interface TargetOptions extends Pick<ServerOptions, 'folder' | 'env' | 'port'> {
  readonly name: string
}

async function startTarget({ name, folder, env, port: given }: TargetOptions, args: string[]): Promise<OwnTarget> {
  const port = given ?? (await findFreePort())
  const origin = `http://127.0.0.1:${port}`
  const cwd = join(folder, String(port))
  mkdirSync(cwd, { recursive: true })
  const ownEnv = { PUBLIC_BASE_URL: origin, ...env, PORT: String(port) }
  const process = start({ name, command: globalThis.process.execPath, args, cwd, env: ownEnv })
  await waitUntil(process, () => isOk(`${origin}/readyz`))
  return { url: `${origin}/mcp`, process }
}

/** Values of a server's `/metrics` by name; those with labels are left out. */
export async function readMetrics(url: string): Promise<ReadonlyMap<string, number>> {
  const { body } = await request(url, { headersTimeout: 5_000, bodyTimeout: 5_000 })
  const lines = (await body.text()).matchAll(/^([a-zA-Z_:][\w:]*) (\S+)$/gm)
  return new Map([...lines].map(([, name = '', value]) => [name, Number(value)]))
}
