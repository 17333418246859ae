import assert from 'node:assert/strict'
import { join } from 'node:path'

/** Output folder of scripts/test.mjs. */
const compiled =
  process.env['COMPILED_DIR'] ?? assert.fail('Run it with scripts/test.mjs, which compiles programs first')

/**
 * The path of a compiled program.
 *
 * @param source path from the root, one of `programs` in scripts/compile.mjs
 */
export function programPath(source: string): string {
  return join(compiled, source.replace(/\.ts$/, '.js'))
}
