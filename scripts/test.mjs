// Runs the tests: node scripts/test.mjs [--browser] [a part of a file's path …]
// Browser tests (*.browser.test.ts) need a Chromium and are left to --browser; everything else needs Node alone.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({ allowPositionals: true, options: { browser: { type: 'boolean' } } })
const files = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .map((name) => `test/${name.replaceAll('\\', '/')}`)
  .filter((name) => name.endsWith('.test.ts') && name.endsWith('.browser.test.ts') === Boolean(values.browser))
  .filter((name) => positionals.length === 0 || positionals.some((part) => name.includes(part)))
  .sort()
if (files.length === 0) {
  process.stderr.write('No test file has that in its path.\n')
  process.exit(1)
}

const options = ['--import', 'tsx', '--test', '--test-reporter', 'spec', '--test-timeout', '120000']
const { status } = spawnSync(process.execPath, [...options, ...files], { stdio: 'inherit' })
process.exit(status ?? 1)
