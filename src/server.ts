import { existsSync } from 'node:fs'
import closeWithGrace from 'close-with-grace'
import pino from 'pino'
import { buildApp } from './app.ts'
import { ConfigError, readConfig } from './config.ts'

/** Calls in flight get this long to finish; a platform's own grace is usually 30 s. */
const graceMs = 25_000
/** How long readiness fails before connections do, so that a load balancer looks elsewhere first. */
const drainMs = 1_000

if (process.env['NODE_ENV'] !== 'production' && existsSync('.env.local')) process.loadEnvFile('.env.local')

const config = configOrExit()
// Asynchronous: a slow reader of the log delays no call. By the tenth of a second or the page, whichever is first: a
// write for each line is a fifteenth of what a call costs. What is left is written when the process exits.
const logTo = pino.destination({ fd: 1, sync: false, minLength: 4096, periodicFlush: 100 })
const app = await buildApp(config, { logTo })

closeWithGrace({ delay: graceMs, logger: app.log }, async ({ signal, err }) => {
  if (err) app.audit('crash', { err })
  else app.audit('stopping', { signal })
  app.stopping = true
  if (signal === 'SIGTERM') await new Promise((resolve) => setTimeout(resolve, drainMs))
  await app.close()
})

try {
  await app.listen({ ...config.listen })
} catch (error) {
  const { code, message, port } = error as NodeJS.ErrnoException & { port?: number }
  const name = port !== undefined && port === config.metricsPort ? 'METRICS_PORT' : 'PORT'
  const mend = code === 'EADDRINUSE' ? `Port ${port} is in use: set ${name} to another.` : message
  process.stderr.write(`The server cannot listen. ${mend}\n`)
  process.exit(1)
}

function configOrExit() {
  try {
    return readConfig(process.env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  }
}
