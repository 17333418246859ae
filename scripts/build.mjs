// Bundles the server into dist/: one file to read at start instead of some 1,700, which more than halves the time to
// listening and lets a container carry no node_modules (docs/decisions/0006-bundle-with-esbuild.md). Dynamic imports
// stay in files of their own. sbom.cdx.json lists the packages in the bundle, licences.txt their licences.
// Usage: node scripts/build.mjs [folder] [program]
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { commonJsBanner, nodeBundle } from './bundle.mjs'
import { bomOf, licencesOf } from './licences.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const [outdir = join(root, 'dist'), entry = join(root, 'src/server.ts')] = process.argv.slice(2)
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
const inputs = Object.keys(metafile.inputs)
const product = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
await writeFile(join(outdir, 'licences.txt'), licencesOf(inputs))
await writeFile(join(outdir, 'sbom.cdx.json'), JSON.stringify(bomOf(inputs, product), null, 1))
