import { Command } from 'commander'
import { parseArguments } from '../call/arguments.ts'
import { resultText, toolsText } from '../call/tables.ts'
import { discover } from '../mcp/discover.ts'
import { openSession } from '../mcp/session.ts'
import { boundedFetch } from '../shared/bounded-fetch.ts'
import { deploymentOf, urlOption } from '../shared/deployment.ts'
import type { RunHop } from '../shared/hops.ts'
import type { Io } from '../shared/io.ts'
import { OperatorError } from '../shared/operator-error.ts'
import { accessToken, addTokenOptions, type TokenFlags, tokenHelp } from '../sign-in/access-token.ts'
import { addPkceOptions, type PkceFlags } from '../sign-in/flags.ts'

interface Options extends TokenFlags, PkceFlags {
  readonly url?: string
  readonly list?: true
  readonly json?: true
}

/** `call`: calls a tool of a running server as the signed-in user, and shows what came. */
export function callCommand(io: Io): Command {
  const command = new Command('call')
    .description('call a tool of a running server')
    .argument('[tool]', 'its name; --list has them')
    .argument('[arguments...]', 'name=value, lists with commas; name:=json for JSON as it is')
    .addOption(urlOption())
    .option('--list', 'list the tools and what they take')
  return addPkceOptions(addTokenOptions(command))
    .option('--json', 'the result as JSON instead of a table')
    .addHelpText(
      'after',
      `${tokenHelp}

Examples:
  npm run ops -- call --list
  npm run ops -- call getMessages services=Teams,SharePoint isMajorChange=true top=5
  npm run --silent ops -- call getMessage id=MC1268761 --json --az`,
    )
    .action(async (tool: string | undefined, given: readonly string[], options: Options) => {
      if (tool === undefined && !options.list) command.error('error: name a tool, or --list')
      await call(io, tool, given, options)
    })
}

/** For a command whose output is its result alone. */
const quietly: RunHop = async (_name, work) => (await work()).value

async function call(io: Io, name: string | undefined, given: readonly string[], options: Options): Promise<void> {
  const { endpoint } = deploymentOf(options.url, io.env)
  const fetch = boundedFetch(io)
  const place = await discover({ endpoint }, { fetch, hop: quietly })
  const token = await accessToken({ io, flags: options, fetch, hop: quietly, place })
  const session = await openSession('any', { endpoint, accessToken: token, fetch })
  try {
    const tools = await session.listTools()
    if (name === undefined || options.list) {
      io.print(options.json ? JSON.stringify(tools, undefined, 2) : toolsText(tools))
      return
    }
    const tool = tools.find((listed) => listed.name === name)
    if (tool === undefined) {
      const names = tools.map((listed) => listed.name).join(', ')
      throw new OperatorError(`There is no tool "${name.slice(0, 80)}".`, `There are ${names}; call --list says more.`)
    }
    const { structuredContent, content } = await session.callTool(name, parseArguments(name, given, tool.inputSchema))
    if (options.json) io.print(JSON.stringify(structuredContent ?? content, undefined, 2))
    else io.print(structuredContent ? resultText(structuredContent) : content.map(({ text }) => text).join('\n'))
  } finally {
    await session.close()
  }
}
