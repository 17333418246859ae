import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { PNG } from 'pngjs'
import { drawIcon } from '../../agent/draw-icon.ts'

const readAgentFile = (path: string) => readFileSync(new URL(`../../agent/${path}`, import.meta.url))
/** Two Chromiums smooth an edge a little differently. */
const smoothing = 24

for (const [name, px] of [
  ['color', 192],
  ['outline', 32],
] as const) {
  test(`${name}.png is its SVG, drawn`, async () => {
    const committed = PNG.sync.read(readAgentFile(`appPackage/${name}.png`))
    const drawn = PNG.sync.read(Buffer.from(await drawIcon(readAgentFile(`icons/${name}.svg`).toString(), px)))
    assert.equal(drawn.data.length, committed.data.length)
    const differing = drawn.data.filter((value, at) => Math.abs(value - (committed.data[at] ?? 0)) > smoothing)
    assert.ok(differing.length < committed.data.length / 100, `${differing.length} of ${committed.data.length} values`)
  })
}
