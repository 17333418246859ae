import { existsSync } from 'node:fs'
import { runOps } from './program.ts'
import { createIo } from './shared/io.ts'

if (existsSync('.env.local')) process.loadEnvFile('.env.local')

const interrupt = new AbortController()
// A terminal sends Ctrl-C to every process of its group, and npm passes it on: it comes twice.
process.on('SIGINT', () => interrupt.abort())

// Whoever reads has seen enough, as `head` has: that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

process.exitCode = await runOps(
  process.argv.slice(2),
  createIo({ env: process.env, signal: interrupt.signal, stdout: process.stdout, stderr: process.stderr }),
)
