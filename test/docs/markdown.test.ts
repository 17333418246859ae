import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { posix } from 'node:path'
import { test } from 'node:test'
import { catalogue } from '../../src/errors/index.ts'
import { codeSpans, filesBelow, readText, root, tableRows, withoutBlocks } from './markdown.ts'

const pages = filesBelow('', '.md')
const { scripts } = JSON.parse(readText('package.json')) as { scripts: Record<string, string> }
/** Written by whoever follows the page, or made by a command on it. */
const notYetThere = new Set([
  ...['.vscode/mcp.json', '.cursor/mcp.json', 'dist/'],
  // Those of the walked-through examples.
  ...['src/tools/get-service-issues.ts', 'emulator/graph/subscriptions.ts'],
])

/** GitHub's anchor of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-')
}

function anchorsOf(path: string): string[] {
  return [...withoutBlocks(readText(path)).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading))
}

for (const path of [...pages, '.env.local.sample', 'server.json']) {
  test(`${path} spells the server's address on this machine as PUBLIC_BASE_URL does unless set`, () => {
    assert.doesNotMatch(readText(path), /http:\/\/(127\.0\.0\.1|\[::1\]):8080/)
  })
}

for (const page of pages) {
  const markdown = readText(page)
  const folder = posix.dirname(page)

  test(`every relative link of ${page} leads somewhere`, () => {
    for (const [, inText, inTag] of withoutBlocks(markdown).matchAll(/\]\(([^)\s]+)\)|\bsrc(?:set)?="([^"\s]+)"/g)) {
      const target = inText ?? inTag ?? ''
      if (/^[a-z]+:/.test(target)) continue
      const [file = '', anchor] = target.split('#')
      const path = file === '' ? page : posix.join(folder, file)
      assert.ok(existsSync(root + path), target)
      if (anchor !== undefined) assert.ok(anchorsOf(path).includes(anchor), target)
    }
  })

  test(`every npm script that ${page} names exists`, () => {
    for (const [, name = ''] of markdown.matchAll(/\bnpm run (?:--silent )?([a-z][a-z:-]*)/g))
      assert.ok(scripts[name], name)
    for (const [, name = ''] of markdown.matchAll(/\bnpm (test|start)\b/g)) assert.ok(scripts[name], name)
  })

  test(`every file that ${page} names exists`, () => {
    for (const span of codeSpans(markdown)) {
      const isPath = /^[\w.-]+(\/[\w.-]+)*\.(ts|mjs|md|json)$|^(\.\.\/)*([\w.-]+\/)+([\w.-]+\.ts)?$|^\.env/.test(span)
      if (!isPath || notYetThere.has(span) || span === '.env.local') continue
      const places = [posix.join(folder, span), span]
      assert.ok(
        places.some((place) => existsSync(root + place)),
        span,
      )
    }
  })
}

for (const folder of ['docs/', 'docs/decisions/']) {
  test(`${folder}README.md lists every page of its folder, and the README of each folder below`, () => {
    const index = readText(`${folder}README.md`)
    const names = filesBelow(folder, '.md').map((path) => path.slice(folder.length))
    for (const name of names) {
      if (name === 'README.md' || (name.includes('/') && !name.endsWith('/README.md'))) continue
      assert.ok(index.includes(`(${name})`), name)
    }
  })
}

test('the troubleshooting table names reasons that exist, under the status that they have', () => {
  const seen = tableRows(readText('docs/troubleshooting.md')).map(([symptom = '']) => symptom)
  const reasons = new Map<string, { kind: string; status?: number }>(Object.entries(catalogue))
  let named = 0
  for (const symptom of seen) {
    const status = /^(\d{3})\b/.exec(symptom)?.[1]
    for (const code of codeSpans(symptom)) {
      const isForeign = /^AADSTS|^consent_required$|^obo_failure$|^az$/.test(code)
      if (isForeign) continue
      const entry = reasons.get(code)
      assert.ok(entry, code)
      assert.equal(entry.kind === 'http' ? String(entry.status) : undefined, status, code)
      named++
    }
  }
  assert.ok(named > 20)
})
