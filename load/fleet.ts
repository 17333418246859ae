import { Redis } from 'ioredis'
import { requireInstalled, startBalancer } from './balancer.ts'
import { freePort, type Running, start, untilReady } from './processes.ts'
import { newKey, type OwnTarget, type ServerOptions, startServer, type Target } from './servers.ts'

/** Too little for Redis to write anything more. */
const fullRedisBytes = '1'

/** Replicas of the server as they run in production: behind a balancer, with a store that they share. */
export interface Fleet {
  /** The balancer. */
  readonly target: Target
  readonly size: number
  /** Ends a replica without warning; the balancer has to find out. */
  kill(index: number): Promise<void>
  /** Starts it again, where it was. */
  revive(index: number): Promise<void>
  /** As a rolling deployment does it: out of the balancer, told to stop, started anew, and back in. */
  replace(index: number): Promise<void>
  readonly redis: SharedRedis
  stop(): Promise<void>
}

export interface SharedRedis {
  kill(): Promise<void>
  revive(): Promise<void>
  /** Stops it in its tracks: connections stay, and nothing answers. */
  freeze(): void
  thaw(): void
  /** Has it refuse every write. */
  fill(): Promise<void>
  empty(): Promise<void>
}

export interface FleetOptions extends Pick<ServerOptions, 'folder' | 'bundle' | 'env'> {
  readonly replicas: number
}

/** @throws {OperatorError} where nginx or redis-server is not installed */
export async function startFleet({ folder, bundle, env, replicas: size }: FleetOptions): Promise<Fleet> {
  requireInstalled('redis-server')
  const port = await freePort()
  const redisPort = await freePort()
  let redis = await startRedis(folder, redisPort)
  const origin = `http://127.0.0.1:${port}`
  const ownEnv = {
    ...env,
    PUBLIC_BASE_URL: origin,
    TRUST_PROXY: 'loopback',
    REDIS_URL: `redis://127.0.0.1:${redisPort}`,
    CACHE_ENCRYPTION_KEY: newKey(),
  }
  const startReplica = (index: number, at?: number): Promise<OwnTarget> =>
    startServer({ folder, bundle, env: ownEnv, name: `Replica ${index + 1}`, ...(at !== undefined && { port: at }) })
  const replicas = await Promise.all(Array.from({ length: size }, (_, index) => startReplica(index)))
  const portOf = (index: number) => Number(new URL(replicas[index]?.url ?? '').port)

  const everybody = replicas.map((_, index) => index)
  const routesTo = (indexes: readonly number[]) => ({ '/': indexes.map(portOf) })
  const balancer = await startBalancer({ folder, port, routes: routesTo(everybody), probe: '/readyz' })

  async function revive(index: number): Promise<void> {
    replicas[index] = await startReplica(index, portOf(index))
  }

  return {
    target: { url: `${balancer.origin}/mcp` },
    size,
    kill: async (index) => replicas[index]?.process.stop('SIGKILL'),
    revive,
    async replace(index) {
      await balancer.rebalance(routesTo(everybody.filter((one) => one !== index)))
      await replicas[index]?.process.stop()
      await revive(index)
      await balancer.rebalance(routesTo(everybody))
    },
    redis: {
      kill: () => redis.stop('SIGKILL'),
      async revive() {
        redis = await startRedis(folder, redisPort)
      },
      freeze: () => redis.signal('SIGSTOP'),
      thaw: () => redis.signal('SIGCONT'),
      fill: () => configure(redisPort, fullRedisBytes),
      empty: () => configure(redisPort, '0'),
    },
    async stop() {
      await balancer.stop()
      await Promise.all(replicas.map(({ process }) => process.stop('SIGINT')))
      await redis.stop()
    },
  }
}

async function startRedis(folder: string, port: number): Promise<Running> {
  const redis = start({
    name: 'redis-server',
    command: 'redis-server',
    args: ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
    cwd: folder,
  })
  await untilReady(redis, async () => {
    const client = connect(port)
    return client
      .ping()
      .then(
        () => true,
        () => false,
      )
      .finally(() => client.disconnect())
  })
  return redis
}

async function configure(port: number, maxmemoryBytes: string): Promise<void> {
  const client = connect(port)
  await client.config('SET', 'maxmemory', maxmemoryBytes).finally(() => client.disconnect())
}

function connect(port: number): Redis {
  const client = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: 0, retryStrategy: () => null })
  // The command that was sent says what is wrong.
  client.on('error', () => {})
  return client
}
