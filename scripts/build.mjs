// Bundles the server into dist/: one file to read at start instead of some 1,700, which more than halves the time to
// listening (docs/performance.md) and lets a container carry no node_modules. What a request may never need stays in
// files of its own, loaded on first use. Another folder can be named: node scripts/build.mjs [folder]
import { rm } from 'node:fs/promises'
import { build } from 'esbuild'

const outdir = process.argv[2] ?? new URL('../dist/', import.meta.url).pathname
await rm(outdir, { recursive: true, force: true })
await build({
  entryPoints: [new URL('../src/server.ts', import.meta.url).pathname],
  outdir,
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  minifySyntax: true,
  minifyWhitespace: true,
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'linked',
  logLevel: 'warning',
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
