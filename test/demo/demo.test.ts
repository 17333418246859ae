import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createCorpus } from '../../emulator/graph/corpus/index.ts'
import { eventually, mcpHeaders, toolCall } from '../helper.ts'
import { programPath } from '../programs.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Run {
  readonly child: ChildProcess
  readonly output: { out: string; err: string }
  readonly ended: Promise<unknown[]>
}

function run(t: TestContext, args: string[], env: Record<string, string> = {}, command = demo(args)): Run {
  const [file = '', ...rest] = command
  const child = spawn(file, rest, { cwd: root, env: { ...process.env, ...env }, detached: true })
  t.after(() => {
    if (isGroupAlive(child)) process.kill(-Number(child.pid), 'SIGKILL')
  })
  const output = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    output.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    output.err += chunk
  })
  return { child, output, ended: once(child, 'close') }
}

function demo(args: string[]): string[] {
  return [process.execPath, programPath('demo/main.ts'), ...args]
}

/** Whether the child, or any process that it started, is alive. */
function isGroupAlive({ pid }: ChildProcess): boolean {
  try {
    return process.kill(-Number(pid), 0)
  } catch {
    return false
  }
}

function originsIn({ out }: { out: string }): string[] {
  return [
    ...new Set(
      [...out.matchAll(/listening on (http:\/\/(?:localhost|127\.0\.0\.1):\d+)/g)].map(([, origin]) => String(origin)),
    ),
  ]
}

/** Waits until the demo is up; fails if it exits. */
async function waitUntilUp({ child, output }: Run): Promise<void> {
  await eventually(() => {
    assert.equal(child.exitCode, null, output.err)
    return output.out.includes('To see errors')
  }, 30_000)
}

function tokenIn({ out }: { out: string }): string {
  return /TOKEN='([^']+)'/.exec(out)?.[1] ?? ''
}

async function occupiedPort(t: TestContext): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return address.port
}

test('--once prints the steps from the 401 to a digest, a search and a message, 100 columns wide, and exits', async (t) => {
  const { output, ended, child } = run(t, ['--once'])
  assert.deepEqual(await ended, [0, null], output.err)
  assert.equal(output.err, '')
  await eventually(() => !isGroupAlive(child))

  const steps = [...output.out.matchAll(/^ *(\d+) +\d+ ms {2}(.+)$/gm)]
  assert.deepEqual(
    steps.map(([, number]) => Number(number)),
    steps.map((_, index) => index + 1),
  )
  const expected = [
    /emulated tenant.* listening on/,
    /server listening on .*\/mcp$/,
    /without a token: 401/,
    /protected resource: authorization server http:\/\/localhost:\d+, scope access_as_user$/,
    /authorization server: PKCE S256$/,
    /register: client id of \d+ characters, no secret$/,
    /authorize: “Message Center demo” allowed on the consent page; rowan@contoso\.example signs in at Entra$/,
    /token: .* 75 minutes/,
    /^MCP 2026-07-28: connected to mcp-message-center-server/,
    /tools\/list: getDigest, getMessages, getMessage/,
    /getDigest: \d+ new and \d+ updated of \d+ messages, \d+ deadlines, \d+ retirements/,
    /getMessages: 3 of 3 messages/,
    /getMessage: MC\d+, 6 milestones/,
  ]
  assert.equal(steps.length, expected.length, output.out)
  for (const [index, pattern] of expected.entries()) assert.match(String(steps[index]?.[2]), pattern)

  const posts = new Map(createCorpus().map((post) => [post.id, post]))
  const dated = [...output.out.matchAll(/^│ (due|retires|changed) +│ (\S+) │ (MC\d+) │/gm)].map(
    ([, what, date, id]) => ({ what, date, post: posts.get(String(id)) }),
  )
  assert.deepEqual(
    dated.map(({ what }) => what),
    ['due', 'retires', 'changed'].flatMap((what) => [what, what, what]),
  )
  for (const { what, date, post } of dated) {
    const day = new Date(String(date))
    const written = day.toLocaleDateString('en-US', { timeZone: 'UTC', year: 'numeric', month: 'long', day: 'numeric' })
    const text = what === 'changed' ? post?.lastModifiedDateTime : JSON.stringify(post).replaceAll('\u00a0', ' ')
    // A text may say a part of a month instead of its last day: "late November", "mid-December 2026".
    const month = written.replace(/ .*/, '')
    const part = new RegExp(`(early|mid|late|end of)[\\s-]${month}`, 'i')
    const isSaid = text?.includes(String(date)) || text?.includes(written) || part.test(text ?? '')
    assert.ok(isSaid, `${post?.id}: ${written}`)
  }
  const found = [...output.out.matchAll(/^│ (MC\d+) │ (\S+) │/gm)].map(([, id, date]) => ({ id, date }))
  assert.equal(found.length, 3)
  for (const { id, date } of found) {
    const post = posts.get(String(id))
    assert.equal(post?.lastModifiedDateTime.slice(0, 10), date, id)
    assert.match(JSON.stringify(post), /federation/i)
  }
  const milestones = [...output.out.matchAll(/^│ rollout +│ \w+ +│ (\w*) +│ (\S+) +│ (\S+) +│$/gm)]
  assert.deepEqual(
    milestones.map(([, cloud]) => cloud),
    ['', 'worldwide', 'gcc', 'gccHigh', 'dod'],
  )
  for (const [row, , start = '', end = ''] of milestones) assert.ok(start < end, row)

  const lines = output.out.split('\n').filter((line) => /^[┌├│└]/.test(line))
  assert.deepEqual([...new Set(lines.map((line) => line.length))], [100])
  assert.doesNotMatch(output.out, /eyJ/)
})

