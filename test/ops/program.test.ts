import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { boundedFetch } from '../../scripts/shared/bounded-fetch.ts'
import { createIo } from '../../scripts/shared/io.ts'
import { startTenant } from '../helper.ts'
import { ops, tenantArgs } from './helper.ts'

const id = '11111111-2222-4333-8444-555555555555'

for (const [args, expected] of [
  [['--help'], ['register', 'token']],
  [
    ['register', '--help'],
    ['server', 'client'],
  ],
  [
    ['register', 'server', '--help'],
    ['--public-base-url', '--dry-run', 'GRAPH_TENANT_ID', 'Examples:'],
  ],
  [
    ['register', 'client', '--help'],
    ['--redirect-uri', '--server', 'Examples:'],
  ],
  [
    ['token', '--help'],
    ['--client-id', '--claims', 'Examples:'],
  ],
] as const) {
  test(`${args.join(' ')} prints the help to standard output, with exit code 0`, async () => {
    const { code, out, err } = await ops(args)
    assert.deepEqual([code, err], [0, ''])
    for (const text of expected) assert.ok(out.includes(text), text)
  })
}

/** Every command line that ends in a command, found by their help. */
async function commandsBelow(path: readonly string[] = []): Promise<string[][]> {
  const { out } = await ops([...path, '--help'])
  const [, list = ''] = /\nCommands:\n([\s\S]*?)(\n\n|$)/.exec(out) ?? []
  const names = [...list.matchAll(/^ {2}(\w+)/gm)].map(([, name = '']) => name).filter((name) => name !== 'help')
  const inner = await Promise.all(names.map((name) => commandsBelow([...path, name])))
  return [[...path], ...inner.flat()]
}

test('every command has examples in its help, which begin as they are typed', async () => {
  const commands = await commandsBelow()
  const names = commands.map((path) => path.join(' '))
  for (const name of ['', 'register server', 'smoke obo', 'call', 'login', 'logout', 'doctor', 'completion'])
    assert.ok(names.includes(name), name)
  for (const path of commands) {
    const { out } = await ops([...path, '--help'])
    const [, examples = ''] = /\nExamples:\n((?: {2}.+\n?)+)/.exec(out) ?? []
    assert.ok(examples.includes(path.join(' ')) && examples !== '', path.join(' '))
  }
})

test('the help has the exit codes', async () => {
  const { out } = await ops(['--help'])
  for (const code of ['0', '1', '2', '130']) assert.match(out, new RegExp(`^  ${code} +\\S`, 'm'))
})

test('--version prints the version of package.json', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  assert.deepEqual(await ops(['--version']), { code: 0, out: `${version}\n`, err: '' })
})

const nothing = 'http://127.0.0.1:1'

for (const { args, code, error } of [
  { args: ['call', 'getMessages', '--url', nothing], code: 1, error: ['unreachable', /\(bad port\)/, /address/] },
  { args: ['call', '--tops', '3'], code: 2, error: ['usage', /unknown option '--tops'/, /--help/] },
  { args: ['call', '--list', '--url', 'mcp'], code: 2, error: ['usage', /Invalid server URL/, /https:/] },
  { args: ['token', '--tenant', id, '--api', id], code: 1, error: ['failed', /az\) is not installed/, /Install it/] },
  { args: ['token', '--tenant', 'contoso.com'], code: 2, error: ['usage', /It must be a GUID/, /--help/] },
  {
    args: ['register', 'server', '--tenant', id, '--secret-file', 'x'],
    code: 2,
    error: ['usage', /--secret-file requires/, /--secret/],
  },
  {
    args: ['register', 'server', '--tenant', id, '--authority-host', nothing],
    code: 1,
    error: ['unreachable', /Entra cannot be reached/, /network/],
  },
  { args: ['smoke', 'pkce', '--url', nothing], code: 1, error: ['unreachable', /unreachable/, /address/] },
  { args: ['login', '--url', nothing], code: 1, error: ['unreachable', /unreachable/, /address/] },
  { args: ['doctor', '--env-file', '/nowhere/x'], code: 1, error: ['failed', /Cannot read/, /--env-file/] },
] as const) {
  test(`--json prints a failure with its code, message and remediation: ${args.join(' ')}`, async () => {
    const result = await ops([...args, '--json'], { env: { PATH: '/nowhere' } })
    const [expected, message, remediation] = error
    assert.equal(result.code, code, result.err)
    const { error: given } = JSON.parse(result.out)
    assert.equal(given.code, expected)
    assert.match(given.message, message)
    assert.match(given.remediation, remediation)
  })
}

