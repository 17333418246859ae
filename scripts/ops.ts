import { loadEnvFile } from '../src/config/env-file.ts'
import { runOps } from './program.ts'
import { createIo } from './shared/io.ts'

loadEnvFile()

const interrupt = new AbortController()
// SIGINT arrives twice: the terminal sends it to the whole process group, and npm forwards it.
process.on('SIGINT', () => interrupt.abort())

// The reader closed the pipe, as `head` does: not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

process.exitCode = await runOps(
  process.argv.slice(2),
  createIo({ env: process.env, signal: interrupt.signal, stdout: process.stdout, stderr: process.stderr }),
)
