import { parseArgs } from 'node:util'

export const help = `The server against an emulated tenant, from sign-in to messages, all on this machine.

  npm run demo -- [options]

  --user <name>          who signs in (default rowan, a Message Center Reader)
  --once                 end after the messages; exit code 1 where there were none to show
  --port <n>             where the server listens (default 0: a free port)
  --emulator-port <n>    where the tenant listens (default 0: a free port)
  --log                  show the server's log, JSON lines on standard error
  --help                 this text
`

export interface Options {
  readonly user: string
  readonly once: boolean
  readonly port: number
  readonly emulatorPort: number
  readonly log: boolean
  readonly help: boolean
}

/** The options of the command line. @throws an Error of one line for whatever is unknown or malformed */
export function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      user: { type: 'string', default: 'rowan' },
      once: { type: 'boolean', default: false },
      port: { type: 'string', default: '0' },
      'emulator-port': { type: 'string', default: '0' },
      log: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const { user, once, log, help } = values
  return {
    user,
    once,
    log,
    help,
    port: readPort('--port', values.port),
    emulatorPort: readPort('--emulator-port', values['emulator-port']),
  }
}

function readPort(option: string, given: string): number {
  if (/^\d{1,5}$/.test(given) && Number(given) <= 65_535) return Number(given)
  throw new Error(`${option} takes a port, 0 to 65535, and not "${given}".`)
}
