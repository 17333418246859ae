import { createServer } from 'node:net'
import { type Emulator, startEmulator } from '../emulator/app.ts'
import { roadmapPath } from '../emulator/roadmap.ts'
import { tryItPath } from '../emulator/try-it.ts'
import { buildApp } from '../src/app.ts'
import { readConfigWithSealKeyFile } from '../src/config/seal-key-file.ts'

/** Starts the emulated tenant. @throws {Error} with a one-line message where the port is in use */
export function startTenant(port: number): Promise<Emulator> {
  return startEmulator({ port }).catch((error) => {
    throw portError(error, '--emulator-port')
  })
}

export interface Server {
  /** The MCP endpoint. */
  readonly url: string
  close(): Promise<void>
}

/**
 * Starts the server, configured for the tenant only: it ignores the variables of the shell, including NODE_ENV. Its seal
 * key is that of `npm run dev`, so that clients registered in one demo are valid in the next.
 *
 * @param log whether to log to standard error
 * @throws {Error} with a one-line message where the port is in use
 */
export async function startServer(tenant: Emulator, { port, log }: { port: number; log: boolean }): Promise<Server> {
  // The public origin includes the port, and must be known before it listens.
  const ownPort = port === 0 ? await freePort() : port
  const origin = `http://localhost:${ownPort}`
  const config = readConfigWithSealKeyFile({
    HOST: '127.0.0.1',
    PORT: String(ownPort),
    PUBLIC_BASE_URL: origin,
    GRAPH_TENANT_ID: tenant.tenantId,
    GRAPH_CLIENT_ID: tenant.api.clientId,
    GRAPH_CLIENT_SECRET: tenant.api.clientSecret,
    ENTRA_AUTHORITY_HOST: tenant.origin,
    GRAPH_BASE_URL: `${tenant.origin}/v1.0`,
    ROADMAP_URL: `${tenant.origin}${roadmapPath}`,
    TRY_IT_URL: `${tenant.origin}${tryItPath}`,
    LOG_LEVEL: log ? 'info' : 'silent',
  })
  const app = await buildApp(config, { logTo: process.stderr })
  try {
    await app.listen({ ...config.listen })
  } catch (error) {
    await app.close()
    throw portError(error, '--port')
  }
  return { url: `${origin}/mcp`, close: () => app.close() }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

function portError(error: unknown, option: string): unknown {
  const { code, port } = error as NodeJS.ErrnoException & { port?: number }
  return code === 'EADDRINUSE' ? new Error(`Port ${port} is in use; choose another with ${option}.`) : error
}
