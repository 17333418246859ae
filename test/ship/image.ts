import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { eventually, freePort, mcpHeaders, toolCall } from '../helper.ts'
import { type ImageConfig, type Process, processOf, readCompose, waitUntilHealthy } from './compose.ts'
import { connectTo } from './sign-in.ts'

// Tests the images that docker/verify-image.sh has built. Its folder has the root file system and the configuration of
// each.

const [work = ''] = process.argv.slice(2)
const tenantFolder = join(work, 'tenant')
mkdirSync(tenantFolder, { recursive: true, mode: 0o700 })
const images = { server: imageIn('server'), emulator: imageIn('emulator') }
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

interface Image {
  readonly root: string
  readonly config: ImageConfig
}

interface Container {
  readonly child: ChildProcess
  readonly output: () => string
}

function imageIn(name: string): Image {
  const { Docker } = JSON.parse(readFileSync(join(work, `${name}.json`), 'utf8')) as { Docker: { config: ImageConfig } }
  const root = join(work, name)
  // Added by a container engine: the mount point of the volume, and /etc/hosts.
  mkdirSync(join(root, 'tenant'), { recursive: true })
  writeFileSync(join(root, 'etc/hosts'), '127.0.0.1 localhost\n::1 localhost\n')
  return { root, config: Docker.config }
}

/**
 * Runs a command as in a container of the compose file, but on this machine's network: read-only files, its own process
 * tree with the command as process 1, the image's user, no capabilities.
 */
function run({ root, config }: Image, { env, cwd }: Process, argv: readonly string[]): Container {
  const [user = '', group = ''] = config.User.split(':')
  const inside = `
    mount --bind "$1" "$1" && mount --options remount,bind,ro "$1" && mount --bind "$2" "$1/tenant" || exit 125
    root=$1; shift 2
    exec setpriv --no-new-privs unshare --pid --fork --kill-child --mount-proc=/proc --root "$root" \\
      --wd ${cwd} --setuid ${user} --setgid ${group} "$@"`
  const args = ['--mount', '--propagation', 'private', 'sh', '-c', inside, 'sh', root, tenantFolder, ...argv]
  const child = spawn('unshare', args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  child.once('close', () => running.delete(child))
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      text += chunk
    })
  }
  return { child, output: () => text }
}

async function start(image: Image, process: Process): Promise<Container> {
  const container = run(image, process, process.argv)
  await waitUntilHealthy(container.child, () => run(image, process, process.healthcheck).child, container.output)
  return container
}

/** Sends a signal to process 1 of a container. @returns the exit code */
async function stop({ child }: Container, signal: NodeJS.Signals): Promise<number | null> {
  const closed = once(child, 'close')
  process.kill(processOne(child), signal)
  const [code] = await closed
  return code
}

function processOne({ pid = 0 }: ChildProcess): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim())
}

async function statusOf(url: string): Promise<number> {
  return request(url).then(
    async ({ statusCode, body }) => {
      await body.dump()
      return statusCode
    },
    () => 0,
  )
}

function report(text: string): void {
  process.stdout.write(`${text}\n`)
}

const { User = '' } = images.server.config
const [uid = 0, gid = 0] = User.split(':').map(Number)
chownSync(tenantFolder, uid, gid)

// In production, without and with a configuration.
const asBuilt = processOf(images.server.config)
{
  const { child, output } = run(images.server, asBuilt, asBuilt.argv)
  const [code] = await once(child, 'close')
  assert.equal(code, 1, output())
  assert.match(output(), /PUBLIC_BASE_URL is required in production/)
  report('without a configuration: an error with the missing variables, exit code 1')
}
const production = {
  ...asBuilt,
  env: {
    ...asBuilt.env,
    PORT: String(await freePort()),
    PUBLIC_BASE_URL: 'https://mcp.example',
    GRAPH_TENANT_ID: '11111111-2222-4333-8444-555555555555',
    GRAPH_CLIENT_ID: '66666666-7777-4888-9999-aaaaaaaaaaaa',
    GRAPH_CLIENT_SECRET: 'none',
    MCP_OAUTH_SEAL_KEY: randomBytes(32).toString('base64'),
    ENTRA_AUTHORITY_HOST: 'https://127.0.0.1:9',
  },
}
{
  const server = await start(images.server, production)
  const status = readFileSync(`/proc/${processOne(server.child)}/status`, 'utf8')
  for (const line of [/^Uid:\t10001\t10001\t10001\t10001$/m, /^CapEff:\t0+$/m, /^CapPrm:\t0+$/m, /^NoNewPrivs:\t1$/m]) {
    assert.match(status, line)
  }
  report('in production: healthy by its HEALTHCHECK, as user 10001 without capabilities')
  assert.equal(await stop(server, 'SIGTERM'), 0)
  const { child } = run(images.server, production, production.healthcheck)
  assert.deepEqual(await once(child, 'close'), [1, null])
  report('the HEALTHCHECK fails without a server')
}

