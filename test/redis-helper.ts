import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { tracingChannel } from 'node:diagnostics_channel'
import type { TestContext } from 'node:test'
import { eventually, freePort, type RunningApp } from './helper.ts'

export interface RedisServer {
  readonly url: string
  readonly port: number
  readonly process: ChildProcess
}

/** A redis-server of a test's own, in memory alone; gone when the test ends. */
export async function startRedis(t: TestContext, port?: number, more: readonly string[] = []): Promise<RedisServer> {
  const own = port ?? (await freePort())
  const child = spawn('redis-server', ['--port', String(own), '--save', '', '--appendonly', 'no', ...more])
  t.after(() => child.kill('SIGKILL'))
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  await eventually(() => output.includes('Ready to accept connections'), 10_000)
  return { url: `redis://127.0.0.1:${own}`, port: own, process: child }
}

/** Does what anybody can who may write there: sets counters, by a pattern of their keys, beyond every limit for an hour. */
export async function forgeCounters({ app }: RunningApp, pattern: string): Promise<void> {
  const forged = await app.sharedStore?.ask(async (redis) => {
    const keys = await redis.keys(pattern)
    for (const key of keys) await redis.set(key, '1000000', 'PX', 3_600_000)
    return keys.length
  })
  assert.ok(Number(forged) > 0, `there are counters named ${pattern}`)
}

let failedCommands = 0
tracingChannel('ioredis:command').error.subscribe(() => failedCommands++)

/**
 * Tries it until no command to Redis has failed meanwhile: a replica goes on by itself then, as it should, and a machine
 * that has too much to do stalls a process for longer than a response of Redis may take.
 *
 * @returns what was started, and what was found
 */
export async function undisturbed<Service extends { readonly replicas: readonly RunningApp[] }, Found extends object>(
  start: () => Promise<Service>,
  work: (service: Service) => Promise<Found>,
): Promise<Service & Found> {
  for (let tries = 0; tries < 6; tries++) {
    const service = await start()
    const failures = () =>
      failedCommands + service.replicas.flatMap(({ logs }) => logs.filter(({ event }) => event === 'redis_down')).length
    const before = failures()
    const found = await work(service).catch((error: Error) => error)
    if (failures() !== before) continue
    if (found instanceof Error) throw found
    return { ...service, ...found }
  }
  assert.fail('This machine is too busy for this test')
}

/** Resolves when the server has found its Redis. */
export async function connected({ app }: RunningApp): Promise<void> {
  await eventually(async () => (await app.sharedStore?.ask((redis) => redis.ping())) === 'PONG')
}
