import { type Command, InvalidArgumentError, Option } from 'commander'
import { isLoopback } from '../../src/lib/loopback.ts'
import type { Io } from './io.ts'

/** An option that a variable of the server may give instead; the command line goes before it. */
export interface VariableOption {
  /** As commander takes it: `--tenant <id>`. */
  readonly flags: string
  readonly description: string
  readonly variable: string
  /** Used where neither says anything; without it, the option is required. */
  readonly fallback?: string
  /** @throws {InvalidArgumentError} */
  readonly parse: (value: string) => string
}

/** Adds the option; its value is there, parsed, by the time the command's action runs. */
export function addVariableOption(command: Command, io: Io, { flags, variable, ...rest }: VariableOption): void {
  const { description, fallback, parse } = rest
  const told = fallback === undefined ? variable : `${variable}, or ${fallback}`
  const option = new Option(flags, `${description} (default: ${told})`).argParser(parse)
  command.addOption(option)
  command.hook('preAction', () => {
    const name = option.attributeName()
    if (command.getOptionValue(name) !== undefined) return
    const given = io.env[variable]?.trim() || fallback
    if (given === undefined) command.error(`error: ${flags} is missing; the variable ${variable} would do as well`)
    try {
      command.setOptionValueWithSource(name, parse(given), 'env')
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error
      command.error(`error: the variable ${variable} is invalid. ${error.message}`)
    }
  })
}

/** The tenant, and where its Entra is: what every command has that signs somebody in. */
export function addTenantOptions(command: Command, io: Io): Command {
  addVariableOption(command, io, {
    flags: '--tenant <id>',
    description: 'the Entra tenant, a GUID',
    variable: 'GRAPH_TENANT_ID',
    parse: parseTenant,
  })
  addVariableOption(command, io, {
    flags: '--authority-host <url>',
    description: 'Entra, where it is a national cloud',
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

/** Entra would take a domain as well; what the server is configured with and tokens name is the GUID. */
export function parseTenant(value: string): string {
  try {
    return parseGuid(value)
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error
    throw new InvalidArgumentError(`${error.message} ${whereTenantIdIs}`)
  }
}

/** For whoever knows the tenant by one of its domains. */
const whereTenantIdIs =
  'Entra admin center, Overview, shows it as Tenant ID; for a domain it is in the "issuer" of https://login.microsoftonline.com/<domain>/v2.0/.well-known/openid-configuration.'

/** An https URL without a query and without a slash at its end; http on a loopback address alone. */
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
