import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { freePort, listen } from '../helper.ts'
import { file } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'
import { ops } from './helper.ts'
import { operatorsBrowser } from './operators-browser.ts'

const tenant = await startEmulator()
file.after(() => tenant.close())
const { origin } = await listen(file, {}, tenant)

/** A user of this machine: commands with a state folder of their own. */
function machine(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'state-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const env = { XDG_STATE_HOME: folder }
  return {
    path: join(folder, 'mcp-message-center-server', 'sign-ins.json'),
    login: (user = 'rowan') =>
      ops(['login', '--url', origin, '--port', '0', '--json'], { env, ...operatorsBrowser(user) }),
    run: (...args: string[]) => ops([...args, '--url', origin], { env }),
    withBrowser: (user: string, ...args: string[]) => {
      const browser = operatorsBrowser(user)
      return { pages: browser.pages, result: ops([...args, '--url', origin, '--port', '0'], { env, ...browser }) }
    },
  }
}

const call = ['call', 'getMessages', 'top=1', '--json'] as const

test('after login, calls need no browser; after logout they do', async (t) => {
  const { login, run, path } = machine(t)
  const { code, out, err } = await login()
  assert.equal(code, 0, err)
  assert.deepEqual(JSON.parse(out), { url: `${origin}/mcp`, file: path })
  for (let i = 0; i < 2; i++) {
    const called = await run(...call)
    assert.equal(called.code, 0, called.err)
    assert.equal(JSON.parse(called.out).value.length, 1)
  }
  const smoke = await run('smoke', 'obo')
  assert.match(smoke.out, /^✔ stored sign-in .* of rowan@contoso\.example/m)

  const { [`${origin}/mcp`]: stored } = JSON.parse(readFileSync(path, 'utf8'))
  assert.equal((await run('logout')).out, `Signed out of ${origin}/mcp.\n`)
  assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), {})
  const refreshed = await fetch(`${origin}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: stored.refreshToken,
      client_id: stored.clientId,
      resource: `${origin}/mcp`,
    }),
  })
  assert.equal(((await refreshed.json()) as { error: string }).error, 'invalid_grant')
  assert.match((await run(...call, '--timeout', '1')).err, /Nobody signed in/)
})

test('the file is readable by its owner only, and one that others may read is rejected', async (t) => {
  const { login, run, path } = machine(t)
  await login()
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.doesNotMatch(readFileSync(path, 'utf8'), /"eyJ[\w-]+\.[\w-]+\.[\w-]+"/, 'no access token')
  chmodSync(path, 0o644)
  const { code, err } = await run(...call)
  assert.equal(code, 1)
  assert.match(err, /Other users may read .*\nRun: chmod 600 /)
})

test('a stored sign-in that has ended is removed, and a browser opens', async (t) => {
  const { login, withBrowser, path } = machine(t)
  await login()
  const before = JSON.parse(readFileSync(path, 'utf8'))
  const { clientId: client_id, refreshToken: token } = before[`${origin}/mcp`]
  await fetch(`${origin}/revoke`, { method: 'POST', body: new URLSearchParams({ client_id, token }) })
  const { result, pages } = withBrowser('rowan', ...call)
  const { code, err } = await result
  assert.equal(code, 0, err)
  assert.equal(pages.length, 1)
  assert.match(err, /The stored sign-in has ended/)
  assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), {})
})

test('the sign-in of one call is revoked at its end, and stored nowhere', async (t) => {
  const { withBrowser, path } = machine(t)
  const { result } = withBrowser('rowan', ...call, '--verbose')
  const { code, err } = await result
  assert.equal(code, 0, err)
  assert.match(err, /^POST http:\S+\/revoke: 200, /m)
  assert.throws(() => readFileSync(path), { code: 'ENOENT' })
})

test('a refresh token is not sent to a server of another address', async (t) => {
  const { login, path } = machine(t)
  await login()
  const other = await listen(t, {}, tenant)
  const env = { XDG_STATE_HOME: join(path, '../..') }
  const { code, err } = await ops([...call, '--url', other.origin, '--timeout', '1', '--port', '0', '--verbose'], {
    env,
  })
  assert.equal(code, 1)
  assert.match(err, /Nobody signed in/)
  assert.doesNotMatch(err, /\/token/)
})

test('logout forgets a sign-in that cannot be revoked, and says that it was not', async (t) => {
  const { run, path } = machine(t)
  const gone = `http://127.0.0.1:${await freePort()}`
  const { readSignIn, writeSignIn } = await import('../../scripts/sign-in/stored-sign-ins.ts')
  const env = { XDG_STATE_HOME: join(path, '../..') }
  writeSignIn(env, `${gone}/mcp`, { issuer: gone, clientId: 'a', refreshToken: 'b' })
  const { code, err } = await ops(['logout', '--url', gone], { env })
  assert.equal(code, 1)
  assert.match(err, /Nothing listens/)
  assert.equal(readSignIn(env, `${gone}/mcp`), undefined)
  assert.match((await run('logout')).out, /^No sign-in to .* is stored\.\n$/)
})
