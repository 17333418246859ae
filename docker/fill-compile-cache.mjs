// Fills Node's compile cache while the image is built: node fill-compile-cache.mjs <folder of the bundle> <uid>
// Node has a cache for each user, version and path, and stores functions that have run. So the bundle runs here at its
// final path and as its final user: it starts without a tenant, serves two requests and stops. Dynamic imports are loaded
// too.
import { chmodSync, chownSync, mkdirSync, readdirSync } from 'node:fs'
import { enableCompileCache, flushCompileCache } from 'node:module'
import { createServer } from 'node:net'
import { join } from 'node:path'

const [folder = '', user = ''] = process.argv.slice(2)
const cache = join(folder, '.compile-cache')
mkdirSync(cache)
chownSync(cache, Number(user), Number(user))
process.setgid?.(Number(user))
process.setuid?.(Number(user))
enableCompileCache(cache)

const probe = createServer().listen(0, '127.0.0.1')
await new Promise((resolve) => probe.once('listening', resolve))
const { port } = probe.address()
await new Promise((resolve) => probe.close(resolve))

const nobody = '00000000-0000-0000-0000-000000000000'
Object.assign(process.env, {
  NODE_ENV: 'development',
  LOG_LEVEL: 'silent',
  PORT: String(port),
  GRAPH_TENANT_ID: nobody,
  GRAPH_CLIENT_ID: nobody,
  GRAPH_CLIENT_SECRET: 'none',
  // Nothing listens there: the signing keys are unavailable.
  ENTRA_AUTHORITY_HOST: 'http://127.0.0.1:9',
})
for (const file of readdirSync(folder)) if (file.endsWith('.js')) await import(join(folder, file))
for (const path of ['/healthz', '/mcp']) await (await fetch(`http://127.0.0.1:${port}${path}`)).text()
flushCompileCache()
for (const entry of readdirSync(cache, { recursive: true })) chmodSync(join(cache, entry), 0o755)
process.exit(0)
