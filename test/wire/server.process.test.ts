import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { Agent, request } from 'undici'
import { type Env, envFor, eventually, freePort, mcpHeaders, toolCall } from '../helper.ts'
import { programPath } from '../programs.ts'
import { authorizationUrl, register } from '../sign-in-helper.ts'
import { startEmulator } from '../tenant.ts'

const tenant = await startEmulator()
after(() => tenant.close())

interface Run {
  readonly child: ChildProcess
  readonly ended: Promise<number | null>
  readonly out: () => string
  readonly err: () => string
}

/** In a folder of its own unless given one, so that nobody's .env.local has a part in it. */
function start(t: TestContext, env: Env, cwd = folder(t), preload: readonly string[] = []): Run {
  const imports = preload.flatMap((url) => ['--import', url])
  const child = spawn(process.execPath, [...imports, programPath('src/server.ts')], {
    env: { PATH: process.env['PATH'], ...env },
    cwd,
  })
  t.after(() => child.kill('SIGKILL'))
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  return { child, ended: once(child, 'close').then(([code]) => code), out: () => out, err: () => err }
}

async function startReady(t: TestContext, preload: readonly string[] = []): Promise<Run & { origin: string }> {
  const port = await freePort()
  const run = start(t, { ...envFor(tenant), LOG_LEVEL: 'info', PORT: String(port) }, folder(t), preload)
  const origin = `http://127.0.0.1:${port}`
  await eventually(async () => (await statusOf(`${origin}/readyz`)) === 200, 20_000)
  return { ...run, origin }
}

async function statusOf(url: string): Promise<number> {
  try {
    const { statusCode, body } = await request(url)
    await body.dump()
    return statusCode
  } catch {
    return 0
  }
}

/** A module that does something when a signal comes, to be imported before the server. */
function onSignal(signal: NodeJS.Signals, code: string): string {
  return `data:text/javascript,${encodeURIComponent(`process.on('${signal}', () => { ${code} })`)}`
}

interface LogLine {
  readonly event?: string
  readonly level: number
  readonly err?: { readonly message: string }
}

function linesOf(out: string): LogLine[] {
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

function isRefused(origin: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(origin).port), '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.once('error', () => resolve(true))
  })
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'mcp-process-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

test('a start without configuration names everything that is missing, points to the demo and exits with 1', async (t) => {
  const run = start(t, {})
  assert.equal(await run.ended, 1)
  for (const name of ['GRAPH_TENANT_ID', 'GRAPH_CLIENT_ID', 'GRAPH_CLIENT_SECRET', 'npm run demo']) {
    assert.ok(run.err().includes(name), name)
  }
  assert.equal(run.out(), '')
})

test('the log of a start names the address for clients as the metadata does, and no other', async (t) => {
  const { origin, out } = await startReady(t)
  await eventually(() => /"event":"listening"/.test(out()))
  const { body } = await request(`${origin}/.well-known/oauth-protected-resource/mcp`)
  const { resource } = (await body.json()) as { resource: string }
  const { port } = new URL(origin)
  assert.equal(resource, `http://localhost:${port}/mcp`)
  assert.deepEqual(out().match(new RegExp(`https?://[^/"]*:${port}[^ "]*`, 'g')), [resource])
})

test('a faulty start lists every fault at once and shows no secret', async (t) => {
  const secret = 'a-secret-that-must-not-be-shown'
  const env = {
    ...envFor(tenant),
    GRAPH_CLIENT_SECRET: secret,
    GRAPH_TENANT_ID: 'contoso',
    PORT: 'x',
    LOG_LEVEL: 'loud',
  }
  const run = start(t, { ...env, NODE_ENV: 'production', MCP_REQUIRE_AUTH: 'false' })
  assert.equal(await run.ended, 1)
  for (const name of ['GRAPH_TENANT_ID', 'PORT', 'LOG_LEVEL', 'MCP_REQUIRE_AUTH', 'PUBLIC_BASE_URL']) {
    assert.match(run.err(), new RegExp(`- ${name} `))
  }
  assert.ok(!run.err().includes(secret))
})

