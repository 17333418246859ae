import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { PNG } from 'pngjs'

/** Teams, "App icons": a colour icon without holes, and an outline of white on nothing. */
const icons = {
  'color.png': { px: 192, fits: (alpha: number) => alpha === 255 },
  'outline.png': {
    px: 32,
    fits: (alpha: number, rgb: readonly number[]) => alpha === 0 || rgb.every((c) => c === 255),
  },
}

interface Picture {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array
}

function iconErrors({ width, height, data }: Picture, { px, fits }: (typeof icons)['color.png' | 'outline.png']) {
  const pixels = Array.from({ length: width * height }, (_, at) => [...data.subarray(4 * at, 4 * at + 4)])
  const misfits = pixels.filter(([r = 0, g = 0, b = 0, alpha = 0]) => !fits(alpha, [r, g, b]))
  return [
    ...(width === px && height === px ? [] : [`${width}×${height} instead of ${px}×${px}`]),
    ...(misfits.length === 0 ? [] : [`${misfits.length} pixels are of a wrong colour`]),
    ...(new Set(pixels.map((pixel) => pixel.join())).size > 2 ? [] : ['there is no picture']),
  ]
}

for (const [name, rules] of Object.entries(icons)) {
  const read = () => PNG.sync.read(readFileSync(new URL(`../../agent/appPackage/${name}`, import.meta.url)))

  test(`${name} meets Teams’ requirements`, () => {
    assert.deepEqual(iconErrors(read(), rules), [])
  })

  test(`an invalid ${name} is detected`, () => {
    const small = new PNG({ width: 16, height: 16 })
    assert.equal(iconErrors(small, rules)[0], `16×16 instead of ${rules.px}×${rules.px}`)
    assert.equal(iconErrors(small, rules).at(-1), 'there is no picture')
    const spoilt = read()
    spoilt.data.set([200, 0, 0, 128], 0)
    assert.deepEqual(iconErrors(spoilt, rules), ['1 pixels are of a wrong colour'])
  })
}
