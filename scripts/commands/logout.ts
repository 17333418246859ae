import { Command } from 'commander'
import { discover } from '../mcp/discover.ts'
import { boundedFetch } from '../shared/bounded-fetch.ts'
import { deploymentOf, urlOption } from '../shared/deployment.ts'
import { runSilently } from '../shared/hops.ts'
import type { Io } from '../shared/io.ts'
import { revokeTokens } from '../sign-in/pkce.ts'
import { readSignIn, writeSignIn } from '../sign-in/stored-sign-ins.ts'

interface Options {
  readonly url?: string
  readonly json?: true
}

/** `logout`: revokes the sign-in of `login` and removes it from this machine. */
export function logoutCommand(io: Io): Command {
  return new Command('logout')
    .description('revoke and remove the sign-in of "login"')
    .addOption(urlOption())
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  npm run ops -- logout
  npm run ops -- logout --url https://mcp.example.com

It is removed from this machine even if the server cannot be reached to revoke it.`,
    )
    .action(async (options: Options) => logout(io, options))
}

async function logout(io: Io, { url, json }: Options): Promise<void> {
  const { endpoint } = deploymentOf(url, io.env)
  const stored = readSignIn(io.env, endpoint)
  if (stored !== undefined) {
    writeSignIn(io.env, endpoint, undefined)
    const fetch = boundedFetch(io)
    const place = await discover({ endpoint }, { fetch, hop: runSilently })
    if (place.issuer === stored.issuer) {
      const { clientId: client_id, refreshToken: refresh_token } = stored
      await revokeTokens(place, { client: { client_id }, refresh_token }, fetch)
    }
  }
  const revoked = stored !== undefined
  if (json) io.print(JSON.stringify({ url: endpoint, revoked }, undefined, 2))
  else io.print(revoked ? `Signed out of ${endpoint}.` : `No sign-in to ${endpoint} is stored.`)
}