// As in the compose file.
const port = String(await freePort())
const emulatorPort = String(await freePort())
const services = readCompose({ PORT: port, EMULATOR_PORT: emulatorPort })
const tenant = await start(images.emulator, processOf(images.emulator.config, services['emulator']))
const composed = processOf(images.server.config, services['server'])
// The host name of the compose file's Redis does not resolve here.
const server = await start(images.server, { ...composed, env: { ...composed.env, REDIS_URL: '' } })
const origin = `http://localhost:${port}`
const { session, accessToken } = await connectTo(origin)
const { value } = await session.call<{ value: unknown[] }>('getMessages', { top: 3, body: 'text' })
await session.close()
assert.equal(value.length, 3)
report('against the emulated tenant a user signs in and reads 3 messages')

// SIGTERM under load. Clients keep sending until they notice /readyz.
const control = `http://localhost:${emulatorPort}/_emulator/faults`
const fault = JSON.stringify({ target: 'graph', kind: 'delay', delayMs: 1_000 })
await request(control, { method: 'POST', headers: { 'content-type': 'application/json' }, body: fault })
const agent = new Agent({ connections: 20 })
const results: number[] = []
let isSending = true
async function callWhileSending(): Promise<void> {
  while (isSending) {
    const body = JSON.stringify(toolCall('getMessages', { top: 1, fresh: true }))
    const response = await request(`${origin}/mcp`, {
      method: 'POST',
      headers: mcpHeaders(accessToken),
      body,
      dispatcher: agent,
    })
    const text = await response.body.text()
    results.push(text.includes('"structuredContent"') ? response.statusCode : 0)
  }
}
const callers = Array.from({ length: 20 }, callWhileSending)
await eventually(() => results.length >= 20, 30_000)
const ended = stop(server, 'SIGTERM')
await eventually(async () => (await statusOf(`${origin}/readyz`)) !== 200)
await delay(200)
isSending = false
await Promise.all(callers)
assert.equal(await ended, 0)
assert.deepEqual(new Set(results), new Set([200]))
report(`SIGTERM under load: ${results.length} calls, all with status 200, exit code 0`)
assert.equal(await stop(tenant, 'SIGTERM'), 0)

// From the start of a container to the first 200 of /healthz, alternating with and without the compile cache.
async function timeToHealthy(env: Readonly<Record<string, string>>): Promise<Start> {
  const started = performance.now()
  const container = run(images.server, { ...production, env }, production.argv)
  await eventually(async () => (await statusOf(`http://127.0.0.1:${env['PORT']}/healthz`)) === 200, 30_000)
  const ms = performance.now() - started
  // Fields 14 and 15 of proc(5)'s stat: user and system time, in hundredths of a second.
  const [user = 0, system = 0] = readFileSync(`/proc/${processOne(container.child)}/stat`, 'utf8')
    .split(' ')
    .slice(13, 15)
    .map(Number)
  await stop(container, 'SIGINT')
  return { ms, cpuMs: (user + system) * 10 }
}
interface Start {
  readonly ms: number
  readonly cpuMs: number
}
const withCache: Start[] = []
const without: Start[] = []
for (let round = 0; round < 7; round++) {
  withCache.push(await timeToHealthy(production.env))
  without.push(await timeToHealthy({ ...production.env, NODE_COMPILE_CACHE: '' }))
}
const median = (values: number[]) => Math.round(values.sort((one, other) => one - other)[3] ?? 0)
const medians = (starts: Start[]) =>
  `${median(starts.map(({ ms }) => ms))} ms after its start, ${median(starts.map(({ cpuMs }) => cpuMs))} ms of them CPU`
report(`healthy ${medians(withCache)}; without the compile cache ${medians(without)} (medians of 7)`)
process.exit(0)
