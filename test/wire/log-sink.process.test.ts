import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Pool, request } from 'undici'
import { type Env, envFor, eventually, freePort } from '../helper.ts'
import { programPath } from '../programs.ts'
import { scrape } from '../scrape.ts'
import { startEmulator } from '../tenant.ts'

const tenant = await startEmulator()
test.after(() => tenant.close())

/** The server with that as its standard output, ready. */
async function start(t: TestContext, stdout: number, env: Env = {}) {
  const port = String(await freePort())
  const child = spawn(process.execPath, [programPath('src/server.ts')], {
    env: { PATH: process.env['PATH'], ...envFor(tenant), LOG_LEVEL: 'info', PORT: port, ...env },
    cwd: tmpdir(),
    stdio: ['ignore', stdout, 'ignore'],
  })
  closeSync(stdout)
  t.after(() => child.kill('SIGKILL'))
  const ended = once(child, 'exit').then(([code, signal]) => code ?? signal)
  const origin = `http://127.0.0.1:${port}`
  const status = async (path: string) => {
    const { statusCode, body } = await request(origin + path)
    await body.dump()
    return statusCode
  }
  await eventually(
    () =>
      status('/readyz').then(
        (code) => code === 200,
        () => false,
      ),
    20_000,
  )
  return { child, ended, status, origin }
}

/** A pipe that is full already; `drain` reads what is in it. */
function stuckPipe(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-log-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'pipe')
  execFileSync('mkfifo', [path])
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  t.after(() => closeSync(reader))
  const filler = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  try {
    for (;;) writeSync(filler, '\n'.repeat(4_096))
  } catch {
    closeSync(filler)
  }
  const page = Buffer.alloc(1024 * 1024)
  const drain = () => {
    try {
      return page.toString('utf8', 0, readSync(reader, page))
    } catch {
      return ''
    }
  }
  return { stdout: openSync(path, constants.O_WRONLY), drain }
}

/** A pipe whose other end is closed. */
function closedPipe(t: TestContext): number {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-log-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'pipe')
  execFileSync('mkfifo', [path])
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const writer = openSync(path, constants.O_WRONLY)
  closeSync(reader)
  return writer
}

const sinks: readonly [name: string, open: (t: TestContext) => number][] = [
  ['a full disk', () => openSync('/dev/full', 'w')],
  ['a closed pipe', closedPipe],
  ['a pipe that nobody reads', (t) => stuckPipe(t).stdout],
]
for (const [name, open] of sinks) {
  test(`a log that goes to ${name} neither stops the server nor keeps it from stopping`, async (t) => {
    const { child, status } = await start(t, open(t))
    for (let i = 0; i < 20; i++) assert.equal(await status('/discover'), 200)
    child.kill('SIGTERM')
    await eventually(() => child.exitCode !== null)
    assert.equal(child.exitCode, 0)
  })

  test(`and a second signal ends it at once, with its log to ${name}`, async (t) => {
    const { child, status } = await start(t, open(t))
    child.kill('SIGTERM')
    await eventually(async () => (await status('/readyz')) === 503)
    child.kill('SIGTERM')
    await eventually(() => child.exitCode !== null, 3_000)
    assert.equal(child.exitCode, 1)
  })
}

test('lines beyond the bound are dropped and counted, and the log says so once it is read again', async (t) => {
  const { stdout, drain } = stuckPipe(t)
  const metricsPort = await freePort()
  const env = { METRICS_PORT: String(metricsPort), LOG_LEVEL: 'debug' }
  const { child, ended, origin } = await start(t, stdout, env)
  const dropped = async () => (await scrape(metricsPort)).sum('message_center_log_lines_dropped_total')
  assert.equal(await dropped(), 0)
  const pool = new Pool(origin, { connections: 20, pipelining: 8 })
  t.after(() => pool.close())
  // Each of them is some 300 bytes of log, and 4 MiB may wait.
  const ask = async () => (await pool.request({ method: 'GET', path: '/healthz' })).body.dump()
  await eventually(async () => {
    await Promise.all(Array.from({ length: 2_000 }, ask))
    return (await dropped()) > 0
  }, 60_000)

  let out = ''
  await eventually(() => {
    out += drain()
    return /"event":"log_resumed","lines":\d+,"why":"EAGAIN"/.test(out)
  }, 20_000)
  child.kill('SIGINT')
  assert.equal(await ended, 0)
  out += drain()
  assert.match(out, /"event":"stopping"/)
})
