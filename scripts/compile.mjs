// Compiles tests and the programs that they start, so that a test file starts in a fraction of a second:
// one esbuild pass for our own sources and, once for each package-lock.json, one for the packages that they import.
// import.meta.url and, through source maps, stack traces still refer to the source.
import { hash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, relative, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { commonJsBanner, nodeBundle } from './bundle.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const compiledDir = join(root, '.tests')

/** Packages that read files relative to their own location. */
const unbundled =
  /^(esbuild|playwright-core|tree-sitter-bicep|tsx|typescript|web-tree-sitter|@microsoft\/app-manifest)(\/|$)/

/** Programs that tests start as processes. */
export const programs = [
  'agent/main.ts',
  'demo/main.ts',
  'emulator/main.ts',
  'load/main.ts',
  'scripts/ops.ts',
  'src/server.ts',
]

/** Creates a folder for the compiled files of this run; removed at exit. */
export function createOutdir() {
  mkdirSync(compiledDir, { recursive: true })
  const outdir = mkdtempSync(join(compiledDir, 'run-'))
  process.once('exit', () => rmSync(outdir, { recursive: true, force: true }))
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
  return outdir
}

/** @returns the compiled file of a source, given by its path from the root */
export function compiledPath(source, outdir) {
  return join(outdir, source.replace(/\.ts$/, '.js'))
}

/**
 * Compiles sources and their imports.
 *
 * @param sources paths from the root
 * @param outdir the compiled files have the paths of their sources in it
 * @param change edits a source before it is compiled: `(path from the root, text) => text`
 */
export async function compile(sources, outdir, change = (_path, text) => text) {
  const packages = new Set()
  await build({
    ...nodeBundle,
    absWorkingDir: root,
    entryPoints: sources,
    outbase: root,
    outdir,
    sourcemap: 'linked',
    sourcesContent: false,
    plugins: [
      {
        name: 'packages',
        setup({ onResolve }) {
          onResolve({ filter: /^[^./]/ }, ({ path, kind }) => {
            if (kind === 'entry-point') return undefined
            if (isBuiltin(path) || unbundled.test(path)) return { path, external: true }
            packages.add(path)
            return { path: join(outdir, 'packages', packageFile(path)), external: true }
          })
        },
      },
      {
        name: 'sources',
        setup({ onLoad }) {
          onLoad({ filter: /\.ts$/ }, ({ path }) => ({
            loader: 'ts',
            contents: withFixedLocation(path, change(nameOf(path), readFileSync(path, 'utf8'))),
          }))
        },
      },
    ],
  })
  symlinkSync(await compiledPackages(packages), join(outdir, 'packages'), 'junction')
}

function nameOf(path) {
  return relative(root, path).replaceAll(sep, '/')
}

function withFixedLocation(path, text) {
  return text
    .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
    .replaceAll('import.meta.filename', JSON.stringify(path))
}

function packageFile(specifier) {
  return `${specifier.replaceAll('/', '__')}.js`
}

/**
 * A folder with these packages compiled, for one package-lock.json. It is never changed once it is renamed into place, so
 * concurrent runs can share it.
 */
async function compiledPackages(specifiers) {
  const lock = hash('sha256', readFileSync(join(root, 'package-lock.json'))).slice(0, 8)
  const existing = existingPackages(`packages-${lock}-`)
  const found = existing.find((one) => [...specifiers].every((specifier) => one.specifiers.includes(specifier)))
  if (found !== undefined) return found.folder

  const all = [...new Set([...existing.flatMap((one) => one.specifiers), ...specifiers])].sort()
  const folder = join(compiledDir, `packages-${lock}-${hash('sha256', all.join()).slice(0, 8)}`)
  const unfinished = mkdtempSync(`${folder}.`)
  await compilePackages(all, unfinished)
  writeFileSync(join(unfinished, 'specifiers.json'), JSON.stringify(all))
  try {
    renameSync(unfinished, folder)
  } catch (error) {
    // A concurrent run was faster.
    if (!existsSync(folder)) throw error
    rmSync(unfinished, { recursive: true })
  }
  return folder
}

function existingPackages(prefix) {
  return readdirSync(compiledDir)
    .filter((name) => name.startsWith(prefix) && !name.includes('.'))
    .map((name) => join(compiledDir, name))
    .map((folder) => ({ folder, specifiers: JSON.parse(readFileSync(join(folder, 'specifiers.json'), 'utf8')) }))
}

async function compilePackages(specifiers, outdir) {
  const entries = join(outdir, 'entries')
  mkdirSync(entries)
  const entry = (specifier) => join(entries, packageFile(specifier).replace(/js$/, 'mjs'))
  for (const specifier of specifiers) writeFileSync(entry(specifier), await exportsOf(specifier))
  await build({
    ...nodeBundle,
    entryPoints: specifiers.map(entry),
    outdir,
    // As Node itself resolves.
    conditions: [],
    // A third less for each process to read and parse.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    banner: commonJsBanner,
  })
}

/** Re-exports everything by the names that Node finds; for CommonJS esbuild itself would export only a default. */
async function exportsOf(specifier) {
  const names = Object.keys(await import(specifier)).filter((name) => /^(?!__esModule$)[\w$]+$/.test(name))
  return `export { ${names} } from '${specifier}'\n`
}
