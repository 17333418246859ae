// Runs the tests: node scripts/test.mjs [--browser | --redis] [a part of a file's path …]
// Tests that need a Chromium (*.browser.test.ts) or a redis-server (*.redis.test.ts) are left to these options;
// everything else needs Node alone.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { browser: { type: 'boolean' }, redis: { type: 'boolean' } },
})
const files = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .map((name) => `test/${name.replaceAll('\\', '/')}`)
  .filter((name) => name.endsWith('.test.ts'))
  .filter((name) => ['browser', 'redis'].every((need) => name.endsWith(`.${need}.test.ts`) === Boolean(values[need])))
  .filter((name) => positionals.length === 0 || positionals.some((part) => name.includes(part)))
  .sort()
if (files.length === 0) {
  process.stderr.write('No test file has that in its path.\n')
  process.exit(1)
}

const options = ['--import', 'tsx', '--test', '--test-reporter', 'spec', '--test-timeout', '300000']
const { status } = spawnSync(process.execPath, [...options, ...files], { stdio: 'inherit' })
process.exit(status ?? 1)
