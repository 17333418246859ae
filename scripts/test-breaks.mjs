// Mutation tests: breaks one line of the sources at a time; a test must fail. npm run test:breaks [part of a path …]
// test/breaks/ lists the breaks, each with the test file that must fail. The sources are not written to: the broken line
// is only compiled in. A part of a path selects breaks by their source or test file.
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { compile, compiledPath, createOutdir, programs } from './compile.mjs'
import { laneOf } from './lanes.mjs'

const parts = process.argv.slice(2)
const lists = readdirSync('test/breaks').filter((name) => name.endsWith('.mjs'))
const modules = await Promise.all(lists.sort().map((name) => import(`../test/breaks/${name}`)))
const breaks = modules
  .flatMap((module) => module.breaks)
  .filter(({ file, caughtBy }) => parts.length === 0 || parts.some((part) => `${file} ${caughtBy}`.includes(part)))
if (breaks.length === 0) fail('No break matches.')
const stale = breaks.filter(({ file, from }) => readFileSync(file, 'utf8').split(from).length !== 2)
if (stale.length > 0) {
  fail(`Must occur in their file exactly once:\n${stale.map(({ file, from }) => `${file}: ${from}`).join('\n')}`)
}
const outdirs = createOutdir()
// Shared packages are compiled once, before the breaks run concurrently.
await compile([...new Set(breaks.map(({ caughtBy }) => caughtBy))], outdirs)

let next = 0
const missed = []
await Promise.all(Array.from({ length: availableParallelism() }, work))
process.stdout.write(`\n${breaks.length - missed.length} of ${breaks.length} breaks are caught.\n`)
process.exit(missed.length === 0 ? 0 : 1)

async function work() {
  while (next < breaks.length) {
    const number = next++
    const one = breaks[number]
    const failed = await testsThatFail(one, join(outdirs, String(number)))
    if (failed.length === 0) missed.push(one)
    const mark = failed.length > 0 ? '✔' : '✘'
    const by = failed.length > 0 ? `${one.caughtBy}: ${failed[0]}` : `${one.caughtBy} does not fail`
    process.stdout.write(`${mark} ${one.file}: ${one.what}\n    ${by}\n`)
  }
}

/** The names of the tests that fail with the broken line. */
async function testsThatFail({ file, from, to, caughtBy, test }, outdir) {
  const change = (path, text) => (path === file ? text.replace(from, () => to) : text)
  await compile([caughtBy, ...(laneOf(caughtBy) === undefined ? [] : programs)], outdir, change)
  const pattern = test === undefined ? [] : ['--test-name-pattern', test.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&')]
  const options = ['--enable-source-maps', '--test', '--test-reporter', 'tap', '--test-timeout', '60000', ...pattern]
  const child = spawn(process.execPath, [...options, compiledPath(caughtBy, outdir)], {
    env: { ...process.env, COMPILED_DIR: outdir },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  await new Promise((resolve) => child.once('close', resolve))
  rmSync(outdir, { recursive: true, force: true })
  const names = [...output.matchAll(/^ *not ok \d+ - (.*)$/gm)].map(([, name]) => name)
  // A file that does not load is not a failing test.
  return names.filter((name) => !name.endsWith('.test.js'))
}

function fail(message) {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}
