import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { buildApp } from '../../src/app.ts'
import { tools as present } from '../../src/tools/index.ts'
import { allToolsOn, configFor, mcpHeaders, toolCall } from '../helper.ts'
import { startEmulator } from '../tenant.ts'
import { codeBlocks, readText, root, section } from './markdown.ts'

// The sources as they are, and what CONTRIBUTING.md tells a developer to add: one file, and two lines of the list.
const text = section(readText('CONTRIBUTING.md'), 'Adding a tool')
const [tool = ''] = codeBlocks(text, 'ts')
const [edits = ''] = codeBlocks(text, 'diff')
const copy = mkdtempSync(join(tmpdir(), 'adding-a-tool-'))
test.after(() => rmSync(copy, { recursive: true }))

for (const folder of ['src', 'scripts', 'docs', 'agent'])
  cpSync(join(root, folder), join(copy, folder), { recursive: true })
for (const file of ['package.json', 'tsconfig.json', 'biome.json', '.env.local.sample'])
  cpSync(join(root, file), join(copy, file))
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction')
writeFileSync(join(copy, 'src/tools/get-service-issues.ts'), tool)
const index = join(copy, 'src/tools/index.ts')
for (const edit of edits.split(/^@@.*\n/m)) {
  const listed = readFileSync(index, 'utf8')
  const [before, after] = [edit.replaceAll(/^\+.*\n/gm, ''), edit].map((lines) => lines.replaceAll(/^[ +]/gm, ''))
  assert.ok(
    before && listed.includes(before),
    `src/tools/index.ts has not the lines that CONTRIBUTING.md edits:\n${before}`,
  )
  writeFileSync(index, listed.replace(before, after ?? ''))
}

test('the tool of CONTRIBUTING.md, and its line in the list, pass the linter', () => {
  const linter = [join(root, 'node_modules/@biomejs/biome/bin/biome'), 'check', '--error-on-warnings']
  const files = ['src/tools/get-service-issues.ts', 'src/tools/index.ts']
  // The copy is no repository.
  const args = [...linter, '--vcs-enabled=false', ...files]
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: copy, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
})

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

test('the tool of CONTRIBUTING.md is listed, pages, and rejects what it does not take', async (t) => {
  const tenant = await startEmulator()
  t.after(() => tenant.close())
  const outdir = join(copy, 'built')
  const { status, stderr } = spawnSync(process.execPath, ['scripts/build.mjs', outdir, join(copy, 'src/app.ts')], {
    cwd: root,
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  const module = (await import(pathToFileURL(join(outdir, 'app.js')).href)) as { buildApp: typeof buildApp }
  const app = await module.buildApp(configFor(tenant, { ...allToolsOn, LOG_LEVEL: 'silent' }))
  t.after(() => app.close())
  await app.ready()
  await app.entraKeys.start()
  const ask = async (payload: object, user = 'gale') => {
    const headers = { ...mcpHeaders(await tenant.mint({ user })), host: 'localhost' }
    const response = await app.inject({ method: 'POST', url: '/mcp', headers, payload })
    return response.json().result
  }

  const { tools } = await ask({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
  assert.deepEqual(
    tools.map(({ name }: { name: string }) => name),
    [...present.map(({ definition }) => definition.name), 'getServiceIssues'],
  )

  const first = await ask(toolCall('getServiceIssues'))
  const { value, nextSkip } = first.structuredContent
  assert.deepEqual([value.length, value[0].service, nextSkip], [2, 'Microsoft Teams', 2], JSON.stringify(first))
  const second = await ask(toolCall('getServiceIssues', { skip: nextSkip }))
  assert.deepEqual([second.structuredContent.value.length, second.structuredContent.nextSkip], [1, undefined])

  const rejected = await ask(toolCall('getServiceIssues', { skips: 2 }))
  assert.equal(rejected.isError, true)
  assert.match(rejected.content[0].text, /There is no argument "skips"; there are: skip\b/)

  // May read posts, but not service health.
  const forbidden = await ask(toolCall('getServiceIssues'), 'rowan')
  assert.match(forbidden.content[0].text, /"Service Support Administrator".*ServiceHealth\.Read\.All/)
  assert.doesNotMatch(forbidden.content[0].text, /Message Center/)
})

/** Runs a program of the copy. */
function run(...args: readonly string[]) {
  return spawnSync(process.execPath, ['--import', 'tsx', ...args], { cwd: copy, encoding: 'utf8' })
}

test('npm run docs and npm run agent have its permission and role in their pages', () => {
  for (const program of ['scripts/docs.ts', 'agent/main.ts']) {
    const { status, stderr } = run(program)
    assert.equal(status, 0, stderr)
  }
  const setup = readFileSync(join(copy, 'docs/setup-entra.md'), 'utf8')
  assert.match(
    section(setup, 'Permissions and roles'),
    /^\| `ServiceHealth\.Read\.All` \| read service health \| Service Support Administrator \| .*`getServiceIssues` \|$/m,
  )
  const plugin = JSON.parse(readFileSync(join(copy, 'agent/appPackage/ai-plugin.json'), 'utf8'))
  assert.match(plugin.description_for_human, /read service health/)
  assert.equal(plugin.functions.at(-1).name, 'getServiceIssues')
  assert.match(
    readFileSync(join(copy, 'docs/architecture.md'), 'utf8'),
    /^\| \[get-service-issues\.ts\]\(.*\) \| List issues of Microsoft 365 services \|$/m,
  )
})

test('npm run docs -- --check is an error where the list of files would have an empty row', (t) => {
  assert.equal(run('scripts/docs.ts', '--check').status, 0)
  const path = join(copy, 'src/lib/nameless.ts')
  t.after(() => rmSync(path))
  writeFileSync(path, 'export const nameless = 1\n')
  run('scripts/docs.ts')
  const { status, stderr } = run('scripts/docs.ts', '--check')
  assert.equal(status, 1)
  assert.match(stderr, /^src\/lib\/nameless\.ts has an empty row/)
})
