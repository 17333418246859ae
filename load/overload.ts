/**
 * What becomes of calls when there are three times as many as the server can serve:
 * `npm run build && node --import tsx load/overload.ts`.
 *
 * Runs the bundled server and the emulated tenant as processes of their own. First as many calls as 32 connections get
 * through, which is its capacity; then calls that come when they are due, whether or not those before them are answered
 * (an open model): at 70 % of capacity, at 3 times capacity, at 70 % again. Latency is from when a call was due.
 * Seconds of each part: PART_SECONDS (10). ROUNDS (3) of all of it; each prints a line a part.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { startEmulator } from '../emulator/app.ts'

const seconds = Number(process.env['PART_SECONDS'] ?? 10)
const rounds = Number(process.env['ROUNDS'] ?? 3)
/** CALL=list needs no Graph, so that the server's own processor is what does not suffice. */
const message =
  process.env['CALL'] === 'list'
    ? { method: 'tools/list', params: {} }
    : { method: 'tools/call', params: { name: 'getMessages', arguments: { top: 5, body: 'html' } } }
const users = 100
const connections = 1_000

interface Tenant {
  readonly env: Readonly<Record<string, string>>
  readonly tokens: readonly string[]
}
interface Answered {
  readonly status: number
  readonly dueMs: number
  readonly ms: number
}

async function serveTenant() {
  const tenant = await startEmulator()
  const tokens = await Promise.all(Array.from({ length: users }, () => tenant.mint({ user: 'rowan' })))
  const env = {
    GRAPH_TENANT_ID: tenant.tenantId,
    GRAPH_CLIENT_ID: tenant.api.clientId,
    GRAPH_CLIENT_SECRET: tenant.api.clientSecret,
    ENTRA_AUTHORITY_HOST: tenant.origin,
    GRAPH_BASE_URL: `${tenant.origin}/v1.0`,
  }
  process.stdout.write(`${JSON.stringify({ env, tokens } satisfies Tenant)}\n`)
}

async function main() {
  const tenantProcess = spawn(process.execPath, ['--import', 'tsx', import.meta.filename, 'tenant'])
  const tenant = JSON.parse(await firstLine(tenantProcess)) as Tenant
  const port = await freePort()
  const server = spawn(process.execPath, ['dist/server.js'], {
    env: {
      ...process.env,
      ...tenant.env,
      PORT: String(port),
      HOST: '127.0.0.1',
      RATE_LIMIT_MAX: '999999999',
      RATE_LIMIT_USER_MAX: '999999999',
    },
  })
  let said = ''
  createInterface({ input: server.stdout }).on('line', (line) => {
    if (line.includes('"event":"overloaded"') || line.includes('"event":"redis_')) said = line
  })
  server.stderr.pipe(process.stderr)
  await ready(port)

  const calls = tenant.tokens.map((token) => callOf(port, token))
  await closed(port, calls, 2)
  for (let round = 0; round < rounds; round++) {
    const capacity = await closed(port, calls, seconds / 2)
    print(`capacity: ${capacity.toFixed(0)} calls/s`)
    const pool = await Pool.open(port, connections)
    for (const share of [0.7, 3, 0.7]) {
      const cpu = cpuMs(server)
      const part = await open(pool, calls, capacity * share, seconds)
      print(`${share} of it: ${describe(part)}; server ${((cpuMs(server) - cpu) / 10 / seconds).toFixed(0)} % CPU`)
    }
    pool.close()
    print(said)
  }
  server.kill()
  tenantProcess.kill()
}

function describe({ answers, unanswered, generatorLateMs }: Part): string {
  const good = answers.filter(({ status }) => status === 200)
  const shed = answers.filter(({ status }) => status === 503)
  const others = answers.length - good.length - shed.length
  const lastShed =
    shed.length === 0 ? 'no 503' : `last 503 after ${(Math.max(...shed.map(({ dueMs }) => dueMs)) / 1000).toFixed(2)} s`
  const parts = [
    `${answers.length} calls`,
    `${good.length} × 200 (${(good.length / seconds).toFixed(0)}/s) p50 ${quantile(good, 0.5)} p99 ${quantile(good, 0.99)} max ${quantile(good, 1)} ms`,
    `${shed.length} × 503 p50 ${quantile(shed, 0.5)} p99 ${quantile(shed, 0.99)} ms, ${lastShed}`,
    `p99 of 200s by second ${Array.from({ length: seconds }, (_, s) =>
      quantile(
        good.filter(({ dueMs }) => Math.floor(dueMs / 1000) === s),
        0.99,
      ),
    ).join(' ')}`,
    `${others} others, ${unanswered} unanswered`,
    `generator late by ${generatorLateMs.toFixed(0)} ms at p99`,
  ]
  return parts.join('; ')
}

function quantile(answers: readonly Answered[], q: number): string {
  const sorted = answers.map(({ ms }) => ms).sort((a, b) => a - b)
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN).toFixed(0)
}

