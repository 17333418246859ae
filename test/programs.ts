import assert from 'node:assert/strict'
import { join } from 'node:path'

/** Where scripts/test.mjs has put what it compiled. */
const compiled = process.env['COMPILED_DIR'] ?? assert.fail('Run it by scripts/test.mjs, which compiles programs first')

/**
 * A program of this project as Node starts it, compiled.
 *
 * @param source its path from the root, one of those that scripts/compile.mjs lists
 */
export function programPath(source: string): string {
  return join(compiled, source.replace(/\.ts$/, '.js'))
}
