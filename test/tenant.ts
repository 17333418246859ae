import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Emulator, type EmulatorOptions, startEmulator as start } from '../emulator/app.ts'
import { makeRsaKey } from '../emulator/secrets.ts'

/** RSA keys that scripts/test.mjs has made for the whole run: to make one takes longer than most tests. */
const pool = join(process.env['COMPILED_DIR'] ?? '', 'keys.json')
const spare: string[] = existsSync(pool) ? JSON.parse(readFileSync(pool, 'utf8')) : []

/** Starts an emulated tenant. Its keys are no other running tenant's; once it is closed they may be the next one's. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const taken: string[] = []
  const makeSigningKey = async () => {
    const key = spare.shift() ?? (await makeRsaKey())
    taken.push(key)
    return key
  }
  const emulator = await start({ makeSigningKey, ...options })
  const close = async () => {
    await emulator.close()
    spare.push(...taken.splice(0))
  }
  return { ...emulator, close }
}
