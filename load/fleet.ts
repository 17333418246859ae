import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { startBalancer } from './balancer.ts'
import { findFreePort, type RunningProcess, requireInstalled, start, waitUntil } from './processes.ts'
import { type OwnTarget, type ServerOptions, startServer, type Target } from './servers.ts'

/**
 * Replicas of the server as they run in production: behind a balancer, with a Redis that they share.
 *
 * @throws {OperatorError} where nginx or redis-server is not installed
 */
export async function startFleet({ folder, env, ...server }: ServerOptions, size: number) {
  requireInstalled('redis-server')
  const port = await findFreePort()
  const redisPort = await findFreePort()
  let redis = await startRedis(folder, redisPort)
  const ownEnv = {
    ...env,
    PUBLIC_BASE_URL: `http://127.0.0.1:${port}`,
    TRUST_PROXY: 'loopback',
    REDIS_URL: `redis://127.0.0.1:${redisPort}`,
    CACHE_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  }
  const startReplica = (index: number, at?: number): Promise<OwnTarget> =>
    startServer({ ...server, folder, env: ownEnv, name: `Replica ${index + 1}`, ...(at !== undefined && { port: at }) })
  const replicas = await Promise.all(Array.from({ length: size }, (_, index) => startReplica(index)))
  const ports = replicas.map(({ url }) => Number(new URL(url).port))
  const balancer = await startBalancer({ folder, port, serverPorts: ports, probe: '/readyz' })

  /** Starts it again on its port. */
  async function revive(index: number): Promise<void> {
    replicas[index] = await startReplica(index, ports[index])
  }

  return {
    /** The balancer. */
    target: { url: `${balancer.origin}/mcp` } satisfies Target,
    /** Ends a replica without warning; the balancer has to notice. */
    kill: async (index: number) => replicas[index]?.process.stop('SIGKILL'),
    revive,
    /** As a rolling deployment does it: out of the balancer, stopped, started again, and back in. */
    async replace(index: number): Promise<void> {
      await balancer.reroute(ports.filter((one) => one !== ports[index]))
      await replicas[index]?.process.stop()
      await revive(index)
      await balancer.reroute(ports)
    },
    redis: {
      kill: () => redis.stop('SIGKILL'),
      async revive(): Promise<void> {
        redis = await startRedis(folder, redisPort)
      },
      /** Connections stay, and nothing responds. */
      freeze: async () => redis.signal('SIGSTOP'),
      thaw: async () => redis.signal('SIGCONT'),
      /** Has it reject every write. */
      fill: () => limitMemory(redisPort, '1'),
      empty: () => limitMemory(redisPort, '0'),
    },
    async stop(): Promise<void> {
      await balancer.stop()
      await Promise.all(replicas.map(({ process }) => process.stop('SIGINT')))
      await redis.stop()
    },
  }
}

async function startRedis(folder: string, port: number): Promise<RunningProcess> {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const redis = start({ name: 'redis-server', command: 'redis-server', args, cwd: folder })
  const isReady = () =>
    withRedis(port, (client) => client.ping()).then(
      () => true,
      () => false,
    )
  await waitUntil(redis, isReady)
  return redis
}

async function limitMemory(port: number, bytes: string): Promise<void> {
  await withRedis(port, (client) => client.config('SET', 'maxmemory', bytes))
}

async function withRedis<T>(port: number, use: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: 0, retryStrategy: () => null })
  // The command rejects with it.
  client.on('error', () => {})
  return use(client).finally(() => client.disconnect())
}
