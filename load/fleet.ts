import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { OperatorError } from '../scripts/shared/operator-error.ts'
import { answersOk, freePort, isInstalled, type Running, start, untilReady } from './processes.ts'
import { newKey, type OwnTarget, type ServerOptions, startServer, type Target } from './servers.ts'

/** Time for a balancer's workers to take a new list of replicas. */
const reloadMs = 300
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
  for (const program of ['nginx', 'redis-server']) {
    if (!isInstalled(program)) {
      throw new OperatorError(`${program} is not installed.`, `On Debian: apt-get install --yes ${program}.`)
    }
  }
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

  const conf = join(folder, 'nginx.conf')
  const balanceOver = (indexes: readonly number[]) =>
    writeFileSync(conf, nginxConf({ folder, port, upstreams: indexes.map(portOf) }))
  const everybody = replicas.map((_, index) => index)
  balanceOver(everybody)
  const nginx = start({ name: 'nginx', command: 'nginx', args: ['-p', folder, '-c', conf], cwd: folder })
  await untilReady(nginx, () => answersOk(`${origin}/readyz`))

  async function rebalance(indexes: readonly number[]): Promise<void> {
    balanceOver(indexes)
    nginx.signal('SIGHUP')
    await new Promise((resolve) => setTimeout(resolve, reloadMs))
  }

  async function revive(index: number): Promise<void> {
    replicas[index] = await startReplica(index, portOf(index))
  }

  return {
    target: { url: `${origin}/mcp` },
    size,
    kill: async (index) => replicas[index]?.process.stop('SIGKILL'),
    revive,
    async replace(index) {
      await rebalance(everybody.filter((one) => one !== index))
      await replicas[index]?.process.stop()
      await revive(index)
      await rebalance(everybody)
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
      await nginx.stop('SIGTERM')
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

/** Round robin over replicas, each tried anew a second after it was gone; a call that was sent is not sent again. */
function nginxConf({
  folder,
  port,
  upstreams,
}: {
  folder: string
  port: number
  upstreams: readonly number[]
}): string {
  return `daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
pid ${folder}/nginx.pid;
error_log /dev/null crit;
worker_processes 1;
events { worker_connections 8192; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  client_body_buffer_size 256k;
  upstream replicas {
${upstreams.map((one) => `    server 127.0.0.1:${one} max_fails=1 fail_timeout=1s;`).join('\n')}
    keepalive 256;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    keepalive_requests 1000000;
    location / {
      proxy_pass http://replicas;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_buffers 16 32k;
      proxy_next_upstream error timeout;
      proxy_connect_timeout 2s;
      proxy_read_timeout 30s;
    }
  }
}
`
}