test('a setting that takes a protection away ends a start in production, and is warned of in development', async (t) => {
  const env = {
    ...envFor(tenant),
    LOG_LEVEL: 'info',
    NODE_TLS_REJECT_UNAUTHORIZED: '0',
    PORT: String(await freePort()),
  }
  const production = start(t, { ...env, NODE_ENV: 'production' })
  assert.equal(await production.ended, 1)
  assert.match(production.err(), /- NODE_TLS_REJECT_UNAUTHORIZED must not be 0/)
  const inspected = start(t, { ...env, NODE_OPTIONS: '--insecure-http-parser', NODE_ENV: 'production' })
  assert.equal(await inspected.ended, 1)
  assert.match(inspected.err(), /- NODE_OPTIONS must not have --insecure-http-parser/)

  const { out } = start(t, env)
  await eventually(() => out().includes('"event":"unsafe_setting","name":"NODE_TLS_REJECT_UNAUTHORIZED"'), 20_000)
})

test('no signal opens a debugger in production', async (t) => {
  const port = String(await freePort())
  const run = start(t, {
    ...envFor(tenant),
    NODE_ENV: 'production',
    LOG_LEVEL: 'info',
    PORT: port,
    PUBLIC_BASE_URL: 'https://mcp.contoso.example',
    MCP_OAUTH_SEAL_KEY: randomBytes(32).toString('base64'),
    // Nobody is there; a server without keys is alive all the same.
    ENTRA_AUTHORITY_HOST: 'https://localhost:1',
    GRAPH_BASE_URL: 'https://localhost:1/v1.0',
    ROADMAP_URL: 'https://localhost:1/m365',
    NODE_OPTIONS: '--inspect-port=0',
  })
  await eventually(async () => (await statusOf(`http://127.0.0.1:${port}/healthz`)) === 200, 20_000)
  run.child.kill('SIGUSR1')
  assert.equal(await statusOf(`http://127.0.0.1:${port}/healthz`), 200)
  run.child.kill('SIGINT')
  assert.equal(await run.ended, 0)
  assert.doesNotMatch(run.err(), /Debugger|inspector/)
})

test('.env.local is read outside production, and not in it', async (t) => {
  const cwd = folder(t)
  writeFileSync(join(cwd, '.env.local'), 'GRAPH_TENANT_ID=not-a-guid\n')
  const local = start(t, {}, cwd)
  const production = start(t, { NODE_ENV: 'production' }, cwd)
  await Promise.all([local.ended, production.ended])
  assert.match(local.err(), /GRAPH_TENANT_ID must be a GUID/)
  assert.match(production.err(), /GRAPH_TENANT_ID is required/)
})

test('.env.local completes the environment and overrides none of it', async (t) => {
  const cwd = folder(t)
  const { GRAPH_CLIENT_SECRET, ...env } = envFor(tenant)
  const port = String(await freePort())
  const lines = [`GRAPH_CLIENT_SECRET=${GRAPH_CLIENT_SECRET}`, 'GRAPH_TENANT_ID=not-a-guid', `PORT=${port}`]
  writeFileSync(join(cwd, '.env.local'), lines.join('\n'))
  // What is empty is not set.
  start(t, { ...env, LOG_LEVEL: 'info', GRAPH_CLIENT_SECRET: '' }, cwd)
  await eventually(async () => (await statusOf(`http://127.0.0.1:${port}/readyz`)) === 200, 20_000)
})

test('a host that this machine does not have ends the start, and is named', async (t) => {
  const run = start(t, { ...envFor(tenant), HOST: '192.0.2.1' })
  assert.equal(await run.ended, 1)
  assert.match(run.err(), /^Cannot listen\. .*: set HOST to an address of this machine\.$/m)
})

test('outside production a client is known after a restart; in production nothing is stored', async (t) => {
  const cwd = folder(t)
  const port = String(await freePort())
  const origin = `http://localhost:${port}`
  const env = { ...envFor(tenant), LOG_LEVEL: 'info', PORT: port }
  const startAgain = async () => {
    const run = start(t, env, cwd)
    await eventually(async () => (await statusOf(`${origin}/readyz`)) === 200, 20_000)
    return run
  }
  const stop = async ({ child, ended }: Run) => {
    child.kill('SIGTERM')
    await ended
  }
  const first = await startAgain()
  const clientId = String((await register(origin)).body['client_id'])
  await stop(first)
  const second = await startAgain()
  assert.equal(await statusOf(authorizationUrl(origin, clientId).href), 200)
  await stop(second)
  assert.deepEqual(readdirSync(cwd), ['.seal-key.local'])
  for (const { out } of [first, second]) assert.doesNotMatch(out(), /seal_key_random/)

  const own = folder(t)
  const production = start(t, { ...env, NODE_ENV: 'production' }, own)
  assert.equal(await production.ended, 1)
  assert.match(production.err(), /MCP_OAUTH_SEAL_KEY is required/)
  assert.deepEqual(readdirSync(own), [])
})

