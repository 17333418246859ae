import { type Command, Option } from 'commander'
import { integerIn } from '../shared/numbers.ts'

/** Options of a sign-in in a browser. */
export interface PkceFlags {
  readonly clientId?: string
  readonly port: number
  readonly browser: boolean
  readonly timeout: number
}

export function addPkceOptions(command: Command): Command {
  return command
    .option('--client-id <id>', 'a registered client (default: registers a new one)')
    .addOption(
      new Option('--port <n>', 'port of the redirect URI http://localhost:PORT/; 0 picks a free one')
        .argParser(integerIn(0, 65_535))
        .default(8400),
    )
    .option('--no-browser', 'print the URL; also read the redirect URL from standard input')
    .addOption(
      new Option('--timeout <s>', 'seconds to wait for the sign-in').argParser(integerIn(1, 3600)).default(300),
    )
}
