import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from '../helper.ts'

/** `npm run load` as people run it: with processes of its own, and small numbers. */

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'load-run-'))
after(() => rmSync(folder, { recursive: true, force: true }))
// Not into dist: that is whoever's works here.
const build = spawnSync(process.execPath, ['scripts/build.mjs', join(folder, 'bundle')], {
  cwd: root,
  encoding: 'utf8',
})
assert.equal(build.status, 0, build.stderr)
const bundle = ['--bundle', join(folder, 'bundle/server.js')]

function load(...args: readonly string[]) {
  const child = spawn('npm', ['run', '--silent', 'load', '--', ...args, ...bundle], {
    cwd: root,
    env: { ...process.env, TMPDIR: folder },
    // A group of its own, as a terminal gives to a command.
    detached: true,
  })
  const output = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    output.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    output.err += chunk
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
  return { child, output, ended }
}

/** Folders of runs that are not gone. */
const leftovers = () => readdirSync(folder).filter((name) => /^load-\w+$/.test(name))

test('mixed-tools: a table on standard output, both files, and exit code 0', async () => {
  const files = { json: join(folder, 'mixed.json'), html: join(folder, 'mixed.html') }
  const small = ['--users', '12', '--seconds', '1', '--connections', '2']
  const { output, ended } = load('mixed-tools', ...small, '--json', files.json, '--html', files.html)
  assert.equal(await ended, 0, output.err)
  assert.match(output.out, /│ this server, mixed +│/)
  assert.match(output.out, /✔ every response belongs to its call and its caller: \d+ calls, 0 wrong responses/)
  assert.match(output.out, /passed\n$/)

  const report = JSON.parse(readFileSync(files.json, 'utf8'))
  assert.deepEqual(report.settings, { users: 12, connections: 2, seconds: 1 })
  const [mixed] = report.measurements
  assert.ok(mixed.correct > 0 && mixed.wrong === 0 && mixed.failed === 0)
  assert.ok(mixed.latencyMs.p99 >= mixed.latencyMs.p50 && mixed.latencyMs.p50 > 0)
  if (process.platform === 'linux') assert.ok(mixed.cpuUsPerCall > 0)
  assert.match(readFileSync(files.html, 'utf8'), /<img alt="Latency distribution" src="data:image/)
  assert.deepEqual(leftovers(), [])
})

test('warm: this server, the reference pattern and the floor, and what they are to each other', async () => {
  const small = ['--users', '4', '--seconds', '1', '--rounds', '1', '--connections', '2']
  const { output, ended } = load('warm', ...small)
  assert.equal(await ended, 0, output.err)
  for (const name of ['this server', 'this server, with bodies', 'reference pattern', 'floor']) {
    assert.match(output.out, new RegExp(`│ ${name} +│ +[\\d.,]+ │`))
  }
  assert.match(output.out, /this server: calls a second to the reference’s: [\d.]+/)
  assert.match(output.err, /round 1 of 1\n(.+\n){3}floor: \d+ correct/)
})

test('cold-burst: each user is exchanged once', async () => {
  const { output, ended } = load('cold-burst', '--users', '15')
  assert.equal(await ended, 0, output.err)
  assert.match(output.out, /✔ each user’s token is exchanged once: 15 exchanges for 15 users, at most 1 for one/)
})

test('isolation: two kinds of users are asked the same, from snapshots that last and from brief ones', async () => {
  const { output, ended } = load('isolation', '--users', '6', '--calls', '200', '--connections', '4')
  assert.equal(await ended, 0, output.err)
  assert.match(output.out, /✔ as many calls as were asked for have their own response: 200/)
  assert.match(output.err, /from snapshots: 100 correct/)
  assert.match(output.err, /from snapshots of a second: 100 correct/)
})

test('Ctrl-C ends the run and all that it started', async () => {
  const { child, output, ended } = load('soak', '--users', '3', '--seconds', '300')
  await eventually(
    () => leftovers().some((name) => readdirSync(join(folder, name)).some((file) => /^tenant-\d+\.env$/.test(file))),
    60_000,
  )
  const pids = pidsIn(folder)
  assert.ok(pids.length > 0)
  process.kill(-Number(child.pid), 'SIGINT')
  assert.notEqual(await ended, 0, output.out)
  await eventually(() => pidsIn(folder).length === 0, 30_000)
  assert.deepEqual(leftovers(), [])
})

/** Processes that run in one of the runs' folders. */
function pidsIn(parent: string): string[] {
  const { stdout } = spawnSync('sh', ['-c', `ls -l /proc/[0-9]*/cwd 2>/dev/null | grep -F -- '-> ${parent}/load-'`], {
    encoding: 'utf8',
  })
  return stdout.split('\n').filter((line) => line !== '')
}
