import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { request } from 'undici'
import { OperatorError } from '../scripts/shared/operator-error.ts'

/** A process that this run started, and ends. */
export interface Running {
  readonly name: string
  readonly pid: number
  readonly hasEnded: boolean
  /** Resolves once it is gone; after a grace it is killed. */
  stop(signal?: NodeJS.Signals): Promise<void>
  /** To stop it in its tracks, and let it go on. */
  signal(signal: NodeJS.Signals): void
}

export interface Program {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** A folder where nobody's .env.local has a part in it. */
  readonly cwd: string
  /** Where its output goes: its log is part of what it costs, and of no other use here. */
  readonly outputTo?: string
}

/** Longer than the server's own grace for calls in flight. */
const stopGraceMs = 30_000
const readyTimeoutMs = 60_000
/** The kernel tells processor time in these; 100 a second wherever Linux runs Node. */
const clockTickUs = 10_000

const path = [process.env['PATH'] ?? '', '/usr/sbin'].join(delimiter)
const running = new Set<ChildProcess>()
// Whatever happens to this process, nothing that it started stays.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts a process with the given variables and no others of the shell's. */
export function start({ name, command, args, env = {}, cwd, outputTo = '/dev/null' }: Program): Running {
  const output = openSync(outputTo, 'a')
  const child = spawn(command, [...args], {
    cwd,
    env: { PATH: path, ...env },
    stdio: ['ignore', output, output],
  })
  closeSync(output)
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
      // A process that was stopped in its tracks hears nothing before it goes on.
      child.kill('SIGCONT')
      child.kill(signal)
      const kill = setTimeout(() => child.kill('SIGKILL'), stopGraceMs)
      await ended
      clearTimeout(kill)
    },
    signal: (signal) => void child.kill(signal),
  }
}

/** Whether a program is on the PATH; /usr/sbin is, where Debian puts nginx and not everybody's shell looks. */
export function isInstalled(program: string): boolean {
  return path.split(delimiter).some((folder) => existsSync(join(folder, program)))
}

/** Waits until the condition holds. @throws {OperatorError} where it does not in time, or the process ended */
export async function untilReady(process: Running, isReady: () => Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + readyTimeoutMs
  while (!(await isReady())) {
    if (process.hasEnded)
      throw new OperatorError(`${process.name} ended before it was ready.`, 'Start it by hand to see why.')
    if (Date.now() > deadlineMs) throw new OperatorError(`${process.name} is not ready after a minute.`, 'Try again.')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Whether a URL answers with 200 at this moment. */
export async function answersOk(url: string): Promise<boolean> {
  try {
    const { statusCode, body } = await request(url, { headersTimeout: 2_000, bodyTimeout: 2_000 })
    await body.dump()
    return statusCode === 200
  } catch {
    return false
  }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Processor time of a process so far, user and system, in microseconds; NaN where /proc does not tell (Linux does). */
export function cpuUsOf(pid: number | undefined): number {
  // The name of the program, in parentheses, may hold anything.
  const fields =
    readProc(pid, 'stat')
      ?.replace(/^.*\) /s, '')
      .split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * clockTickUs
}

/** Memory that a process holds, in MiB. */
export function residentMiBOf(pid: number | undefined): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readProc(pid, 'status') ?? '')?.[1]) / 1024
}

/** Files and sockets that a process has open. */
export function descriptorsOf(pid: number | undefined): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return Number.NaN
  }
}

function readProc(pid: number | undefined, file: string): string | undefined {
  if (pid === undefined) return undefined
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return undefined
  }
}
