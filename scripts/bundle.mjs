/** What every esbuild run here has in common: ES modules for the oldest Node.js that is supported. */
export const nodeBundle = {
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  logLevel: 'warning',
}

/** CommonJS packages in a bundle expect these three. */
export const commonJsBanner = {
  js: [
    "import { createRequire as $createRequire } from 'node:module'",
    'const require = $createRequire(import.meta.url)',
    'const __filename = import.meta.filename',
    'const __dirname = import.meta.dirname',
  ].join('\n'),
}
