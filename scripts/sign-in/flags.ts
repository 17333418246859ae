import { type Command, Option } from 'commander'
import { integerIn } from '../shared/numbers.ts'

/** What can be said about a sign-in in a browser. */
export interface PkceFlags {
  readonly clientId?: string
  readonly port: number
  readonly browser: boolean
  readonly timeout: number
}

export function addPkceOptions(command: Command): Command {
  return command
    .option('--client-id <id>', 'a client that the server knows (default: registers itself)')
    .addOption(
      new Option('--port <n>', 'where this machine waits for the browser: http://localhost:PORT/; 0 takes a free one')
        .argParser(integerIn(0, 65_535))
        .default(8400),
    )
    .option('--no-browser', 'print the address; takes the last page’s address on standard input, too')
    .addOption(
      new Option('--timeout <s>', 'seconds to wait for whoever signs in').argParser(integerIn(1, 3600)).default(300),
    )
}
