import { Option } from 'commander'
import { isLoopback } from '../../src/lib/loopback.ts'
import type { Io } from './io.ts'
import { OperatorError } from './operator-error.ts'

/** A running server, by the addresses that its clients know. */
export interface Deployment {
  /** Its PUBLIC_BASE_URL. */
  readonly origin: string
  /** The MCP endpoint, which is the protected resource. */
  readonly endpoint: string
}

export const urlOption = () =>
  new Option('--url <url>', 'the server (default: PUBLIC_BASE_URL, else http://localhost:8080)')

/**
 * The server that a command is for.
 *
 * @param given an origin, or the address of its MCP endpoint, as clients have it
 * @throws {OperatorError} for what is no such address, and for plain http beyond this machine
 */
export function deploymentOf(given: string | undefined, env: Io['env']): Deployment {
  const text = given ?? (env['PUBLIC_BASE_URL'] || `http://localhost:${env['PORT'] || '8080'}`)
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isBare = url !== undefined && /^\/(mcp\/?)?$/.test(url.pathname) && !/[?#@]/.test(text)
  if (!isBare || !/^https?:$/.test(url.protocol)) {
    throw new OperatorError(
      `"${text.slice(0, 200)}" is no address of a server.`,
      'It takes one like https://mcp.example.com.',
    )
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw new OperatorError(
      `${url.origin} is not https: tokens would cross the network readable.`,
      'Use its https address; plain http is for this machine alone.',
    )
  }
  return { origin: url.origin, endpoint: `${url.origin}/mcp` }
}