test('the demo ignores variables of the shell', async (t) => {
  const { output, ended } = run(t, ['--once'], {
    NODE_ENV: 'production',
    PORT: '1',
    PUBLIC_BASE_URL: 'https://elsewhere.example',
    GRAPH_TENANT_ID: 'not a tenant',
    GRAPH_CLIENT_ID: '11111111-2222-4333-8444-555555555555',
    GRAPH_BASE_URL: 'https://elsewhere.example/v1.0',
    ENTRA_AUTHORITY_HOST: 'https://elsewhere.example',
    MCP_OAUTH_REQUIRED_SCOPES: 'another_scope',
    RATE_LIMIT_MAX: '1',
    LOG_LEVEL: 'trace',
  })
  assert.deepEqual(await ended, [0, null], output.err)
  assert.equal(output.err, '')
  assert.match(output.out, /^│ MC\d+ │/m)
  assert.doesNotMatch(output.out, /elsewhere|another_scope|11111111-2222/)
})

test('--log prints the server’s log to standard error only', async (t) => {
  const { output, ended } = run(t, ['--once', '--log'])
  assert.deepEqual(await ended, [0, null])
  const events = output.err
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).event)
  for (const event of ['auth_failure', 'auth_success', 'obo_success', 'request']) assert.ok(events.includes(event))
  assert.doesNotMatch(output.out, /"event"/)
  assert.doesNotMatch(output.err, /eyJ/)
})

for (const [user, message, exitCode] of [
  ['nico', /failed: graph_forbidden: .*Message Center Reader/, 1],
  ['cato', /failed: user_consent_required: .*\/adminconsent\?client_id=/, 1],
  ['blake', /failed: 403 .*Conditional Access/, 1],
  ['mika', /failed: 401 insufficient_claims .*claims of the challenge \(MFA\).*│ MC\d+/s, 0],
] as const) {
  test(`--user ${user} prints the server’s error`, async (t) => {
    const { output, ended } = run(t, ['--once', '--user', user])
    assert.deepEqual(await ended, [exitCode, null], output.err)
    assert.match(output.out, message)
    assert.equal(output.err, '')
  })
}

