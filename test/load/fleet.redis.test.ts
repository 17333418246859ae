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

test('replicas: exchanges are counted, each trouble has its phase, and nobody gets another’s answer', () => {
  const { status, stdout, stderr, report } = load(
    '--scenario',
    'replicas',
    '--users',
    '9',
    '--rate',
    '9',
    '--seconds',
    '1',
  )
  assert.equal(status, 0, stdout + stderr)
  const names = report.measurements.map(({ name }: { name: string }) => name)
  for (const name of [
    'a replica is killed',
    'Redis is killed',
    'Redis is frozen',
    'Redis is full',
    'Entra breaks connections',
    'Entra’s hosts are killed and started, one by one',
    'Entra answers 503',
    'all of Entra is killed, and started again',
  ]) {
    assert.ok(names.includes(name), name)
  }
  const [first, further] = report.measurements
  const exchanges = first.figures.exchanges + further.figures.exchanges
  assert.ok(exchanges >= 9 && exchanges <= 27, `${exchanges} exchanges`)
  assert.equal(report.isSequence, true)
})

test('rolling-restart: every replica is replaced, and no call fails', () => {
  const { status, stdout, stderr } = load(
    '--scenario',
    'rolling-restart',
    '--users',
    '5',
    '--rate',
    '10',
    '--seconds',
    '1',
  )
  assert.equal(status, 0, stdout + stderr)
  for (const replica of [1, 2, 3]) assert.match(stderr, new RegExp(`replica ${replica} of 3 is replaced`))
  assert.match(stdout, /✔ no call fails: none/)
})
