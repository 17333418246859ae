// Bundles the server into dist/: one file to read at start instead of some 1,700, which more than halves the time to
// listening and lets a container carry no node_modules (docs/decisions/0006-bundle-with-esbuild.md). Dynamic imports
// stay in files of their own. view.html is the view that the server serves, try-it.js the script of the emulator's page.
// sbom.cdx.json lists the packages in the bundle, licences.txt their licences.
// Usage: node scripts/build.mjs [folder] [program]
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { buildTryIt, buildView } from './build-view.mjs'
import { commonJsBanner, nodeBundle } from './bundle.mjs'
import { bomOf, licencesOf } from './licences.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const server = join(root, 'src/server.ts')
const emulator = join(root, 'emulator/main.ts')
const [outdir = join(root, 'dist'), program = server] = process.argv.slice(2)
const entry = resolve(program)
await rm(outdir, { recursive: true, force: true })
const { metafile } = await build({
  ...nodeBundle,
  entryPoints: [entry],
  outdir,
  metafile: true,
  minifySyntax: true,
  minifyWhitespace: true,
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'linked',
  banner: commonJsBanner,
})
const page = await { [server]: buildView, [emulator]: buildTryIt }[entry]?.()
if (page !== undefined) await writeFile(join(outdir, page.file), page.text)
const inputs = [...Object.keys(metafile.inputs), ...(page?.inputs ?? [])]
const product = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
await writeFile(join(outdir, 'licences.txt'), licencesOf(inputs))
await writeFile(join(outdir, 'sbom.cdx.json'), JSON.stringify(bomOf(inputs, product), null, 1))
