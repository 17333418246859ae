import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { Readable } from 'node:stream'
import type { TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Emulator } from '../../emulator/app.ts'
import { type SignInOptions, signIn } from '../../emulator/sign-in.ts'
import { runOps } from '../../scripts/program.ts'
import { createIo, type Io } from '../../scripts/shared/io.ts'

export interface CommandResult {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface OpsOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Called with each line to standard error. */
  readonly onProgress?: (text: string) => void
  readonly signal?: AbortSignal
  readonly stdin?: Readable
  /** Collects the requested waits in milliseconds; each takes a twentieth. */
  readonly waited?: number[]
  /** None by default. */
  readonly openBrowser?: Io['openBrowser']
}

/** Runs a command in this process, with an empty environment and standard input. */
export async function ops(args: readonly string[], options: OpsOptions = {}): Promise<CommandResult> {
  const {
    env = {},
    onProgress,
    signal = new AbortController().signal,
    stdin = Readable.from([]),
    waited = [],
  } = options
  const { openBrowser = () => Promise.reject(new Error('No browser')) } = options
  const out: string[] = []
  const err: string[] = []
  const stdout = { write: (text: string) => out.push(text) }
  const stderr = {
    write(text: string) {
      err.push(text)
      onProgress?.(text)
    },
  }
  const wait = (ms: number, sooner = signal) => {
    waited.push(ms)
    return delay(ms / 20, undefined, { signal: AbortSignal.any([signal, sooner]) })
  }
  const code = await runOps(args, createIo({ env, signal, stdin, openBrowser, wait, stdout, stderr }))
  return { code, out: out.join(''), err: err.join('') }
}

/** Options for this tenant. */
export function tenantArgs({ tenantId, origin }: Emulator): string[] {
  return ['--tenant', tenantId, '--authority-host', origin]
}

export function graphArgs(tenant: Emulator): string[] {
  return [...tenantArgs(tenant), '--graph-base-url', `${tenant.origin}/v1.0`]
}

/** An onProgress that enters the device code as soon as it is shown. */
export function enterDeviceCode(options: SignInOptions): (text: string) => void {
  return (text) => {
    const [, page, code] = /open (\S+) and enter the code (\S+)/.exec(text) ?? []
    if (page !== undefined) void signIn(`${page}?otc=${code}`, options)
  }
}

/** Output and exit code of a fake Azure CLI. */
export interface AzOutput {
  readonly stdout?: string
  readonly stderr?: string
  readonly code?: number
}

/**
 * Creates an `az`. Without `output`, it returns tokens of the emulated tenant for the user.
 *
 * @returns variables with which a command finds it
 */
export function fakeAz(t: TestContext, tenant: Emulator, user: string, output?: AzOutput): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), 'fake-az-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'az')
  const script = output === undefined ? mintingAz(tenant, user) : printingAz(output)
  writeFileSync(path, `#!${process.execPath}\n${script}`)
  chmodSync(path, 0o755)
  return { PATH: `${folder}${delimiter}${process.env['PATH']}` }
}

function mintingAz({ origin, tenantId }: Emulator, user: string): string {
  return `
const args = process.argv.slice(2)
const valueOf = (name) => args[args.indexOf(name) + 1]
if (args.slice(0, 2).join(' ') !== 'account get-access-token' || valueOf('--output') !== 'json') process.exit(2)
const scope = valueOf('--scope')
const [resource, name] = [scope.slice(0, scope.lastIndexOf('/')), scope.slice(scope.lastIndexOf('/') + 1)]
const azp = '04b07795-8ddb-461a-bbee-02f9e1bf7b46'
const request = resource === 'https://graph.microsoft.com'
  ? { kind: 'graph', claims: { scp: 'Directory.AccessAsUser.All', appid: azp } }
  : { kind: 'access', claims: { scp: name, aud: resource.replace('api://', ''), azp } }
fetch(${JSON.stringify(`${origin}/_emulator/tokens`)}, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ user: ${JSON.stringify(user)}, ...request }),
}).then((response) => response.json()).then(({ tokens }) => {
  console.log(JSON.stringify({ accessToken: tokens[0], tenant: ${JSON.stringify(tenantId)}, tokenType: 'Bearer' }))
})
`
}

function printingAz({ stdout = '', stderr = '', code = 0 }: AzOutput): string {
  return `process.stdout.write(${JSON.stringify(stdout)})
process.stderr.write(${JSON.stringify(stderr)})
process.exitCode = ${code}
`
}
