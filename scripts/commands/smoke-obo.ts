import { Command } from 'commander'
import { discover } from '../mcp/discover.ts'
import { type Generation, openSession, type Session, type SessionOptions } from '../mcp/session.ts'
import { boundedFetch } from '../shared/bounded-fetch.ts'
import { deploymentOf, urlOption } from '../shared/deployment.ts'
import { type RunHop, runChain } from '../shared/hops.ts'
import type { Io } from '../shared/io.ts'
import { OperatorError } from '../shared/operator-error.ts'
import { addTokenOptions, type TokenFlags, tokenHelp, withAccessToken } from '../sign-in/access-token.ts'
import { addPkceOptions, type PkceFlags } from '../sign-in/flags.ts'

interface Options extends TokenFlags, PkceFlags {
  readonly url?: string
  readonly json?: true
}

/** The SDK of each protocol era. */
const eras: readonly { readonly generation: Generation; readonly era: string }[] = [
  { generation: 'v1', era: '2025' },
  { generation: 'v2', era: '2026' },
]

/** `smoke obo`: the whole chain, from the 401 to messages from Graph, with the official clients of both protocol eras. */
export function smokeOboCommand(io: Io): Command {
  const command = new Command('obo')
    .description('read messages through a running server, with clients of both protocol eras, and time each hop')
    .addOption(urlOption())
  return addPkceOptions(addTokenOptions(command))
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `${tokenHelp}

Examples:
  npm run --silent ops -- token | npm run ops -- smoke obo --token-stdin
  npm run ops -- smoke obo --url https://mcp.example.com --az`,
    )
    .action(async (options: Options) => {
      const { endpoint } = deploymentOf(options.url, io.env)
      await runChain(io, {
        json: options.json === true,
        about: { url: endpoint },
        work: (hop) => wholeChain(io, endpoint, options, hop),
        report: () => ({}),
        conclude: () => io.print('\nSign-in, OBO exchange and Graph work.', 'green'),
      })
    })
}

async function wholeChain(io: Io, endpoint: string, flags: Options, hop: RunHop): Promise<void> {
  const fetch = boundedFetch(io)
  const place = await discover({ endpoint }, { fetch, hop })
  await withAccessToken({ io, flags, fetch, hop, place }, async (accessToken) => {
    for (const { generation, era } of eras) {
      await readMessages(generation, { endpoint, accessToken, fetch }, (name, work) => hop(`${name}, ${era}`, work))
    }
  })
}

async function readMessages(generation: Generation, options: SessionOptions, hop: RunHop): Promise<void> {
  const session = await hop('connect', async () => {
    const value = await openSession(generation, options)
    return { value, detail: `MCP ${value.version} with ${value.serverName}` }
  })
  try {
    await hop('tools/list', async () => {
      const value = await session.listTools()
      return { value, detail: value.map(({ name }) => name).join(', ') }
    })
    // The first call with a token needs the exchange; the second finds the Graph token in the cache.
    for (const which of ['first', 'again']) {
      await hop(`tools/call ${which}`, async () => ({ value: undefined, detail: await firstMessage(session) }))
    }
  } finally {
    await session.close()
  }
}

async function firstMessage(session: Session): Promise<string> {
  const { structuredContent } = await session.callTool('getMessages', { top: 1 })
  const { value: [message] = [], '@odata.count': count } = (structuredContent ?? {}) as {
    value?: readonly { readonly id?: string }[]
    '@odata.count'?: number
  }
  if (message === undefined && count !== 0) {
    throw new OperatorError('getMessages returned no messages.', 'Check that this is a Message Center server.')
  }
  return `${message?.id ?? 'no message'}, one of ${count}`
}
