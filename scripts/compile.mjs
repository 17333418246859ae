// Compiles tests and the programs that they start, so that a test file starts in a fraction of a second:
// one esbuild pass for our own sources and, once for each package-lock.json, one for the packages that they import.
// A compiled file still speaks of its source: import.meta.url, and stack traces by their source maps.
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

const root = fileURLToPath(new URL('..', import.meta.url))
const compiledDir = join(root, '.tests')

/** Packages that read files of their own, by where they are. */
const unbundled =
  /^(esbuild|playwright-core|tree-sitter-bicep|tsx|typescript|web-tree-sitter|@microsoft\/app-manifest)(\/|$)/

const shared = {
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  logLevel: 'warning',
}

/** What tests start as processes of their own. */
export const programs = [
  'agent/main.ts',
  'demo/main.ts',
  'emulator/main.ts',
  'load/main.ts',
  'scripts/ops.ts',
  'src/server.ts',
]

/** A folder for the compiled files of one run, which it removes when it ends. */
export function createOutdir() {
  mkdirSync(compiledDir, { recursive: true })
  const outdir = mkdtempSync(join(compiledDir, 'run-'))
  process.once('exit', () => rmSync(outdir, { recursive: true, force: true }))
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
  return outdir
}

/** @returns where the compiled file of a source is, by its path from the root */
export function compiledPath(source, outdir) {
  return join(outdir, source.replace(/\.ts$/, '.js'))
}

/**
 * Compiles sources, and what they import, beside each other.
 *
 * @param sources paths from the root
 * @param outdir where the compiled files go, at the paths of their sources
 * @param change what a source is to be instead of what it is: `(path from the root, text) => text`
 */
export async function compile(sources, outdir, change = (_path, text) => text) {
  const packages = new Set()
  await build({
    ...shared,
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
            contents: located(path, change(nameOf(path), readFileSync(path, 'utf8'))),
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

function located(path, text) {
  return text
    .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
    .replaceAll('import.meta.filename', JSON.stringify(path))
}

function packageFile(specifier) {
  return `${specifier.replaceAll('/', '__')}.js`
}

/**
 * A folder with these packages compiled. It holds for one package-lock.json, is never changed once it has its name, and
 * so can be had by several runs at a time.
 */
async function compiledPackages(specifiers) {
  const lock = hash('sha256', readFileSync(join(root, 'package-lock.json'))).slice(0, 8)
  const known = knownPackages(`packages-${lock}-`)
  const found = known.find((one) => [...specifiers].every((specifier) => one.specifiers.includes(specifier)))
  if (found !== undefined) return found.folder

  const all = [...new Set([...known.flatMap((one) => one.specifiers), ...specifiers])].sort()
  const folder = join(compiledDir, `packages-${lock}-${hash('sha256', all.join()).slice(0, 8)}`)
  const unfinished = mkdtempSync(`${folder}.`)
  await compilePackages(all, unfinished)
  writeFileSync(join(unfinished, 'specifiers.json'), JSON.stringify(all))
  try {
    renameSync(unfinished, folder)
  } catch (error) {
    // Another run was as far first.
    if (!existsSync(folder)) throw error
    rmSync(unfinished, { recursive: true })
  }
  return folder
}

function knownPackages(prefix) {
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
    ...shared,
    entryPoints: specifiers.map(entry),
    outdir,
    // What Node itself would load.
    conditions: [],
    // A third less for Node to read and parse, in each process.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    // CommonJS packages expect these three to be there.
    banner: {
      js: [
        "import { createRequire as $createRequire } from 'node:module'",
        'const require = $createRequire(import.meta.url)',
        'const __filename = import.meta.filename',
        'const __dirname = import.meta.dirname',
      ].join('\n'),
    },
  })
}

/** All that a package exports, under the names that Node finds in a CommonJS one: esbuild itself finds a default alone. */
async function exportsOf(specifier) {
  const names = Object.keys(await import(specifier)).filter((name) => /^(?!__esModule$)[\w$]+$/.test(name))
  return `export { ${names} } from '${specifier}'\n`
}
