import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { OperatorError } from '../shared/operator-error.ts'

/** A file for a secret, readable by its owner only. */
export interface SecretFile {
  readonly path: string
  write(secret: string): void
  /** Closes the file; removes it if nothing was written. */
  close(): void
}

/**
 * Creates the file before the secret, which Entra shows once.
 *
 * @throws {OperatorError} where it exists or cannot be written
 */
export function openSecretFile(path: string): SecretFile {
  let file: number
  try {
    file = openSync(path, 'wx', 0o600)
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === 'EEXIST'
    throw new OperatorError(
      exists ? `${path} already exists.` : `${path} cannot be written.`,
      'Choose another file with --secret-file; nothing was changed.',
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
