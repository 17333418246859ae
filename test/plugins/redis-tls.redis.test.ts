import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { generate } from 'selfsigned'
import { envFor, eventually, freePort, listen, toolCall } from '../helper.ts'
import { programPath } from '../programs.ts'
import { startRedis } from '../redis-helper.ts'
import { scrape } from '../scrape.ts'
import { file, post } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'

const tenant = await startEmulator()
file.after(() => tenant.close())

/** A Redis that speaks TLS alone, and knows one user with a password. */
async function startTlsRedis(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'redis-tls-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
  })
  const files = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem'), users: join(folder, 'users.acl') }
  const password = randomBytes(24).toString('base64url')
  writeFileSync(files.key, key)
  writeFileSync(files.cert, cert)
  writeFileSync(
    files.users,
    `user default off\nuser replica on >${password} ~mcp-message-center-server:* +@all -@admin -@dangerous +info\n`,
  )
  const port = await freePort()
  const options = {
    'tls-port': String(port),
    'tls-cert-file': files.cert,
    'tls-key-file': files.key,
    'tls-ca-cert-file': files.cert,
    'tls-auth-clients': 'no',
    aclfile: files.users,
  }
  await startRedis(
    t,
    0,
    Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]),
  )
  return { url: `rediss://replica:${password}@localhost:${port}`, certificate: files.cert, password }
}

test('over TLS, as a user of its own, where the certificate is one that the process trusts', async (t) => {
  const { url, certificate } = await startTlsRedis(t)
  const cwd = mkdtempSync(join(tmpdir(), 'mcp-tls-'))
  const metricsPort = String(await freePort())
  const child = spawn(process.execPath, [programPath('src/server.ts')], {
    cwd,
    stdio: 'ignore',
    env: {
      PATH: process.env['PATH'],
      ...envFor(tenant),
      PORT: String(await freePort()),
      METRICS_PORT: metricsPort,
      REDIS_URL: url,
      NODE_EXTRA_CA_CERTS: certificate,
    },
  })
  t.after(() => {
    child.kill('SIGKILL')
    rmSync(cwd, { recursive: true })
  })
  const isUp = async () => (await scrape(metricsPort)).sum('message_center_redis_up') === 1
  await eventually(() => isUp().catch(() => false), 60_000)
})

test('a certificate that nobody vouches for is not taken: the log says so, without the password, and calls go on', async (t) => {
  const { url, password } = await startTlsRedis(t)
  const start = async () => {
    const server = await listen(t, { REDIS_URL: url }, tenant)
    const why = () => server.logs.find(({ event }) => event === 'redis_down')?.['why']
    await eventually(() => why() !== undefined)
    return { ...server, why: String(why()) }
  }
  let server = await start()
  // On a machine that is busy a connection may take too long; that is told then, and what comes after it is not.
  for (let tries = 0; tries < 5 && server.why.includes('ETIMEDOUT'); tries++) server = await start()
  const { app, origin, logs, why } = server
  assert.match(why, /certificate/)
  assert.equal(app.sharedStore?.isUp, false)
  assert.equal((await post(origin, toolCall('getMessages', { top: 1 }), await tenant.mint())).status, 200)
  assert.ok(!JSON.stringify(logs).includes(password))
})
