import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { strFromU8, unzipSync } from 'fflate'
import { EnvironmentError, fill, icons, manifests, packageOf, sampleValues } from '../../agent/package.ts'
import { provisioned, readAgentFile, readAppPackage, schemaErrors } from './app-package.ts'

const folder = fileURLToPath(new URL('../../agent/appPackage/', import.meta.url))

test('a zip has the manifests with variables substituted, and the icons, and nothing else', () => {
  const files = unzipSync(packageOf(folder, provisioned))
  assert.deepEqual(Object.keys(files).sort(), [...manifests, ...icons].sort())
  for (const name of manifests) {
    const text = strFromU8(files[name] ?? new Uint8Array())
    assert.doesNotMatch(text, /\$\{\{|\$\[file/, name)
    assert.deepEqual(schemaErrors(JSON.parse(text)), [], name)
  }
  for (const name of icons) assert.deepEqual(Buffer.from(files[name] ?? []), readFileSync(folder + name), name)
})

test('values and files stand as they are in the manifests, whatever is in them', () => {
  const text = 'a "quoted"\n\\ line with $& in it, for '
  const manifest = `{"a":"\${{NAME}}!","b":"$[file('text.txt')]"}`
  const filled = fill(manifest, { NAME: 'Say "hi" \\ $1' }, () => `${text}\${{NAME}}`)
  assert.deepEqual(JSON.parse(filled), { a: 'Say "hi" \\ $1!', b: `${text}Say "hi" \\ $1` })
})

const invalidEnvironments: Record<string, { env: Record<string, string>; message: RegExp }> = {
  'values that only a provision writes': {
    env: { TEAMS_APP_ID: '', OAUTH_REGISTRATION_ID: '' },
    message: /TEAMS_APP_ID: a GUID.*\n.*OAUTH_REGISTRATION_ID: the id of an OAuth client registration/,
  },
  'a developer’s name': { env: { DEVELOPER_NAME: '' }, message: /DEVELOPER_NAME/ },
  https: { env: { PUBLIC_BASE_URL: 'http://mcp.example.com' }, message: /https origin/ },
  'an origin': { env: { PUBLIC_BASE_URL: 'https://mcp.example.com/' }, message: /trailing slash/ },
}
for (const [name, { env, message }] of Object.entries(invalidEnvironments)) {
  test(`no zip without ${name}, and the error explains it`, () => {
    assert.throws(
      () => packageOf(folder, { ...provisioned, ...env }),
      (error) => error instanceof EnvironmentError && message.test(error.message),
    )
  })
}

test('an agent without a suffix is packed under its plain name', () => {
  const files = unzipSync(packageOf(folder, { ...provisioned, APP_NAME_SUFFIX: '' }))
  assert.equal(JSON.parse(strFromU8(files['manifest.json'] ?? new Uint8Array())).name.short, 'Message Center')
})

test('values of the sample that users would see are named, and none that was set', () => {
  const { sample } = readAppPackage()
  const names = (variables: Record<string, string>) =>
    sampleValues({ ...sample, ...variables }, sample)
      .map((line) => line.split('=')[0] ?? '')
      .sort()
  const urls = ['DEVELOPER_PRIVACY_URL', 'DEVELOPER_TERMS_URL', 'DEVELOPER_WEBSITE_URL']
  assert.deepEqual(names({}), ['DEVELOPER_NAME', ...urls, 'PUBLIC_BASE_URL'])
  assert.deepEqual(names({ PUBLIC_BASE_URL: 'https://mcp.fabrikam.test', DEVELOPER_NAME: 'Fabrikam' }), urls)
})

test('the agent connector of the README is one that the manifest’s schema takes', () => {
  const [, connector = ''] = /```json\n(\{\s*"agentConnectors"[\s\S]*?)```/.exec(readAgentFile('README.md')) ?? []
  const { manifest } = readAppPackage()
  const $schema = 'https://developer.microsoft.com/json-schemas/teams/v1.30/MicrosoftTeams.schema.json'
  const filled = JSON.parse(fill(connector, provisioned, readAgentFile))
  assert.deepEqual(schemaErrors({ ...manifest, $schema, manifestVersion: '1.30', ...filled }), [])
  const [{ toolSource }] = filled.agentConnectors
  assert.equal(toolSource.remoteMcpServer.mcpServerUrl, readAppPackage().plugin.runtimes[0]?.spec.url)
  assert.notDeepEqual(schemaErrors({ ...manifest, ...filled }), [], 'older manifests have no connectors')
})