interface Part {
  readonly answers: Answered[]
  readonly unanswered: number
  readonly generatorLateMs: number
}

/** Calls at their times, whatever became of those before. */
async function open(pool: Pool, calls: readonly Buffer[], perSecond: number, forSeconds: number): Promise<Part> {
  const answers: Answered[] = []
  const late: number[] = []
  const startMs = performance.now()
  let sent = 0
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const nowMs = performance.now() - startMs
      const due = Math.min((nowMs / 1000) * perSecond, forSeconds * perSecond)
      late.push(nowMs - (sent / perSecond) * 1000)
      for (; sent < due; sent++) {
        const dueMs = (sent / perSecond) * 1000
        pool.call(calls[sent % calls.length] as Buffer, (status) => {
          answers.push({ status, dueMs, ms: performance.now() - startMs - dueMs })
        })
      }
      if (nowMs < forSeconds * 1000) return
      clearInterval(timer)
      resolve()
    }, 1)
  })
  const end = performance.now() + 5_000
  while (answers.length < sent && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20))
  late.sort((a, b) => a - b)
  return { answers, unanswered: sent - answers.length, generatorLateMs: late[Math.floor(late.length * 0.99)] ?? 0 }
}

/** As fast as some connections go. @returns calls a second */
async function closed(port: number, calls: readonly Buffer[], forSeconds: number): Promise<number> {
  const pool = await Pool.open(port, 32)
  const end = performance.now() + forSeconds * 1000
  let count = 0
  await Promise.all(
    Array.from({ length: 32 }, async (_, i) => {
      while (performance.now() < end) {
        const status = await new Promise<number>((resolve) =>
          pool.call(calls[(i + count) % calls.length] as Buffer, resolve),
        )
        if (status === 200) count++
      }
    }),
  )
  pool.close()
  return count / forSeconds
}

/**
 * HTTP/1.1 on bare sockets, so that the generator costs little: one call at a time on each, all of them open from the
 * start, as those of an ingress are. Calls that find none free wait here, and their time counts.
 */
class Pool {
  readonly #idle: Connection[] = []
  readonly #waiting: (() => void)[] = []

  static async open(port: number, connections: number): Promise<Pool> {
    const pool = new Pool()
    for (let i = 0; i < connections; i++) pool.#idle.push(await Connection.open(port))
    return pool
  }

  call(bytes: Buffer, answered: (status: number) => void) {
    const connection = this.#idle.pop()
    if (connection === undefined) return void this.#waiting.push(() => this.call(bytes, answered))
    connection.call(bytes, (status) => {
      answered(status)
      this.#idle.push(connection)
      this.#waiting.shift()?.()
    })
  }

  close() {
    for (const connection of this.#idle) connection.close()
  }
}

class Connection {
  readonly #socket: Socket
  #answered: ((status: number) => void) | undefined
  #status = 0
  #left = -1
  #head: Buffer = Buffer.alloc(0)

  static async open(port: number): Promise<Connection> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new Connection(socket)
  }

  constructor(socket: Socket) {
    this.#socket = socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#read(chunk))
    socket.on('error', (error) => print(error.message))
  }

  call(bytes: Buffer, answered: (status: number) => void) {
    this.#answered = answered
    this.#socket.write(bytes)
  }

  close() {
    this.#answered = undefined
    this.#socket.destroy()
  }

  #read(chunk: Buffer) {
    if (this.#left === -1) {
      const bytes = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk])
      const end = bytes.indexOf('\r\n\r\n')
      if (end === -1) {
        this.#head = bytes
        return
      }
      const head = bytes.toString('latin1', 0, end)
      this.#head = Buffer.alloc(0)
      this.#status = Number(head.slice(9, 12))
      this.#left = Number(/content-length: (\d+)/i.exec(head)?.[1]) - (bytes.length - end - 4)
    } else this.#left -= chunk.length
    if (this.#left > 0) return
    this.#left = -1
    this.#end(this.#status)
  }

  #end(status: number) {
    const answered = this.#answered
    this.#answered = undefined
    answered?.(status)
  }
}

function callOf(port: number, token: string): Buffer {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, ...message })
  return Buffer.from(
    [
      'POST /mcp HTTP/1.1',
      `host: localhost:${port}`,
      `authorization: Bearer ${token}`,
      'content-type: application/json',
      'accept: application/json, text/event-stream',
      `content-length: ${body.length}`,
      '',
      body,
    ].join('\r\n'),
  )
}

async function ready(port: number) {
  for (let tries = 0; tries < 200; tries++) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined)
    if (answer?.ok) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('The server does not become ready')
}

async function firstLine(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) return line
  throw new Error('The process said nothing')
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}

/** User and system time of a process so far (proc(5), fields 14 and 15, in hundredths of a second). */
function cpuMs({ pid }: ChildProcess): number {
  const [, rest = ''] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')
  const fields = rest.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

function print(line: string) {
  process.stdout.write(`${line}\n`)
}

if (process.argv[2] === 'tenant') await serveTenant()
else await main()
