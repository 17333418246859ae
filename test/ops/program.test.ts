import assert from 'node:assert/strict'
import { once } from 'node:events'
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
