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

/** A file of variables that lines are written to, for its owner alone. */
export interface EnvFile {
  readonly path: string
  /** Writes variables; what else the file holds stays. @returns those whose earlier line became a comment */
  write(variables: Readonly<Record<string, string>>): readonly string[]
  /** Removes what was prepared and not written. */
  close(): void
}

/**
 * Makes sure that the file can be written before there is a secret to lose: Entra shows a secret once.
 *
 * @throws {OperatorError} where it cannot be read or written
 */
export function openEnvFile(given: string): EnvFile {
  let path = given
  let text = ''
  let draft: string | undefined
  try {
    if (existsSync(given)) {
      path = realpathSync(given)
      text = readFileSync(path, 'utf8')
    }
    // Beside the file, so that it replaces it in one step.
    const beside = `${path}.${process.pid}.tmp`
    closeSync(openSync(beside, 'wx', 0o600))
    draft = beside
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    throw new OperatorError(
      `${given} cannot be written (${code}).`,
      'Name another file with --write-env; nothing was changed.',
      { cause: error },
    )
  }
  const unfinished = draft
  return {
    path: given,
    write(variables) {
      const { text: changed, replaced } = withVariables(text, variables)
      writeFileSync(unfinished, changed)
      chmodSync(unfinished, 0o600)
      renameSync(unfinished, path)
      return replaced
    },
    close: () => rmSync(unfinished, { force: true }),
  }
}

/**
 * The text of an env file with these variables set. A line that says otherwise stays as a comment above the new one; an
 * empty one is filled in.
 *
 * @throws {Error} where the result would not be read back as it is meant, as in the midst of a value of several lines
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
    if (after[name] !== (variables[name] ?? before[name])) throw new Error(`${name} would not be read back`)
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
