import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { EnvironmentSchema } from './environment.ts'
import { type Config, ConfigError, readConfig } from './index.ts'

/** In the folder that the process runs in, beside .env.local; git ignores it. */
const sealKeyFile = '.seal-key.local'

const isKey = new RegExp(EnvironmentSchema.properties.MCP_OAUTH_SEAL_KEY.pattern)

/**
 * Reads a configuration, and outside production completes it by a seal key that lasts: clients would otherwise have to
 * register, and users to sign in, after every restart. In production there is no such file: the key is configured.
 *
 * @param path where the key is kept; it is made where there is none. A disk that takes no file leaves the configuration
 *   without a key, and the proxy makes one that ends with the process.
 * @param execArgv the options that Node was started with
 * @throws {ConfigError}
 */
export function readConfigKeepingSealKey(
  env: Readonly<Record<string, string | undefined>>,
  { path = sealKeyFile, execArgv = [] }: { path?: string; execArgv?: readonly string[] } = {},
): Config {
  // In production this throws where no key is configured.
  const config = readConfig(env, execArgv)
  if (config.oauthProxy?.sealKeys.length !== 0) return config
  const key = readKey(path) ?? makeKey(path)
  return key === undefined ? config : readConfig({ ...env, MCP_OAUTH_SEAL_KEY: key }, execArgv)
}

function readKey(path: string): string | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8').trim()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw broken(path, `cannot be read (${code})`)
  }
  if (!isKey.test(text)) throw broken(path, 'holds no seal key')
  return text
}

function makeKey(path: string): string | undefined {
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  try {
    writeFileSync(draft, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flag: 'wx' })
  } catch {
    // A read-only disk or folder, as of a container: the proxy warns of the key that it makes instead.
    return undefined
  }
  try {
    // Whole or not at all, and never in the place of one that another process has just made.
    linkSync(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return undefined
  } finally {
    unlinkSync(draft)
  }
  return readKey(path)
}

function broken(path: string, what: string): ConfigError {
  return new ConfigError(
    [`${path} ${what}: delete it, or set MCP_OAUTH_SEAL_KEY`],
    'A new one is made at the next start. Clients then register, and users sign in, once more.',
  )
}
