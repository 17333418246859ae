import { type Command, InvalidArgumentError, Option } from 'commander'
import { decodeJwt } from 'jose'
import type { SignInPlace } from '../mcp/discover.ts'
import { azureCliToken } from '../shared/azure-cli.ts'
import { deviceCodeToken } from '../shared/device-code.ts'
import type { RunHop } from '../shared/hops.ts'
import type { Io } from '../shared/io.ts'
import { OperatorError } from '../shared/operator-error.ts'
import { parseBaseUrl, parseGuid, parseTenant } from '../shared/options.ts'
import type { PkceFlags } from './flags.ts'
import { signInByPkce } from './pkce.ts'

/** Where the access token for the MCP API comes from. Never an argument: the process list shows those. */
export interface TokenFlags {
  readonly tokenStdin?: true
  readonly az?: true
  readonly deviceCode?: string
}

export function addTokenOptions(command: Command): Command {
  return command
    .addOption(new Option('--token-stdin', 'read the token from standard input').conflicts(['az', 'deviceCode']))
    .addOption(new Option('--az', 'get the token from the Azure CLI (GRAPH_TENANT_ID, GRAPH_CLIENT_ID)'))
    .addOption(
      new Option('--device-code <client id>', 'sign in with a device code, to this public client')
        .argParser(parseGuid)
        .conflicts('az'),
    )
}

/** For --help. */
export const tokenHelp = `
Without these options the token is read from the variable MCP_ACCESS_TOKEN, or a browser opens to sign in.`

/** Where the token comes from; `browser` by default. */
export function wayToToken({ tokenStdin, az, deviceCode }: TokenFlags, env: Io['env']): Way {
  if (tokenStdin) return 'stdin'
  if (az) return 'az'
  if (deviceCode !== undefined) return 'device code'
  return env['MCP_ACCESS_TOKEN'] ? 'variable' : 'browser'
}
type Way = 'stdin' | 'az' | 'device code' | 'variable' | 'browser'

export interface TokenRequest {
  readonly io: Io
  readonly flags: TokenFlags & PkceFlags
  readonly fetch: typeof globalThis.fetch
  readonly hop: RunHop
  readonly place: SignInPlace
}

/** Gets an access token for the MCP API, as the hop `token`. @throws {OperatorError} */
export async function accessToken({ io, flags, fetch, hop, place }: TokenRequest): Promise<string> {
  const way = wayToToken(flags, io.env)
  if (way === 'browser') return (await signInByPkce(place, { ...flags, io, fetch, hop })).tokens.access_token
  return hop('token', async () => {
    const value = await tokenBy(way, io, flags)
    return { value, detail: describe(value) }
  })
}

/** A token from a source other than the browser. @throws {OperatorError} */
export async function tokenBy(way: Exclude<Way, 'browser'>, io: Io, { deviceCode = '' }: TokenFlags): Promise<string> {
  switch (way) {
    case 'stdin':
      return readToken(io)
    case 'variable':
      return (io.env['MCP_ACCESS_TOKEN'] ?? '').trim()
    case 'az':
      return azureCliToken(io, { tenantId: variable(io, 'GRAPH_TENANT_ID'), scope: scopeOf(io) })
    case 'device code':
      return deviceCodeToken(io, {
        authorityHost: authorityOf(io),
        tenantId: variable(io, 'GRAPH_TENANT_ID'),
        clientId: deviceCode,
        scope: scopeOf(io),
      })
  }
}

function authorityOf({ env }: Io): string {
  try {
    return parseBaseUrl(env['ENTRA_AUTHORITY_HOST'] || 'https://login.microsoftonline.com')
  } catch (error) {
    throw new OperatorError('Invalid ENTRA_AUTHORITY_HOST.', 'Fix it, or remove it.', {
      cause: error,
    })
  }
}

function scopeOf(io: Io): string {
  return `api://${variable(io, 'GRAPH_CLIENT_ID')}/access_as_user`
}

function variable({ env }: Io, name: 'GRAPH_TENANT_ID' | 'GRAPH_CLIENT_ID'): string {
  const parse = name === 'GRAPH_TENANT_ID' ? parseTenant : parseGuid
  try {
    return parse((env[name] ?? '').trim())
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error
    throw new OperatorError(
      `${name} is not set, or not a GUID.`,
      `Set it in .env.local or in the environment. ${error.message}`,
      { cause: error },
    )
  }
}

async function readToken({ stdin, signal }: Io): Promise<string> {
  let text = ''
  const stop = () => stdin.destroy()
  signal.addEventListener('abort', stop, { once: true })
  try {
    for await (const chunk of stdin) {
      text += String(chunk)
      if (text.length > 20_000) break
    }
  } finally {
    signal.removeEventListener('abort', stop)
  }
  if (text.trim() !== '') return text.trim()
  throw new OperatorError('No token on standard input.', 'npm run --silent ops -- token | npm run ops -- …')
}

/** User and lifetime, from the token's own claims. */
function describe(token: string): string {
  try {
    const { exp, preferred_username, upn } = decodeJwt<{ preferred_username?: string; upn?: string }>(token)
    const minutes = Math.round(((exp ?? 0) * 1000 - Date.now()) / 60_000)
    return `of ${preferred_username ?? upn ?? 'a user'}, ${minutes > 0 ? `valid for ${minutes} minutes` : 'expired'}`
  } catch (error) {
    throw new OperatorError(
      'Not an Entra access token: those are JWTs.',
      'Pass the token alone; the command token prints one.',
      { cause: error },
    )
  }
}
