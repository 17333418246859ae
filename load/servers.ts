import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { OperatorError } from '../scripts/shared/operator-error.ts'
import { answersOk, freePort, type Running, start, untilReady } from './processes.ts'

/** Something to be called. */
export interface Target {
  /** Its MCP endpoint. */
  readonly url: string
  /** What its process is, where this run started it. */
  readonly process?: Running
  /** Where it serves `/metrics`, if it does. */
  readonly metricsUrl?: string
}
/** A target that this run started. */
export type OwnTarget = Target & { readonly process: Running }

const root = fileURLToPath(new URL('..', import.meta.url))
/** What npm run build makes. */
const ownBundle = join(root, 'dist/server.js')
const tsx = import.meta.resolve('tsx')

/**
 * The bundled server to run.
 *
 * @param given another one than that of npm run build
 * @throws {OperatorError} where there is none, or the sources are newer than npm run build's
 */
export async function findBundle(given?: string): Promise<string> {
  const next = 'Run npm run build.'
  if (given !== undefined) {
    if (existsSync(given)) return resolve(given)
    throw new OperatorError(`${given} is not there.`, 'node scripts/build.mjs <folder> makes one.')
  }
  if (!existsSync(ownBundle)) throw new OperatorError('dist/server.js is not there.', next)
  const builtMs = statSync(ownBundle).mtimeMs
  const files = await readdir(join(root, 'src'), { recursive: true })
  const newer = files.find((file) => file.endsWith('.ts') && statSync(join(root, 'src', file)).mtimeMs > builtMs)
  if (newer !== undefined) throw new OperatorError(`dist/server.js is older than src/${newer}.`, next)
  return ownBundle
}

/**
 * What a server of load is told besides its tenant: no limit is in the way, and all else is as it ships. Production
 * itself takes only https addresses, so that an emulated tenant cannot have it.
 */
export function serverEnv(): Record<string, string> {
  return {
    HOST: '127.0.0.1',
    LOG_LEVEL: 'info',
    RATE_LIMIT_MAX: '999999999',
    RATE_LIMIT_USER_MAX: '999999999',
    MCP_OAUTH_SEAL_KEY: newKey(),
  }
}

/** Has a server ask Graph on every call. */
export const withoutAnswersKept = { GRAPH_ANSWER_TTL: '0' } as const

export interface ServerOptions extends PeerOptions {
  readonly bundle: string
  readonly name?: string
  readonly port?: number
  readonly hasMetrics?: boolean
}
export interface PeerOptions {
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
}

/** The bundled server, in a process of its own, once it is ready. */
export async function startServer({ folder, bundle, env, name, port, hasMetrics }: ServerOptions): Promise<OwnTarget> {
  const ownPort = port ?? (await freePort())
  const origin = `http://127.0.0.1:${ownPort}`
  const metricsPort = hasMetrics ? await freePort() : undefined
  const process = start({
    name: name ?? 'The server',
    command: globalThis.process.execPath,
    args: [bundle],
    cwd: ownFolder(folder, ownPort),
    env: {
      PUBLIC_BASE_URL: origin,
      ...env,
      PORT: String(ownPort),
      ...(metricsPort !== undefined && { METRICS_PORT: String(metricsPort) }),
    },
  })
  await untilReady(process, () => answersOk(`${origin}/readyz`))
  return {
    url: `${origin}/mcp`,
    process,
    ...(metricsPort !== undefined && { metricsUrl: `http://127.0.0.1:${metricsPort}/metrics` }),
  }
}

/** One of the servers in `targets/`, which costs are compared to. */
export async function startPeer(peer: 'floor' | 'reference', { folder, env }: PeerOptions): Promise<OwnTarget> {
  const port = await freePort()
  const process = start({
    name: peer === 'floor' ? 'The floor' : 'The reference pattern',
    command: globalThis.process.execPath,
    args: ['--import', tsx, fileURLToPath(new URL(`targets/${peer}.ts`, import.meta.url))],
    cwd: ownFolder(folder, port),
    env: { ...env, PORT: String(port) },
  })
  await untilReady(process, () => answersOk(`http://127.0.0.1:${port}/readyz`))
  return { url: `http://127.0.0.1:${port}/mcp`, process }
}

/** 32 random bytes, as variables take them. */
export function newKey(): string {
  return randomBytes(32).toString('base64')
}

function ownFolder(folder: string, port: number): string {
  const own = join(folder, String(port))
  mkdirSync(own, { recursive: true })
  return own
}
