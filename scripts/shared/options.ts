import { type Command, InvalidArgumentError, Option } from 'commander'
import { isLoopback } from '../../src/lib/loopback.ts'
import type { Io } from './io.ts'

/** An option that defaults to a variable of the server. */
export interface VariableOption {
  /** As commander takes it: `--tenant <id>`. */
  readonly flags: string
  readonly description: string
  readonly variable: string
  /** Used where neither is set; without it, the option is required. */
  readonly fallback?: string
  /** @throws {InvalidArgumentError} */
  readonly parse: (value: string) => string
}

/** Adds the option; its value is parsed before the command's action runs. */
export function addVariableOption(command: Command, io: Io, { flags, variable, ...rest }: VariableOption): void {
  const { description, fallback, parse } = rest
  const source = fallback === undefined ? variable : `${variable}, or ${fallback}`
  const option = new Option(flags, `${description} (default: ${source})`).argParser(parse)
  command.addOption(option)
  command.hook('preAction', () => {
    const name = option.attributeName()
    if (command.getOptionValue(name) !== undefined) return
    const given = io.env[variable]?.trim() || fallback
    if (given === undefined) command.error(`error: missing ${flags}; or set the variable ${variable}`)
    try {
      command.setOptionValueWithSource(name, parse(given), 'env')
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error
      command.error(`error: invalid variable ${variable}. ${error.message}`)
    }
  })
}

/** For every command that signs a user in. */
export function addTenantOptions(command: Command, io: Io): Command {
  addVariableOption(command, io, {
    flags: '--tenant <id>',
    description: 'the Entra tenant, a GUID',
    variable: 'GRAPH_TENANT_ID',
    parse: parseTenant,
  })
  addVariableOption(command, io, {
    flags: '--authority-host <url>',
    description: 'Entra, for a national cloud',
    variable: 'ENTRA_AUTHORITY_HOST',
    fallback: 'https://login.microsoftonline.com',
    parse: parseBaseUrl,
  })
  return command
}

export function parseGuid(value: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)) return value.toLowerCase()
  throw new InvalidArgumentError('It must be a GUID.')
}

/** Entra accepts a domain too, but the server's configuration and tokens name the tenant by GUID. */
export function parseTenant(value: string): string {
  try {
    return parseGuid(value)
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error
    throw new InvalidArgumentError(`${error.message} ${tenantIdHint}`)
  }
}

const tenantIdHint =
  'The Entra admin center shows it under Overview, Tenant ID; for a domain it is in the "issuer" of https://login.microsoftonline.com/<domain>/v2.0/.well-known/openid-configuration.'

/** An https URL without a query; http on loopback only. @returns it without a trailing slash */
export function parseBaseUrl(value: string): string {
  const url = URL.canParse(value) && !/[?#@\s]/.test(value) ? new URL(value) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new InvalidArgumentError('It must be a URL without a query, such as https://mcp.example.com.')
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw new InvalidArgumentError('It may be http only on a loopback address.')
  }
  return url.href.replace(/\/+$/, '')
}

/** The name of a scope, without the prefix of its API. */
export function parseScopeName(value: string): string {
  if (/^[\w.-]{1,120}$/.test(value)) return value
  throw new InvalidArgumentError('It must be the name of a scope, such as access_as_user.')
}
