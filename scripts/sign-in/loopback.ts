import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { OperatorError } from '../shared/operator-error.ts'
import { callbackPage, callbackPageHeaders } from './callback-page.ts'

export interface ResponseChecks {
  /** Whether an authorization response belongs to this sign-in: any page can send one. */
  readonly isOurs: (response: URL) => boolean
  /** @throws {OperatorError} where the response is an error or invalid */
  readonly validate: (response: URL) => URLSearchParams
}

export interface LoopbackListener {
  /** What to register and to send as the redirect URI: `http://localhost:PORT/`. */
  readonly redirectUri: string
  /** Settles with the first response of this sign-in, as `validate` returns or throws. */
  readonly response: Promise<URLSearchParams>
  close(): Promise<void>
}

/**
 * Receives the authorization response on a loopback redirect URI (RFC 8252 section 7.3). Browsers resolve `localhost` to
 * ::1 or 127.0.0.1, so it listens on both: another program on the other one would get the code.
 *
 * @param port 0 picks a free one
 * @param checks responses of other sign-ins are ignored; the error of an invalid one is shown on the page
 * @throws {OperatorError} where the port is in use
 */
export async function listenOnLoopback(port: number, { isOurs, validate }: ResponseChecks): Promise<LoopbackListener> {
  const { promise, settle } = deferred<URLSearchParams>()
  let redirectUri = ''
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    const url = URL.canParse(request.url ?? '', redirectUri) ? new URL(request.url ?? '', redirectUri) : undefined
    if (request.method !== 'GET' || url?.pathname !== '/' || !isAuthorizationResponse(url)) {
      send(response, 404, notFound)
      return
    }
    if (!isOurs(url)) {
      send(response, 400, anotherSignIn)
      return
    }
    let outcome: () => URLSearchParams
    try {
      const parameters = validate(url)
      outcome = () => parameters
      send(response, 200, received)
    } catch (error) {
      outcome = () => {
        throw error
      }
      const text = error instanceof OperatorError ? `${error.message} ${error.next}` : 'See the terminal.'
      send(response, 400, { heading: 'Sign-in failed', text })
    }
    // Only once the page is sent: the command may exit at once.
    response.once('close', () => settle(outcome))
  }

  const first = await listen(createServer(handle), '127.0.0.1', port)
  const { port: taken } = first.address() as AddressInfo
  redirectUri = `http://localhost:${taken}/`
  const second = await listen(createServer(handle), '::1', taken).catch((error: unknown) => {
    // No IPv6 on this machine.
    if (/^(EADDRNOTAVAIL|EAFNOSUPPORT)$/.test(codeOf(error))) return undefined
    first.close()
    throw error
  })
  const servers = second === undefined ? [first] : [first, second]
  return {
    redirectUri,
    response: promise,
    async close() {
      for (const server of servers) {
        const closed = once(server, 'close')
        server.close()
        server.closeAllConnections()
        await closed
      }
    },
  }
}

/** Whether a URL carries an authorization response: a code or an error (RFC 6749 section 4.1.2). */
export function isAuthorizationResponse({ searchParams }: URL): boolean {
  return searchParams.has('code') || searchParams.has('error')
}

const received = {
  heading: 'You are signed in',
  text: 'The command in the terminal continues. You can close this window.',
}
const anotherSignIn = {
  heading: 'This belongs to another sign-in',
  text: 'The command in the terminal is still waiting. Close the pages of earlier sign-ins.',
}
const notFound = {
  heading: 'Not found',
  text: 'A command is waiting here for a sign-in. You can close this window.',
}

function send(response: ServerResponse, status: number, text: { heading: string; text: string }): void {
  const page = callbackPage(text)
  response.writeHead(status, callbackPageHeaders(page)).end(page.html)
}

async function listen(server: Server, host: string, port: number): Promise<Server> {
  server.listen({ host, port })
  try {
    await once(server, 'listening')
  } catch (error) {
    if (!/^(EADDRINUSE|EACCES)$/.test(codeOf(error))) throw error
    throw new OperatorError(
      `Port ${port} is in use.`,
      'Choose another with --port, or stop the program that uses it.',
      { cause: error },
    )
  }
  return server
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code)
}

/** A promise that is settled from outside, by what a function returns or throws. */
function deferred<T>() {
  let settle: (outcome: () => T) => void = () => undefined
  const promise = new Promise<T>((resolve) => {
    settle = (outcome) => resolve(Promise.resolve().then(outcome))
  })
  // It may reject before it is awaited.
  promise.catch(() => undefined)
  return { promise, settle }
}
