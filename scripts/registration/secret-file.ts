import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { OperatorError } from '../shared/operator-error.ts'

/** A file for a secret, for its owner alone. */
export interface SecretFile {
  readonly path: string
  write(secret: string): void
  /** Closes it; a file that nothing was written to is removed. */
  close(): void
}

/**
 * Makes the file before there is a secret to lose: Entra shows a secret once.
 *
 * @throws {OperatorError} where it cannot be made, or is there already
 */
export function openSecretFile(path: string): SecretFile {
  let file: number
  try {
    file = openSync(path, 'wx', 0o600)
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST'
    throw new OperatorError(
      isThere ? `${path} is there already.` : `${path} cannot be written.`,
      'Name another file with --secret-file; nothing was changed.',
      { cause: error },
    )
  }
  let isWritten = false
  return {
    path,
    write(secret) {
      writeSync(file, `${secret}\n`)
      isWritten = true
    },
    close() {
      closeSync(file)
      if (!isWritten) rmSync(path)
    },
  }
}
