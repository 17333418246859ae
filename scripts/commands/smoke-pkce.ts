import { Command } from 'commander'
import { decodeJwt } from 'jose'
import type { TokenEndpointResponse } from 'oauth4webapi'
import { discover } from '../mcp/discover.ts'
import { boundedFetch } from '../shared/bounded-fetch.ts'
import { deploymentOf, urlOption } from '../shared/deployment.ts'
import { type RunHop, runChain } from '../shared/hops.ts'
import type { Io } from '../shared/io.ts'
import { addPkceOptions, type PkceFlags } from '../sign-in/flags.ts'
import { lifetimeOf, refreshTokens, revokeTokens, signInByPkce } from '../sign-in/pkce.ts'

interface Options extends PkceFlags {
  readonly url?: string
  readonly refresh: boolean
  readonly showToken?: true
  readonly json?: true
}

/** `smoke pkce`: signs in at a server as a strict client does, and shows each hop. */
export function smokePkceCommand(io: Io): Command {
  const command = new Command('pkce')
    .description('sign in through a running server’s OAuth endpoints, with PKCE, and show each hop')
    .addOption(urlOption())
  return addPkceOptions(command)
    .option('--no-refresh', 'do not use the refresh token')
    .option('--show-token', 'also print the access token')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  npm run ops -- smoke pkce
  npm run ops -- smoke pkce --url https://mcp.example.com --no-browser`,
    )
    .action(async (options: Options) => {
      const deployment = deploymentOf(options.url, io.env)
      await runChain(io, {
        json: options.json === true,
        about: { url: deployment.endpoint },
        work: (hop) => signInAndOut(io, deployment.endpoint, options, hop),
        report: (tokens) => ({
          claims: decodeJwt(tokens.access_token),
          ...(options.showToken && { accessToken: tokens.access_token }),
        }),
        conclude: (tokens) => {
          io.print(`\nClaims of the access token:\n${JSON.stringify(decodeJwt(tokens.access_token), undefined, 2)}`)
          if (options.showToken) io.print(`\n${tokens.access_token}`)
          io.print('\nSign-in works.', 'green')
        },
      })
    })
}

async function signInAndOut(io: Io, endpoint: string, options: Options, hop: RunHop): Promise<TokenEndpointResponse> {
  const fetch = boundedFetch(io)
  const place = await discover({ endpoint }, { fetch, hop })
  const signedIn = await signInByPkce(place, { ...options, io, fetch, hop })
  const { refresh_token } = signedIn.tokens
  if (!options.refresh || refresh_token === undefined) return signedIn.tokens

  const tokens = await hop('refresh', async () => {
    const value = await refreshTokens(place, { client: signedIn.client, refresh_token }, fetch)
    return { value, detail: `new access token ${lifetimeOf(value)}` }
  })
  if (place.server.revocation_endpoint !== undefined) {
    await hop('revoke', async () => {
      const last = { client: signedIn.client, refresh_token: tokens.refresh_token ?? refresh_token }
      await revokeTokens(place, last, fetch)
      return { value: undefined, detail: 'refresh tokens of this sign-in revoked' }
    })
  }
  return tokens
}
