import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

const draw = (...args: string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', 'load/flame-graph.ts', ...args], { encoding: 'utf8' })

test('a profile is drawn by the share of busy time, idle time and slivers left out', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'flame-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'own.cpuprofile')
  const node = (id: number, functionName: string, children: number[] = []) => ({
    id,
    children,
    callFrame: { functionName, url: functionName === 'read' ? 'node:fs' : 'server.js' },
  })
  const nodes = [
    node(1, '(root)', [2, 3]),
    node(2, '(idle)'),
    node(3, 'call<Tool>', [4, 5]),
    node(4, 'call<Tool>', [6]),
    node(5, 'sliver'),
    node(6, 'read'),
  ]
  writeFileSync(file, JSON.stringify({ nodes, samples: [2, 3, 6, 5], timeDeltas: [9_000, 250, 749, 1] }))
  const { stdout, status } = draw(file, 'Warm & kept')
  assert.equal(status, 0)
  const titles = [...stdout.matchAll(/<title>(.*?)<\/title>/g)].map(([, title]) => title)
  assert.deepEqual(titles, [
    'Warm &amp; kept',
    'busy time: 100.0 %',
    'call&lt;Tool&gt;: 100.0 %',
    'read node:fs: 74.9 %',
  ])
})

test('without a file it says what it takes', () => {
  const { stderr, status } = draw()
  assert.deepEqual([stderr, status], ['Name a .cpuprofile, and a title.\n', 2])
})
