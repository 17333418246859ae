import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { childrenOf, isOk, requireInstalled, start, waitUntil } from './processes.ts'

export interface BalancerOptions {
  readonly folder: string
  readonly port: number
  /** Of the servers, on loopback. */
  readonly serverPorts: readonly number[]
  /** A path that responds with 200 once it is ready. */
  readonly probe: string
}

/**
 * An nginx in front of servers on loopback: round robin, past those that accept no connection; a request that was sent
 * is not sent again.
 *
 * @throws {OperatorError} where nginx is not installed
 */
export async function startBalancer({ folder, port, serverPorts, probe }: BalancerOptions) {
  requireInstalled('nginx')
  const cwd = join(folder, `balancer-${port}`)
  mkdirSync(cwd)
  const file = join(cwd, 'nginx.conf')
  writeFileSync(file, nginxConf(cwd, port, serverPorts))
  const nginx = start({ name: 'nginx', command: 'nginx', args: ['-p', cwd, '-c', file], cwd })
  const origin = `http://127.0.0.1:${port}`
  await waitUntil(nginx, () => isOk(origin + probe))
  return {
    origin,
    /** Replaces the servers. Resolves once none that was left out has a request. */
    async reroute(next: readonly number[]): Promise<void> {
      const before = childrenOf(nginx.pid)
      writeFileSync(file, nginxConf(cwd, port, next))
      nginx.signal('SIGHUP')
      // New workers take over; those of before end with the last request that they have.
      await waitUntil(nginx, async () => !childrenOf(nginx.pid).some((pid) => before.includes(pid)))
    },
    stop: () => nginx.stop(),
  }
}

function nginxConf(folder: string, port: number, serverPorts: readonly number[]): string {
  const servers = serverPorts.map((one) => `server 127.0.0.1:${one} max_fails=0;`).join(' ')
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
  upstream servers { ${servers} keepalive 256; }
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
    location / { proxy_pass http://servers; }
  }
}
`
}
