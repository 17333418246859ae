// Runs the tests: node scripts/test.mjs [--browser] [--coverage] [a part of a file's path …]
// Browser tests (*.browser.test.ts) need a Chromium and are left to --browser; everything else needs Node alone.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { browser: { type: 'boolean' }, coverage: { type: 'boolean' } },
})
const files = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .map((name) => `test/${name.replaceAll('\\', '/')}`)
  .filter((name) => name.endsWith('.test.ts') && name.endsWith('.browser.test.ts') === Boolean(values.browser))
  .filter((name) => positionals.length === 0 || positionals.some((part) => name.includes(part)))
  .sort()
if (files.length === 0) {
  process.stderr.write('No test file has that in its path.\n')
  process.exit(1)
}

const c8 = [
  'node_modules/c8/bin/c8.js',
  '--all',
  '--src',
  'src',
  '--include',
  'src/**',
  '--check-coverage',
  '--lines',
  '95',
]
const run = ['--import', 'tsx', '--test', '--test-timeout', '60000', ...files]
const args = values.coverage ? [...c8, process.execPath, ...run] : run
const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' })
process.exit(status ?? 1)
