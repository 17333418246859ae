import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { browse } from '../../demo/browser.ts'
import { type Env, envFor, eventually, freePort, listen } from '../helper.ts'
import { programPath } from '../programs.ts'
import { file } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'
import { fakeAz, tenantArgs } from './helper.ts'

/** Each command once as a process, with its streams and exit code. */

const tenant = await startEmulator()
file.after(() => tenant.close())
const { origin } = await listen(file, {}, tenant)
const token = await tenant.mint({ user: 'rowan' })

/** Runs a command in a temporary folder with this .env.local. */
function run(t: TestContext, args: readonly string[], env: Env = {}, envLocal = '') {
  const cwd = mkdtempSync(join(tmpdir(), 'ops-'))
  t.after(() => rmSync(cwd, { recursive: true }))
  writeFileSync(join(cwd, '.env.local'), envLocal)
  const child = spawn(process.execPath, [programPath('scripts/ops.ts'), ...args], {
    cwd,
    env: { PATH: process.env['PATH'], ...env },
  })
  t.after(() => child.kill('SIGKILL'))
  const output = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    output.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    output.err += chunk
  })
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return { child, output, ended }
}

test('smoke pkce: sign-in in a browser on another machine; the redirect URL is pasted to standard input, which stays open', async (t) => {
  const { child, output, ended } = run(t, ['smoke', 'pkce', '--url', origin, '--port', '0', '--no-browser'])
  await eventually(() => /^http\S+authorize\?\S+$/m.test(output.err), 30_000)
  const { url } = await browse(/^http\S+authorize\?\S+$/m.exec(output.err)?.[0] ?? '', { user: 'rowan' })
  child.stdin.write(`${url.href}\n`)
  assert.equal(await ended, 0, output.err)
  assert.match(output.out, /Sign-in works/)
})

test('smoke pkce: sign-in in a browser on this machine', async (t) => {
  const port = await freePort()
  const { output, ended } = run(t, ['smoke', 'pkce', '--url', origin, '--port', String(port), '--no-browser', '--json'])
  await eventually(() => /^http\S+authorize\?\S+$/m.test(output.err), 30_000)
  const { url } = await browse(/^http\S+authorize\?\S+$/m.exec(output.err)?.[0] ?? '', { user: 'rowan' })
  assert.equal(url.origin, `http://localhost:${port}`)
  assert.match(await (await fetch(url)).text(), /You can close this window/)
  assert.equal(await ended, 0, output.err)
  assert.equal(JSON.parse(output.out).verdict, 'passed')
})

test('smoke obo: a piped token; hops on standard output, nothing on standard error', async (t) => {
  const { child, output, ended } = run(t, ['smoke', 'obo', '--url', origin, '--token-stdin'])
  child.stdin.end(`${token}\n`)
  assert.equal(await ended, 0, output.err)
  assert.match(output.out, /Sign-in, OBO exchange and Graph work/)
  assert.equal(output.err, '')
})

test('call --json: only JSON on standard output', async (t) => {
  const { output, ended } = run(t, ['call', 'getMessages', 'top=2', '--json', '--url', origin], {
    MCP_ACCESS_TOKEN: token,
  })
  assert.equal(await ended, 0, output.err)
  assert.equal(JSON.parse(output.out).value.length, 2)
})

test('doctor: exit code 1 where a check fails, and the process exits', async (t) => {
  const env = { ...envFor(tenant), PUBLIC_BASE_URL: origin, GRAPH_CLIENT_SECRET: 'not-the-secret-of-this-app' }
  const { output, ended } = run(t, ['doctor', '--url', origin], env)
  assert.equal(await ended, 1)
  assert.match(output.out, /✘ credential[\s\S]*, failures 1, skipped \d+\.\n$/)
  assert.equal(output.err, '1 check failed.\nFix the first failure first, and run doctor again.\n')
})

test('Ctrl-C ends a command that waits', async (t) => {
  const { child, output, ended } = run(t, ['smoke', 'pkce', '--url', origin, '--port', '0', '--no-browser'])
  await eventually(() => output.err.includes('/authorize?'), 30_000)
  child.kill('SIGINT')
  assert.equal(await ended, 130)
})

test('a closed pipe ends a command without an error', async (t) => {
  const { child, output, ended } = run(t, ['call', '--list', '--url', origin], { MCP_ACCESS_TOKEN: token })
  child.stdout.destroy()
  assert.equal(await ended, 0, output.err)
  assert.equal(output.err, '')
})

for (const [line, expected] of [
  [['smo'], 'smoke'],
  [['register', ''], 'server'],
  [['call', '--token'], '--token-stdin'],
] as const) {
  test(`a shell completes "${line.join(' ')}"`, async (t) => {
    const { output, ended } = run(t, ['complete', '--', ...line])
    assert.equal(await ended, 0, output.err)
    assert.ok(
      output.out.split('\n').some((candidate) => candidate.split('\t')[0] === expected),
      output.out,
    )
  })
}

for (const shell of ['bash', 'zsh', 'fish']) {
  test(`completion ${shell} prints a script for the command that npm link installs`, async (t) => {
    const { output, ended } = run(t, ['completion', shell])
    assert.equal(await ended, 0, output.err)
    const { bin } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    const [name = ''] = Object.keys(bin)
    assert.match(output.out, new RegExp(`\\b${name} complete `))
  })
}

test('the linked command runs in any folder', (t) => {
  const cwd = mkdtempSync(join(tmpdir(), 'ops-'))
  t.after(() => rmSync(cwd, { recursive: true }))
  const root = new URL('../../', import.meta.url)
  const { bin } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
  symlinkSync(fileURLToPath(new URL(bin['message-center-ops'], root)), join(cwd, 'ops'))
  const { status, stdout, stderr } = spawnSync(join(cwd, 'ops'), ['--version'], { cwd, encoding: 'utf8' })
  assert.deepEqual([status, stderr], [0, ''])
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/)
})

test('token: reads the tenant from .env.local and prints only the token', async (t) => {
  const lines = `GRAPH_TENANT_ID=${tenant.tenantId}\nGRAPH_CLIENT_ID=${tenant.api.clientId}\n`
  const { output, ended } = run(t, ['token'], fakeAz(t, tenant, 'rowan'), lines)
  assert.equal(await ended, 0, output.err)
  assert.match(output.out, /^eyJ[\w-]+\.[\w-]+\.[\w-]+\n$/)
  assert.equal(output.err, '')
})

test('a failure is exit code 1, without a stack', async (t) => {
  const { output, ended } = run(t, ['token', '--tenant', tenant.tenantId, '--api', tenant.api.clientId], {
    PATH: '/nowhere',
  })
  assert.equal(await ended, 1)
  assert.equal(output.out, '')
  assert.match(output.err, /^The Azure CLI \(az\) is not installed.*\nInstall it .*\n$/)
})

test('Ctrl-C ends a command that waits for a device code', async (t) => {
  const args = ['token', ...tenantArgs(tenant), '--api', tenant.api.clientId, '--client-id', tenant.client.clientId]
  const { child, output, ended } = run(t, args, {})
  child.stderr.once('data', () => child.kill('SIGINT'))
  assert.equal(await ended, 130, output.err)
})
