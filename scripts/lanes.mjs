// Which test files are run together: test/README.md says what belongs in which lane.
import { readdirSync } from 'node:fs'

/** Lanes beside the first, which needs Node alone. */
export const lanes = ['process', 'browser', 'redis']

/** By a file's name, or else by its folder; undefined is the first lane. */
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
