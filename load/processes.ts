import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { request } from 'undici'
import { OperatorError } from '../scripts/shared/operator-error.ts'

/** A process that this run started, and ends. */
export interface RunningProcess {
  readonly name: string
  readonly pid: number
  readonly hasEnded: boolean
  /** Resolves once it has ended; after a grace period it is killed. */
  stop(signal?: NodeJS.Signals): Promise<void>
  signal(signal: NodeJS.Signals): void
}

export interface Program {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** A folder without anybody's .env.local. */
  readonly cwd: string
}

/** Longer than the server's own grace period. */
const stopGraceMs = 30_000
const readyTimeoutMs = 60_000
/** The unit of CPU time in /proc: 100 a second wherever Linux runs Node. */
const clockTickUs = 10_000

const path = [process.env['PATH'] ?? '', '/usr/sbin'].join(delimiter)
const running = new Set<ChildProcess>()
// However this process ends, nothing that it started stays.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts a process with the given variables and none of the shell's. Its output is discarded. */
export function start({ name, command, args, env = {}, cwd }: Program): RunningProcess {
  const child = spawn(command, [...args], { cwd, env: { PATH: path, ...env }, stdio: 'ignore' })
  running.add(child)
  child.once('exit', () => running.delete(child))
  child.once('error', () => running.delete(child))
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null || child.pid === undefined

  return {
    name,
    pid: child.pid ?? 0,
    get hasEnded() {
      return hasEnded()
    },
    async stop(signal = 'SIGTERM') {
      if (hasEnded()) return
      const ended = once(child, 'exit')
      // A frozen process handles no signal before it continues.
      child.kill('SIGCONT')
      child.kill(signal)
      const kill = setTimeout(() => child.kill('SIGKILL'), stopGraceMs)
      await ended
      clearTimeout(kill)
    },
    signal: (signal) => void child.kill(signal),
  }
}

/** @throws {OperatorError} where a program is not on the PATH or in /usr/sbin, where Debian has nginx */
export function requireInstalled(program: string): void {
  if (path.split(delimiter).some((folder) => existsSync(join(folder, program)))) return
  throw new OperatorError(`${program} is not installed.`, `On Debian: apt-get install --yes ${program}.`)
}

/** Waits for a condition. @throws {OperatorError} where it does not hold in time, or the process ends */
export async function waitUntil(process: RunningProcess, isReady: () => Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + readyTimeoutMs
  for (;;) {
    const isDone = await isReady()
    // First: where the port was taken meanwhile, whoever took it responds.
    if (process.hasEnded) throw new OperatorError(`${process.name} ended early.`, 'Start it by hand to see why.')
    if (isDone) return
    if (Date.now() > deadlineMs) throw new OperatorError(`${process.name} is not ready after a minute.`, 'Try again.')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Whether a URL responds with 200 at this moment. */
export async function isOk(url: string): Promise<boolean> {
  try {
    const { statusCode, body } = await request(url, { headersTimeout: 2_000, bodyTimeout: 2_000 })
    await body.dump()
    return statusCode === 200
  } catch {
    return false
  }
}

export async function findFreePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** CPU time of a process so far, user and system, in microseconds; NaN where there is no /proc. */
export function cpuUsOf(pid: number | undefined): number {
  // The name of the program, in parentheses, may hold anything.
  const fields = readProc(pid, 'stat')
    .replace(/^.*\) /s, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) * clockTickUs
}

/** Resident memory of a process in MiB; NaN where there is no /proc. */
export function residentMiBOf(pid: number | undefined): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readProc(pid, 'status'))?.[1]) / 1024
}

/** Processes that a process started; none where there is no /proc. */
export function childrenOf(pid: number): string[] {
  return readProc(pid, `task/${pid}/children`).split(' ').filter(Boolean)
}

/** Open files and sockets of a process; NaN where there is no /proc. */
export function descriptorsOf(pid: number | undefined): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return Number.NaN
  }
}

function readProc(pid: number | undefined, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
