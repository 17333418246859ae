import { type ChildProcess, spawn } from 'node:child_process'
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

/** Resolves when the server has found its Redis. */
export async function connected({ app }: RunningApp): Promise<void> {
  await eventually(async () => (await app.sharedStore?.ask((redis) => redis.ping())) === 'PONG')
}
