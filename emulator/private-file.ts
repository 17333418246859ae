import { renameSync, writeFileSync } from 'node:fs'

/** Writes a file that holds secrets: for its owner alone, and whole or not at all, since another process may wait for it. */
export function writePrivateFile(file: string, text: string): void {
  writeFileSync(`${file}.part`, text, { mode: 0o600 })
  renameSync(`${file}.part`, file)
}
