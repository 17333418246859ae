import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { programPath } from '../programs.ts'

/** The scenarios with replicas, behind a real nginx and with a real redis-server; small. */

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'load-fleet-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const build = spawnSync(process.execPath, ['scripts/build.mjs', join(folder, 'bundle')], {
  cwd: root,
  encoding: 'utf8',
})
assert.equal(build.status, 0, build.stderr)

function load(...args: readonly string[]) {
  const json = join(folder, 'report.json')
  const own = ['--bundle', join(folder, 'bundle/server.js'), '--json', json]
  const ran = spawnSync(process.execPath, [programPath('load/main.ts'), ...args, ...own], {
    cwd: root,
    encoding: 'utf8',
  })
  return { ...ran, report: ran.status === 0 ? JSON.parse(readFileSync(json, 'utf8')) : undefined }
}

interface Measured {
  readonly name: string
  readonly correct: number
  readonly failed: number
  readonly wrong: number
  readonly figures: { readonly exchanges: number }
}

test('replicas: each fault has its phase, every call is accounted for, and no response is another user’s', () => {
  const { status, stdout, stderr, report } = load('replicas', '--users', '9', '--rate', '9', '--seconds', '1')
  assert.equal(status, 0, stdout + stderr)
  const measurements = report.measurements as readonly Measured[]
  const calls = measurements.map(({ name, correct, failed, wrong }) => [name, correct + failed + wrong, wrong])
  assert.deepEqual(calls, [
    ['everybody’s first call', 9, 0],
    ['everybody’s next calls', 18, 0],
    ['as usual', 9, 0],
    ['a replica is killed', 9, 0],
    ['Redis is killed', 9, 0],
    ['Redis is frozen', 9, 0],
    ['Redis is full', 9, 0],
    ['everybody at every replica', 27, 0],
    ['Entra breaks connections', 9, 0],
    ['Entra responds with 503', 9, 0],
    ['Entra is down, and up again', 9, 0],
    ['keys are rotated, tokens are new', 9, 0],
    ['as usual again', 9, 0],
  ])
  const exchanges = (measurements[0]?.figures.exchanges ?? 0) + (measurements[1]?.figures.exchanges ?? 0)
  assert.ok(exchanges >= 9 && exchanges <= 27, `${exchanges} exchanges`)
  assert.equal(report.isSequence, true)
})

test('rolling-restart: every replica is replaced, and no call fails', () => {
  const { status, stdout, stderr } = load('rolling-restart', '--users', '5', '--rate', '10', '--seconds', '1')
  assert.equal(status, 0, stdout + stderr)
  for (const replica of [1, 2, 3]) assert.match(stderr, new RegExp(`replica ${replica} of 3 is replaced`))
  assert.match(stdout, /✔ no call fails: none/)
})
