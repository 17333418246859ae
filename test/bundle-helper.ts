import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Env, eventually, freePort } from './helper.ts'

export interface RunningBundle {
  readonly origin: string
  readonly output: { text: string }
  /** Status and body of a probe; 0 where nothing listens. */
  probe(path: '/healthz' | '/readyz'): Promise<{ status: number; text: string }>
  ready(): Promise<void>
  /** Tells it to stop, as a platform does. */
  stop(): void
}

/**
 * Builds the server as it is deployed: in a folder with no packages beside it, gone after the file's last test. What it
 * loads on first use is all in it.
 *
 * @returns starts it as a process of its own, with so many descriptors, and does not wait until it is ready
 */
export function buildBundle() {
  const folder = mkdtempSync(join(tmpdir(), 'bundle-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  const build = spawnSync(process.execPath, ['scripts/build.mjs', folder], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    encoding: 'utf8',
  })
  assert.equal(build.status, 0, build.stderr)

  return async (t: TestContext, env: Env, { openFiles = 4_096 } = {}): Promise<RunningBundle> => {
    const port = await freePort()
    const command = [`ulimit -n ${openFiles}; exec "$0" "$@"`, process.execPath, join(folder, 'server.js')]
    const child = spawn('sh', ['-c', ...command], {
      cwd: folder,
      env: { LOG_LEVEL: 'info', PORT: String(port), ...env },
    })
    t.after(() => child.kill('SIGKILL'))
    const output = { text: '' }
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output.text += chunk
      })
    }
    const origin = `http://localhost:${port}`
    const probe = async (path: string) => {
      assert.equal(child.exitCode, null, output.text)
      try {
        const response = await fetch(origin + path)
        return { status: response.status, text: await response.text() }
      } catch {
        return { status: 0, text: '' }
      }
    }
    const ready = () =>
      eventually(async () => (await probe('/readyz')).status === 200, 20_000).catch(() => {
        assert.fail(`It is not ready:\n${output.text}`)
      })
    const stop = () => void child.kill('SIGTERM')
    return { origin, output, probe, ready, stop }
  }
}
