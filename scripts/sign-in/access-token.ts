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
import { refreshTokens, revokeTokens, signInByPkce } from './pkce.ts'
import { readSignIn, writeSignIn } from './stored-sign-ins.ts'

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
Without these options the token is read from the variable MCP_ACCESS_TOKEN, or the sign-in of "login" is used, or a
browser opens for a sign-in that is revoked at the end.`

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

/**
 * Gets an access token for the MCP API and passes it to `work`. Where Entra asks for more of a user who signs in with a
 * browser (a claims challenge), they sign in once more.
 *
 * @throws {OperatorError}
 */
export async function withAccessToken<T>(request: TokenRequest, work: (token: string) => Promise<T>): Promise<T> {
  const { io, flags, hop } = request
  const way = wayToToken(flags, io.env)
  if (way === 'browser') {
    const stored = await refreshStored(request)
    return stored === undefined ? inBrowser(request, work) : steppingUp(request, work, stored)
  }
  const token = await hop('token', async () => {
    const value = await tokenBy(way, io, flags)
    return { value, detail: describe(value) }
  })
  return work(token).catch((error: unknown) => {
    throw withClaimsHint(error, io.env)
  })
}

/** A sign-in for `work` alone: its refresh token is revoked afterwards. */
async function inBrowser<T>(
  { place, io, flags, fetch, hop }: TokenRequest,
  work: (token: string) => Promise<T>,
  claims?: string,
): Promise<T> {
  const signedIn = await signInByPkce(place, { ...flags, io, fetch, hop, ...(claims !== undefined && { claims }) })
  const { access_token, refresh_token } = signedIn.tokens
  try {
    if (claims !== undefined) return await work(access_token)
    return await steppingUp({ place, io, flags, fetch, hop }, work, access_token)
  } finally {
    if (refresh_token !== undefined) {
      await revokeTokens(place, { client: signedIn.client, refresh_token }, fetch).catch((error: unknown) => {
        if (!(error instanceof OperatorError)) throw error
        io.progress(`The sign-in could not be revoked. ${error.message}`, 'yellow')
      })
    }
  }
}

async function steppingUp<T>(request: TokenRequest, work: (token: string) => Promise<T>, token: string): Promise<T> {
  return work(token).catch((error: unknown) => {
    const claims = claimsOf(error)
    if (claims === undefined) throw error
    request.io.progress('Entra requires more of this user, such as MFA: sign in again.', 'yellow')
    return inBrowser(request, work, Buffer.from(claims, 'base64').toString())
  })
}

/** A new access token by the sign-in of `login`; undefined where there is none, or where it has ended. */
async function refreshStored({ place, io, fetch, hop }: TokenRequest): Promise<string | undefined> {
  const stored = readSignIn(io.env, place.resource)
  // A refresh token goes to the server that issued it, and to no other.
  if (stored === undefined || stored.issuer !== place.issuer) return undefined
  try {
    return await hop('stored sign-in', async () => {
      const { clientId: client_id, refreshToken: refresh_token } = stored
      const tokens = await refreshTokens(place, { client: { client_id }, refresh_token }, fetch)
      const refreshToken = tokens.refresh_token ?? refresh_token
      writeSignIn(io.env, place.resource, { ...stored, refreshToken })
      return { value: tokens.access_token, detail: describe(tokens.access_token) }
    })
  } catch (error) {
    if (!(error instanceof OperatorError) || error.code !== 'invalid_grant') throw error
    writeSignIn(io.env, place.resource, undefined)
    io.progress('The stored sign-in has ended; "login" makes a new one.', 'yellow')
    return undefined
  }
}

/** The claims of a claims challenge, in base64. */
function claimsOf(error: unknown): string | undefined {
  const { claims } = error instanceof OperatorError ? error.details : {}
  return typeof claims === 'string' ? claims : undefined
}

/** How to meet the challenge with the Azure CLI, whose sign-in this command cannot repeat. */
function withClaimsHint(error: unknown, env: Io['env']): unknown {
  const claims = claimsOf(error)
  if (!(error instanceof OperatorError) || claims === undefined) return error
  const tenant = env['GRAPH_TENANT_ID'] || '<tenant>'
  const scope = `api://${env['GRAPH_CLIENT_ID'] || '<client id>'}/access_as_user`
  const { message, next, code, details } = error
  const hint = `With the Azure CLI: az login --tenant ${tenant} --scope ${scope} --claims-challenge ${claims}`
  return new OperatorError(message, `${next} ${hint}`, { cause: error, code, details })
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
export function describe(token: string): string {
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