test('a file that holds no seal key ends the start, and is named', async (t) => {
  const cwd = folder(t)
  writeFileSync(join(cwd, '.seal-key.local'), 'zq7mark-no-key\n')
  const run = start(t, envFor(tenant), cwd)
  assert.equal(await run.ended, 1)
  assert.match(run.err(), /- \.seal-key\.local is not a key: delete it/)
  assert.doesNotMatch(run.err() + run.out(), /zq7mark/)
})

test('where no file can be made the server starts with a key of its own, and warns of it', async (t) => {
  const cwd = '/proc/self'
  const port = String(await freePort())
  const run = start(t, { ...envFor(tenant), LOG_LEVEL: 'info', PORT: port }, cwd)
  await eventually(async () => (await statusOf(`http://localhost:${port}/readyz`)) === 200, 20_000)
  await eventually(() => /seal_key_random/.test(run.out()))
})

test('a server that cannot get the signing keys is alive and not ready', async (t) => {
  t.after(() => tenant.faults.clear())
  tenant.faults.add({ target: 'keys', kind: 'status', status: 503 })
  const port = await freePort()
  start(t, { ...envFor(tenant), LOG_LEVEL: 'info', PORT: String(port) })
  const origin = `http://127.0.0.1:${port}`
  await eventually(async () => (await statusOf(`${origin}/healthz`)) === 200, 20_000)
  assert.equal(await statusOf(`${origin}/readyz`), 503)
})

test('a taken port ends the start in one line', async (t) => {
  const holder = createServer().listen(0, '127.0.0.1')
  await once(holder, 'listening')
  t.after(() => holder.close())
  const address = holder.address()
  const port = typeof address === 'object' ? String(address?.port) : ''
  const run = start(t, { ...envFor(tenant), PORT: port })
  assert.equal(await run.ended, 1)
  assert.match(run.err(), new RegExp(`^Cannot listen. Port ${port} is in use: set PORT to another.$`, 'm'))
})

test('a taken port for metrics ends it too, and is named', async (t) => {
  const holder = createServer().listen(0, '127.0.0.1')
  await once(holder, 'listening')
  t.after(() => holder.close())
  const address = holder.address()
  const port = typeof address === 'object' ? String(address?.port) : ''
  const run = start(t, { ...envFor(tenant), PORT: String(await freePort()), METRICS_PORT: port })
  assert.equal(await run.ended, 1)
  assert.match(run.err(), new RegExp(`Port ${port} is in use: set METRICS_PORT to another.$`, 'm'))
})

test('SIGTERM under load: readiness fails first, calls in flight and late ones finish, the process exits with 0', async (t) => {
  const { child, ended, origin } = await startReady(t)
  const token = await tenant.mint({ user: 'rowan' })
  const calls = new Agent({ connections: 20 })
  t.after(() => calls.destroy())
  const ask = async () => {
    // A call to Graph each.
    const body = JSON.stringify(toolCall('getMessages', { filter: "severity eq 'critical'" }))
    const response = await request(`${origin}/mcp`, {
      method: 'POST',
      headers: mcpHeaders(token),
      body,
      dispatcher: calls,
    })
    return { status: response.statusCode, text: await response.body.text() }
  }
  assert.equal((await ask()).status, 200)

  tenant.faults.add({ target: 'graph', kind: 'delay', delayMs: 2_000 })
  t.after(() => tenant.faults.clear())
  const graphCalls = tenant.stats.snapshot().endpoints.graph
  const inFlight = Array.from({ length: 10 }, ask)
  await eventually(() => tenant.stats.snapshot().endpoints.graph >= graphCalls + 10)

  child.kill('SIGTERM')
  await eventually(async () => (await statusOf(`${origin}/readyz`)) === 503)
  assert.equal(await statusOf(`${origin}/healthz`), 200, 'alive while it drains')
  // A load balancer that has not looked yet still sends calls.
  inFlight.push(ask())
  for (const { status, text } of await Promise.all(inFlight)) {
    assert.equal(status, 200)
    assert.match(text, /"structuredContent"/)
  }
  assert.equal(await ended, 0)
  assert.equal(await statusOf(`${origin}/healthz`), 0, 'nobody listens any more')
})