test('--verbose prints requests without their query, and what caused a failure', async () => {
  const { code, out, err } = await ops(['call', 'getMessages', '--url', nothing, '--verbose'])
  assert.deepEqual([code, out], [1, ''])
  assert.match(err, /^POST http:\/\/127\.0\.0\.1:1\/mcp: no response, \d+ ms$/m)
  assert.match(err, /^TypeError: fetch failed\n +at /m)
  assert.match(err, /^Error: bad port/m)
  assert.match(err, /^127\.0\.0\.1:1 is unreachable \(bad port\)\.\nCheck the address and the network\.\n$/m)
})

for (const [args, message] of [
  [[], /Usage: /],
  [['tokn'], /unknown command 'tokn'.*\n.*Did you mean token\?/],
  [['token', '--tennant', id], /unknown option '--tennant'/],
  [['token'], /missing --tenant <id>; or set the variable GRAPH_TENANT_ID/],
  [
    ['token', '--tenant', 'contoso.com'],
    /'contoso\.com' is invalid\. It must be a GUID\. .*Tenant ID.*openid-configuration/,
  ],
  [['token', '--tenant', id, '--authority-host', 'http://login.example'], /http only on a loopback address/],
  [['token', '--tenant', id, '--authority-host', 'login.example'], /It must be a URL/],
  [['token', '--tenant', id, '--api', id, '--scope', 'a b'], /It must be the name of a scope/],
  [['register', 'server', '--tenant', id, '--secret-days', '9999'], /days, 1 to 730/],
  [['register', 'server', '--tenant', id, '--public-base-url', 'https://mcp.example.com/mcp'], /origin without a path/],
  [
    ['register', 'client', '--tenant', id, '--server', id, '--redirect-uri', 'http://app.example/'],
    /must be an https URL/,
  ],
  [
    ['register', 'client', '--tenant', id, '--server', id, '--redirect-uri', 'https://a.example/#x'],
    /without a fragment/,
  ],
  [['register', 'client', '--tenant', id, '--server', id, '--public', '--secret'], /--public client has no credential/],
] as const) {
  test(`exit code 2 and nothing on standard output: ${args.join(' ')}`, async () => {
    const { code, out, err } = await ops(args)
    assert.deepEqual([code, out], [2, ''])
    assert.match(err, message)
    assert.doesNotMatch(err, /\n\s+at /)
  })
}

test('an invalid variable is named', async () => {
  const { code, err } = await ops(['token'], { env: { GRAPH_TENANT_ID: 'contoso' } })
  assert.equal(code, 2)
  assert.match(err, /invalid variable GRAPH_TENANT_ID\. It must be a GUID\./)
})

test('colours are for terminals, unless NO_COLOR is set', () => {
  for (const [isTTY, env, coloured] of [
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: '1' }, false],
  ] as const) {
    const written: string[] = []
    const stream = { isTTY, write: (text: string) => written.push(text) }
    const io = createIo({ env, signal: new AbortController().signal, stdout: stream, stderr: stream })
    io.print('plain')
    io.progress('red', 'red')
    assert.equal(written[0], 'plain\n')
    assert.equal(written[1]?.includes('\x1b['), coloured)
  }
})

test('Ctrl-C ends a wait with exit code 130 and no further output', async (t) => {
  const tenant = await startTenant(t)
  const interrupt = new AbortController()
  const args = ['token', ...tenantArgs(tenant), '--api', tenant.api.clientId, '--client-id', tenant.client.clientId]
  const { code, err } = await ops(args, { signal: interrupt.signal, onProgress: () => interrupt.abort() })
  assert.equal(code, 130)
  assert.equal(err.trim().split('\n').length, 1, err)
})

test('control characters of a server are replaced', () => {
  const written: string[] = []
  const output = { write: (text: string) => written.push(text) }
  const { signal } = new AbortController()
  const io = createIo({ env: {}, signal, stdout: output, stderr: output })
  io.print('a\u001b]0;title\u0007b\u001b[2Jc\u009b31md\re\u0000f\tg\nh')
  io.progress('\u001b]52;c;AAAA\u0007')
  assert.deepEqual(written, [
    'a\ufffd]0;title\ufffdb\ufffd[2Jc\ufffd31md\ufffde\ufffdf\tg\nh\n',
    '\ufffd]52;c;AAAA\ufffd\n',
  ])
})

test('a response body over the limit is an error', async (t) => {
  const server = createServer((_request, response) => {
    const chunk = Buffer.alloc(1024 * 1024)
    const more = () => {
      while (!response.destroyed && response.write(chunk));
    }
    response.on('drain', more)
    more()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.closeAllConnections())
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const fetchIt = boundedFetch({ signal: new AbortController().signal })
  const response = await fetchIt(`http://127.0.0.1:${port}/`)
  await assert.rejects(response.text(), { message: /sent more than 16777216 bytes/ })
})
