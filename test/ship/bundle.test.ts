import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'bundle-'))
test.after(() => rmSync(folder, { recursive: true, force: true }))
const { status, stderr } = spawnSync(process.execPath, ['scripts/build.mjs', folder], { cwd: root, encoding: 'utf8' })
assert.equal(status, 0, stderr)
const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'))
const bom = read(join(folder, 'sbom.cdx.json')) as {
  readonly bomFormat: string
  readonly specVersion: string
  readonly metadata: { readonly component: { readonly name: string; readonly version: string } }
  readonly components: readonly { readonly name: string; readonly version: string; readonly purl: string }[]
}
const lock = read(join(root, 'package-lock.json')) as { packages: Record<string, { version?: string }> }

/** Packages with a vulnerability that nobody fixes. */
for (const name of ['elliptic', 'jwk-to-pem']) {
  test(`neither the bundle nor the lock file contains ${name}`, () => {
    assert.ok(bom.components.every((component) => component.name !== name))
    assert.ok(!Object.keys(lock.packages).some((path) => path.endsWith(`node_modules/${name}`)))
  })
}

test('the bill of materials has the product and each package of the bundle once, with the version of the lock file', () => {
  const { name, version } = read(join(root, 'package.json'))
  assert.deepEqual([bom.bomFormat, bom.specVersion], ['CycloneDX', '1.6'])
  assert.deepEqual([bom.metadata.component.name, bom.metadata.component.version], [name, version])
  assert.equal(new Set(bom.components.map(({ purl }) => purl)).size, bom.components.length)
  for (const { name, version, purl } of bom.components) {
    assert.equal(purl, `pkg:npm/${name.replace('@', '%40')}@${version}`)
    const locked = Object.entries(lock.packages).filter(([path]) => path.endsWith(`node_modules/${name}`))
    assert.ok(
      locked.some(([, entry]) => entry.version === version),
      purl,
    )
  }
})

test('licences.txt and the bill of materials list the same packages', () => {
  const licences = readFileSync(join(folder, 'licences.txt'), 'utf8')
  const named = licences.split(/^-{80}$/m).map((section) => section.trim().split(' ', 2).join(' '))
  assert.deepEqual([...new Set(named)].sort(), bom.components.map(({ name, version }) => `${name} ${version}`).sort())
})
