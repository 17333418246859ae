import { Command } from 'commander'
import { discover } from '../mcp/discover.ts'
import { boundedFetch } from '../shared/bounded-fetch.ts'
import { deploymentOf, urlOption } from '../shared/deployment.ts'
import { runSilently } from '../shared/hops.ts'
import type { Io } from '../shared/io.ts'
import { OperatorError } from '../shared/operator-error.ts'
import { describe } from '../sign-in/access-token.ts'
import { addPkceOptions, type PkceFlags } from '../sign-in/flags.ts'
import { signInByPkce } from '../sign-in/pkce.ts'
import { storePath, writeSignIn } from '../sign-in/stored-sign-ins.ts'

interface Options extends PkceFlags {
  readonly url?: string
  readonly json?: true
}

/** `login`: signs in at a running server and stores the refresh token, for `call` and `smoke obo`. */
export function loginCommand(io: Io): Command {
  const command = new Command('login')
    .description('sign in to a running server, for later calls')
    .addOption(urlOption())
  return addPkceOptions(command)
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  npm run ops -- login
  npm run ops -- login --url https://mcp.example.com --no-browser

Stores the refresh token of the sign-in in a file that only you can read (mode 600), in XDG_STATE_HOME or
~/.local/state. It is encrypted by the server and of use there only. "logout" revokes it.`,
    )
    .action(async (options: Options) => login(io, options))
}

async function login(io: Io, { url, json, ...flags }: Options): Promise<void> {
  const { endpoint } = deploymentOf(url, io.env)
  const fetch = boundedFetch(io)
  const place = await discover({ endpoint }, { fetch, hop: runSilently })
  const { client, tokens } = await signInByPkce(place, { ...flags, io, fetch, hop: runSilently })
  if (tokens.refresh_token === undefined) {
    throw new OperatorError(
      'The server issued no refresh token: the sign-in cannot be stored.',
      'Without login, each call opens a browser.',
    )
  }
  writeSignIn(io.env, place.resource, {
    issuer: place.issuer,
    clientId: client.client_id,
    refreshToken: tokens.refresh_token,
  })
  const file = storePath(io.env)
  if (json) io.print(JSON.stringify({ url: place.resource, file }, undefined, 2))
  else io.print(`Signed in to ${place.resource}, with a token ${describe(tokens.access_token)}.\nStored in ${file}.`)
}
