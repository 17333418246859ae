import { parseArgs } from 'node:util'
import { type Emulator, startEmulator } from './app.ts'
import { writePrivateFile } from './private-file.ts'

const DEFAULT_PORT = 9600

const HELP = `A Microsoft Entra tenant and Microsoft Graph's Message Center on this machine, for local runs and tests.

  npm run emulator -- [options]

  --port <n>             where to listen (default ${DEFAULT_PORT}, or EMULATOR_PORT; 0 takes a free port)
  --host <address>       a loopback address (default 127.0.0.1)
  --allow-non-loopback   let it listen elsewhere; it signs in anybody as anybody, so think twice
  --origin <url>         the origin it names, where others reach it by another name than it listens on
  --secrets <file>       keep its keys and secrets in this file, so that a restart leaves what was issued good
  --write-env <file>     also write the lines for .env.local to this file, for a server that waits for it
  --help                 this text
`

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string' },
      host: { type: 'string' },
      'allow-non-loopback': { type: 'boolean' },
      origin: { type: 'string' },
      secrets: { type: 'string' },
      'write-env': { type: 'string' },
      help: { type: 'boolean' },
    },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return
  }
  const emulator = await startEmulator({
    port: readPort(values.port ?? process.env['EMULATOR_PORT']),
    ...(values.host !== undefined && { host: values.host }),
    ...(values.origin !== undefined && { publicOrigin: readOrigin(values.origin) }),
    ...(values.secrets !== undefined && { secretsFile: values.secrets }),
    allowNonLoopback: values['allow-non-loopback'] ?? false,
  })
  if (values['write-env'] !== undefined) writePrivateFile(values['write-env'], envLines(emulator))
  process.stdout.write(welcome(emulator))
  // A terminal sends Ctrl-C to every process of its group, and npm passes it on: it comes twice.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void emulator.close())
}

function readPort(text: string | undefined): number {
  if (text === undefined || text === '') return DEFAULT_PORT
  const port = Number(text)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`"${text}" is not a port.`)
  return port
}

function readOrigin(text: string): string {
  if (!URL.canParse(text) || new URL(text).origin !== text) throw new Error(`"${text}" is not an origin.`)
  return text
}

function envLines({ origin, tenantId, api }: Emulator): string {
  return `GRAPH_TENANT_ID=${tenantId}
GRAPH_CLIENT_ID=${api.clientId}
GRAPH_CLIENT_SECRET=${api.clientSecret}
ENTRA_AUTHORITY_HOST=${origin}
GRAPH_BASE_URL=${origin}/v1.0
`
}

function welcome(emulator: Emulator): string {
  const { origin, tenantId, client, users } = emulator
  const width = Math.max(...users.map((user) => user.userPrincipalName.length))
  return `Tenant ${tenantId} (Entra and Graph) listens on ${origin}

Users, no passwords:
${users.map((user) => `  ${user.userPrincipalName.padEnd(width)}  ${user.about}`).join('\n')}
  ${'load-00001@… and so on'.padEnd(width)}  Message Center Reader, as many as are named

Client app: ${client.clientId}, secret ${client.clientSecret}

To point the server at it, put this into .env.local (secrets are new with every start, but for --secrets):

${envLines(emulator)}`
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code, port } = error as NodeJS.ErrnoException & { port?: number }
  return code === 'EADDRINUSE' ? `Port ${port} is in use; --port takes another.` : error.message
}

main().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`)
  process.exitCode = 1
})
