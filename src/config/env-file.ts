import { existsSync } from 'node:fs'

const path = '.env.local'

/** Adds the variables of `.env.local`, where it is there, to those that are not set. An empty one counts as not set. */
export function loadEnvFile(): void {
  if (!existsSync(path)) return
  for (const [name, value] of Object.entries(process.env)) if (value === '') delete process.env[name]
  process.loadEnvFile(path)
}
