import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { type ConfigErrorCode, EnvironmentSchema } from './environment.ts'
import { type Config, ConfigError, readConfig } from './index.ts'

/** In the folder that the process runs in, beside .env.local; git ignores it. */
const sealKeyFile = '.seal-key.local'

const isKey = new RegExp(EnvironmentSchema.properties.MCP_OAUTH_SEAL_KEY.pattern)

/**
 * Reads a configuration and, outside production, completes it with a key that survives restarts: otherwise clients would
 * have to register, and users to sign in, after each. In production there is no such file: the key is configured.
 *
 * @param path of the key, which is generated where there is none. On a read-only disk the configuration stays without a
 *   key, and the proxy generates one for the process.
 * @param execArgv the options that Node was started with
 * @throws {ConfigError}
 */
export function readConfigWithSealKeyFile(
  env: Readonly<Record<string, string | undefined>>,
  { path = sealKeyFile, execArgv = [] }: { path?: string; execArgv?: readonly string[] } = {},
): Config {
  // In production this throws where no key is configured.
  const config = readConfig(env, execArgv)
  if (config.oauthProxy?.sealKeys.length !== 0) return config
  const key = readKey(path) ?? generateKey(path)
  return key === undefined ? config : readConfig({ ...env, MCP_OAUTH_SEAL_KEY: key }, execArgv)
}

function readKey(path: string): string | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8').trim()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw unusable(path, 'unreadable', `cannot be read (${code})`)
  }
  if (!isKey.test(text)) throw unusable(path, 'invalid', 'is not a key')
  return text
}

function generateKey(path: string): string | undefined {
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  try {
    writeFileSync(draft, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flag: 'wx' })
  } catch {
    // A read-only disk or folder, as in a container: the proxy logs that it generates a key instead.
    return undefined
  }
  try {
    // Atomic, and never overwrites the key that another process has just written.
    linkSync(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return undefined
  } finally {
    unlinkSync(draft)
  }
  return readKey(path)
}

function unusable(path: string, code: ConfigErrorCode, message: string): ConfigError {
  return new ConfigError(
    [{ name: path, code, message: `${message}: delete it, or set MCP_OAUTH_SEAL_KEY` }],
    'The next start generates a new one. Clients then have to register, and users to sign in, again.',
  )
}
