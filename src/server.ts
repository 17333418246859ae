/** Reads the configuration, starts the server, and stops it on a signal. */

import closeWithGrace from 'close-with-grace'
import { buildApp } from './app.ts'
import { loadEnvFile } from './config/env-file.ts'
import { ConfigError } from './config/index.ts'
import { resourceOf } from './config/resource.ts'
import { readConfigWithSealKeyFile } from './config/seal-key-file.ts'
import { createLogSink } from './plugins/observability/log-sink.ts'

/** For calls in flight to finish; a platform's own grace period is usually 30 s. */
const graceMs = 25_000
/** How long readiness fails before connections do, so that a load balancer stops routing first. */
const drainMs = 1_000

if (process.env['NODE_ENV'] !== 'production') loadEnvFile()

const config = configOrExit()
// Or Node would open its debugger, which exposes every token (Node.js, "Signal events").
if (config.production) process.on('SIGUSR1', () => {})
// Accessing process.stdout makes a pipe or socket non-blocking.
const logTo = createLogSink(process.stdout.fd)
const app = await buildApp(config, { logTo })
logTo.onResumed((lines, why) => app.audit('log_resumed', { lines, why }))

for (const { name, message } of config.unsafeSettings) app.audit('unsafe_setting', { name, message })

closeWithGrace({ delay: graceMs, logger: app.log }, async ({ signal, err }) => {
  if (err) app.audit('crash', { err })
  else app.audit('stopping', { signal })
  app.stopping = true
  if (signal === 'SIGTERM') await new Promise((resolve) => setTimeout(resolve, drainMs))
  await app.close()
  await logTo.close()
})

try {
  // Without a scheme: the listening address is not the address for clients.
  await app.listen({ ...config.listen, listenTextResolver: (address) => `listening on ${new URL(address).host}` })
  app.audit('listening', { url: resourceOf(config).resource })
} catch (error) {
  process.stderr.write(`Cannot listen. ${howToListen(error as ListenError)}\n`)
  process.exit(1)
}

interface ListenError extends NodeJS.ErrnoException {
  readonly port?: number
  /** Where it is a name that does not resolve; then there is no port. */
  readonly hostname?: string
}

function howToListen({ code, message, port, hostname }: ListenError): string {
  const { listen, metricsHost, metricsPort } = config
  const isMetrics = port === undefined ? hostname === metricsHost && hostname !== listen.host : port === metricsPort
  const prefix = isMetrics ? 'METRICS_' : ''
  if (code === 'EADDRINUSE') return `Port ${port} is in use: set ${prefix}PORT to another.`
  if (code === 'EACCES') return `${message}: set ${prefix}PORT to a number from 1024 on.`
  if (code === 'ENOTFOUND' || code === 'EADDRNOTAVAIL')
    return `${message}: set ${prefix}HOST to an address of this machine.`
  return message
}

function configOrExit() {
  try {
    return readConfigWithSealKeyFile(process.env, { execArgv: process.execArgv })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  }
}
