import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createProgram, type RunOptions, scenarios } from '../../load/cli.ts'
import { runLoad } from '../../load/run.ts'

const folder = mkdtempSync(join(tmpdir(), 'load-cli-'))
after(() => rmSync(folder, { recursive: true }))

function io() {
  const out: string[] = []
  const err: string[] = []
  const stdout = { write: (text: string) => out.push(text) }
  const stderr = { write: (text: string) => err.push(text) }
  return { stdout, stderr, signal: new AbortController().signal, out: () => out.join(''), err: () => err.join('') }
}

async function read(args: readonly string[]): Promise<{ scenario: string; options: RunOptions }> {
  let seen: { scenario: string; options: RunOptions } | undefined
  const program = createProgram(io(), async ({ name }, options) => {
    seen = { scenario: name, options }
  })
  await program.parseAsync(args, { from: 'user' })
  assert.ok(seen)
  return seen
}

const target = ['--target', 'http://127.0.0.1:9']
const tenant = ['--tenant', 'http://127.0.0.1:9']

for (const [args, says] of [
  [['hot'], /unknown command 'hot'/],
  [['warm', '--users', '0'], /whole number from 1 to 200000/],
  [['warm', '--users', '1e3'], /whole number/],
  [['warm', '--users', 'many'], /whole number/],
  [['warm', '--seconds', '1.5'], /whole number/],
  [['warm', '--rate', '5'], /unknown option '--rate'/],
  [['cold-burst', '--seconds', '5'], /unknown option '--seconds'/],
  [['warm', 'twice'], /too many arguments/],
  [['warm', '--target', 'ftp://x'], /must be a URL/],
  [['warm', '--target', 'http://mcp.example.com'], /http only on a loopback address/],
  [['warm', ...target], /--target requires --tenant or --token-file/],
  [['warm', ...tenant], /--tenant requires --target/],
  [['warm', '--token-file', 'x'], /--token-file requires --target/],
  [['degraded-graph', ...target], /--target requires --tenant$/m],
  [['degraded-graph', ...target, '--token-file', 'x'], /unknown option '--token-file'/],
  [['replicas', ...target, ...tenant], /unknown option '--target'/],
  [['warm', ...target, ...tenant, '--bundle', 'x'], /'--bundle <file>' cannot be used with option '--target <url>'/],
  [['warm', '--json', join(folder, 'not', 'there.json')], /Its folder does not exist/],
  [['warm', '--html', folder], /It is a folder/],
] as const) {
  test(`${args.join(' ')}: one line, and exit code 2`, async () => {
    const streams = io()
    assert.equal(await runLoad(args, streams), 2)
    assert.match(streams.err(), says)
    assert.equal(streams.err().trimEnd().split('\n').length, 1)
    assert.equal(streams.out(), '')
  })
}

test('--help names every scenario, and is no failure', async () => {
  const streams = io()
  assert.equal(await runLoad(['--help'], streams), 0)
  for (const { name } of scenarios) assert.match(streams.out(), new RegExp(`^  ${name} `, 'm'))
  assert.equal(streams.err(), '')
})

test('without a command, the help is shown, with exit code 2', async () => {
  const streams = io()
  assert.equal(await runLoad([], streams), 2)
  assert.match(streams.err(), /^Usage: /)
})

test('a command’s --help names its settings with their defaults', async () => {
  const streams = io()
  assert.equal(await runLoad(['overload', '--help'], streams), 0)
  assert.match(streams.out(), /--users <n> .*default: 100/)
  assert.match(streams.out(), /--connections <n> .*default: 64/)
})

test('a setting that is not given is the scenario’s default', async () => {
  const { scenario, options } = await read(['warm', '--users', '7'])
  assert.equal(scenario, 'warm')
  assert.deepEqual(options, { users: 7, connections: 8, seconds: 4, rounds: 5 })
})

for (const [given, endpoint] of [
  ['https://mcp.example.com', 'https://mcp.example.com/mcp'],
  ['https://mcp.example.com/', 'https://mcp.example.com/mcp'],
  ['https://example.com/api/mcp', 'https://example.com/api/mcp'],
] as const) {
  test(`the target ${given} is called at ${endpoint}`, async () => {
    const { options } = await read(['warm', '--target', given, '--token-file', 'x'])
    assert.equal(options.target, endpoint)
  })
}

for (const [what, content, says] of [
  ['is empty', '\n\n', /holds no token\./],
  ['holds something else', 'aaa.bbb.ccc\nBearer secret-text\n', /Line 2 of .* is not a token\./],
] as const) {
  test(`a token file that ${what} is reported, without its content`, async () => {
    const file = join(folder, 'tokens.txt')
    writeFileSync(file, content)
    const streams = io()
    assert.equal(await runLoad(['warm', ...target, '--token-file', file], streams), 1)
    assert.match(streams.err(), says)
    assert.doesNotMatch(streams.err(), /secret-text|aaa\.bbb/)
  })
}

test('a token file that does not exist is reported', async () => {
  const streams = io()
  const args = ['warm', ...target, '--token-file', join(folder, 'none.txt')]
  assert.equal(await runLoad(args, streams), 1)
  assert.match(streams.err(), /cannot be read: ENOENT/)
})

test('a tenant that does not respond is reported', async () => {
  const streams = io()
  assert.equal(await runLoad(['warm', ...target, ...tenant], streams), 1)
  assert.match(streams.err(), /Nothing responds at http:\/\/127\.0\.0\.1:9\./)
})
