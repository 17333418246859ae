import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { parseEnv } from 'node:util'
import { EnvironmentSchema } from '../../src/config/environment.ts'
import { ConfigError, readConfig } from '../../src/config.ts'
import { codeSpans, readText, section, tableRows } from './markdown.ts'

const names = Object.keys(EnvironmentSchema.properties).sort()
const sample = readText('.env.local.sample')
const rows = new Map(
  tableRows(section(readText('README.md'), 'Configuration')).map(([name = '', ...cells]) => [
    name.replaceAll('`', ''),
    cells,
  ]),
)

const required = {
  GRAPH_TENANT_ID: '11111111-2222-4333-8444-555555555555',
  GRAPH_CLIENT_ID: '66666666-7777-4888-9999-aaaaaaaaaaaa',
  GRAPH_CLIENT_SECRET: 'made-up',
}
const inProduction = {
  ...required,
  NODE_ENV: 'production',
  PUBLIC_BASE_URL: 'https://mcp.example',
  MCP_OAUTH_SEAL_KEY: randomBytes(32).toString('base64'),
}

/** Every line of the sample as a variable, those that are commented out too. */
const sampled = parseEnv(sample.replaceAll(/^# (?=[A-Z_]+=)/gm, ''))

function faultyNames(env: Record<string, string>): string[] {
  try {
    readConfig(env)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.faults.map((fault) => fault.split(' ', 1)[0] ?? '')
  }
}

test('the README’s table has every variable once, and none that the server does not read', () => {
  const listed = tableRows(section(readText('README.md'), 'Configuration')).map(([name = '']) => name)
  assert.deepEqual(listed.map((name) => name.replaceAll('`', '')).sort(), names)
})

test('.env.local.sample has every variable once, with a line that explains it', () => {
  const lines = sample.split('\n')
  const listed = lines.flatMap((line, index) => {
    const name = /^(?:# )?([A-Z_]+)=/.exec(line)?.[1]
    if (name === undefined) return []
    assert.match(lines[index - 1] ?? '', /^# \S.{3,}[^=]$/, name)
    return [name]
  })
  assert.deepEqual(listed.sort(), names)
})

test('the sample needs exactly the variables that it does not comment out, and is silent on their values', () => {
  assert.deepEqual(parseEnv(sample), { GRAPH_TENANT_ID: '', GRAPH_CLIENT_ID: '', GRAPH_CLIENT_SECRET: '' })
  assert.deepEqual(faultyNames(parseEnv(sample) as Record<string, string>).sort(), Object.keys(required).sort())
})

test('the values that the sample comments out are the defaults', () => {
  assert.deepEqual(readConfig({ ...sampled, ...required }), readConfig(required))
})

for (const name of names) {
  test(`${name} has the same default in the README and in the sample`, () => {
    const [defaults = ''] = rows.get(name) ?? []
    assert.equal(codeSpans(defaults)[0] ?? '', sampled[name])
  })
}

test('the README marks as required what stops a start without it', () => {
  const marked = [...rows].filter(([, [, meaning = '']]) => meaning.startsWith('required')).map(([name]) => name)
  assert.deepEqual(marked.sort(), faultyNames({}).sort())
})

for (const [name, value] of [
  ['PUBLIC_BASE_URL', ''],
  ['PUBLIC_BASE_URL', 'http://mcp.example'],
  ['MCP_OAUTH_SEAL_KEY', ''],
  ['GRAPH_BASE_URL', 'http://127.0.0.1:9600/v1.0'],
  ['ENTRA_AUTHORITY_HOST', 'http://127.0.0.1:9600'],
  ['MCP_REQUIRE_AUTH', 'false'],
  ['GRAPH_ACCESS_TOKEN', 'made-up'],
  ['ALLOW_GRAPH_BEARER_TOKEN', 'true'],
] as const) {
  test(`production refuses ${name}=${value}, and the README says so`, () => {
    assert.deepEqual(faultyNames({ ...required, [name]: value }), [])
    assert.deepEqual(faultyNames({ ...inProduction, [name]: value }), [name])
    assert.match(rows.get(name)?.[2] ?? '', /refused|required|https only/)
  })
}

test('the README gives the defaults that differ in production', () => {
  const production = readConfig(inProduction)
  assert.deepEqual(codeSpans(rows.get('HOST')?.[2] ?? ''), [production.listen.host])
  assert.deepEqual(codeSpans(rows.get('ALLOW_MCP_ACCESS_TOKEN_ARG')?.[2] ?? ''), [
    String(production.callers.accessTokenArgument),
  ])
})
