import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type RunOptions, readOptions } from '../../load/options.ts'
import { runLoad } from '../../load/run.ts'
import { scenarios } from '../../load/scenarios/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'load-options-'))
after(() => rmSync(folder, { recursive: true }))

function io() {
  const out: string[] = []
  const err: string[] = []
  const stdout = { write: (text: string) => out.push(text) }
  const stderr = { write: (text: string) => err.push(text) }
  return { stdout, stderr, signal: new AbortController().signal, out: () => out.join(''), err: () => err.join('') }
}

function read(args: readonly string[]): RunOptions {
  const streams = io()
  const options = readOptions(args, streams)
  assert.ok(typeof options === 'object', streams.err())
  return options
}

const target = ['--target', 'http://127.0.0.1:9']
const tenant = ['--tenant', 'http://127.0.0.1:9']

for (const [args, says] of [
  [[], /required option '--scenario <name>' not specified/],
  [['--scenario', 'hot'], /There are warm, cold-burst, /],
  [['--scenario', 'warm', '--users', '0'], /whole number from 1 to 200000/],
  [['--scenario', 'warm', '--users', '1e3'], /whole number/],
  [['--scenario', 'warm', '--users', 'many'], /whole number/],
  [['--scenario', 'warm', '--seconds', '1.5'], /whole number/],
  [['--scenario', 'warm', '--rate', '5'], /warm takes no --rate; it takes --users, --connections, --seconds, --rounds/],
  [['--scenario', 'cold-burst', '--seconds', '5'], /takes no --seconds; it takes --users/],
  [['--scenario', 'warm', '--wat'], /unknown option '--wat'/],
  [['warm'], /required option|too many arguments/],
  [['--scenario', 'warm', '--target', 'ftp://x'], /must be a URL/],
  [['--scenario', 'warm', '--target', 'http://mcp.example.com'], /http only on a loopback address/],
  [['--scenario', 'warm', ...target], /--target needs --token-file, or --tenant/],
  [['--scenario', 'warm', ...tenant], /--tenant is for a server that runs already: name it with --target/],
  [['--scenario', 'warm', '--token-file', 'x'], /--token-file is for a server that runs already/],
  [['--scenario', 'slow-graph', ...target, '--token-file', 'x'], /name it with --tenant/],
  [['--scenario', 'replicas', ...target, ...tenant], /takes no --target/],
  [['--scenario', 'warm', ...target, ...tenant, '--bundle', 'x'], /--bundle is for a server that the run starts/],
  [['--scenario', 'warm', '--json', join(folder, 'not', 'there.json')], /Its folder is not there/],
  [['--scenario', 'warm', '--html', folder], /It is a folder/],
] as const) {
  test(`${args.join(' ') || 'no options'}: one line, and exit code 2`, async () => {
    const streams = io()
    assert.equal(await runLoad(args, streams), 2)
    assert.match(streams.err(), says)
    assert.equal(streams.err().trimEnd().split('\n').length, 1)
    assert.equal(streams.out(), '')
  })
}

test('--help names every scenario with what it takes, and is no failure', async () => {
  const streams = io()
  assert.equal(await runLoad(['--help'], streams), 0)
  for (const { name, about } of scenarios) {
    assert.ok(streams.out().includes(`  ${name} `), name)
    assert.ok(streams.out().includes(about), about)
  }
  assert.equal(streams.err(), '')
})

test('what is not given is as the scenario has it', () => {
  const { scenario, settings } = read(['--scenario', 'warm', '--users', '7'])
  assert.equal(scenario.name, 'warm')
  assert.deepEqual(settings, { users: 7, connections: 8, seconds: 4, rounds: 5 })
})

for (const [given, endpoint] of [
  ['https://mcp.example.com', 'https://mcp.example.com/mcp'],
  ['https://mcp.example.com/', 'https://mcp.example.com/mcp'],
  ['https://example.com/api/mcp', 'https://example.com/api/mcp'],
] as const) {
  test(`the target ${given} is called at ${endpoint}`, () => {
    assert.equal(read(['--scenario', 'warm', '--target', given, '--token-file', 'x']).target, endpoint)
  })
}

for (const [what, content, says] of [
  ['is empty', '\n\n', /holds no token\./],
  ['holds something else', 'aaa.bbb.ccc\nBearer secret-text\n', /Line 2 of .* is not a token\./],
] as const) {
  test(`a token file that ${what} is told of, without what it holds`, async () => {
    const file = join(folder, 'tokens.txt')
    writeFileSync(file, content)
    const streams = io()
    assert.equal(await runLoad(['--scenario', 'warm', ...target, '--token-file', file], streams), 1)
    assert.match(streams.err(), says)
    assert.doesNotMatch(streams.err(), /secret-text|aaa\.bbb/)
  })
}

test('a token file that is not there is told of', async () => {
  const streams = io()
  const args = ['--scenario', 'warm', ...target, '--token-file', join(folder, 'none.txt')]
  assert.equal(await runLoad(args, streams), 1)
  assert.match(streams.err(), /cannot be read: ENOENT/)
})

test('a tenant where nobody answers is told of', async () => {
  const streams = io()
  assert.equal(await runLoad(['--scenario', 'warm', ...target, ...tenant], streams), 1)
  assert.match(streams.err(), /Nobody answers at http:\/\/127\.0\.0\.1:9\./)
})
