import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startEmulator } from '../../emulator/app.ts'
import { type Env, envFor, eventually, freePort, toolCall } from '../helper.ts'
import { file, post } from '../security/harness.ts'
import { freshCode, redeem } from '../sign-in-helper.ts'

/** The bundle as it is deployed: in a folder with no packages beside it. What it loads on first use is all in it. */

const folder = mkdtempSync(join(tmpdir(), 'bundle-'))
file.after(() => rmSync(folder, { recursive: true, force: true }))
const build = spawnSync(process.execPath, ['scripts/build.mjs', folder], {
  cwd: fileURLToPath(new URL('../..', import.meta.url)),
  encoding: 'utf8',
})
assert.equal(build.status, 0, build.stderr)

const tenant = await startEmulator()
file.after(() => tenant.close())

/** Starts the bundle and waits until it is ready. */
async function start(t: TestContext, env: Env = {}) {
  const port = await freePort()
  const child = spawn(process.execPath, [join(folder, 'server.js')], {
    cwd: folder,
    env: { ...envFor(tenant), LOG_LEVEL: 'info', PORT: String(port), ...env },
  })
  t.after(() => child.kill('SIGKILL'))
  const output = { text: '' }
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output.text += chunk
    })
  }
  const origin = `http://localhost:${port}`
  await eventually(async () => {
    assert.equal(child.exitCode, null, output.text)
    return fetch(`${origin}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    )
  }, 20_000)
  return { origin, output }
}

test('it signs a user in, exchanges the token and reads a message as text', async (t) => {
  const { origin } = await start(t)
  const { status, body } = await redeem(origin, await freshCode(origin, tenant.api.clientId))
  assert.equal(status, 200)
  const answer = await post(origin, toolCall('getMessages', { top: 1, body: 'text' }), String(body['access_token']))
  const { value = [] } = (answer.body.result?.structuredContent ?? {}) as { value?: { body?: { content: string } }[] }
  assert.match(value[0]?.body?.content ?? '', /\w{3}/)
})

test('it goes on by itself where its Redis does not answer', async (t) => {
  const { origin, output } = await start(t, { REDIS_URL: `redis://127.0.0.1:${await freePort()}` })
  assert.equal((await redeem(origin, await freshCode(origin, tenant.api.clientId))).status, 200)
  await eventually(() => output.text.includes('"redis_down"'))
})
