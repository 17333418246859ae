import { renameSync, writeFileSync } from 'node:fs'

/** Writes a file with secrets: mode 600, and atomically, since another process may wait for it. */
export function writePrivateFile(file: string, text: string): void {
  writeFileSync(`${file}.part`, text, { mode: 0o600 })
  renameSync(`${file}.part`, file)
}
