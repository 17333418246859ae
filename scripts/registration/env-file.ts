import {
  chmodSync,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { parseEnv } from 'node:util'
import { OperatorError } from '../shared/operator-error.ts'

/** An env file, readable by its owner only. */
export interface EnvFile {
  readonly path: string
  /** Sets variables; other lines stay. @returns the variables whose old line became a comment */
  write(variables: Readonly<Record<string, string>>): readonly string[]
  /** Removes the temporary file if nothing was written. */
  close(): void
}

/**
 * Ensures that the file can be written before there is a secret, which Entra shows once.
 *
 * @throws {OperatorError} where it cannot be read or written
 */
export function openEnvFile(given: string): EnvFile {
  let path = given
  let text = ''
  let temporary: string | undefined
  try {
    if (existsSync(given)) {
      path = realpathSync(given)
      text = readFileSync(path, 'utf8')
    }
    // In the same folder, so that a rename replaces the file atomically.
    const temporaryPath = `${path}.${process.pid}.tmp`
    closeSync(openSync(temporaryPath, 'wx', 0o600))
    temporary = temporaryPath
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    throw new OperatorError(
      `${given} cannot be written (${code}).`,
      'Choose another file with --write-env; nothing was changed.',
      { cause: error },
    )
  }
  const temporaryPath = temporary
  return {
    path: given,
    write(variables) {
      const { text: changed, replaced } = withVariables(text, variables)
      writeFileSync(temporaryPath, changed)
      chmodSync(temporaryPath, 0o600)
      renameSync(temporaryPath, path)
      return replaced
    },
    close: () => rmSync(temporaryPath, { force: true }),
  }
}

/**
 * Sets variables in the text of an env file. An old line with another value becomes a comment above the new one; an
 * empty one is replaced.
 *
 * @throws {Error} where the result would not parse to these values, as inside a multi-line value
 */
export function withVariables(
  text: string,
  variables: Readonly<Record<string, string>>,
): { readonly text: string; readonly replaced: readonly string[] } {
  const before = parseEnv(text)
  const replaced: string[] = []
  let changed = text
  for (const [name, value] of Object.entries(variables)) {
    if (before[name] === value) continue
    if (before[name]) replaced.push(name)
    changed = withLine(changed, name, `${name}=${/^[\w.:/~-]*$/.test(value) ? value : `'${value}'`}`)
  }
  const after = parseEnv(changed)
  for (const name of new Set([...Object.keys(before), ...Object.keys(variables)])) {
    if (after[name] !== (variables[name] ?? before[name])) throw new Error(`${name} would change`)
  }
  return { text: changed, replaced }
}

function withLine(text: string, name: string, line: string): string {
  const assignments = new RegExp(`^[ \\t]*(?:export[ \\t]+)?${name}[ \\t]*=(.*)$`, 'gm')
  let isPlaced = false
  const changed = text.replaceAll(assignments, (earlier, value: string) => {
    const lines = [...(value.trim() === '' ? [] : [`# ${earlier.trim()}`]), ...(isPlaced ? [] : [line])]
    isPlaced = true
    return lines.join('\n')
  })
  if (isPlaced) return changed
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`
}
