// Which test files run together: see test/README.md.
import { readdirSync } from 'node:fs'

/** Lanes other than the first, which needs only Node. */
export const lanes = ['process', 'browser', 'redis']

/** By the file's name, or else its folder; undefined is the first lane. */
export function laneOf(path) {
  const named = lanes.find((lane) => path.endsWith(`.${lane}.test.ts`))
  return named ?? (/^test\/(demo|load|ops|ship)\//.test(path) ? 'process' : undefined)
}

/** Every test file, by its path from the root. */
export function testFiles() {
  const names = readdirSync('test', { recursive: true, encoding: 'utf8' })
  return names
    .map((name) => `test/${name.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.test.ts'))
    .sort()
}
