import { existsSync } from 'node:fs'
import closeWithGrace from 'close-with-grace'
import { buildApp } from './app.ts'
import { ConfigError } from './config/index.ts'
import { resourceOf } from './config/resource.ts'
import { readConfigKeepingSealKey } from './config/seal-key-file.ts'
import { createLogSink } from './plugins/observability/log-sink.ts'

/** Calls in flight get this long to finish; a platform's own grace is usually 30 s. */
const graceMs = 25_000
/** How long readiness fails before connections do, so that a load balancer looks elsewhere first. */
const drainMs = 1_000

if (process.env['NODE_ENV'] !== 'production' && existsSync('.env.local')) process.loadEnvFile('.env.local')

const config = configOrExit()
// Or Node would open its debugger, which hands out every token (Node.js, "Signal events").
if (config.production) process.on('SIGUSR1', () => {})
// Where it is a pipe or a socket, Node makes it non-blocking when process.stdout is first looked at.
const logTo = createLogSink(process.stdout.fd)
const app = await buildApp(config, { logTo })
logTo.onResumed((lines, why) => app.audit('log_resumed', { lines, why }))

for (const { name, why } of config.unsafeSettings) app.audit('unsafe_setting', { name, why })

closeWithGrace({ delay: graceMs, logger: app.log }, async ({ signal, err }) => {
  if (err) app.audit('crash', { err })
  else app.audit('stopping', { signal })
  app.stopping = true
  if (signal === 'SIGTERM') await new Promise((resolve) => setTimeout(resolve, drainMs))
  await app.close()
  await logTo.flush()
})

try {
  // Without a scheme: where it listens is no address for clients.
  await app.listen({ ...config.listen, listenTextResolver: (address) => `listens on ${new URL(address).host}` })
  app.audit('listening', { url: resourceOf(config).resource })
} catch (error) {
  const { code, message, port } = error as NodeJS.ErrnoException & { port?: number }
  const name = port !== undefined && port === config.metricsPort ? 'METRICS_PORT' : 'PORT'
  const mend = code === 'EADDRINUSE' ? `Port ${port} is in use: set ${name} to another.` : message
  process.stderr.write(`The server cannot listen. ${mend}\n`)
  process.exit(1)
}

function configOrExit() {
  try {
    return readConfigKeepingSealKey(process.env, { execArgv: process.execArgv })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  }
}
