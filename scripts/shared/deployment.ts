import { Option } from 'commander'
import { isLoopback } from '../../src/lib/loopback.ts'
import type { Io } from './io.ts'
import { UsageError } from './operator-error.ts'

/** The public addresses of a running server. */
export interface Deployment {
  /** Its PUBLIC_BASE_URL. */
  readonly origin: string
  /** The MCP endpoint, which is the protected resource. */
  readonly endpoint: string
}

export const urlOption = () =>
  new Option('--url <url>', 'the server (default: PUBLIC_BASE_URL, else http://localhost:8080)')

/**
 * The server that a command connects to.
 *
 * @param given an origin, or the URL of the MCP endpoint
 * @throws {UsageError} for other URLs, and for plain http outside loopback
 */
export function deploymentOf(given: string | undefined, env: Io['env']): Deployment {
  const text = given ?? (env['PUBLIC_BASE_URL'] || `http://localhost:${env['PORT'] || '8080'}`)
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isBare = url !== undefined && /^\/(mcp\/?)?$/.test(url.pathname) && !/[?#@]/.test(text)
  if (!isBare || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`Invalid server URL: "${text.slice(0, 200)}".`, 'Use a URL such as https://mcp.example.com.')
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw new UsageError(
      `${url.origin} is not https: tokens would be sent unencrypted.`,
      'Use https; plain http is allowed on loopback only.',
    )
  }
  return { origin: url.origin, endpoint: `${url.origin}/mcp` }
}
