import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parseEnv } from 'node:util'
import { eventually, freePort } from '../helper.ts'
import { programPath } from '../programs.ts'
import { call, startTenant } from './entra-helper.ts'

const emulator = await startTenant()

function run(t: TestContext, args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [programPath('emulator/main.ts'), ...args], { env: { ...process.env, ...env } })
  t.after(() => child.kill('SIGKILL'))
  const output = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    output.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    output.err += chunk
  })
  return { child, output, ended: once(child, 'close') }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`the process prints the variables for .env.local, serves that tenant, and exits on ${signal}`, async (t) => {
    const { child, output, ended } = run(t, ['--port', '0'])
    while (!output.out.includes('ROADMAP_URL')) await once(child.stdout, 'data')
    const env = Object.fromEntries(
      [...output.out.matchAll(/^([A-Z_]+)=(.+)$/gm)].map(([, name, value]) => [name, value]),
    )
    assert.deepEqual(Object.keys(env), [
      ...[
        'GRAPH_TENANT_ID',
        'GRAPH_CLIENT_ID',
        'GRAPH_CLIENT_SECRET',
        'ENTRA_AUTHORITY_HOST',
        'GRAPH_BASE_URL',
        'ROADMAP_URL',
        'TRY_IT_URL',
      ],
    ])
    const { status } = await call(`${env['ENTRA_AUTHORITY_HOST']}/${env['GRAPH_TENANT_ID']}/discovery/v2.0/keys`)
    assert.equal(status, 200)
    child.kill(signal)
    assert.deepEqual(await ended, [0, null])
    assert.equal(output.err, '')
  })
}

test('--origin sets the public origin; --write-env writes the variables with mode 600', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'emulator-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, '.env.local')
  const port = await freePort()
  const origin = `http://localhost:${port}`
  const options = ['--host', '0.0.0.0', '--allow-non-loopback', '--port', String(port), '--origin', origin]
  const { output } = run(t, [...options, '--write-env', file])
  await eventually(() => output.out.includes('GRAPH_BASE_URL'), 20_000)
  const lines = readFileSync(file, 'utf8')
  assert.ok(output.out.endsWith(lines))
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const env = parseEnv(lines)
  assert.equal(env['ENTRA_AUTHORITY_HOST'], origin)
  const { body } = await call(`${origin}/${env['GRAPH_TENANT_ID']}/v2.0/.well-known/openid-configuration`)
  assert.equal(body.issuer, `${origin}/${env['GRAPH_TENANT_ID']}/v2.0`)
})

test('a port in use is a one-line error and exit code 1', async (t) => {
  const { output, ended } = run(t, [], { EMULATOR_PORT: new URL(emulator.origin).port })
  assert.deepEqual(await ended, [1, null])
  assert.match(output.err, /^Port \d+ is in use; choose another with --port\.\n$/)
})

for (const [args, message] of [
  [['--host', '0.0.0.0'], /is not a loopback address/],
  [['--port', 'many'], /Invalid port: "many"\./],
  [['--origin', 'http://localhost:9600/'], /Invalid origin: "http:\/\/localhost:9600\/"\./],
  [['--origin', 'localhost:9600'], /Invalid origin: "localhost:9600"\./],
  [['--prot', '1'], /Unknown option '--prot'/],
] as const) {
  test(`${args.join(' ')} is rejected`, async (t) => {
    const { output, ended } = run(t, [...args])
    assert.deepEqual(await ended, [1, null])
    assert.match(output.err, message)
    assert.equal(output.err.trim().split('\n').length, 1)
  })
}

test('--help lists the options', async (t) => {
  const { output, ended } = run(t, ['--help'])
  assert.deepEqual(await ended, [0, null])
  assert.match(output.out, /--allow-non-loopback/)
})
