import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { Emulator } from '../../emulator/app.ts'
import { codeBlocks, readText, root, section } from './markdown.ts'

// The emulator as it is, and the steps of its README: one file, a line that registers it, a permission.
const [entity = '', registration = '', permission = ''] = codeBlocks(
  section(readText('emulator/graph/README.md'), 'Add an entity'),
  'ts',
)
const copy = mkdtempSync(join(tmpdir(), 'adding-an-entity-'))
test.after(() => rmSync(copy, { recursive: true }))

for (const folder of ['emulator', 'src']) cpSync(join(root, folder), join(copy, folder), { recursive: true })
for (const file of ['package.json', 'tsconfig.json']) cpSync(join(root, file), join(copy, file))
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction')
writeFileSync(join(copy, 'emulator/graph/subscriptions.ts'), entity)
insert('emulator/app.ts', /^.*register\(issueRoutes.*\n/m, registration)
insert(
  'emulator/app.ts',
  /^import \{ issueRoutes \}.*\n/m,
  "import { subscriptionRoutes } from './graph/subscriptions.ts'\n",
)
insert('emulator/tenant.ts', /^export const GRAPH: Resource = [\s\S]*?scopes: \[\n/m, permission)

/** Inserts a text after the first match. */
function insert(path: string, after: RegExp, text: string) {
  const before = readFileSync(join(copy, path), 'utf8')
  assert.match(before, after, path)
  writeFileSync(
    join(copy, path),
    before.replace(after, (matched) => matched + text),
  )
}

test('the entity of the emulator’s README type-checks', () => {
  const config = join(copy, 'tsconfig.only-emulator.json')
  writeFileSync(config, JSON.stringify({ extends: './tsconfig.json', include: ['emulator'] }))
  const { status, stdout } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-p', config],
    { encoding: 'utf8' },
  )
  assert.equal(status, 0, stdout)
})

test('the entity is served by page, to those who hold the permission and a role', async (t) => {
  const outdir = join(copy, 'built')
  const { status, stderr } = spawnSync(process.execPath, ['scripts/build.mjs', outdir, join(copy, 'emulator/app.ts')], {
    cwd: root,
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  const module = (await import(pathToFileURL(join(outdir, 'app.js')).href)) as {
    startEmulator: () => Promise<Emulator>
  }
  const emulator = await module.startEmulator()
  t.after(() => emulator.close())
  const get = async (url: string, user = 'gale', scp = 'Organization.Read.All') => {
    const token = await emulator.mint({ user, kind: 'graph', claims: { scp } })
    const headers = { authorization: `Bearer ${token}`, prefer: 'odata.maxpagesize=1' }
    const response = await fetch(url, { headers })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> & { value: object[] } }
  }
  const first = await get(`${emulator.origin}/v1.0/directory/subscriptions?$count=true`)
  assert.deepEqual([first.status, first.body.value.length, first.body['@odata.count']], [200, 1, 2])
  const second = await get(String(first.body['@odata.nextLink']))
  assert.deepEqual([second.body.value.length, second.body['@odata.nextLink']], [1, undefined])
  assert.notDeepEqual(second.body.value, first.body.value)

  const address = `${emulator.origin}/v1.0/directory/subscriptions`
  assert.equal((await get(address, 'gale', 'ServiceMessage.Read.All')).status, 403)
  assert.equal((await get(address, 'rowan')).status, 403)
  assert.equal((await get(`${address}?$filtre=x`)).status, 400)

  const graph = `${emulator.origin}/v1.0/servicePrincipals?$filter=appId eq '00000003-0000-0000-c000-000000000000'`
  const { body } = await get(graph, 'gale', 'Directory.AccessAsUser.All')
  const [{ oauth2PermissionScopes }] = body.value as [{ oauth2PermissionScopes: { value: string }[] }]
  assert.ok(oauth2PermissionScopes.some(({ value }) => value === 'Organization.Read.All'))
})
