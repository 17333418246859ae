import { Command } from 'commander'
import { parseArguments } from '../call/arguments.ts'
import { resultText, toolsText } from '../call/tables.ts'
import { discover } from '../mcp/discover.ts'
import { openSession, type Session } from '../mcp/session.ts'
import { boundedFetch } from '../shared/bounded-fetch.ts'
import { deploymentOf, urlOption } from '../shared/deployment.ts'
import { runSilently } from '../shared/hops.ts'
import type { Io } from '../shared/io.ts'
import { OperatorError } from '../shared/operator-error.ts'
import { addTokenOptions, type TokenFlags, tokenHelp, withAccessToken } from '../sign-in/access-token.ts'
import { addPkceOptions, type PkceFlags } from '../sign-in/flags.ts'

interface Options extends TokenFlags, PkceFlags {
  readonly url?: string
  readonly list?: true
  readonly json?: true
}

/** `call`: calls a tool of a running server as the signed-in user, and shows the result. */
export function callCommand(io: Io): Command {
  const command = new Command('call')
    .description('call a tool of a running server')
    .argument('[tool]', 'tool name; see --list')
    .argument('[arguments...]', 'name=value, lists separated by commas; name:=json for raw JSON')
    .addOption(urlOption())
    .option('--list', 'list the tools and their arguments')
  return addPkceOptions(addTokenOptions(command))
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `${tokenHelp}

Examples:
  npm run ops -- call --list
  npm run ops -- call getDigest since=14d services=Teams
  npm run ops -- call getMessages view=compact search='"shared mailbox" license' milestoneBefore=90d
  npm run --silent ops -- call getMessage id=MC1268761 --json --az`,
    )
    .action(async (tool: string | undefined, given: readonly string[], options: Options) => {
      if (tool === undefined && !options.list) command.error('error: missing tool name; or use --list')
      await call(io, tool, given, options)
    })
}

async function call(io: Io, name: string | undefined, given: readonly string[], options: Options): Promise<void> {
  const { endpoint } = deploymentOf(options.url, io.env)
  const fetch = boundedFetch(io)
  const place = await discover({ endpoint }, { fetch, hop: runSilently })
  await withAccessToken({ io, flags: options, fetch, hop: runSilently, place }, async (accessToken) => {
    const session = await openSession('any', { endpoint, accessToken, fetch })
    await use(session).finally(() => session.close())
  })

  async function use(session: Session): Promise<void> {
    const tools = await session.listTools()
    if (name === undefined || options.list) {
      io.print(options.json ? JSON.stringify(tools, undefined, 2) : toolsText(tools))
      return
    }
    const tool = tools.find((listed) => listed.name === name)
    if (tool === undefined) {
      const names = tools.map((listed) => listed.name).join(', ')
      throw new OperatorError(`Unknown tool: "${name.slice(0, 80)}".`, `Tools: ${names}; call --list describes them.`)
    }
    const { structuredContent, content } = await session.callTool(name, parseArguments(name, given, tool.inputSchema))
    if (options.json) io.print(JSON.stringify(structuredContent ?? content, undefined, 2))
    else io.print(structuredContent ? resultText(structuredContent) : content.map(({ text }) => text).join('\n'))
  }
}
