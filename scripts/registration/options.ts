import { type Command, InvalidArgumentError, Option } from 'commander'
import { isLoopback } from '../../src/lib/loopback.ts'
import { graphCommandLineTools } from '../shared/graph.ts'
import type { Io } from '../shared/io.ts'
import { addTenantOptions, addVariableOption, parseBaseUrl, parseGuid } from '../shared/options.ts'

/** What both register commands take. */
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
const longestSecretDays = 730

export function addRegistrationOptions(command: Command, io: Io, defaultName: string): Command {
  addTenantOptions(command, io)
  addVariableOption(command, io, {
    flags: '--graph-base-url <url>',
    description: 'Microsoft Graph, where it is a national cloud',
    variable: 'GRAPH_BASE_URL',
    fallback: 'https://graph.microsoft.com/v1.0',
    parse: parseBaseUrl,
  })
  return command
    .option('--az', 'sign in as whoever is signed in to the Azure CLI; without it, by a device code')
    .addOption(
      new Option('--sign-in-client-id <id>', 'the public client to sign in to by a device code')
        .default(graphCommandLineTools)
        .argParser(parseGuid),
    )
    .addOption(new Option('--app-id <id>', 'update this registration, by its client id').argParser(parseGuid))
    .option('--unique-name <name>', 'update this registration, by its uniqueName')
    .option(
      '--display-name <name>',
      `the registration of exactly this name, created where there is none ("${defaultName}")`,
    )
    .addOption(
      new Option('--public-base-url <url>', 'an origin of the server, for its redirect URI; may be repeated').argParser(
        collect(parseOrigin),
      ),
    )
    .option('--prune-redirects', 'remove redirect URIs that this command line does not lead to')
    .option('--secret', 'make a client secret, unless there is a good one of this command')
    .addOption(new Option('--secret-days <n>', 'how long it is good').default(defaultSecretDays).argParser(parseDays))
    .option('--secret-file <file>', 'where to write it, for you alone to read, instead of printing it')
    .option('--renew-secret', 'make one even so; the old one stays until it expires')
    .addOption(
      new Option('--certificate <file>', 'a PEM file, whose certificate is uploaded').conflicts([
        'secret',
        'renewSecret',
      ]),
    )
    .addOption(
      new Option('--managed-identity <principalId>', 'a managed identity that stands for the app')
        .argParser(parseGuid)
        .conflicts(['secret', 'renewSecret', 'certificate']),
    )
    .addOption(
      new Option(
        '--write-env <file>',
        'write the lines for the server to this file, a secret among them, for you alone to read; what else it has stays',
      ).conflicts('secretFile'),
    )
    .option('--admin-consent', 'consent for everybody in the tenant')
    .option('--dry-run', 'show what would change, and write nothing')
    .option('--json', 'JSON on standard output, and nothing else there')
}

/** For an option that can be given more than once. */
export function collect<T>(parse: (value: string) => T) {
  return (value: string, previous: readonly T[] = []): readonly T[] => [...previous, parse(value)]
}

/** A URL that a sign-in may lead to, as Entra takes them: https, or http on loopback, and no fragment. */
export function parseRedirectUri(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined
  const isSound = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname))
  if (isSound && !/[#\s*]/.test(value) && value.length <= 256) return value
  throw new InvalidArgumentError('It must be an https URL, or http on a loopback address, without a fragment.')
}

function parseOrigin(value: string): string {
  const base = parseBaseUrl(value)
  if (new URL(base).pathname === '/') return base
  throw new InvalidArgumentError('It must be an origin without a path, such as https://mcp.example.com.')
}

function parseDays(value: string): number {
  const days = /^\d{1,4}$/.test(value) ? Number(value) : 0
  if (days >= 1 && days <= longestSecretDays) return days
  throw new InvalidArgumentError(`It must be a number of days, 1 to ${longestSecretDays}.`)
}
