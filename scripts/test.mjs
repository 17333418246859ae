// Runs a lane of tests: node scripts/test.mjs [--process | --browser | --redis] [--coverage] [a part of a file's path …]
// --coverage writes the coverage of src by this lane to coverage/, for scripts/coverage.mjs.
import { spawnSync } from 'node:child_process'
import { generateKeyPair } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { compile, compiledPath, createOutdir, programs } from './compile.mjs'
import { laneOf, lanes, testFiles } from './lanes.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: Object.fromEntries([...lanes, 'coverage'].map((name) => [name, { type: 'boolean' }])),
})
const lane = lanes.find((name) => values[name])
const asked = testFiles().filter((path) => positionals.length === 0 || positionals.some((part) => path.includes(part)))
const files = asked.filter((path) => laneOf(path) === lane)
if (files.length === 0) {
  const elsewhere = lanes.filter((name) => asked.some((path) => laneOf(path) === name))
  const hint = elsewhere.map((name) => `npm run test:${name} has one`).join('; ') || 'no other lane has one either'
  process.stderr.write(`No test file of this lane matches; ${hint}.\n`)
  process.exit(1)
}
const outdir = createOutdir()
await Promise.all([
  compile([...files, ...(lane === undefined ? [] : programs), ...(values.coverage ? sourceFiles() : [])], outdir),
  // A single file makes its own keys.
  files.length > 1 && makeKeys(join(outdir, 'keys.json')),
])

// Tests mostly wait for sockets, so two per processor; one where tests start processes of their own.
const concurrency = availableParallelism() * (lane === undefined ? 2 : 1)
const options = ['--test', '--test-reporter', 'spec', '--test-timeout', '300000', '--test-concurrency', concurrency]
const compiled = files.map((path) => compiledPath(path, outdir))
const raw = join(outdir, 'coverage')
const { status } = spawnSync(process.execPath, ['--enable-source-maps', ...options, ...compiled], {
  env: { ...process.env, COMPILED_DIR: outdir, ...(values.coverage && { NODE_V8_COVERAGE: raw }) },
  stdio: 'inherit',
})
if (values.coverage && status === 0) {
  const folder = `coverage/${lane ?? 'first'}`
  keepOnlyCompiled(raw)
  const c8 = fileURLToPath(import.meta.resolve('c8/bin/c8.js'))
  spawnSync(process.execPath, [c8, 'report', '--temp-directory', raw, '--reports-dir', folder], { stdio: 'inherit' })
}
process.exit(status ?? 1)

/** RSA keys for the emulated tenants of this run, read by test/tenant.ts. */
async function makeKeys(path) {
  const options = { modulusLength: 2048, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } }
  const publicKeyEncoding = { type: 'spki', format: 'pem' }
  const make = () => promisify(generateKeyPair)('rsa', { ...options, publicKeyEncoding })
  const pairs = await Promise.all(Array.from({ length: 8 }, make))
  writeFileSync(path, JSON.stringify(pairs.map(({ privateKey }) => privateKey)), { mode: 0o600 })
}

/** Each is an entry point, so that each has its own compiled file: c8 would confuse them otherwise. */
function sourceFiles() {
  const names = readdirSync('src', { recursive: true, encoding: 'utf8' })
  return names.filter((name) => name.endsWith('.ts')).map((name) => `src/${name}`)
}

/** Drops other code that a test's processes ran, such as the server's bundle: c8 counts a bundle of many files as covered. */
function keepOnlyCompiled(raw) {
  const prefix = pathToFileURL(outdir).href
  for (const name of readdirSync(raw)) {
    const path = join(raw, name)
    const data = JSON.parse(readFileSync(path, 'utf8'))
    writeFileSync(path, JSON.stringify({ ...data, result: data.result.filter(({ url }) => url.startsWith(prefix)) }))
  }
}
