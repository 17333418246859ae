import { Command, Option } from 'commander'
import { decodeJwt, type JWTPayload } from 'jose'
import { azureCliToken } from '../shared/azure-cli.ts'
import { deviceCodeToken } from '../shared/device-code.ts'
import type { Io } from '../shared/io.ts'
import { OperatorError } from '../shared/operator-error.ts'
import { addTenantOptions, addVariableOption, parseGuid, parseScopeName } from '../shared/options.ts'

interface Options {
  readonly tenant: string
  readonly authorityHost: string
  readonly api: string
  readonly clientId?: string
  readonly scope: string
  readonly claims?: true
  readonly json?: true
}

/** `token`: an access token for the MCP API, as a client would send it. */
export function tokenCommand(io: Io): Command {
  const command = new Command('token').description(
    'get an access token for the MCP API, from the Azure CLI or with a device code',
  )
  addTenantOptions(command, io)
  addVariableOption(command, io, {
    flags: '--api <clientId>',
    description: "the API's app registration",
    variable: 'GRAPH_CLIENT_ID',
    parse: parseGuid,
  })
  return command
    .addOption(
      new Option(
        '--client-id <id>',
        'sign in with a device code, to this public client (default: the Azure CLI)',
      ).argParser(parseGuid),
    )
    .addOption(new Option('--scope <name>', 'scope of the API').default('access_as_user').argParser(parseScopeName))
    .addOption(new Option('--claims', 'print the claims of the token as JSON, instead of the token').conflicts('json'))
    .option('--json', 'print the token, its scope and when it expires as one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  TOKEN=$(npm run --silent ops -- token)
  npm run --silent ops -- token --claims
  npm run --silent ops -- token --json
  npm run --silent ops -- token --client-id <a public client of the tenant>

Standard output holds nothing but the token. Keep it secret: it grants access as you for about an hour.`,
    )
    .action(async (options: Options) => {
      const token = await getToken(io, options)
      if (options.json) io.print(JSON.stringify(tokenJson(token, options), undefined, 2))
      else io.print(options.claims ? JSON.stringify(claimsOf(token), undefined, 2) : token)
    })
}

function getToken(io: Io, { tenant: tenantId, authorityHost, api, clientId, scope: name }: Options): Promise<string> {
  const scope = `api://${api}/${name}`
  return clientId === undefined
    ? azureCliToken(io, { tenantId, scope })
    : deviceCodeToken(io, { authorityHost, tenantId, clientId, scope })
}

function tokenJson(accessToken: string, { api, scope }: Options) {
  const { exp } = claimsOf(accessToken)
  const expiresOn = exp === undefined ? undefined : new Date(exp * 1000).toISOString()
  return { accessToken, scope: `api://${api}/${scope}`, expiresOn }
}

/** The claims of a token. @throws {OperatorError} */
function claimsOf(token: string): JWTPayload {
  try {
    return decodeJwt(token)
  } catch (error) {
    throw new OperatorError('The token is not a JWT.', "Check that --api is the MCP server's app.", {
      cause: error,
    })
  }
}
