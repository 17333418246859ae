import assert from 'node:assert/strict'
import { test } from 'node:test'
import { platformOf } from '../../emulator/entra/redirects.ts'
import { openSecrets } from '../../emulator/secrets.ts'
import { createTenant } from '../../emulator/tenant.ts'

const { client } = createTenant((await openSecrets()).read())
client.redirectUris = {
  web: ['https://contoso.example/cb', 'http://localhost/oauth/callback'],
  spa: ['http://localhost/spa'],
  publicClient: ['http://localhost', 'http://127.0.0.1', 'vscode://contoso.mcp'],
}

for (const [uri, platform] of [
  ['https://contoso.example/cb', 'web'],
  ['http://localhost:1234/oauth/callback', 'web'],
  ['http://localhost:1234/spa', 'spa'],
  ['http://localhost:55555', 'publicClient'],
  ['http://127.0.0.1:55555', 'publicClient'],
  ['vscode://contoso.mcp', 'publicClient'],
] as const) {
  test(`${uri} is registered under ${platform}`, () => assert.equal(platformOf(client, uri), platform))
}

for (const uri of [
  'https://contoso.example/CB',
  'https://contoso.example/cb/',
  'https://contoso.example:8443/cb',
  'https://contoso.example/cb?x=1',
  'https://contoso.example/x/../cb',
  'https://contoso.example./cb',
  'http://contoso.example/cb',
  'http://localhost.evil.example/oauth/callback',
  'http://localhost@evil.example/oauth/callback',
  'http://localhost:80@evil.example/oauth/callback',
  'http://localhost\\@evil.example/oauth/callback',
  'http://localhost:1234/oauth/callback/x',
  'http://localhost:1234/spa#fragment',
  'http://LOCALHOST:1234/spa',
  'http://[::1]:1234/spa',
  'http://127.0.0.2:1',
  'https://localhost:1234/spa',
  'javascript:alert(1)',
  '',
]) {
  test(`${JSON.stringify(uri)} is not registered`, () => assert.equal(platformOf(client, uri), undefined))
}
