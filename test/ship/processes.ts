import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePort } from '../helper.ts'
import { processOf, readCompose, type Service, up, waitUntilHealthy } from './compose.ts'
import { imageOf } from './dockerfile.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Starts what docker/compose.yaml starts, in its order and with its commands, variables and health checks, as processes
 * of this machine. A folder stands in for the containers' file systems: what the Dockerfile builds is built into it.
 */
export async function compose(t: TestContext, { withRedis = false } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'compose-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  buildInto(folder)

  const [port, emulatorPort, redisPort] = [await freePort(), await freePort(), await freePort()].map(String)
  const services = readCompose({ PORT: String(port), EMULATOR_PORT: String(emulatorPort) })
  const outputs = new Map<string, string>()
  const output = (name: string) => outputs.get(name) ?? ''
  const inFolder = (text: string) => text.replace(/^(--[\w-]+=)?(?=\/(app|emulator|tenant)\b)/, `$&${folder}`)

  const run = (argv: readonly string[], env: Readonly<Record<string, string>>, cwd: string): ChildProcess => {
    // Of the image's Node, which may be newer than this machine's.
    const known = argv.filter((arg) => arg !== '--disable-sigusr1' || process.allowedNodeEnvironmentFlags.has(arg))
    const [command = '', ...args] = known.map(inFolder)
    const path = command === 'node' ? process.execPath : command
    return spawn(path, args, { env: { PATH: process.env['PATH'], ...env }, cwd })
  }
  const start = async (name: string, service: Service) => {
    if (name === 'redis') return withRedis ? startRedis(service) : undefined
    const { argv, env, cwd, healthcheck } = processOf(imageOf(service.build?.target ?? ''), service)
    // Containers find Redis by its name; it is a process of this machine here.
    const here = { ...env, ...(env['REDIS_URL'] && { REDIS_URL: `redis://127.0.0.1:${redisPort}` }) }
    await watch(name, run(argv, here, inFolder(cwd)), () => run(healthcheck, env, folder))
  }
  const startRedis = async ({ command = [], healthcheck }: Service) => {
    const [, ...ping] = healthcheck.test
    const child = run([...command, '--port', String(redisPort), '--bind', '127.0.0.1'], {}, folder)
    await watch('redis', child, () => run([...ping.slice(0, 1), '-p', String(redisPort), ...ping.slice(1)], {}, folder))
  }
  const watch = async (name: string, child: ChildProcess, check: () => ChildProcess) => {
    t.after(() => child.kill('SIGKILL'))
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => outputs.set(name, output(name) + chunk))
    }
    await waitUntilHealthy(child, check, () => output(name))
  }
  await up(services, start)
  return { origin: `http://localhost:${port}`, redisPort: String(redisPort) }
}

/** The steps of the Dockerfile that make files, but for the compile cache. */
function buildInto(folder: string): void {
  for (const args of [[join(folder, 'app')], [join(folder, 'emulator'), 'emulator/main.ts']]) {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/build.mjs', ...args], {
      cwd: root,
      encoding: 'utf8',
    })
    assert.equal(status, 0, stderr)
  }
  copyFileSync(join(root, 'docker/healthcheck.mjs'), join(folder, 'app/healthcheck.mjs'))
  for (const name of ['app', 'emulator']) copyFileSync(join(root, 'package.json'), join(folder, name, 'package.json'))
  mkdirSync(join(folder, 'tenant'))
  chmodSync(join(folder, 'tenant'), 0o700)
}
