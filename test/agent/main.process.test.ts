import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { programPath } from '../programs.ts'

for (const [args, says] of [
  [['--zip', 'nowhere'], /There is no agent\/env\/\.env\.nowhere: copy/],
  [['--zip', '../../x'], /There is no agent\/env/],
  [['--zap'], /Unknown option '--zap'/],
] as const) {
  test(`npm run agent -- ${args.join(' ')} ends with a sentence`, () => {
    const { status, stderr } = spawnSync(process.execPath, [programPath('agent/main.ts'), ...args], {
      encoding: 'utf8',
    })
    assert.equal(status, 1)
    assert.match(stderr, says)
    assert.doesNotMatch(stderr, /\n\s+at /)
  })
}
