import { type Command, InvalidArgumentError, Option } from 'commander'
import { isLoopback } from '../../src/lib/loopback.ts'
import { graphCommandLineTools } from '../shared/graph.ts'
import type { Io } from '../shared/io.ts'
import { addTenantOptions, addVariableOption, parseBaseUrl, parseGuid } from '../shared/options.ts'

/** Options of both register commands. */
export interface RegistrationOptions {
  readonly tenant: string
  readonly authorityHost: string
  readonly graphBaseUrl: string
  readonly az?: true
  readonly signInClientId: string
  readonly appId?: string
  readonly uniqueName?: string
  readonly displayName?: string
  readonly publicBaseUrl?: readonly string[]
  readonly pruneRedirects?: true
  readonly secret?: true
  readonly secretDays: number
  readonly secretFile?: string
  readonly writeEnv?: string
  readonly renewSecret?: true
  readonly certificate?: string
  readonly managedIdentity?: string
  readonly adminConsent?: true
  readonly dryRun?: true
  readonly json?: true
}

const defaultSecretDays = 180
/** Entra's own limit for a secret is two years. */
const maxSecretDays = 730

export function addRegistrationOptions(command: Command, io: Io, defaultName: string): Command {
  addTenantOptions(command, io)
  addVariableOption(command, io, {
    flags: '--graph-base-url <url>',
    description: 'Microsoft Graph, for a national cloud',
    variable: 'GRAPH_BASE_URL',
    fallback: 'https://graph.microsoft.com/v1.0',
    parse: parseBaseUrl,
  })
  return command
    .option('--az', 'sign in with the Azure CLI (default: a device code)')
    .addOption(
      new Option('--sign-in-client-id <id>', 'public client for the device code')
        .default(graphCommandLineTools)
        .argParser(parseGuid),
    )
    .addOption(new Option('--app-id <id>', 'update this registration, by its client id').argParser(parseGuid))
    .option('--unique-name <name>', 'update this registration, by its uniqueName')
    .option(
      '--display-name <name>',
      `update the registration of exactly this name, or create it (default: "${defaultName}")`,
    )
    .addOption(
      new Option('--public-base-url <url>', 'origin of the server, for its redirect URI; repeatable').argParser(
        collect(parseOrigin),
      ),
    )
    .option('--prune-redirects', 'remove all other redirect URIs')
    .option('--secret', 'create a client secret, unless this command has created one that is still valid')
    .addOption(
      new Option('--secret-days <n>', 'lifetime of a new secret in days')
        .default(defaultSecretDays)
        .argParser(parseDays),
    )
    .option('--secret-file <file>', 'write the secret to a new file (mode 600) instead of printing it')
    .option('--renew-secret', 'create a secret anyway; the old one stays until it expires')
    .addOption(
      new Option('--certificate <file>', 'upload the certificate of this PEM file').conflicts([
        'secret',
        'renewSecret',
      ]),
    )
    .addOption(
      new Option('--managed-identity <principalId>', 'let this managed identity authenticate as the app')
        .argParser(parseGuid)
        .conflicts(['secret', 'renewSecret', 'certificate']),
    )
    .addOption(
      new Option(
        '--write-env <file>',
        'write the variables of the server, including the secret, to this file (mode 600); other lines stay',
      ).conflicts('secretFile'),
    )
    .option('--admin-consent', 'grant admin consent for the whole tenant')
    .option('--dry-run', 'show the changes without writing them')
    .option('--json', 'print JSON')
}

/** Parser of a repeatable option. */
export function collect<T>(parse: (value: string) => T) {
  return (value: string, previous: readonly T[] = []): readonly T[] => [...previous, parse(value)]
}

/** A redirect URI that Entra accepts: https, or http on loopback, without a fragment. */
export function parseRedirectUri(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined
  const isAllowed = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname))
  if (isAllowed && !/[#\s*]/.test(value) && value.length <= 256) return value
  throw new InvalidArgumentError('It must be an https URL, or http on a loopback address, without a fragment.')
}

function parseOrigin(value: string): string {
  const base = parseBaseUrl(value)
  if (new URL(base).pathname === '/') return base
  throw new InvalidArgumentError('It must be an origin without a path, such as https://mcp.example.com.')
}

function parseDays(value: string): number {
  const days = /^\d{1,4}$/.test(value) ? Number(value) : 0
  if (days >= 1 && days <= maxSecretDays) return days
  throw new InvalidArgumentError(`It must be a number of days, 1 to ${maxSecretDays}.`)
}