test('it keeps running, and prints commands to connect clients and a token', async (t) => {
  const running = run(t, [])
  await waitUntilUp(running)
  const { out } = running.output
  const token = tokenIn(running.output)
  const config = JSON.parse(/^\{$.*?^\}$/ms.exec(out)?.[0] ?? '')
  const { url, ...rest } = config.servers['message-center']
  assert.deepEqual(rest, { type: 'http' })
  assert.ok(out.includes(`claude mcp add --transport http message-center ${url}\n`))
  assert.ok(out.includes(`--cli --server-url ${url} --transport http --header`))

  const response = await fetch(url, {
    method: 'POST',
    headers: mcpHeaders(token),
    body: JSON.stringify(toolCall('getMessages', { top: 1 })),
  })
  const { result } = (await response.json()) as { result: { structuredContent: { value: { id: string }[] } } }
  assert.match(String(result.structuredContent.value[0]?.id), /^MC\d+$/)

  const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  const expires = /expires at (\S+),/.exec(out)?.[1] ?? ''
  assert.ok(Math.abs(Date.parse(expires) - exp * 1000) < 5_000)
})

for (const [signal, user] of [
  ['SIGINT', 'rowan'],
  ['SIGTERM', 'nico'],
] as const) {
  test(`${signal} stops it with exit code 0 and closes both ports: ${user}`, async (t) => {
    const running = run(t, ['--user', user])
    await waitUntilUp(running)
    const origins = originsIn(running.output)
    assert.equal(origins.length, 2)
    running.child.kill(signal)
    assert.deepEqual(await running.ended, [0, null], running.output.err)
    await eventually(() => !isGroupAlive(running.child))
    for (const origin of origins) await assert.rejects(fetch(origin), origin)
  })
}

test('Ctrl-C under npm, sent to every process, leaves no process behind', async (t) => {
  const running = run(t, [], {}, ['npm', 'run', '--silent', 'demo'])
  await waitUntilUp(running)
  const origins = originsIn(running.output)
  process.kill(-Number(running.child.pid), 'SIGINT')
  await running.ended
  await eventually(() => !isGroupAlive(running.child))
  for (const origin of origins) await assert.rejects(fetch(origin), origin)
})

test('Ctrl-C during the start stops it', async (t) => {
  const { child, output, ended } = run(t, [])
  await eventually(() => output.out.includes('emulated tenant'), 30_000)
  child.kill('SIGINT')
  assert.deepEqual(await ended, [0, null], output.err)
  assert.equal(output.err, '')
})

for (const option of ['--port', '--emulator-port']) {
  test(`${option} with a port in use is a one-line error and exit code 1`, async (t) => {
    const port = await occupiedPort(t)
    const { output, ended } = run(t, ['--once', option, String(port)])
    assert.deepEqual(await ended, [1, null])
    assert.equal(output.err, `Port ${port} is in use; choose another with ${option}.\n`)
  })
}

for (const [args, message] of [
  [['--prot', '1'], /Unknown option '--prot'/],
  [['--user', 'nobody'], /Unknown user: "nobody"\. Users: rowan, /],
  [['--user', 'dana'], /AADSTS50057/],
] as const) {
  test(`${args.join(' ')} is a one-line error and exit code 1`, async (t) => {
    const { output, ended } = run(t, [...args])
    assert.deepEqual(await ended, [1, null])
    assert.match(output.err, message)
    assert.equal(output.err.trim().split('\n').length, 1, output.err)
  })
}

test('--help lists the options and starts nothing', async (t) => {
  const { output, ended } = run(t, ['--help'])
  assert.deepEqual(await ended, [0, null])
  for (const option of ['--user', '--once', '--port', '--emulator-port', '--log'])
    assert.ok(output.out.includes(option))
  assert.doesNotMatch(output.out, /listening on/)
})
