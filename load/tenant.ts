import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import { Agent } from 'undici'
import type { FaultRule } from '../emulator/fault-rule.ts'
import type { StatsSnapshot } from '../emulator/stats.ts'
import type { TenantPatch } from '../emulator/tenant-patch.ts'
import { OperatorError } from '../scripts/shared/operator-error.ts'
import { freePort, type Running, start, untilReady } from './processes.ts'
import { type LoadUser, userOf } from './users.ts'

const emulator = fileURLToPath(new URL('../emulator/main.ts', import.meta.url))
const tsx = import.meta.resolve('tsx')
/** Signing is the tenant's processor time; in portions, so that there is progress to tell. */
const mintedAtOnce = 1_000
const mintTimeoutMs = 120_000

/** An emulated tenant, through its controls. */
export interface Tenant {
  readonly origin: string
  /** Tokens of `load-00000` and so on, from the number `first`. @param told how many there are so far */
  mint(count: number, options?: { first?: number; told?: (minted: number) => void }): Promise<LoadUser[]>
  stats(): Promise<StatsSnapshot>
  resetStats(): Promise<void>
  addFaults(...rules: FaultRule[]): Promise<void>
  clearFaults(): Promise<void>
  rotateKeys(): Promise<void>
}

/** A tenant that this run started, and what a server has to know of it. */
export interface OwnTenant {
  readonly tenant: Tenant
  readonly process: Running
  readonly env: Readonly<Record<string, string>>
}

export interface TenantOptions {
  /** What it is called where it does not start. */
  readonly name?: string
  readonly port?: number
  /** Where others reach it, if not where it listens. */
  readonly origin?: string
  /** Its keys and secrets, which several processes of one tenant share; made where there are none. */
  readonly secretsFile?: string
}

/**
 * Starts an emulated tenant in a process of its own.
 *
 * @param folder for the file in which it says how it is reached
 */
export async function startTenant(folder: string, options: TenantOptions = {}): Promise<OwnTenant> {
  const { name = 'The emulated tenant', port = await freePort(), origin, secretsFile } = options
  // A file and not the command line or the output: a secret is among what it says.
  const envFile = join(folder, `tenant-${port}.env`)
  rmSync(envFile, { force: true })
  const args = ['--port', String(port), '--write-env', envFile]
  if (origin !== undefined) args.push('--origin', origin)
  if (secretsFile !== undefined) args.push('--secrets', secretsFile)
  const process = start({
    name,
    command: globalThis.process.execPath,
    args: ['--import', tsx, emulator, ...args],
    cwd: folder,
  })
  await untilReady(process, async () => existsSync(envFile))
  const env = Object.fromEntries(
    Object.entries(parseEnv(readFileSync(envFile, 'utf8'))).map(([key, value]) => [key, value ?? '']),
  )
  return { tenant: await openTenant(`http://127.0.0.1:${port}`), process, env }
}

/**
 * An emulated tenant that runs already; from here on its answers name who reads them.
 *
 * @throws {OperatorError} where nobody there has the emulator's controls
 */
export async function openTenant(origin: string): Promise<Tenant> {
  const agent = new Agent({ headersTimeout: mintTimeoutMs, bodyTimeout: mintTimeoutMs })

  async function control<T>(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<T> {
    const { statusCode, body: answer } = await agent
      .request({
        origin,
        path: `/_emulator${path}`,
        method,
        ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      })
      .catch(() => {
        throw unreachable(origin)
      })
    const text = await answer.text()
    if (statusCode >= 300) throw unreachable(origin, statusCode)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }

  await control('PATCH', '/tenant', { namesReader: true } satisfies TenantPatch)

  return {
    origin,
    async mint(count, { first = 0, told } = {}) {
      const users: LoadUser[] = []
      while (users.length < count) {
        const user = `load-${String(first + users.length).padStart(5, '0')}`
        const asked = { user, count: Math.min(mintedAtOnce, count - users.length) }
        const { tokens } = await control<{ tokens: string[] }>('POST', '/tokens', asked)
        users.push(...tokens.map((token) => userOf(token, true)))
        told?.(users.length)
      }
      return users
    },
    stats: () => control('GET', '/stats'),
    resetStats: () => control('DELETE', '/stats'),
    addFaults: (...rules) => control('POST', '/faults', rules),
    clearFaults: () => control('DELETE', '/faults'),
    rotateKeys: () => control('POST', '/keys/rotate'),
  }
}

function unreachable(origin: string, status?: number): OperatorError {
  const what = status === undefined ? 'Nobody answers' : `The emulator’s controls answer ${status}`
  return new OperatorError(`${what} at ${origin}.`, '--tenant takes the origin of a running npm run emulator.')
}
