import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { call, startTenant } from './entra-helper.ts'

const MAIN = fileURLToPath(new URL('../../emulator/main.ts', import.meta.url))
const emulator = await startTenant()

function run(t: TestContext, args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], { env: { ...process.env, ...env } })
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
  test(`the process prints the lines for .env.local, serves them, and ends on ${signal}`, async (t) => {
    const { child, output, ended } = run(t, ['--port', '0'])
    while (!output.out.includes('GRAPH_BASE_URL')) await once(child.stdout, 'data')
    const env = Object.fromEntries(
      [...output.out.matchAll(/^([A-Z_]+)=(.+)$/gm)].map(([, name, value]) => [name, value]),
    )
    assert.deepEqual(Object.keys(env), [
      ...['GRAPH_TENANT_ID', 'GRAPH_CLIENT_ID', 'GRAPH_CLIENT_SECRET', 'ENTRA_AUTHORITY_HOST', 'GRAPH_BASE_URL'],
    ])
    const { status } = await call(`${env['ENTRA_AUTHORITY_HOST']}/${env['GRAPH_TENANT_ID']}/discovery/v2.0/keys`)
    assert.equal(status, 200)
    child.kill(signal)
    assert.deepEqual(await ended, [0, null])
    assert.equal(output.err, '')
  })
}

test('a port in use gives one clear line and exit code 1', async (t) => {
  const { output, ended } = run(t, [], { EMULATOR_PORT: new URL(emulator.origin).port })
  assert.deepEqual(await ended, [1, null])
  assert.match(output.err, /^Port \d+ is in use; --port takes another\.\n$/)
})

for (const [args, message] of [
  [['--host', '0.0.0.0'], /loopback only/],
  [['--port', 'many'], /"many" is not a port/],
  [['--prot', '1'], /Unknown option '--prot'/],
] as const) {
  test(`${args.join(' ')} is refused`, async (t) => {
    const { output, ended } = run(t, [...args])
    assert.deepEqual(await ended, [1, null])
    assert.match(output.err, message)
    assert.equal(output.err.trim().split('\n').length, 1)
  })
}

test('--help says what the options are', async (t) => {
  const { output, ended } = run(t, ['--help'])
  assert.deepEqual(await ended, [0, null])
  assert.match(output.out, /--allow-non-loopback/)
})