test('a server that stops takes no new connection while its last calls finish', async (t) => {
  const { child, ended, origin } = await startReady(t)
  t.after(() => tenant.faults.clear())
  tenant.faults.add({ target: 'graph', kind: 'delay', delayMs: 2_000 })
  const graphCalls = tenant.stats.snapshot().endpoints.graph
  const body = JSON.stringify(toolCall('getMessages', { top: 1 }))
  const headers = mcpHeaders(await tenant.mint({ user: 'rowan' }))
  let isComplete = false
  const last = request(`${origin}/mcp`, { method: 'POST', headers, body }).finally(() => {
    isComplete = true
  })
  await eventually(() => tenant.stats.snapshot().endpoints.graph > graphCalls)
  child.kill('SIGINT')
  await eventually(() => isRefused(origin))
  assert.equal(isComplete, false)
  const { statusCode, headers: received, body: text } = await last
  assert.deepEqual([statusCode, received['connection']], [200, 'close'])
  assert.match(await text.text(), /"structuredContent"/)
  assert.equal(await ended, 0)
})

for (const [what, fault] of [
  ['an error that nobody catches', 'throw new Error("the fault of this test")'],
  ['a rejection that nobody handles', 'Promise.reject(new Error("the fault of this test"))'],
] as const) {
  test(`${what} is logged and ends the process with 1`, async (t) => {
    const { child, ended, out } = await startReady(t, [onSignal('SIGWINCH', fault)])
    child.kill('SIGWINCH')
    assert.equal(await ended, 1)
    const crash = linesOf(out()).find(({ event }) => event === 'crash')
    assert.equal(crash?.level, 60)
    assert.equal(crash?.err?.message, 'the fault of this test')
  })
}

test('an error during the stop is logged as well, and ends it with 1', async (t) => {
  const fault = 'setImmediate(() => { throw new Error("the fault of this test") })'
  const { child, ended, out } = await startReady(t, [onSignal('SIGINT', fault)])
  child.kill('SIGINT')
  assert.equal(await ended, 1)
  assert.ok(linesOf(out()).some(({ err, level }) => level >= 50 && err?.message === 'the fault of this test'))
})

test('SIGINT stops an idle server at once, and its log is complete', async (t) => {
  const { child, ended, out } = await startReady(t)
  child.kill('SIGINT')
  assert.equal(await ended, 0)
  const events = linesOf(out()).map(({ event }) => event)
  assert.ok(events.includes('keys_loaded') && events.includes('stopping'))
})

test('a connection that never asks anything does not hold up a stop', async (t) => {
  const { child, ended, origin } = await startReady(t)
  const silent = connect(Number(new URL(origin).port), '127.0.0.1')
  await once(silent, 'connect')
  const closed = once(silent, 'close')
  child.kill('SIGINT')
  assert.equal(await ended, 0)
  await closed
})

test('a second signal ends a stop that takes too long', async (t) => {
  const { child, ended, origin } = await startReady(t)
  tenant.faults.add({ target: 'graph', kind: 'hang', times: 1 })
  const token = await tenant.mint({ user: 'rowan' })
  const graphCalls = tenant.stats.snapshot().endpoints.graph
  const body = JSON.stringify(toolCall('getMessages'))
  const cut = request(`${origin}/mcp`, { method: 'POST', headers: mcpHeaders(token), body }).catch((error) => error)
  await eventually(() => tenant.stats.snapshot().endpoints.graph > graphCalls)
  child.kill('SIGINT')
  await eventually(async () => (await statusOf(`${origin}/readyz`)) !== 200)
  child.kill('SIGINT')
  assert.equal(await ended, 1)
  assert.ok((await cut) instanceof Error)
})
