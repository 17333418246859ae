import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import type { FaultRule } from '../emulator/fault-rule.ts'
import type { StatsSnapshot } from '../emulator/stats.ts'
import type { TenantPatch } from '../emulator/tenant-patch.ts'
import { OperatorError } from '../scripts/shared/operator-error.ts'
import { findFreePort, type RunningProcess, start, waitUntil } from './processes.ts'
import { createUser, type LoadUser } from './users.ts'

const emulator = fileURLToPath(new URL('../emulator/main.ts', import.meta.url))
const tsx = import.meta.resolve('tsx')
/** Signing takes the tenant's CPU time: small enough that a request ends before its timeout. */
const mintedAtOnce = 1_000

/** An emulated tenant, through its controls. */
export type Tenant = Awaited<ReturnType<typeof openTenant>>

/** A tenant that this run started, and the variables that make a server one of it. */
export interface OwnTenant {
  readonly tenant: Tenant
  readonly process: RunningProcess
  readonly env: Readonly<Record<string, string>>
}

/**
 * Starts an emulated tenant in a process of its own.
 *
 * @param folder for the file in which it writes how it is reached
 */
export async function startTenant(folder: string): Promise<OwnTenant> {
  const port = await findFreePort()
  // A file and neither the command line nor the output: it holds a secret.
  const envFile = join(folder, `tenant-${port}.env`)
  const args = ['--import', tsx, emulator, '--port', String(port), '--write-env', envFile]
  const process = start({ name: 'The emulated tenant', command: globalThis.process.execPath, args, cwd: folder })
  await waitUntil(process, async () => existsSync(envFile))
  const env = parseEnv(readFileSync(envFile, 'utf8')) as Record<string, string>
  return { tenant: await openTenant(`http://127.0.0.1:${port}`), process, env }
}

/**
 * Opens an emulated tenant that runs already; from here on its responses name who reads them.
 *
 * @throws {OperatorError} where the emulator's controls are not there
 */
export async function openTenant(origin: string) {
  async function control<T>(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, json?: object): Promise<T> {
    const content = json && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(json) }
    const response = await fetch(`${origin}/_emulator${path}`, { method, ...content }).catch(() => {
      throw unreachable(origin, 'Nothing responds')
    })
    if (!response.ok) throw unreachable(origin, `HTTP ${response.status}`)
    const text = await response.text()
    return (text === '' ? undefined : JSON.parse(text)) as T
  }

  await control('PATCH', '/tenant', { namesReader: true } satisfies TenantPatch)

  return {
    origin,
    /** Mints tokens of `load-00000` and so on, from the number `first`. */
    async mint(count: number, first = 0): Promise<LoadUser[]> {
      const users: LoadUser[] = []
      while (users.length < count) {
        const user = `load-${String(first + users.length).padStart(5, '0')}`
        const asked = { user, count: Math.min(mintedAtOnce, count - users.length) }
        const { tokens } = await control<{ tokens: string[] }>('POST', '/tokens', asked)
        users.push(...tokens.map((token) => createUser(token, true)))
      }
      return users
    },
    /** Has these users read data privacy posts. */
    async makePrivacyReaders(users: readonly LoadUser[]): Promise<void> {
      const changes = users.map(({ reader = '' }) => ({ user: reader, roles: ['Message Center Privacy Reader'] }))
      for (let first = 0; first < changes.length; first += mintedAtOnce) {
        const patch: TenantPatch = { users: changes.slice(first, first + mintedAtOnce) }
        await control('PATCH', '/tenant', patch)
      }
    },
    stats: () => control<StatsSnapshot>('GET', '/stats'),
    resetStats: () => control<void>('DELETE', '/stats'),
    addFaults: (...rules: FaultRule[]) => control<void>('POST', '/faults', rules),
    clearFaults: () => control<void>('DELETE', '/faults'),
    rotateKeys: () => control<void>('POST', '/keys/rotate'),
  }
}

function unreachable(origin: string, what: string): OperatorError {
  return new OperatorError(`${what} at ${origin}.`, '--tenant takes the origin of a running npm run emulator.')
}
