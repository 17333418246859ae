import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { envFor, startTenant } from '../helper.ts'
import { readText, root } from './markdown.ts'

/** Programs as people start them, through npm: Node looks for options of its own in whatever stands before a `--`. */

const scripts: Record<string, string> = JSON.parse(readText('package.json')).scripts

async function npm(args: readonly string[]) {
  const child = spawn('npm', ['run', '--silent', ...args], {
    cwd: root,
    // What a developer has in .env.local is not for these.
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], GRAPH_TENANT_ID: 'of the shell' },
  })
  const output = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    output.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    output.err += chunk
  })
  const [code] = await once(child, 'close')
  return { code, ...output }
}

const folder = mkdtempSync(join(tmpdir(), 'npm-scripts-'))
test.after(() => rmSync(folder, { recursive: true }))

test('doctor reads the file that --env-file names, and that file alone', async (t) => {
  const tenant = await startTenant(t)
  const path = join(folder, 'some.env')
  const lines = Object.entries({ ...envFor(tenant), PORT: '8080' }).map(([name, value]) => `${name}="${value}"`)
  writeFileSync(path, lines.join('\n'))
  const { code, out, err } = await npm(['ops', '--', 'doctor', '--json', '--env-file', path])
  assert.equal(code, 0, out + err)
  const { findings } = JSON.parse(out)
  assert.deepEqual(
    findings.filter(({ verdict }: { verdict: string }) => verdict === 'failure'),
    [],
  )
})

test('doctor says itself that there is no such file', async () => {
  const { code, err } = await npm(['ops', '--', 'doctor', '--env-file', '/nowhere/some.env'])
  assert.equal(code, 1)
  assert.match(err, /^Cannot read \/nowhere\/some\.env \(ENOENT\)\.\n/)
})

// Those that take arguments; the others of npm's scripts run a fixed command.
const programs = ['demo', 'emulator', 'agent', 'ops', 'load', 'docs']

test('every program that tsx runs from an npm script and that takes arguments is tried here', () => {
  const found = Object.entries(scripts).filter(([, command]) => /^node --import tsx (-- )?[\w/]+\.ts$/.test(command))
  assert.deepEqual(found.map(([name]) => name).sort(), [...programs].sort())
})

for (const program of programs.filter((name) => name !== 'docs')) {
  test(`${program} is given its arguments, and Node takes none of them`, async () => {
    const needed = program === 'load' ? ['warm'] : []
    const options = [...needed, '--env-file', '/nowhere/some.env', '--env-file-if-exists', '/nowhere/other.env']
    const { code, err } = await npm([program, '--', ...options])
    assert.ok(code === 1 || code === 2, `${code}: ${err}`)
    assert.match(err, /--env-file/)
    assert.doesNotMatch(err, /^node: |Continuing without it/m)
  })
}

test('docs is not stopped by an option of Node’s', async () => {
  const { code, err } = await npm(['docs', '--', '--check', '--env-file', '/nowhere/some.env'])
  assert.equal(code, 0, err)
})
