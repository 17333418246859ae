import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { OperatorError } from '../shared/operator-error.ts'
import { answerHeaders, answerPage } from './answer-page.ts'

/** How an answer is judged. */
export interface AnswerRules {
  readonly isOurs: (answer: URL) => boolean
  readonly judge: (answer: URL) => URLSearchParams
}

export interface LoopbackListener {
  /** What to register and to send as the redirect URI: `http://localhost:PORT/`. */
  readonly redirectUri: string
  /** Settles with the first answer of this sign-in: what `judge` made of it, or threw. */
  readonly answer: Promise<URLSearchParams>
  close(): Promise<void>
}

/**
 * Waits on this machine for a sign-in to come back (RFC 8252 section 7.3). Browsers take `localhost` for ::1 or for
 * 127.0.0.1, so it listens on both: a stranger on the other one would get the code.
 *
 * @param port 0 takes a free one
 * @param isOurs whether an answer belongs to this sign-in: any page can send one, and others are not waited for
 * @param judge proves an answer; its error is shown on the page and rejects `answer`
 * @throws {OperatorError} where the port is taken
 */
export async function listenOnLoopback(port: number, { isOurs, judge }: AnswerRules): Promise<LoopbackListener> {
  const { promise, settle } = deferred<URLSearchParams>()
  let redirectUri = ''
  const answerRequest = (request: IncomingMessage, response: ServerResponse) => {
    const url = URL.canParse(request.url ?? '', redirectUri) ? new URL(request.url ?? '', redirectUri) : undefined
    if (request.method !== 'GET' || url?.pathname !== '/' || !isAnswer(url)) {
      response.writeHead(404, answerHeaders).end(answerPage(nothingHere))
      return
    }
    if (!isOurs(url)) {
      response.writeHead(400, answerHeaders).end(answerPage(anotherSignIn))
      return
    }
    let outcome: () => URLSearchParams
    try {
      const parameters = judge(url)
      outcome = () => parameters
      response.writeHead(200, answerHeaders).end(answerPage(received))
    } catch (error) {
      outcome = () => {
        throw error
      }
      const text = error instanceof OperatorError ? `${error.message} ${error.next}` : 'The terminal says more.'
      response.writeHead(400, answerHeaders).end(answerPage({ heading: 'The sign-in did not work', text }))
    }
    // Only when the page is out: a command that ends at once would take it away.
    response.once('close', () => settle(outcome))
  }

  const first = await listen(createServer(answerRequest), '127.0.0.1', port)
  const { port: taken } = first.address() as AddressInfo
  redirectUri = `http://localhost:${taken}/`
  const second = await listen(createServer(answerRequest), '::1', taken).catch((error: unknown) => {
    // A machine without IPv6 has nobody there either.
    if (/^(EADDRNOTAVAIL|EAFNOSUPPORT)$/.test(codeOf(error))) return undefined
    first.close()
    throw error
  })
  const servers = second === undefined ? [first] : [first, second]
  return {
    redirectUri,
    answer: promise,
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

/** Whether an address carries an answer, be it a code or an error (RFC 6749 section 4.1.2). */
export function isAnswer({ searchParams }: URL): boolean {
  return searchParams.has('code') || searchParams.has('error')
}

const received = {
  heading: 'You are signed in',
  text: 'The command in the terminal goes on from here. You can close this page.',
}
const anotherSignIn = {
  heading: 'This belongs to another sign-in',
  text: 'The command in the terminal still waits for its own. Close pages of earlier sign-ins.',
}
const nothingHere = {
  heading: 'Nothing here',
  text: 'A command waits here for a sign-in to come back. You can close this page.',
}

async function listen(server: Server, host: string, port: number): Promise<Server> {
  server.listen({ host, port })
  try {
    await once(server, 'listening')
  } catch (error) {
    if (!/^(EADDRINUSE|EACCES)$/.test(codeOf(error))) throw error
    throw new OperatorError(
      `Port ${port} of this machine is taken.`,
      'Name another with --port, or end what uses it.',
      {
        cause: error,
      },
    )
  }
  return server
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code)
}

/** A promise to be settled once, from outside, by what a function returns or throws. */
function deferred<T>() {
  let settle: (outcome: () => T) => void = () => undefined
  const promise = new Promise<T>((resolve) => {
    settle = (outcome) => resolve(Promise.resolve().then(outcome))
  })
  // Whoever waits for it hears of a rejection; until somebody does, it is no crash.
  promise.catch(() => undefined)
  return { promise, settle }
}
