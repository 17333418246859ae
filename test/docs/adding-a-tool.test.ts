import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { startEmulator } from '../../emulator/app.ts'
import type { buildApp } from '../../src/app.ts'
import { configFor, mcpHeaders, toolCall } from '../helper.ts'
import { codeBlocks, readText, root, section } from './markdown.ts'

// The sources as they are, and what CONTRIBUTING.md tells a developer to add: one file, and its name in the list.
const [tool = '', list = ''] = codeBlocks(section(readText('CONTRIBUTING.md'), 'Adding a tool'), 'ts')
const copy = mkdtempSync(join(tmpdir(), 'adding-a-tool-'))
test.after(() => rmSync(copy, { recursive: true }))

cpSync(join(root, 'src'), join(copy, 'src'), { recursive: true })
for (const file of ['package.json', 'tsconfig.json']) cpSync(join(root, file), join(copy, file))
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction')
writeFileSync(join(copy, 'src/tools/count-messages.ts'), tool)
const index = join(copy, 'src/tools/index.ts')
const listed = readFileSync(index, 'utf8').replace(/^export const tools.*$/m, list.trim())
writeFileSync(index, `import { countMessages } from './count-messages.ts'\n${listed}`)

test('the tool of CONTRIBUTING.md type-checks', () => {
  const config = join(copy, 'tsconfig.only-src.json')
  writeFileSync(config, JSON.stringify({ extends: './tsconfig.json', include: ['src'] }))
  const { status, stdout } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-p', config],
    {
      encoding: 'utf8',
    },
  )
  assert.equal(status, 0, stdout)
})

test('the tool of CONTRIBUTING.md is listed, counts, and refuses what it does not take', async (t) => {
  const tenant = await startEmulator()
  t.after(() => tenant.close())
  const module = (await import(pathToFileURL(join(copy, 'src/app.ts')).href)) as { buildApp: typeof buildApp }
  const app = await module.buildApp(configFor(tenant, { LOG_LEVEL: 'silent' }))
  t.after(() => app.close())
  await app.ready()
  await app.entraKeys.start()
  const headers = { ...mcpHeaders(await tenant.mint({ user: 'rowan' })), host: 'localhost' }
  const ask = async (payload: object) => {
    const response = await app.inject({ method: 'POST', url: '/mcp', headers, payload })
    return response.json().result
  }

  const { tools } = await ask({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
  assert.equal(tools.at(-1).name, 'countMessages')
  assert.equal(tools.length, 3)

  const counted = await ask(toolCall('countMessages', { service: 'Teams' }))
  const expected = await ask(toolCall('getMessages', { services: ['Teams'], top: 1 }))
  assert.ok(counted.structuredContent.count > 0)
  assert.equal(counted.structuredContent.count, expected.structuredContent['@odata.count'])

  const refused = await ask(toolCall('countMessages', { product: 'Teams' }))
  assert.equal(refused.isError, true)
  assert.match(refused.content[0].text, /There is no argument "product"; there are: service\b/)
})
