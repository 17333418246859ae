import { parseArgs } from 'node:util'
import { type Emulator, startEmulator } from './app.ts'
import { writePrivateFile } from './private-file.ts'
import { roadmapPath } from './roadmap.ts'
import { tryItPath } from './try-it.ts'

const DEFAULT_PORT = 9600

const HELP = `A Microsoft Entra tenant and Microsoft Graph's Message Center on this machine, for local runs and tests.

  npm run emulator -- [options]

  --port <n>             port (default EMULATOR_PORT or ${DEFAULT_PORT}; 0 picks a free port)
  --host <address>       a loopback address (default 127.0.0.1)
  --allow-non-loopback   listen on other addresses; dangerous: any user signs in without a password
  --origin <url>         public origin, if it differs from the listening address
  --secrets <file>       store keys and secrets in this file, so that tokens stay valid after a restart
  --write-env <file>     also write the variables for .env.local to this file
  --help                 show this help
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
  // SIGINT arrives twice: the terminal sends it to the whole process group, and npm forwards it.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void emulator.close())
}

function readPort(text: string | undefined): number {
  if (text === undefined || text === '') return DEFAULT_PORT
  const port = Number(text)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`Invalid port: "${text}".`)
  return port
}

function readOrigin(text: string): string {
  if (!URL.canParse(text) || new URL(text).origin !== text) throw new Error(`Invalid origin: "${text}".`)
  return text
}

function envLines({ origin, tenantId, api }: Emulator): string {
  return `GRAPH_TENANT_ID=${tenantId}
GRAPH_CLIENT_ID=${api.clientId}
GRAPH_CLIENT_SECRET=${api.clientSecret}
ENTRA_AUTHORITY_HOST=${origin}
GRAPH_BASE_URL=${origin}/v1.0
ROADMAP_URL=${origin}${roadmapPath}
TRY_IT_URL=${origin}${tryItPath}
`
}

function welcome(emulator: Emulator): string {
  const { origin, tenantId, client, users } = emulator
  const width = Math.max(...users.map((user) => user.userPrincipalName.length))
  return `Tenant ${tenantId} (Entra and Graph) listening on ${origin}

Users (no password):
${users.map((user) => `  ${user.userPrincipalName.padEnd(width)}  ${user.about}`).join('\n')}
  ${'load-00001@…'.padEnd(width)}  Message Center Reader; any number, created on first use

Client app: ${client.clientId}, secret ${client.clientSecret}

To connect the server, add to .env.local (secrets change with every start, unless --secrets is set):

${envLines(emulator)}`
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code, port } = error as NodeJS.ErrnoException & { port?: number }
  return code === 'EADDRINUSE' ? `Port ${port} is in use; choose another with --port.` : error.message
}

main().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`)
  process.exitCode = 1
})
