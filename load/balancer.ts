import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { OperatorError } from '../scripts/shared/operator-error.ts'
import { answersOk, isInstalled, start, untilReady } from './processes.ts'

/** Time for its workers to take a new list. */
const reloadMs = 300

/** Ports on loopback by the paths that they serve, `/` the rest. */
export type Routes = Readonly<Record<string, readonly number[]>>

export interface Balancer {
  readonly origin: string
  /** Has other servers serve; what was begun at those before ends there. */
  rebalance(routes: Routes): Promise<void>
  stop(): Promise<void>
}

export interface BalancerOptions {
  readonly folder: string
  readonly port: number
  readonly routes: Routes
  /** A path that answers with 200 once it is ready. */
  readonly probe: string
}

/**
 * An nginx in front of servers on loopback: round robin, past those that take no connection; a request that was sent is
 * not sent again.
 *
 * @throws {OperatorError} where nginx is not installed
 */
export async function startBalancer({ folder, port, routes, probe }: BalancerOptions): Promise<Balancer> {
  requireInstalled('nginx')
  const origin = `http://127.0.0.1:${port}`
  const own = join(folder, `balancer-${port}`)
  mkdirSync(own)
  const conf = join(own, 'nginx.conf')
  const balance = (over: Routes) => writeFileSync(conf, nginxConf(own, port, over))
  balance(routes)
  const nginx = start({ name: 'nginx', command: 'nginx', args: ['-p', own, '-c', conf], cwd: own })
  await untilReady(nginx, () => answersOk(origin + probe))
  return {
    origin,
    async rebalance(over) {
      balance(over)
      nginx.signal('SIGHUP')
      await new Promise((resolve) => setTimeout(resolve, reloadMs))
    },
    stop: () => nginx.stop('SIGTERM'),
  }
}

/** @throws {OperatorError} with what to do */
export function requireInstalled(program: string): void {
  if (isInstalled(program)) return
  throw new OperatorError(`${program} is not installed.`, `On Debian: apt-get install --yes ${program}.`)
}

function nginxConf(folder: string, port: number, routes: Routes): string {
  const all = Object.entries(routes).map(([path, ports], index) => ({ path, ports, name: `servers_${index}` }))
  const upstreams = all.map(({ name, ports }) => {
    const servers = ports.map((one) => `server 127.0.0.1:${one} max_fails=0;`).join(' ')
    return `  upstream ${name} { ${servers} keepalive 256; }`
  })
  const locations = all.map(({ path, name }) => `    location ${path} { proxy_pass http://${name}; }`)
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
${upstreams.join('\n')}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    keepalive_requests 1000000;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_buffers 16 32k;
    proxy_next_upstream error timeout;
    proxy_connect_timeout 2s;
    proxy_read_timeout 30s;
${locations.join('\n')}
  }
}
`
}
