import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseEnv } from 'node:util'
import { readConfig } from '../../src/config/index.ts'
import { isRedirectAllowed } from '../../src/lib/redirect-policy.ts'
import { codeBlocks, codeSpans, readText, section, tableRows } from './markdown.ts'

const connect = readText('docs/clients.md')
const clients = tableRows(section(connect, 'Setup')).map(([client = '', , uris = '']) => ({
  client,
  uris: codeSpans(uris),
}))
const example = codeBlocks(connect, 'sh').find((block) => block.startsWith('MCP_OAUTH_REDIRECT_URI_PREFIXES=')) ?? ''
const required = {
  GRAPH_TENANT_ID: '11111111-2222-4333-8444-555555555555',
  GRAPH_CLIENT_ID: '66666666-7777-4888-9999-aaaaaaaaaaaa',
  GRAPH_CLIENT_SECRET: 'made-up',
}
const allowed = (env: Record<string, string | undefined>, uri: string) =>
  isRedirectAllowed(uri, readConfig({ ...required, ...env }).oauthProxy?.redirects ?? [])

test('docs/clients.md names the clients that people use', () => {
  for (const name of [
    ...['VS Code', 'Claude', 'Claude Code', 'ChatGPT', 'Copilot Studio', 'MCP Inspector', 'Cursor', 'Codex'],
    ...['Gemini CLI', 'GitHub Copilot CLI', 'n8n', 'LibreChat', 'Open WebUI', 'Dify'],
  ]) {
    assert.ok(
      clients.some(({ client, uris }) => client === name && uris.length > 0),
      name,
    )
  }
})

test('it says of each of them how it registers', () => {
  const rows = tableRows(section(connect, 'Registration and notes'))
  assert.deepEqual(
    rows.map(([client]) => client),
    clients.map(({ client }) => client),
  )
})

for (const { client, uris } of clients) {
  test(`its list lets ${client} sign in`, () => {
    for (const uri of uris) assert.ok(allowed(parseEnv(example), uri), uri)
  })
}

test('its list has nothing that none of its clients needs', () => {
  const entries = parseEnv(example)['MCP_OAUTH_REDIRECT_URI_PREFIXES']?.split(',') ?? []
  assert.ok(entries.length > 5)
  for (const entry of entries) {
    const others = entries.filter((other) => other !== entry).join(',')
    const missed = clients
      .flatMap(({ uris }) => uris)
      .filter((uri) => !allowed({ MCP_OAUTH_REDIRECT_URI_PREFIXES: others }, uri))
    assert.notDeepEqual(missed, [], entry)
  }
})

test('without a list, programs on the user’s machine and Teams can sign in, and no other host', () => {
  for (const uri of clients.flatMap(({ uris }) => uris)) {
    const isDefault = /^http:\/\/(localhost|127\.0\.0\.1|\[::1\]):|^https:\/\/teams\./.test(uri)
    assert.equal(allowed({}, uri), isDefault, uri)
  }
})
