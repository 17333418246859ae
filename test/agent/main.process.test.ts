import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { programPath } from '../programs.ts'

for (const [args, message] of [
  [['--zip', 'nowhere'], /agent\/env\/\.env\.nowhere does not exist: copy/],
  [['--zip', '../../x'], /agent\/env\/.* does not exist/],
  [['--zap'], /Unknown option '--zap'/],
] as const) {
  test(`npm run agent -- ${args.join(' ')} is a one-line error`, () => {
    const { status, stderr } = spawnSync(process.execPath, [programPath('agent/main.ts'), ...args], {
      encoding: 'utf8',
    })
    assert.equal(status, 1)
    assert.match(stderr, message)
    assert.doesNotMatch(stderr, /\n\s+at /)
  })
}
