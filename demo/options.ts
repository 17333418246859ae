import { parseArgs } from 'node:util'

export const help = `Runs the server with an emulated tenant on this machine, signs in and reads messages.

  npm run demo -- [options]

  --user <name>          who signs in (default rowan, a Message Center Reader)
  --once                 exit after printing messages; exit code 1 on failure
  --port <n>             port of the server (default 0: a free port)
  --emulator-port <n>    port of the tenant (default 0: a free port)
  --log                  print the server's log to standard error, as JSON lines
  --help                 show this help
`

export interface Options {
  readonly user: string
  readonly once: boolean
  readonly port: number
  readonly emulatorPort: number
  readonly log: boolean
  readonly help: boolean
}

/** Parses the command line. @throws {Error} with a one-line message for unknown or invalid options */
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

function readPort(option: string, value: string): number {
  if (/^\d{1,5}$/.test(value) && Number(value) <= 65_535) return Number(value)
  throw new Error(`${option} must be a port from 0 to 65535, not "${value}".`)
}
