// Builds view/ into view.html, one file that needs nothing else, and try-it.js. Usage: node scripts/build-view.mjs [folder]
import { hash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * Error messages of zod in some fifty languages are half of what the bundle would weigh; the view shows none of them.
 * English is imported by another path.
 */
const withoutLocales = {
  name: 'without-locales',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\/locales\/index\.js$/ }, ({ path }) => ({ path, namespace: 'no-locales' }))
    onLoad({ filter: /./, namespace: 'no-locales' }, () => ({ contents: 'export {}' }))
  },
}

const browserBundle = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  write: false,
  metafile: true,
  format: 'iife',
  target: 'es2022',
  legalComments: 'none',
  // Else zod tries whether it may evaluate code, and the console reports that it may not.
  banner: { js: 'globalThis.__zod_globalConfig={jitless:true};' },
  logLevel: 'warning',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  // The image is built without the project's own.
  tsconfigRaw: {},
  plugins: [withoutLocales],
}

/**
 * The view as HTML, and the source files that it was made of (paths as in esbuild's metafile).
 *
 * Its policy allows the one script and the one style sheet by hash, and no request to anywhere: what hosts enforce by
 * `_meta.ui.csp` is less strict (MCP Apps, "Content Security Policy"). It comes after whatever a host inserts at the
 * beginning of the head.
 */
export async function buildView() {
  const { outputFiles, metafile } = await build({
    ...browserBundle,
    entryPoints: { view: 'view/main.tsx', style: 'view/style.css' },
    outdir: 'dist',
  })
  const output = (extension) => outputFiles.find(({ path }) => path.endsWith(extension)).text.trim()
  const [script, style] = [output('.js'), output('.css')]
  const policy = [
    "default-src 'none'",
    `script-src '${sha256(script)}'`,
    `style-src '${sha256(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')
  const head = `<meta http-equiv="Content-Security-Policy" content="${policy}">\n<style>${style}</style>`
  const template = await readFile(join(root, 'view/index.html'), 'utf8')
  const html = template
    .replace('<!-- policy, style -->', () => head)
    .replace('<!-- script -->', () => `<script>${script}</script>`)
  return { file: 'view.html', text: html, inputs: Object.keys(metafile.inputs) }
}

/** The script of the emulator's page that shows the view, and the source files that it was made of. */
export async function buildTryIt() {
  const { outputFiles, metafile } = await build({ ...browserBundle, entryPoints: ['view/try-it/main.tsx'] })
  return { file: 'try-it.js', text: outputFiles[0].text, inputs: Object.keys(metafile.inputs) }
}

function sha256(text) {
  return `sha256-${hash('sha256', text, 'base64')}`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder = join(root, 'dist')] = process.argv.slice(2)
  await mkdir(folder, { recursive: true })
  for (const { file, text } of [await buildView(), await buildTryIt()]) await writeFile(join(folder, file), text)
}
